"""Names of branches, words that stand for them, and where they are to be written."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Floats

WORDS = 3
"""Of a name."""
_CELLS = 40
"""Across and down, in which words are counted."""


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


def name_places(positions: NDArray[np.float32], branch: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return where the name of each branch belongs, (B, 2) float32: where most of its words are.

    That is the mean of its words around the cell with the most of them, where cells count more
    that few others share.
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    side = max(float((high - low).max()), np.finfo(np.float32).tiny)
    cells = ((positions - low) / side * (_CELLS - 1)).astype(np.int64)
    flat = cells @ [_CELLS, 1]
    everything = _around(np.bincount(flat, minlength=_CELLS**2))
    found = np.empty((branch.max() + 1, 2), np.float32)
    for one in range(len(found)):
        rows = np.flatnonzero(branch == one)
        own = _around(np.bincount(flat[rows], minlength=_CELLS**2))
        peak = np.divmod(np.argmax(own**2 / np.maximum(everything, 1)), _CELLS)
        close = rows[(abs(cells[rows] - peak) <= 1).all(axis=1)]
        found[one] = positions[close].mean(axis=0)
    return found


def _around(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the words in each cell and the eight around it, (cells,) float64."""
    padded = np.pad(counts.reshape(_CELLS, _CELLS).astype(np.float64), 1)
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    sums: NDArray[np.float64] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]).reshape(-1)
    return sums
