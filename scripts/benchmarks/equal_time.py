"""Trees against their rivals at equal processor time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median, variance

from benchmarks.records import Fields, Record
from benchmarks.training import Quality


@dataclass(frozen=True)
class Point:
    """What a variant came to after some epochs: means over the seeds."""

    variant: str
    epochs: int
    seeds: int
    processor: float
    """Processor time in seconds."""
    quality: Quality

    @property
    def label(self) -> str:
        """Return what stands in a table."""
        return f"{self.variant}, {self.epochs} epoch{'' if self.epochs == 1 else 's'}"


@dataclass(frozen=True)
class Duel:
    """A point of a rival, and what a tree came to beside it."""

    rival: Point
    label: str
    """Of the tree."""
    processor: float
    """Of the tree."""
    quality: Quality
    """Of the tree; empty where it was not measured."""

    def margin(self, name: str) -> float | None:
        """Return by how much the tree is better on a set; None where that is not known."""
        ours, theirs = self.quality.get(name), self.rival.quality.get(name)
        return None if ours is None or theirs is None else ours - theirs


def points(record: Record, model: str, variant: str) -> list[Point]:
    """Return the points of a variant, by rising time."""
    found = []
    of_it = record.groups("epochs", kind="quality", model=model, variant=variant)
    for epochs, runs in sorted(of_it.items()):
        quality = {
            name: _mean([run["quality"][name] for run in runs]) for name in runs[0]["quality"]
        }
        cost = median(run["processor"] for run in runs)
        found.append(Point(variant, epochs, len(runs), cost, quality))
    return found


def at_equal_time(measured: Sequence[Point], rival: Point) -> Duel:
    """Hold a tree's points against a rival, at the rival's time, or less.

    Between two points quality is taken as linear in the logarithm of time. Nothing is guessed
    outside of the measured range: a rival that took longer is met by the tree's longest run, one
    that took less than the shortest by nothing.
    """
    longest, seconds = measured[-1], rival.processor
    if longest.processor <= seconds:
        return Duel(rival, longest.label, longest.processor, longest.quality)
    for before, after in pairwise(measured):
        if before.processor <= seconds <= after.processor:
            share = math.log(seconds / before.processor)
            share /= math.log(after.processor / before.processor)
            quality = {
                name: _between(value, after.quality[name], share)
                for name, value in before.quality.items()
            }
            return Duel(rival, longest.variant, seconds, quality)
    return Duel(rival, longest.variant, seconds, {})


def noise(runs: Iterable[Fields], name: str, seeds: int, rivals: int) -> float | None:
    """Return what a difference of two means must exceed to be one: twice its standard error.

    The means are over `seeds` of one and `rivals` of the other. The variance between seeds is
    that of all settings of a model with several seeds together; None if there are none.
    """
    figures: dict[tuple[str, int], list[float]] = {}
    for run in runs:
        value = run["quality"].get(name)
        if value is not None:
            figures.setdefault((run["variant"], run["epochs"]), []).append(value)
    several = [one for one in figures.values() if len(one) > 1]
    if not several:
        return None
    freedom = sum(len(one) - 1 for one in several)
    pooled = sum(variance(one) * (len(one) - 1) for one in several) / freedom
    return 2.0 * math.sqrt(pooled * (1.0 / seeds + 1.0 / rivals))


def _between(low: float | None, high: float | None, share: float) -> float | None:
    return None if low is None or high is None else low + share * (high - low)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
