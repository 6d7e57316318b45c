"""What is kept of an experiment, small enough to stand beside the pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.records import rounded
from hsw2v.diagnosis.course import Moment
from hsw2v.diagnosis.diagnosis import Depth, Diagnosis, mean_over
from hsw2v.experiments.comparison import Spread

KIND = ("loss", "tree", "classes", "optimizer", "lr", "l2", "batch_norm", "epochs", "dim")
"""What is kept of each setting."""
BANDS = ((0, 3), (4, 7), (8, 11), (12, 15), (16, 10_000))
"""Depths that are taken together: the same of all trees."""
FOLLOWED = ("error", "output_gradient", "output_norm", "certain_right", "saturated", "loss")
"""What is kept of the course of training, for each band of depths."""
Course = dict[str, Any]
"""`tokens` of each moment; `bands`, by name of the figure a list for each band, or None in it."""


@dataclass(frozen=True)
class Trial:
    """What came of one experiment: a run of a record."""

    name: str
    model: str
    settings: list[str]
    """The first is what the others are held against."""
    kinds: dict[str, dict[str, Any]]
    """Of each setting what `KIND` names."""
    seeds: list[int]
    tokens: int
    words: int
    results: list[dict[str, Any]]
    """Of each training `setting`, `seed`, `figures` as `hsw2v compare` names them, `problem`."""
    diagnoses: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the first seed's model of each setting, as `packed`."""
    courses: dict[str, Course] = field(default_factory=dict)

    def of(self, setting: str, name: str) -> list[float]:
        """Return the figures of that name that a setting has, one a seed."""
        found = (one["figures"].get(name) for one in self.results if one["setting"] == setting)
        return [one for one in found if one is not None]

    def spread(self, setting: str, name: str) -> Spread | None:
        """Return the spread of a figure over the seeds."""
        return Spread.of(self.of(setting, name))

    def on_one_tree(self) -> list[str]:
        """Return the settings with hierarchical softmax on the tree of the first."""
        tree = self.kinds[self.settings[0]]["tree"]
        return [one for one in self._trees() if self.kinds[one]["tree"] == tree]

    def by_plain_steps(self) -> list[str]:
        """Return the settings with hierarchical softmax and no remedy but their tree."""
        plain = {"optimizer": "sgd", "l2": 0.0, "batch_norm": False}.items()
        return [one for one in self._trees() if plain <= self.kinds[one].items()]

    def _trees(self) -> list[str]:
        diagnosed = [one for one in self.settings if one in self.diagnoses]
        return [one for one in diagnosed if self.kinds[one]["loss"] == "hs"]

    def names(self) -> list[str]:
        """Return the names of all figures, in order."""
        return list(dict.fromkeys(name for one in self.results for name in one["figures"]))

    def diagnosis(self, setting: str) -> Diagnosis:
        """Return that of a setting."""
        return unpacked(self.diagnoses[setting])


def packed(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return a diagnosis with its rows as columns, and few digits."""
    found = diagnosis.to_dict()
    totals = {name: rounded(one) for name, one in found["totals"].items()}
    rows = {name: _columns(found[name]) for name in ("by_depth", "by_decile")}
    return {"output": found["output"], **rows, "totals": totals}


def unpacked(found: dict[str, Any]) -> Diagnosis:
    """Return the diagnosis that `packed` made small."""
    rows = {name: _rows(found[name]) for name in ("by_depth", "by_decile")}
    return Diagnosis.from_dict({**found, **rows})


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [rounded(row[name]) for row in rows] for name in (rows[0] if rows else ())}


def _rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def course_of(moments: Sequence[Moment]) -> Course:
    """Return what is kept of the course of a training."""
    bands = {
        name: [
            [rounded(band_mean(one.diagnosis.by_depth, borders, name)) for one in moments]
            for borders in BANDS
        ]
        for name in FOLLOWED
    }
    return {"tokens": [one.tokens for one in moments], "bands": bands}


def band_mean(by_depth: Iterable[Depth], borders: tuple[int, int], name: str) -> float | None:
    """Return the mean of a figure over the depths that lie in a band."""
    first, last = borders
    return mean_over([one for one in by_depth if first <= one.depth <= last], name)


def band_name(borders: tuple[int, int]) -> str:
    """Return the depths of a band, as "4–7" or "16 and more"."""
    first, last = borders
    return f"{first} and more" if borders == BANDS[-1] else f"{first}–{last}"
