"""Training with every tree, and with negative sampling, in turn; what is known is not run again."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import records
from benchmarks.evaluating import Quality, TestSets, evaluate, train_and_evaluate
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measuring import tell
from benchmarks.programs import PROGRAMS, Case, Job, hsw2v_command
from benchmarks.training import first_megabyte, trained

MODELS = ("skipgram", "cbow")
NEGATIVE, GENSIM = "negative sampling", "gensim, negative sampling"
FROM_SAMPLING = "semantic from ns"
VARIANTS = ("huffman", "semantic", FROM_SAMPLING, NEGATIVE, "balanced", "random", "brown", GENSIM)
FOLLOWED = ("huffman", "semantic", FROM_SAMPLING, NEGATIVE)
"""Those that are measured at every number of epochs, and with every seed at one of them."""
PARTS = ("semantic", "syntactic")


class Key(NamedTuple):
    """What a run is known by."""

    model: str
    variant: str
    epochs: int
    seed: int


@dataclass(frozen=True)
class Grid:
    """Which runs are wanted."""

    models: tuple[str, ...]
    variants: tuple[str, ...]
    epochs: tuple[int, ...]
    middle: int
    """Epochs at which all variants are measured, and those followed with all seeds."""
    seeds: tuple[int, ...]

    def runs(self) -> Iterator[Key]:
        """Yield the runs in order: variants take turns within a model, epochs and a seed."""
        for seed in self.seeds:
            for model in self.models:
                for epochs in sorted({*self.epochs, self.middle}):
                    for variant in self.variants:
                        first, middle = seed == self.seeds[0], epochs == self.middle
                        if (first or middle) if variant in FOLLOWED else (first and middle):
                            yield Key(model, variant, epochs, seed)


@dataclass(frozen=True)
class Setting:
    """What all runs share."""

    machine: str
    versions: str
    corpus: str
    threads: int
    options: tuple[str, ...]
    """More of them for hsw2v."""
    pairs: tuple[str, ...]
    analogies: tuple[str, ...]

    def job(self, key: Key) -> Job:
        """Return the training of a run."""
        loss = "ns" if key.variant in (NEGATIVE, GENSIM) else "hs"
        case = Case(key.model, loss, "")
        return Job(case, self.corpus, "OUTPUT", str(key.seed), str(self.threads), str(key.epochs))

    def more(self, key: Key) -> tuple[str, ...]:
        """Return the options of a run of hsw2v beside those of its job."""
        tree: tuple[str, ...] = ("--tree", key.variant)
        if key.variant == NEGATIVE:
            tree = ()
        elif key.variant == FROM_SAMPLING:
            tree = ("--tree", "semantic", "--retree-from", "ns")
        return (*tree, *self.options)

    def command(self, key: Key) -> list[str]:
        """Return the command of a run."""
        job = self.job(key)
        if key.variant == GENSIM:
            return PROGRAMS["gensim"].train(job)
        return hsw2v_command(job, *self.more(key))


@dataclass(frozen=True)
class Run:
    """One training, measured."""

    model: str
    variant: str
    epochs: int
    seed: int
    seconds: float
    """Of the whole command, wall clock."""
    training: float | None
    """Seconds without reading and saving, where the program tells."""
    peak_bytes: int
    decisions: float | None
    """Mean path length of a target in the last tree, as training visits it."""
    quality: Quality

    @property
    def key(self) -> Key:
        """What the run is known by."""
        return Key(self.model, self.variant, self.epochs, self.seed)


@dataclass(frozen=True)
class Record:
    """All that was found."""

    setting: Setting
    runs: tuple[Run, ...] = ()

    def save(self, path: str) -> None:
        """Write the record as JSON."""
        records.save(self, path)

    @classmethod
    def load(cls, path: str) -> Record:
        """Read a record as `save` wrote it."""
        found = records.load(path)
        setting = Setting(**records.tuples(found["setting"]))
        return cls(setting, tuple(Run(**run) for run in found["runs"]))


def describe(
    corpus: str,
    threads: int,
    options: tuple[str, ...],
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
) -> Setting:
    """Return a setting on this machine."""
    versions = describe_versions(["hsw2v", "gensim", "numpy", "numba"])
    return Setting(describe_machine(), versions, corpus, threads, options, pairs, analogies)


def compare(setting: Setting, grid: Grid, path: str | None) -> Record:
    """Do the runs that a file does not hold yet, and keep their figures there as they come.

    Raises:
        SystemExit: the file holds figures of another setting.
    """
    record = _begun(records.without_folders(setting), path)
    known = {run.key for run in record.runs}
    wanted = [key for key in grid.runs() if key not in known]
    missing = PROGRAMS["gensim"].missing
    if missing and any(key.variant == GENSIM for key in wanted):
        tell(f"left out: {GENSIM}, {missing}")
        wanted = [key for key in wanted if key.variant != GENSIM]
    tell(f"{len(wanted)} runs to do, {len(known)} known")
    _warm_up(setting, wanted)
    for key in wanted:
        run = _run(setting, key)
        tell(
            f"{key.model}, {key.variant}, {key.epochs} epochs, seed {key.seed}: "
            f"{run.seconds:.2f} s, {run.peak_bytes / 1e6:.0f} MB, {run.quality}"
        )
        record = replace(record, runs=(*record.runs, run))
        if path:
            record.save(path)
    return record


def _begun(setting: Setting, path: str | None) -> Record:
    if not (path and Path(path).exists()):
        return Record(setting)
    record = Record.load(path)
    names = [one.name for one in fields(Setting)]
    pairs = zip(names, astuple(record.setting), astuple(setting), strict=True)
    differing = [name for name, theirs, ours in pairs if theirs != ours]
    if differing:
        sys.exit(f"{path}: was measured with other {', '.join(differing)}; name another file")
    return record


def _warm_up(setting: Setting, wanted: list[Key]) -> None:
    """Have all code compiled that will run, and the corpus in the system's cache."""
    if not wanted:
        return
    with open(setting.corpus, "rb") as file:
        while file.read(1 << 20):
            pass
    with tempfile.TemporaryDirectory() as folder:
        small = replace(setting, corpus=first_megabyte(setting.corpus, folder))
        one_of_each = {(key.model, key.variant): key for key in wanted if key.variant != GENSIM}
        for key in one_of_each.values():
            tell(f"warming up: {key.model}, {key.variant}")
            with trained(small.job(key), *small.more(key)):
                pass


def _run(setting: Setting, key: Key) -> Run:
    sets = TestSets(setting.pairs, setting.analogies, PARTS)
    job = setting.job(key)
    if key.variant == GENSIM:
        measured, quality = train_and_evaluate(PROGRAMS["gensim"], job, sets)
        return Run(*key, measured.seconds, None, measured.peak_bytes, None, quality)
    with trained(job, *setting.more(key)) as done:
        return Run(
            *key,
            done.measured.seconds,
            _training_seconds(done.model),
            done.measured.peak_bytes,
            done.log.get("TreeReady", {}).get("mean_length"),
            evaluate(done.model, sets),
        )


def _training_seconds(model: str) -> float:
    command = [sys.executable, "-m", "hsw2v", "info", model, "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return float(json.loads(told)["seconds"]["training"])
