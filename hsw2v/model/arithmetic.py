"""Neighbours of words that are added and subtracted, and which words may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.model.arguments import listed
from hsw2v.query.neighbours import Floats, Indexes, UnitRows

Nearest = Callable[[UnitRows, Floats, int, Indexes | None, Indexes | None], tuple[Indexes, Floats]]
"""What finds neighbours: `query.neighbours.nearest`, or an index."""
_NOTHING = 1e-5
"""Of unit vectors: a sum that is no longer than this is one of rounding."""


def never_answers(
    vocabulary: Vocabulary, among: Iterable[str] | None, exclude: Iterable[str]
) -> Indexes | None:
    """Return the rows that are no answers (H,), in rising order; None where there are none.

    Raises:
        UsageError: no word of `among` is in the vocabulary, or none is left without `exclude`.
    """
    excluded = _rows(vocabulary, listed(exclude))
    if among is None and not len(excluded):
        return None
    answers = np.full(len(vocabulary), among is None)
    if among is not None:
        answers[_rows(vocabulary, listed(among))] = True
        if not answers.any():
            raise UsageError(
                "no word that may answer (among) is in the vocabulary", hint="check the list"
            )
    answers[excluded] = False
    if not answers.any():
        raise UsageError("all words that may answer are excluded", hint="check the lists")
    return np.flatnonzero(~answers)


def _rows(vocabulary: Vocabulary, words: list[str]) -> Indexes:
    rows = vocabulary.find(words)
    return rows[rows >= 0]


def near_mean(
    nearest: Nearest, unit: UnitRows, plus: Indexes, minus: Indexes, k: int, hidden: Indexes | None
) -> tuple[Indexes, Floats]:
    """Return the rows and cosines (1, k) nearest to the mean of rows `plus (n,)` and -`minus (m,)`.

    They are of length 1, as in gensim's `most_similar`. None of them is an answer, nor are the rows
    `hidden (H,)`.

    Raises:
        UsageError: the rows cancel out.
    """
    directions = unit[plus].mean(axis=0, keepdims=True)
    return _near(nearest, unit, directions, plus[None], minus, len(plus), k, hidden)


def near_each(
    nearest: Nearest, unit: UnitRows, rows: Indexes, minus: Indexes, k: int, hidden: Indexes | None
) -> tuple[Indexes, Floats]:
    """Return the rows and cosines (n, k) nearest to each of `rows (n,)` less `minus`: `near_mean`.

    Raises:
        UsageError: a row is what is subtracted.
    """
    return _near(nearest, unit, unit[rows], rows[:, None], minus, 1, k, hidden)


def _near(
    nearest: Nearest,
    unit: UnitRows,
    directions: Floats,
    asked: Indexes,
    minus: Indexes,
    count: int,
    k: int,
    hidden: Indexes | None,
) -> tuple[Indexes, Floats]:
    """Ask with directions (Q, D), means of `count` rows, those of which `asked (Q, E)` names."""
    if len(minus):
        directions = directions - unit[minus].sum(axis=0) / count
        if (np.linalg.norm(directions, axis=1) < _NOTHING).any():
            raise UsageError(
                "words that are added and subtracted cancel out", hint="leave them out of one side"
            )
        asked = np.hstack((asked, np.broadcast_to(minus, (len(asked), len(minus)))))
    return nearest(unit, directions, k, asked, hidden)
