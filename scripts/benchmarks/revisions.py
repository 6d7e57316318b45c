"""hsw2v as it is against an earlier commit of it: whole commands in turn."""

from __future__ import annotations

import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Iterable

from benchmarks import training
from benchmarks.benchmark import CORPUS, ROUNDS, Benchmark, option
from benchmarks.pages import Pages, ratios, spread, table
from benchmarks.processes import tell
from benchmarks.programs import AS_OTHERS, HUFFMAN, ROOT, Case, Job
from benchmarks.records import Fields, Record, rounds

BEFORE, AFTER = "before", "after"
CASES = {
    "skip-gram, hs": (Case("skipgram", "hs"), AS_OTHERS),
    "skip-gram, hs, subsampled": (Case("skipgram", "hs"), HUFFMAN),
    "CBOW, hs": (Case("cbow", "hs"), AS_OTHERS),
    "CBOW, hs, subsampled": (Case("cbow", "hs"), HUFFMAN),
    "skip-gram, ns": (Case("skipgram", "ns"), ()),
    "CBOW, ns": (Case("cbow", "ns"), ()),
}


def measure(given: Namespace, record: Record) -> None:
    """Train every case with both, in turn, after a warm-up of each."""
    keys = rounds(given.rounds, threads=given.threads, case=given.cases, version=(BEFORE, AFTER))
    with tempfile.TemporaryDirectory() as folder:
        roots = {BEFORE: check_out(given.against, folder), AFTER: str(ROOT)}

        def work(key: Fields) -> Fields:
            return train(roots[key["version"]], given.corpus, key["case"], key["threads"])

        firsts = {(key["case"], key["version"]): key for key in record.missing(keys)}
        for (case, version), key in firsts.items():
            tell(f"warming up: {case}, {version}")
            work(key)
        record.measure(keys, work)


def check_out(revision: str, folder: str) -> str:
    """Write the files of a commit to a folder, and return the folder."""
    command = ("git", "-C", str(ROOT), "archive", "--output", f"{folder}/files.tar", revision)
    subprocess.run([*command, "hsw2v"], check=True)
    subprocess.run(["tar", "-x", "-f", f"{folder}/files.tar", "-C", folder], check=True)
    return folder


def train(root: str, corpus: str, case: str, threads: int) -> Fields:
    """Train once with the package in a folder; return figures."""
    what, more = CASES[case]
    job = Job(what, corpus, threads=str(threads), more=more, root=root)
    figures, log = training.train(job)
    return figures | {"epoch": log["EpochEnd"]["seconds"]}


def render(record: Record, pages: Pages) -> str:
    """Return a table of every case: both, and how many times as long the earlier one takes."""
    rows = []
    for (case, threads), runs in record.groups("case", "threads").items():
        before, after = ([run for run in runs if run["version"] == one] for one in (BEFORE, AFTER))
        rows.append(
            [
                *(case, str(threads)),
                *(spread(_of(some, "epoch"), 2) for some in (before, after)),
                *(
                    ratios(_of(before, what), _of(after, what))
                    for what in ("epoch", "seconds", "processor")
                ),
            ]
        )
    header = ["case", "threads", "epoch before, s", "after, s", "epoch, faster"]
    return table([*header, "command, faster", "command, less processor time"], rows)


def _of(runs: Iterable[Fields], what: str) -> list[float]:
    return [run[what] for run in runs]


BENCHMARK = Benchmark(
    "revisions",
    "hsw2v against an earlier commit",
    measure,
    render,
    (
        *(CORPUS, ROUNDS),
        option("--against", "HEAD", help="the earlier commit (HEAD)"),
        option("--threads", [1, 2], help="threads of the trainings (1 2)"),
        option("--cases", list(CASES), choices=CASES),
    ),
    ("corpus", "against"),
)
