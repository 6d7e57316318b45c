"""Whole commands of several programs in turn: time, memory, and quality."""

from __future__ import annotations

import statistics
from argparse import Namespace

from benchmarks.benchmark import ANALOGIES, CORPUS, PAIRS, ROUNDS, THREADS, Benchmark, option
from benchmarks.pages import Pages, ratios, spread, table
from benchmarks.processes import tell
from benchmarks.programs import AS_OTHERS, CASES, OURS, PROGRAMS, SUBSAMPLED, Job, is_there, shown
from benchmarks.records import Fields, Record, rounds
from benchmarks.training import Tests, train, whole


def measure(given: Namespace, record: Record) -> None:
    """Train with every program that is installed, in turn; the number of a round is its seed.

    Before the first round hsw2v trains once on every case: its compiled code is in its cache
    then, and the corpus in the system's.
    """
    wanted = [name for name in PROGRAMS if name in {OURS, *given.programs}]
    installed = [name for name in wanted if is_there(name, PROGRAMS[name])]
    keys = [
        key
        for key in rounds(given.rounds, case=given.cases, program=installed)
        if CASES[key["case"]].loss in PROGRAMS[key["program"]].losses
    ]
    tests = Tests(given.pairs, given.analogies)

    def job(key: Fields) -> Job:
        seed, threads = str(key["round"]), str(given.threads)
        return Job(CASES[key["case"]], given.corpus, "", seed, threads, more=AS_OTHERS)

    for key in {key["case"]: key for key in record.missing(keys)}.values():
        tell(f"warming up: {key['case']}")
        train(job(key))
    record.measure(keys, lambda key: train(job(key), key["program"], tests)[0])


def render(record: Record, pages: Pages) -> str:
    """Return a table for each case, and the commands."""
    parts, commands = [], []
    missing = [name for name in PROGRAMS if name not in record.values("program")]
    parts += [f"Left out: {', '.join(missing)}."] if missing else []
    for case in record.values("case"):
        parts += [f"**{CASES[case].title}**", _table(record, case)]
        threads = str(record.setting["threads"])
        job = Job(CASES[case], "CORPUS", "OUTPUT", "SEED", threads, more=AS_OTHERS)
        used = record.groups("program", case=case)
        commands.append("\n".join(shown(PROGRAMS[one].train(job)) for one in used))
    return "\n\n".join([*parts, "The commands:", "```\n" + "\n\n".join(commands) + "\n```"])


def _table(record: Record, case: str) -> str:
    ours = [one for one in (OURS, SUBSAMPLED) if record.select(case=case, program=one)]
    rows = []
    for program, runs in record.groups("program", case=case).items():
        sets = whole(list(runs[0]["quality"]))
        seconds = [run["seconds"] for run in runs]
        rows.append(
            [
                program,
                spread(seconds, 2),
                *("1" if program == one else _times(record, case, seconds, one) for one in ours),
                f"{max(run['peak_bytes'] for run in runs) / 1e6:.0f}",
                *(spread((run["quality"][s] for run in runs), 3, statistics.fmean) for s in sets),
            ]
        )
    return table(["program", "seconds", *(f"times {one}" for one in ours), "peak MB", *sets], rows)


def _times(record: Record, case: str, seconds: list[float], program: str) -> str:
    """Return how many times as long some runs took as those of a program."""
    return ratios(seconds, [run["seconds"] for run in record.select(case=case, program=program)])


BENCHMARK = Benchmark(
    "compare",
    "hsw2v against word2vec, gensim and fastText",
    measure,
    render,
    (
        *(CORPUS, ROUNDS, THREADS, PAIRS, ANALOGIES),
        option("--cases", list(CASES), choices=CASES),
        option("--programs", list(PROGRAMS), choices=PROGRAMS),
    ),
    ("corpus", "threads", "pairs", "analogies"),
    ("hsw2v", "word2vec", "gensim", "fasttext-numpy2", "numpy", "numba"),
)
