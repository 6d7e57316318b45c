"""Evaluation of word vectors by ratings of word pairs, and by analogies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.markup import table
from hsw2v.query.analogies import analogies
from hsw2v.query.neighbours import UnitRows
from hsw2v.query.testsets import AnalogyQuestions, WordPairs


@dataclass(frozen=True)
class PairsResult:
    """Agreement with the ratings of one set of word pairs."""

    name: str
    spearman: float | None
    """Rank correlation; None if fewer than two pairs are covered, or all have the same rating."""
    covered: int
    """Pairs of which both words have vectors."""
    pairs: int
    rare: float | None = None
    """The same for the half of the covered pairs whose rarer word is rarer than the median."""
    frequent: float | None = None
    """The same for the other half."""
    composed: int = 0
    """Covered pairs with a word that is not in the vocabulary, but composed of its n-grams."""


@dataclass(frozen=True)
class Score:
    """Answers to a number of analogy questions."""

    name: str
    correct: int
    covered: int
    """Questions whose words have vectors, the answer as one of the vocabulary."""
    questions: int
    composed: int = 0
    """Covered questions with a word that is composed of its n-grams."""

    @property
    def accuracy(self) -> float | None:
        """Return the share of correct answers to the covered questions; None without any."""
        return self.correct / self.covered if self.covered else None


@dataclass(frozen=True)
class AnalogiesResult:
    """Accuracy on one set of analogies."""

    name: str
    sections: tuple[Score, ...]

    @property
    def semantic(self) -> Score:
        """Return the sum of the sections that are not syntactic."""
        return _sum("semantic", (s for s in self.sections if not _is_syntactic(s)))

    @property
    def syntactic(self) -> Score:
        """Return the sum of the sections whose names begin with `gram`."""
        return _sum("syntactic", (s for s in self.sections if _is_syntactic(s)))

    @property
    def total(self) -> Score:
        """Return the sum of all sections."""
        return _sum("total", self.sections)


class Figure(NamedTuple):
    """A figure of an evaluation."""

    test: str
    part: str
    """"all" of a set of pairs, its rare or frequent half; a section of analogies, or a sum."""
    measure: str
    """"Spearman" of pairs, "accuracy" of analogies."""
    value: float | None
    covered: int | None
    """Pairs, or questions, that could be asked; None of a half of the pairs."""
    asked: int | None


@dataclass(frozen=True)
class Evaluation:
    """Results on test sets, in the order they were given."""

    pairs: tuple[PairsResult, ...]
    analogies: tuple[AnalogiesResult, ...]

    def figures(self) -> list[Figure]:
        """Return all figures as rows: `test`, `part`, `measure`, `value`, `covered`, `asked`."""
        return [
            *(figure for one in self.pairs for figure in _pair_figures(one)),
            *(figure for one in self.analogies for figure in _analogy_figures(one)),
        ]

    def _repr_html_(self) -> str:
        return table(Figure._fields, self.figures())


def _pair_figures(found: PairsResult) -> Iterator[Figure]:
    yield Figure(found.name, "all", "Spearman", found.spearman, found.covered, found.pairs)
    yield Figure(found.name, "rare", "Spearman", found.rare, None, None)
    yield Figure(found.name, "frequent", "Spearman", found.frequent, None, None)


def _analogy_figures(found: AnalogiesResult) -> Iterator[Figure]:
    for one in (*found.sections, found.semantic, found.syntactic, found.total):
        yield Figure(found.name, one.name, "accuracy", one.accuracy, one.covered, one.questions)


def evaluate_pairs(unit: UnitRows, index: Mapping[str, int], test: WordPairs) -> PairsResult:
    """Compare cosines of `unit (V, D)` with ratings by Spearman's rank correlation.

    Rows of V and more are guests: words that are composed of their n-grams. A word that is not in
    `index` is looked up in lower case, as word2vec's tools do. Rows are in order of falling count:
    a pair is rare if its rarer word is rarer than the median of all covered pairs, else frequent.
    """
    known = [
        (a, b, rating)
        for first, second, rating in test.pairs
        if (a := find(first, index)) is not None and (b := find(second, index)) is not None
    ]
    rows = np.array([pair[:2] for pair in known], np.int64).reshape(-1, 2)
    ratings = np.array([pair[2] for pair in known], np.float64)
    cosines = np.einsum("ij,ij->i", unit[rows[:, 0]], unit[rows[:, 1]], dtype=np.float64)
    rarer = rows.max(axis=1)
    rare = rarer > np.median(rarer) if len(rarer) else np.zeros(0, bool)
    return PairsResult(
        test.name,
        spearman(cosines, ratings),
        len(known),
        len(test.pairs),
        rare=spearman(cosines[rare], ratings[rare]),
        frequent=spearman(cosines[~rare], ratings[~rare]),
        composed=int(np.count_nonzero(rarer >= len(unit))),
    )


def evaluate_analogies(
    unit: UnitRows, index: Mapping[str, int], test: AnalogyQuestions, restrict: int = 30_000
) -> AnalogiesResult:
    """Answer analogies by 3CosAdd with `unit (V, D)`, and count the exact answers.

    Only the `restrict` most frequent words are used, in questions and answers. With 0, or where
    there are no more, these are all, and in questions guests as well. A word that is not among them
    is looked up in lower case, as word2vec's tools do.
    """
    limits: list[int | None] = [None, None, None, len(unit)]
    some = unit
    if 0 < restrict < len(unit):
        limits, some = [restrict] * 4, unit.first(restrict)
    sections = []
    for name, questions in test.sections:
        found = [
            [find(word, index, limit) for word, limit in zip(question, limits, strict=True)]
            for question in questions
        ]
        rows = np.array([q for q in found if None not in q], np.int64).reshape(-1, 4)
        answers, _ = analogies(some, rows[:, :3], 1)
        correct = int(np.count_nonzero(answers == rows[:, 3:]))
        composed = int(np.count_nonzero((rows >= len(unit)).any(axis=1)))
        sections.append(Score(name, correct, len(rows), len(questions), composed))
    return AnalogiesResult(test.name, tuple(sections))


def find(word: str, index: Mapping[str, int], limit: int | None = None) -> int | None:
    """Return the row of a word or else of its lower case, if it is below `limit`; or None."""
    for form in (word, word.lower()):
        row = index.get(form)
        if row is not None and (limit is None or row < limit):
            return row
    return None


def spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation of `x (n,)` and `y (n,)`; None where it is undefined."""
    if len(x) < 2:
        return None
    a, b = (ranks - ranks.mean() for ranks in (average_ranks(x), average_ranks(y)))
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else None


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks `(n,)` of values from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
    return means


def _is_syntactic(section: Score) -> bool:
    return section.name.startswith("gram")


def _sum(name: str, sections: Iterable[Score]) -> Score:
    parts = list(sections)
    return Score(
        name,
        sum(part.correct for part in parts),
        sum(part.covered for part in parts),
        sum(part.questions for part in parts),
        sum(part.composed for part in parts),
    )
