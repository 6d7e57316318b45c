"""What the laboratory keeps of its measurements, small enough to stand beside the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hsw2v.diagnosis.course import Moment
from hsw2v.diagnosis.diagnosis import Depth, Diagnosis, mean_over

DIGITS = 4
"""Significant digits of what is kept of a diagnosis."""
KIND = ("loss", "tree", "classes", "optimizer", "lr", "l2", "batch_norm", "epochs", "dim")
"""Settings that are told of each."""
BANDS = ((0, 3), (4, 7), (8, 11), (12, 15), (16, 10_000))
"""Depths that are looked at together: the same of all trees."""
FOLLOWED = (*("error", "output_gradient", "output_norm", "certain_right", "saturated", "loss"),)
"""What is kept of the course of training, for each band of depths."""
_FLAT_LIST = re.compile(r"\[[^\[\]{}]*\]")


@dataclass(frozen=True)
class Result:
    """One training."""

    setting: str
    seed: int
    figures: dict[str, float | None]
    """By the names of the tables of `hsw2v compare`."""
    problem: str = ""


@dataclass(frozen=True)
class Course:
    """Figures of a training under way, by band of depths; None where a band has no decision."""

    tokens: list[int]
    bands: dict[str, list[list[float | None]]]
    """By name of the figure, a list for each band."""


@dataclass(frozen=True)
class Trial:
    """What came of one experiment."""

    name: str
    model: str
    settings: list[str]
    """The first is what the others are held against."""
    kinds: dict[str, dict[str, Any]]
    """Of each setting what `KIND` names."""
    seeds: list[int]
    tokens: int
    words: int
    results: list[Result]
    diagnoses: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Of the first seed's model of each setting, as `packed`."""
    courses: dict[str, Course] = field(default_factory=dict)

    def of(self, setting: str, name: str) -> list[float]:
        """Return the figures of that name that a setting has, one a seed."""
        found = (one.figures.get(name) for one in self.results if one.setting == setting)
        return [one for one in found if one is not None]

    def on_one_tree(self) -> list[str]:
        """Return the settings with hierarchical softmax on the tree of the first."""
        tree = self.kinds[self.settings[0]]["tree"]
        return [one for one in self._trees() if self.kinds[one]["tree"] == tree]

    def by_plain_steps(self) -> list[str]:
        """Return the settings with hierarchical softmax and no remedy but their tree."""
        plain = {"optimizer": "sgd", "l2": 0.0, "batch_norm": False}.items()
        return [one for one in self._trees() if plain <= self.kinds[one].items()]

    def _trees(self) -> list[str]:
        return [
            one
            for one in self.settings
            if self.kinds[one]["loss"] == "hs" and one in self.diagnoses
        ]

    def names(self) -> list[str]:
        """Return the names of all figures, in order."""
        return list(dict.fromkeys(name for one in self.results for name in one.figures))

    def diagnosis(self, setting: str) -> Diagnosis | None:
        """Return that of a setting, if there is one."""
        found = self.diagnoses.get(setting)
        return None if found is None else unpacked(found)


@dataclass(frozen=True)
class Record:
    """The trials of one part of the page, and where they were done."""

    machine: str
    versions: str
    command: str
    corpus: str
    """What was trained on and what was held out, in words."""
    trials: list[Trial]

    def save(self, path: Path) -> None:
        """Write the record."""
        save(asdict(self), path)

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record as `save` wrote it."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(**{**found, "trials": [_trial(one) for one in found["trials"]]})


def _trial(found: dict[str, Any]) -> Trial:
    results = [Result(**one) for one in found["results"]]
    courses = {name: Course(**one) for name, one in found["courses"].items()}
    return Trial(**{**found, "results": results, "courses": courses})


def save(found: Any, path: Path) -> None:
    """Write what JSON can hold, a list of plain values on a line."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    flat = _FLAT_LIST.sub(lambda one: re.sub(r"\s*\n\s*", " ", one[0]), text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(flat.replace("[ ", "[").replace(" ]", "]") + "\n", encoding="utf-8")


def rounded(value: Any, digits: int = DIGITS) -> Any:
    """Return a number with so many significant digits, and all else as it is."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


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


def band(by_depth: Iterable[Depth], borders: tuple[int, int]) -> list[Depth]:
    """Return the depths that lie in a band."""
    first, last = borders
    return [one for one in by_depth if first <= one.depth <= last]


def band_name(borders: tuple[int, int]) -> str:
    """Return the depths of a band, as "4–7" or "16 and more"."""
    first, last = borders
    return f"{first} and more" if borders == BANDS[-1] else f"{first}–{last}"


def course_of(moments: Sequence[Moment]) -> Course:
    """Return what is kept of the course of a training."""
    bands = {
        name: [
            [rounded(mean_over(band(one.diagnosis.by_depth, borders), name)) for one in moments]
            for borders in BANDS
        ]
        for name in FOLLOWED
    }
    return Course([one.tokens for one in moments], bands)
