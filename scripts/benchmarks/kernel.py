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
from benchmarks.machine import processor_flags
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record

KINDS = {
    "AVX-512": (
        "skylake-avx512",
        "sse2 avx avx2 fma bmi bmi2 avx512f avx512bw avx512cd avx512dq avx512vl",
    ),
    "AVX2": ("haswell", "sse2 avx avx2 fma bmi bmi2"),
}
"""What LLVM is asked for, by name: a processor and its features."""
BLAS = ("OPENBLAS_CORETYPE", "OPENBLAS_VERBOSE", "MKL_CBWR")
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


def kinds_here() -> list[str]:
    """Return the kinds of vector code that this processor can run; one of no name elsewhere."""
    flags = processor_flags()
    kinds = [kind for kind, (_, features) in KINDS.items() if set(features.split()) <= flags]
    return kinds or [""]


def measure(given: Namespace, record: Record) -> None:
    """Time the limit of the core, steps in cache, and the kernel, in a process for each kind."""
    script = Path(__file__).with_name("kernel_times.py")
    for kind in kinds_here():
        if record.select(kind=kind):
            continue
        environment = {name: value for name, value in os.environ.items() if name not in BLAS}
        if kind:
            name, features = KINDS[kind]
            environment["NUMBA_CPU_NAME"] = name
            environment["NUMBA_CPU_FEATURES"] = ",".join(f"+{one}" for one in features.split())
        done = subprocess.run(
            [sys.executable, str(script), given.corpus],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
        for number, run in enumerate(json.loads(done.stdout)):
            # A matrix product takes the widest vectors there are, whatever the kind.
            if not run["what"].startswith("NumPy") or kind == kinds_here()[0]:
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
    title = f"**{kind} code**\n\n" if kind else ""
    return (
        title
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
