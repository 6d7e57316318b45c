"""One training, as its process, its log and its vectors tell it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import hsw2v
from benchmarks.processes import measure
from benchmarks.programs import OURS, PROGRAMS, Job
from benchmarks.records import Fields
from hsw2v.experiments.comparison import parts_of, quality_of
from hsw2v.experiments.results import Run

MEGABYTE = 1_000_000
Log = dict[str, dict[str, Any]]
"""The last line of each type."""
Quality = dict[str, float | None]
"""Correlation with each set of pairs and accuracy on each set of analogies, and their parts."""
PARTS = ("rare", "frequent", "semantic", "syntactic")
PAIR_PARTS = PARTS[:2]


@dataclass(frozen=True)
class Tests:
    """The files of the test sets."""

    pairs: Sequence[str]
    analogies: Sequence[str]

    def evaluate(self, model: hsw2v.Model) -> Quality:
        """Return what vectors are worth."""
        found = model.evaluate(pairs=self.pairs, analogies=self.analogies)
        run = Run(digest="", setting="", seed=0, evaluation=found)
        return quality_of(run) | parts_of(run)


def train(job: Job, program: str = OURS, tests: Tests | None = None) -> tuple[Fields, Log]:
    """Train, wherever the job would save the model; return figures, and the log of hsw2v.

    The figures are what the command took and, with tests, what the vectors are worth.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, saved = f"{folder}/log.json", f"{folder}/model{PROGRAMS[program].suffix}"
        logged = ("--log-json", log) if program == OURS else ()
        job = replace(job, output=saved, more=(*job.more, *logged))
        figures = asdict(measure(PROGRAMS[program].train(job)))
        if tests:
            figures["quality"] = tests.evaluate(PROGRAMS[program].load(saved))
        return figures, read_log(log) if logged else {}


def read_log(path: str) -> Log:
    """Return the last line of each type in a log."""
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return {line["type"]: line for line in lines}


def first_megabyte(corpus: str, folder: str) -> str:
    """Write the beginning of a text to a file of its own; return its path."""
    small = Path(folder, f"first MB of {Path(corpus).name}")
    with open(corpus, "rb") as file:
        small.write_bytes(file.read(MEGABYTE))
    return str(small)


def whole(names: Sequence[str], parts: Sequence[str] = PARTS) -> list[str]:
    """Return the names of figures of quality that are not of these parts of test sets."""
    return [name for name in names if not name.endswith(tuple(f" {part}" for part in parts))]
