"""Names of branches: words that stand for them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Floats

WORDS = 3
"""Of a name."""


def name_words(
    unit: Floats, weights: NDArray[np.float64], branch: NDArray[np.int32]
) -> list[list[int]]:
    """Return for each branch the words that stand for it: frequent ones, near to its middle.

    `unit (n, D)` are vectors of length 1, `branch (n,)` is that of each word. Words are ranked by
    their cosine to the mean of the branch less that to the mean of all, times the logarithm of
    their weight.
    """
    everything = unit.mean(axis=0)
    found = []
    order = np.argsort(branch, kind="stable")
    borders = np.searchsorted(branch[order], np.arange(branch.max() + 2))
    for begin, end in pairwise(borders):
        rows = order[begin:end]
        middle = unit[rows].mean(axis=0)
        score = (unit[rows] @ (middle - everything)) * np.log1p(weights[rows])
        found.append(rows[np.argsort(-score, kind="stable")[:WORDS]].tolist())
    return found
