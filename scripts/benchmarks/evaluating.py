"""What vectors are worth: accuracy on analogies, correlation with ratings of pairs."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace

from benchmarks.measuring import Measurement, measure
from benchmarks.programs import Job, Program

HALVES = ("rare", "frequent")
Quality = dict[str, float | None]
"""Accuracy on each set of analogies, and Spearman's correlation with each set of pairs."""


@dataclass(frozen=True)
class TestSets:
    """What vectors are evaluated with."""

    pairs: tuple[str, ...]
    analogies: tuple[str, ...]
    parts: tuple[str, ...] = ()
    """Of analogies, besides the total: semantic, syntactic."""
    halves: bool = False
    """Whether rare and frequent pairs are told apart, too."""


def train_and_evaluate(program: Program, job: Job, sets: TestSets) -> tuple[Measurement, Quality]:
    """Train with a program, wherever the job would save it, and evaluate what it learned."""
    with tempfile.TemporaryDirectory() as folder:
        saved = f"{folder}/model{program.suffix}"
        measured = measure(program.train(replace(job, output=saved)))
        if program.convert and (sets.pairs or sets.analogies):
            vectors = f"{folder}/vectors.bin"
            measure(program.convert(saved, vectors))
            saved = vectors
        return measured, evaluate(saved, sets)


def evaluate(vectors: str, sets: TestSets) -> Quality:
    """Evaluate with hsw2v, in a process of its own: ours must stay small (see `benchmarks`)."""
    if not (sets.pairs or sets.analogies):
        return {}
    command = [sys.executable, "-m", "hsw2v", "evaluate", vectors, "--json"]
    for option, files in (("--pairs", sets.pairs), ("--analogies", sets.analogies)):
        for file in files:
            command += [option, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    quality: Quality = {}
    for one in found["analogies"]:
        quality[_stem(one["name"])] = one["total"]["accuracy"]
        for part in sets.parts:
            quality[f"{_stem(one['name'])} {part}"] = one[part]["accuracy"]
    quality |= {_stem(one["name"]): one["spearman"] for one in found["pairs"]}
    if sets.halves:
        for one in found["pairs"]:
            quality |= {f"{_stem(one['name'])} {half}": one[half] for half in HALVES}
    return quality


def _stem(name: str) -> str:
    return name.removesuffix(".txt")
