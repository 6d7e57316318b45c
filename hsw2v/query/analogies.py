"""Analogies by 3CosAdd and 3CosMul, and the odd one out."""

from __future__ import annotations

import numpy as np

from hsw2v.query.neighbours import Floats, Indexes, UnitRows, best_rows, nearest, unit_rows

METHODS = ("cosadd", "cosmul")

_EPSILON = np.float32(0.001)


def analogies(
    unit: UnitRows,
    questions: Indexes,
    k: int,
    method: str = "cosadd",
    hidden: Indexes | None = None,
) -> tuple[Indexes, Floats]:
    """Answer `questions (Q, 3)`, rows a, b, c of `unit (V, D)`: a is to b as c is to ?

    The three words of a question are not among its answers, nor are the rows `hidden (H,)`.
    Returns row numbers and scores, each `(Q, min(k, V - 3 - H))`, best first. The score is

    * cosadd: the cosine to b - a + c (Mikolov, Yih & Zweig 2013; 3CosAdd);
    * cosmul: cos(x, b) · cos(x, c) / (cos(x, a) + 0.001), with cosines shifted to [0, 1]
      (Levy & Goldberg 2014; 3CosMul).
    """
    if method == "cosadd":
        a, b, c = (unit[questions[:, column]] for column in range(3))
        return nearest(unit, b - a + c, k, exclude=questions, hidden=hidden)

    def scores_of(block: slice, tile: slice) -> Floats:
        words = (unit[questions[block, column]] for column in range(3))
        a, b, c = (_shifted(unit.products(word, tile)) for word in words)
        b *= c
        a += _EPSILON
        b /= a
        return b

    return best_rows(scores_of, len(questions), len(unit), k, questions, hidden)


def _shifted(cosines: Floats) -> Floats:
    cosines += np.float32(1.0)
    cosines *= np.float32(0.5)
    return cosines


def odd_one_out(unit_words: Floats) -> int:
    """Return the row of `unit_words (n, D)` with the least cosine to the mean of them all."""
    centre = unit_rows(unit_words.mean(axis=0, keepdims=True))[0]
    return int(np.argmin(unit_words @ centre))
