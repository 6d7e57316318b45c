"""Evaluation of word vectors by labels of words: the only door to scikit-learn.

The protocol is that of DeepWalk (Perozzi et al. 2014, section 5, and their program): one-vs-rest
logistic regression (liblinear, L2, C = 1) of the vectors as they are, on some of the words that
have labels; each of the others is given as many labels as it has, the most probable ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import on_threads
from hsw2v.errors import CorruptInputError, EmptyCorpusError, UsageError, missing_extra
from hsw2v.files import read_text, readable
from hsw2v.markup import table

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

_COLUMNS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class WordLabels:
    """Words with one label or more."""

    name: str
    labels: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class LabelScore:
    """How well labels are told from vectors, with some of the words known; means over splits."""

    labelled: float
    """The share of the words whose labels are known."""
    micro_f1: float
    macro_f1: float
    micro_f1_deviation: float
    """The standard deviation over the splits; 0 of a single one."""
    macro_f1_deviation: float

    @property
    def percent(self) -> str:
        """The share as it is shown, such as 10%."""
        return f"{100.0 * self.labelled:g}%"


@dataclass(frozen=True)
class LabelsResult:
    """How well the labels of a file are told from vectors."""

    name: str
    words: int
    """Words with labels."""
    covered: int
    """Those of them that are in the vocabulary."""
    labels: int
    """Different labels of these."""
    repeats: int
    scores: tuple[LabelScore, ...]

    def _repr_html_(self) -> str:
        rows = [(one.labelled, one.micro_f1, one.macro_f1) for one in self.scores]
        caption = f"{self.name}: {self.covered:,} of {self.words:,} words"
        return table(("labelled", "Micro-F1", "Macro-F1"), rows, caption)


class Split(NamedTuple):
    """One of the trials: some words are known, at random."""

    labelled: float
    micro_f1: float
    macro_f1: float


def read_labels(path: str) -> WordLabels:
    """Read lines of a word and its labels, separated by white space, commas or semicolons.

    A word may be on several lines, with a label on each. Empty lines and comments (`#`) are
    skipped.

    Raises:
        MissingInputError: the file cannot be read.
        CorruptInputError: a line has no label, or there are none at all.
    """
    found: dict[str, dict[str, None]] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        columns = [one for one in _COLUMNS.split(line) if one]
        if not columns or line.lstrip().startswith("#"):
            continue
        if len(columns) < 2:
            raise CorruptInputError(
                f"{columns[0][:60]!r} has no label",
                where=f"{path}, line {number}",
                hint="labels are lines such as 'word label label'",
            )
        found.setdefault(columns[0], {}).update(dict.fromkeys(columns[1:]))
    if not found:
        raise CorruptInputError("holds no labels", where=path, hint="check the file")
    labels = {word: tuple(some) for word, some in found.items()}
    return WordLabels(Path(readable(path)).name, labels)


FRACTIONS = (0.1, 0.5, 0.9)
"""Shares of the words whose labels are known."""
REPEATS = 10


def check_protocol(fractions: Sequence[float] = FRACTIONS, repeats: int = REPEATS) -> None:
    """Find out, before any work, what cannot be done.

    Raises:
        UsageError: a fraction is not between 0 and 1, or there is none; `repeats` is below 1.
        MissingInputError: scikit-learn is not installed.
    """
    if not fractions or not all(0.0 < one < 1.0 for one in fractions):
        raise UsageError(
            f"fractions are {list(fractions)}", hint="they must be numbers between 0 and 1"
        )
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}", hint="it must be at least 1")
    _classifier()


def _classifier() -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise missing_extra("labels need scikit-learn", "sklearn", error) from error
    return LogisticRegression(solver="liblinear", random_state=0)


class LabelTask:
    """The labels of the words that have vectors."""

    def __init__(self, test: WordLabels, rows: NDArray[np.int64]) -> None:
        """Take labels, and the row of each of their words, -1 for one without a vector.

        Raises:
            EmptyCorpusError: fewer than two labelled words have vectors.
        """
        known = [some for some, row in zip(test.labels.values(), rows, strict=True) if row >= 0]
        if len(rows) < 2:
            raise EmptyCorpusError(
                f"there is {len(rows)} labelled word",
                where=test.name,
                hint="name the labels of two words or more",
            )
        if len(known) < 2:
            raise EmptyCorpusError(
                f"{len(known)} of {len(rows):,} labelled words are in the vocabulary",
                where=test.name,
                hint="name the labels of two words of this model or more",
            )
        names = {label: place for place, label in enumerate(sorted({a for b in known for a in b}))}
        self.test = test
        self.rows = rows[rows >= 0]
        """(n,) int64, the rows of the words that have vectors."""
        self.table = np.zeros((len(known), len(names)), np.bool_)
        """(n, L) bool, which labels they have."""
        for row, some in zip(self.table, known, strict=True):
            row[[names[label] for label in some]] = True

    def splits(
        self, vectors: Floats, fractions: Sequence[float], repeats: int, seed: int
    ) -> Iterator[Split]:
        """Yield the trials with `vectors (n, D)`: orders of the words, each with all fractions.

        The first words in an order are those whose labels are known.
        """
        chance = np.random.default_rng(seed)
        for _ in range(repeats):
            order = chance.permutation(len(self.rows))
            for fraction in fractions:
                known = min(max(round(fraction * len(order)), 1), len(order) - 1)
                first, rest = order[:known], order[known:]
                scores = _probabilities(vectors[first], self.table[first], vectors[rest])
                guessed = most_probable(scores, self.table[rest].sum(axis=1))
                yield Split(fraction, *f1(self.table[rest], guessed))

    def result(self, splits: Sequence[Split], repeats: int) -> LabelsResult:
        """Return the means over all trials."""
        scores = []
        for fraction in dict.fromkeys(one.labelled for one in splits):
            found = np.array([one[1:] for one in splits if one.labelled == fraction])
            spread = found.std(axis=0, ddof=1) if len(found) > 1 else np.zeros(2)
            scores.append(LabelScore(fraction, *found.mean(axis=0).tolist(), *spread.tolist()))
        size = len(self.test.labels), len(self.rows), self.table.shape[1]
        return LabelsResult(self.test.name, *size, repeats, tuple(scores))


def _probabilities(known: Floats, labels: Bools, vectors: Floats) -> NDArray[np.float64]:
    """Return the probability of each label for vectors (m, D), (m, L) float64."""
    found = np.empty((len(vectors), labels.shape[1]))

    def fit(label: int) -> None:
        have = labels[:, label]
        if have.all() or not have.any():
            # All that is known of it.
            found[:, label] = have[0]
        else:
            found[:, label] = _classifier().fit(known, have).predict_proba(vectors)[:, 1]

    # The frequent labels take longest, and liblinear lets go of the interpreter.
    on_threads(fit, np.argsort(-labels.sum(axis=0), kind="stable").tolist())
    return found


def most_probable(scores: NDArray[np.float64], counts: NDArray[np.int64]) -> Bools:
    """Return the `counts (m,)` labels of the highest `scores (m, L)`, (m, L) bool."""
    order = np.argsort(-scores, axis=1, kind="stable")
    guessed = np.zeros(scores.shape, np.bool_)
    np.put_along_axis(guessed, order, np.arange(scores.shape[1]) < counts[:, None], axis=1)
    return guessed


def f1(true: Bools, guessed: Bools) -> tuple[float, float]:
    """Return Micro-F1 and Macro-F1 of guesses (m, L); a label neither true nor guessed has 0."""
    right = np.count_nonzero(true & guessed, axis=0)
    said = np.count_nonzero(true, axis=0) + np.count_nonzero(guessed, axis=0)
    of_each = 2 * right / np.maximum(said, 1)
    return float(2 * right.sum() / max(said.sum(), 1)), float(of_each.mean())
