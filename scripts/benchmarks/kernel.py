"""What the time of training is made of, on one thread, with 100 dimensions and a window of 5.

- the step alone, on rows that stay in the nearest cache, for usual sizes of a window;
- the whole kernel over blocks of the corpus, and an account of a window's time;
- above them what the core does in a loop of fused multiply-adds in registers: its limit.

All of it by each kind of vector code that the processor can run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from benchmarks.benchmark import CORPUS, Benchmark
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record
from benchmarks.vector_code import environment_of, kinds_here

TITLES = {"avx512": "AVX-512", "avx2": "AVX2", "": "The processor's"}
BLAS = ("OPENBLAS_CORETYPE", "MKL_CBWR")
"""Variables that would choose another kernel for NumPy's products than the processor's."""
PARTS = {
    "windows": "finding windows",
    "contexts": "contexts",
    "scores": "scores",
    "link": "sigmoid",
    "update": "update",
    "rest": "rows, draws, jumps",
    "waiting": "waiting",
}


def measure(given: Namespace, record: Record) -> None:
    """Time the limit of the core, steps in cache, and the kernel, in a process for each kind."""
    script = Path(__file__).with_name("kernel_times.py")
    kinds = kinds_here() or [""]
    for kind in kinds:
        if record.select(kind=kind):
            continue
        environment = {name: value for name, value in os.environ.items() if name not in BLAS}
        if kind:
            environment |= environment_of(kind)
        done = subprocess.run(
            [sys.executable, str(script), given.corpus],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        for number, run in enumerate(json.loads(done.stdout)):
            # A matrix product takes the widest vectors there are, whatever the kind.
            if not run["what"].startswith("NumPy") or kind == kinds[0]:
                record.put({"kind": kind, "number": number}, run)


def render(record: Record, pages: Pages) -> str:
    """Return tables of the time of a window, with operations a second and what it is made of."""
    return "\n\n".join(_tables(kind, record.select(kind=kind)) for kind in record.values("kind"))


def _tables(kind: str, runs: list[Fields]) -> str:
    limit = runs[0]["rate"]
    rates = [[run["what"], *_size(run), *_rate(run, limit)] for run in runs]
    accounts = [
        [run["what"], f"{run['seconds'] * 1e9:.0f}", *(_nanoseconds(run[part]) for part in PARTS)]
        for run in runs
        if "waiting" in run
    ]
    return (
        f"**{TITLES[kind]} code**\n\n"
        + table(["what, a window", "rows: hidden × output", "ns", "GFlop/s", "of the limit"], rates)
        + "\n\n"
        + table(["ns of a window", "in all", *PARTS.values()], accounts)
    )


def _size(run: Fields) -> tuple[str, str]:
    if "seconds" not in run:
        return "", ""
    sizes = [f"{one:.1f}".removesuffix(".0") for one in (run["rows"], run["columns"]) if one]
    return " × ".join(sizes), f"{run['seconds'] * 1e9:.0f}"


def _rate(run: Fields, limit: float) -> tuple[str, str]:
    if "rate" not in run:
        return "", ""
    return f"{run['rate'] / 1e9:.0f}", f"{run['rate'] / limit:.0%}"


def _nanoseconds(seconds: float) -> str:
    return f"{seconds * 1e9:.0f}" if seconds else "-"


BENCHMARK = Benchmark(
    "kernel", "what the time of training is made of", measure, render, (CORPUS,), ("corpus",)
)
