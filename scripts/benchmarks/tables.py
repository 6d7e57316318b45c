"""Tables in memory and in files that are mapped into it, with enough memory and with less."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from generated import write_types, zipf
from numpy.typing import NDArray

import hsw2v
from benchmarks.benchmark import ROUNDS, SEED, THREADS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded, rounds
from benchmarks.training import read_log
from hsw2v.config import Config
from hsw2v.corpus.vocabulary import kept_counts
from hsw2v.network.parameters import parameter_bytes
from hsw2v.trees.shape import node_keep

PLACES = ("memory", "mapped")
SHARES = (0.01, 0.1, 0.5)
"""Of the rows of a table, the first."""
BOUNDS = ("memory.max", "memory.limit_in_bytes")
"""Files of a control group that bound its memory: version 2, version 1."""


def own_group() -> str | None:
    """Return the folder of the control group of this process; None where version 1 has none."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split(":", 2)[2] for line in lines if ":memory:" in line]
    return f"/sys/fs/cgroup/memory{found[0]}" if found else None


@contextmanager
def bounded(parent: str | None, megabytes: int) -> Iterator[Path]:
    """Have a control group with so much memory, pages of files among it, below another.

    Raises:
        SystemExit: none can be made there.
    """
    if parent is None:
        sys.exit("memory cannot be bounded: name a folder of control groups with --group")
    group = Path(parent, f"hsw2v-tables-{os.getpid()}")
    try:
        group.mkdir()
        bound = next((group / name for name in BOUNDS if (group / name).exists()), None)
        if bound is None:
            group.rmdir()
            sys.exit(f"{parent}: its control groups do not bound memory")
        bound.write_text(f"{megabytes}000000", encoding="ascii")
    except OSError as error:
        sys.exit(f"memory cannot be bounded: {error}")
    try:
        yield group
    finally:
        # What has ended is gone from it a little later.
        for _ in range(50):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def train(command: list[str], group: Path | None, log: Path) -> Fields:
    """Train in a control group, and return what it took; what ended otherwise is no figure."""

    def join() -> None:
        if group is not None:
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    log.unlink(missing_ok=True)
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=join)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        return {"failed": process.returncode}
    return {
        "seconds": rounded(seconds),
        "epoch": rounded(read_log(str(log))["EpochEnd"]["seconds"]),
        "peak_bytes": usage.ru_maxrss * 1024,
        "faults": usage.ru_majflt,
        # In sectors of 512 bytes, whatever those of the disk are.
        "read": usage.ru_inblock * 512,
        "written": usage.ru_oublock * 512,
    }


def shares_of(weights: NDArray[np.float64]) -> list[float]:
    """Return the share of weights (R,) that the first rows of a table have, in order."""
    falling = np.sort(weights)[::-1]
    firsts = [max(1, round(share * len(weights))) for share in SHARES]
    return [rounded(float(falling[:count].sum() / weights.sum())) for count in firsts]


def visits(path: str) -> Fields:
    """Return how the visits of words and of nodes of a model fall off."""
    model = hsw2v.load(path)
    assert model.tree is not None
    assert model.counts is not None
    settings = Config.replace(Config(), **model.config["training"]).training
    kept = kept_counts(model.counts, model.config["vocabulary"]["sample"])
    assert settings.node_sample is not None
    keep = node_keep(model.tree, kept, settings.node_sample)
    return {
        "words": len(model),
        "bytes": parameter_bytes(settings, len(model), len(model) - 1).total,
        "visits of words": shares_of(kept),
        "visits of nodes": shares_of(model.tree.node_weights(kept) * keep),
    }


def measure(given: Namespace, record: Record) -> None:
    """Train on a text that is made up, tables in either place, with each bound of memory."""
    keys = rounds(given.rounds, memory=given.memory, tables=PLACES)
    if not record.missing(keys):
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        text, model, log = folder / "text.txt", folder / "m.safetensors", folder / "log.jsonl"
        with open(text, "wb") as stream:
            write_types(stream, given.words)
            for part in zipf(given.tokens, given.words, given.seed):
                stream.write(part)

        def work(key: Fields) -> Fields:
            options = {
                **{"--dim": given.dim, "--threads": given.threads, "--min-count": 1},
                **{"--epochs": given.epochs, "--tree": "huffman", "--checkpoint-every": 0},
                "--tables": "memory" if key["tables"] == "memory" else f"mapped:{folder}",
            }
            command = [sys.executable, "-m", "hsw2v", "train", str(text), "-o", str(model)]
            command += ["--force", "--quiet", "--log-json", str(log)]
            command += [str(one) for pair in options.items() for one in pair]
            parent = given.group or own_group()
            with bounded(parent, key["memory"]) if key["memory"] else nullcontext() as group:
                found = train(command, group, log)
            return found if "failed" in found else found | visits(str(model))

        tell("warming up")
        work({"memory": 0, "tables": "memory"})
        record.measure(keys, work)


def render(record: Record, pages: Pages) -> str:
    """Return the table of places and bounds, and that of visits."""
    rows = []
    for (memory, tables), runs in record.groups("memory", "tables").items():
        bound = f"{memory:,} MB" if memory else "all"
        done = [run for run in runs if "failed" not in run]
        if not done:
            rows.append([bound, tables, "killed", *["-"] * 4])
            continue
        rows.append(
            [
                *(bound, tables),
                *(spread((run[name] for run in done), 1) for name in ("seconds", "epoch")),
                spread((run["faults"] / 1e3 for run in done), 0),
                *(spread((run[name] / 1e6 for run in done), 0) for name in ("read", "written")),
            ]
        )
    costs = [
        "seconds",
        "seconds of the last epoch",
        "thousand page faults",
        "read, MB",
        "written, MB",
    ]
    one = record.select(memory=0, tables="memory")[0]
    of = [
        [kind, *(f"{share:.1%}" for share in one[f"visits of {kind}"])]
        for kind in ("words", "nodes")
    ]
    firsts = [f"of the first {share:.0%} of the rows" for share in SHARES]
    return "\n\n".join(
        [
            f"The tables of {one['words']:,} words take {one['bytes'] / 1e6:,.0f} MB, and the rest "
            f"of the program {(one['peak_bytes'] - one['bytes']) / 1e6:,.0f} MB.",
            table(["memory", "tables", *costs], rows),
            table(["share of all visits", *firsts], of),
        ]
    )


BENCHMARK = Benchmark(
    "tables",
    "tables in memory, and in files that are mapped into it, with less and less memory (Linux)",
    measure,
    render,
    (
        option("--words", 500_000, help="of the text that is made up (500,000)"),
        option("--tokens", 5_000_000, help="of it, beside one of each word (5,000,000)"),
        option("--dim", 100),
        option("--epochs", 2, help="the first touches all pages once (2)"),
        option("--memory", [0, 600], metavar="MB", help="bounds of memory, and 0 for none (0 600)"),
        option("--group", None, help="folder of control groups to make one in (the own one)"),
        option("--folder", None, help="folder of text and tables, of a disk (the temporary one)"),
        ROUNDS,
        THREADS,
        SEED,
    ),
    ("words", "tokens", "dim", "epochs", "threads", "seed"),
)
