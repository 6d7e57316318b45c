"""Trees against negative sampling at equal wall-clock time, and at equal epochs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from benchmarks.evaluating import Quality
from benchmarks.trees import Run


@dataclass(frozen=True)
class Point:
    """What a variant came to after so many epochs: means over the seeds."""

    variant: str
    epochs: int
    seconds: float
    """What they take at least (see `least_seconds`)."""
    quality: Quality

    @property
    def label(self) -> str:
        """Return what stands in a table."""
        return f"{self.variant}, {self.epochs} epoch{'' if self.epochs == 1 else 's'}"


@dataclass(frozen=True)
class Duel:
    """A point of negative sampling, and what a tree came to beside it."""

    rival: Point
    tree: str
    seconds: float
    """Of the tree."""
    quality: Quality
    """Of the tree; empty where it was not measured."""

    @property
    def label(self) -> str:
        """Return whom the tree is held against, and whether that had more time."""
        longer = f", which took {self.rival.seconds:.0f} s against {self.seconds:.0f} s"
        return self.rival.label + (longer if self.seconds < self.rival.seconds else "")

    def margin(self, name: str) -> float | None:
        """Return by how much the tree is better on a set; None where that is not known."""
        ours, theirs = self.quality.get(name), self.rival.quality.get(name)
        return None if ours is None or theirs is None else ours - theirs


def points(runs: Iterable[Run]) -> list[Point]:
    """Return the points of a variant's runs of one model, by rising time."""
    every = list(runs)
    by_epochs: dict[int, list[Run]] = {}
    for run in every:
        by_epochs.setdefault(run.epochs, []).append(run)
    found = [
        Point(
            mine[0].variant,
            epochs,
            least_seconds(every, epochs),
            {name: _mean([run.quality[name] for run in mine]) for name in mine[0].quality},
        )
        for epochs, mine in by_epochs.items()
    ]
    return sorted(found, key=lambda one: one.seconds)


def least_seconds(runs: Sequence[Run], epochs: int) -> float:
    """Return the time that so many epochs of a variant take if nothing else disturbs them.

    What else a machine does makes runs slower, never faster: the least counts of what runs of so
    many epochs or more took for these, their share of the training and the rest of the command.
    """
    longer = [run for run in runs if run.epochs >= epochs]
    training = min(_training(run) * epochs / run.epochs for run in longer)
    return training + min(run.seconds - _training(run) for run in runs)


def _training(run: Run) -> float:
    """Return the seconds of training; of all, where a program does not tell them apart."""
    return run.seconds if run.training is None else run.training


def at_equal_time(measured: Sequence[Point], rival: Point) -> Duel:
    """Hold a tree's points against a rival, at the rival's time, or less.

    Between two points quality is taken as linear in the logarithm of time. Nothing is guessed
    outside of the measured range: a rival that took longer is met by the tree's longest run, one
    that took less than the shortest by nothing.
    """
    longest = measured[-1]
    if longest.seconds <= rival.seconds:
        return Duel(rival, longest.label, longest.seconds, longest.quality)
    name = longest.variant
    return Duel(rival, name, rival.seconds, interpolated(measured, rival.seconds))


def interpolated(measured: Sequence[Point], seconds: float) -> Quality:
    """Return the quality at a time; empty outside of the measured range."""
    for before, after in pairwise(measured):
        if before.seconds <= seconds <= after.seconds:
            share = math.log(seconds / before.seconds) / math.log(after.seconds / before.seconds)
            return {
                name: _between(value, after.quality[name], share)
                for name, value in before.quality.items()
            }
    return {}


def at_equal_epochs(measured: Sequence[Point], rival: Point) -> Duel:
    """Hold a tree's point against a rival of the same number of epochs, whatever its time."""
    quality = next((one.quality for one in measured if one.epochs == rival.epochs), {})
    return Duel(rival, measured[0].variant, rival.seconds, quality)


def seed_spread(runs: Iterable[Run], name: str) -> float | None:
    """Return the largest range of a set's figures over seeds; None if there is one seed alone."""
    figures: dict[tuple[str, int], list[float]] = {}
    for run in runs:
        value = run.quality.get(name)
        if value is not None:
            figures.setdefault((run.variant, run.epochs), []).append(value)
    return max((max(one) - min(one) for one in figures.values() if len(one) > 1), default=None)


def _between(before: float | None, after: float | None, share: float) -> float | None:
    return None if before is None or after is None else before + share * (after - before)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
