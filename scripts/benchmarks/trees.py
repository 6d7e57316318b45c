"""Training with every tree, with negative sampling, and with other programs; known runs are kept.

What vectors are worth and what they cost is measured apart. Runs of one thread, several at a time,
tell the quality; the time is that of rounds in which the variants take turns, with nothing beside.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks import records
from benchmarks.evaluating import Quality, TestSets, evaluate, train_and_evaluate
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measuring import measure, tell
from benchmarks.programs import PROGRAMS, Case, Job, hsw2v_command
from benchmarks.training import first_megabyte, trained

MODELS = ("skipgram", "cbow")
DEFAULTS, EVERY_DECISION, NEGATIVE = "hsw2v", "every decision", "negative sampling"
PARTS = ("semantic", "syntactic")


@dataclass(frozen=True)
class Variant:
    """A way to train: a program, its output layer, and more options for hsw2v."""

    program: str
    loss: str
    options: tuple[str, ...] = ()


VARIANTS = {
    DEFAULTS: Variant("hsw2v", "hs"),
    EVERY_DECISION: Variant("hsw2v", "hs", ("--node-sample", "0")),
    "huffman": Variant("hsw2v", "hs", ("--tree", "huffman")),
    "huffman, every decision": Variant("hsw2v", "hs", ("--tree", "huffman", "--node-sample", "0")),
    "brown": Variant("hsw2v", "hs", ("--tree", "brown")),
    "balanced": Variant("hsw2v", "hs", ("--tree", "balanced")),
    "random": Variant("hsw2v", "hs", ("--tree", "random")),
    NEGATIVE: Variant("hsw2v", "ns"),
    "sampled softmax": Variant("hsw2v", "sampled"),
    "gensim, ns": Variant("gensim", "ns"),
    "gensim, hs": Variant("gensim", "hs"),
    "fastText, ns": Variant("fastText", "ns"),
    "fastText, hs": Variant("fastText", "hs"),
}
FOLLOWED = (DEFAULTS, EVERY_DECISION, NEGATIVE)
"""Those that are measured with every seed at every number of epochs."""
TIMED = (*FOLLOWED, "sampled softmax")
"""Those that are timed; what is slow is measured at every number of epochs with one seed."""


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
    """Epochs at which all trees are measured."""
    peer_epochs: tuple[int, ...]
    """Epochs at which other programs are, with one seed."""
    seeds: tuple[int, ...]
    rounds: int
    """Rounds in which those that are followed are timed, at one epoch and at `middle`."""

    def runs(self) -> Iterator[Key]:
        """Yield the runs that tell the quality, in order."""
        for seed in self.seeds:
            for model in self.models:
                for epochs in sorted({*self.epochs, self.middle, *self.peer_epochs}):
                    for variant in self.variants:
                        if self._wants(variant, epochs, first=seed == self.seeds[0]):
                            yield Key(model, variant, epochs, seed)

    def _wants(self, variant: str, epochs: int, *, first: bool) -> bool:
        if variant in TIMED:
            return epochs in {*self.epochs, self.middle} and (first or variant in FOLLOWED)
        if VARIANTS[variant].program == "hsw2v":
            return first and epochs == self.middle
        return first and epochs in self.peer_epochs

    def timings(self) -> Iterator[Key]:
        """Yield the runs of all rounds, each as one of a seed of its own: variants take turns."""
        for number in range(1, self.rounds + 1):
            for model in self.models:
                for epochs in (1, self.middle):
                    for variant in self.variants:
                        if variant in TIMED:
                            yield Key(model, variant, epochs, number)


@dataclass(frozen=True)
class Setting:
    """What all runs share."""

    machine: str
    versions: str
    corpus: str
    threads: int
    """Of the runs that are timed."""
    options: tuple[str, ...]
    """More of them for hsw2v."""
    pairs: tuple[str, ...]
    analogies: tuple[str, ...]

    def job(self, key: Key, threads: int) -> Job:
        """Return the training of a run."""
        case = Case(key.model, VARIANTS[key.variant].loss, "")
        return Job(case, self.corpus, "OUTPUT", str(key.seed), str(threads), str(key.epochs))

    def more(self, key: Key) -> tuple[str, ...]:
        """Return the options of a run of hsw2v beside those of its job."""
        return (*VARIANTS[key.variant].options, *self.options)

    def command(self, key: Key, threads: int) -> list[str]:
        """Return the command of a run."""
        program = VARIANTS[key.variant].program
        if program == "hsw2v":
            return hsw2v_command(self.job(key, threads), *self.more(key))
        return PROGRAMS[program].train(self.job(key, threads))


@dataclass(frozen=True)
class Run:
    """One training of one thread: what came of it."""

    model: str
    variant: str
    epochs: int
    seed: int
    processor: float
    """Processor time of the whole command in seconds, with others beside it."""
    peak_bytes: int
    decisions: float | None
    """Mean path length of a target in the last tree."""
    trained: float | None
    """Those decisions that take part in training."""
    quality: Quality

    @property
    def key(self) -> Key:
        """What the run is known by."""
        return Key(self.model, self.variant, self.epochs, self.seed)


@dataclass(frozen=True)
class Timing:
    """One training of a round, with nothing beside it."""

    model: str
    variant: str
    epochs: int
    round: int
    seconds: float
    """Of the whole command, wall clock."""
    processor: float

    @property
    def key(self) -> Key:
        """What it is known by."""
        return Key(self.model, self.variant, self.epochs, self.round)


@dataclass(frozen=True)
class Record:
    """All that was found."""

    setting: Setting
    runs: tuple[Run, ...] = ()
    timings: tuple[Timing, ...] = ()

    def save(self, path: str | None) -> None:
        """Write the record as JSON, if there is a file for it."""
        if path:
            records.save(self, path)

    @classmethod
    def load(cls, path: str) -> Record:
        """Read a record as `save` wrote it."""
        found = records.load(path)
        return cls(
            Setting(**records.tuples(found["setting"])),
            tuple(Run(**run) for run in found["runs"]),
            tuple(Timing(**one) for one in found["timings"]),
        )


def describe(
    corpus: str,
    threads: int,
    options: tuple[str, ...],
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
) -> Setting:
    """Return a setting on this machine."""
    versions = describe_versions(["hsw2v", "gensim", "fasttext-numpy2", "numpy", "numba"])
    return Setting(describe_machine(), versions, corpus, threads, options, pairs, analogies)


def compare(setting: Setting, grid: Grid, jobs: int, path: str | None) -> Record:
    """Do the runs that a file does not hold yet, and keep their figures there as they come.

    Raises:
        SystemExit: the file holds figures of another setting.
    """
    record = _begun(records.without_folders(setting), path)
    known = {run.key for run in record.runs}
    timed = {one.key for one in record.timings}
    wanted = [key for key in grid.runs() if key not in known and not _missing(key)]
    to_time = [key for key in grid.timings() if key not in timed]
    tell(f"{len(wanted)} runs and {len(to_time)} timings to do")
    _warm_up(setting, [*wanted, *to_time])
    for timing in (_time(setting, key) for key in to_time):
        tell(f"{_named(timing.key)}: {timing.processor:.2f} s of processor time")
        record = replace(record, timings=(*record.timings, timing))
        record.save(path)
    for run in _at_once(jobs, wanted, lambda key: _run(setting, key)):
        tell(f"{_named(run.key)}: {run.processor:.2f} s of processor time, {run.quality}")
        record = replace(record, runs=(*record.runs, run))
        record.save(path)
    return replace(record, runs=tuple(sorted(record.runs, key=_place)))


def _at_once(jobs: int, keys: Sequence[Key], work: Callable[[Key], Run]) -> Iterator[Run]:
    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(work, key) for key in keys]):
            yield done.result()


def _place(run: Run) -> tuple[int, int, int, int]:
    """Return what runs are sorted by, however they came."""
    names = list(VARIANTS)
    return MODELS.index(run.model), run.epochs, names.index(run.variant), run.seed


def _named(key: Key) -> str:
    return f"{key.model}, {key.variant}, {key.epochs} epochs, seed {key.seed}"


def _missing(key: Key) -> str | None:
    missing = PROGRAMS[VARIANTS[key.variant].program].missing
    if missing:
        tell(f"left out: {key.variant}, {missing}")
    return missing


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
        ours = [key for key in wanted if VARIANTS[key.variant].program == "hsw2v"]
        for key in {(key.model, key.variant): key for key in ours}.values():
            tell(f"warming up: {key.model}, {key.variant}")
            with trained(small.job(key, setting.threads), *small.more(key)):
                pass


def _time(setting: Setting, key: Key) -> Timing:
    with tempfile.TemporaryDirectory() as folder:
        job = replace(setting.job(key, setting.threads), output=f"{folder}/model.safetensors")
        measured = measure(hsw2v_command(job, *setting.more(key)))
    return Timing(*key, measured.seconds, measured.processor)


def _run(setting: Setting, key: Key) -> Run:
    sets = TestSets(setting.pairs, setting.analogies, PARTS, halves=True)
    job, program = setting.job(key, 1), VARIANTS[key.variant].program
    if program != "hsw2v":
        measured, quality = train_and_evaluate(PROGRAMS[program], job, sets)
        return Run(*key, measured.processor, measured.peak_bytes, None, None, quality)
    with trained(job, *setting.more(key)) as done:
        ready = done.log.get("TreeReady", {})
        return Run(
            *key,
            done.measured.processor,
            done.measured.peak_bytes,
            ready.get("mean_length"),
            ready.get("trained_length"),
            evaluate(done.model, sets),
        )
