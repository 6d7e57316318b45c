"""The rotation that takes one space of word vectors into another: orthogonal Procrustes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Floats, slices, unit_rows

Rotation = NDArray[np.float64]

_ROWS_AT_ONCE = 1 << 14


def rotation_between(source: Floats, target: Floats) -> Rotation:
    """Return the orthogonal W (D, D) for which `source W` is nearest to `target`, (n, D) each.

    Nearest by the sum of squared distances of the rows, all scaled to length 1: U Vᵀ of the
    singular value decomposition of sourceᵀ target (Schönemann 1966). W may hold a reflection.
    """
    product = np.zeros((source.shape[1], source.shape[1]))
    for some in slices(len(source), _ROWS_AT_ONCE):
        rows, others = (unit_rows(one[some]).astype(np.float64) for one in (source, target))
        product += rows.T @ others
    left, _, right = np.linalg.svd(product)
    found: Rotation = left @ right
    return found


def rotated(
    rows: Floats, rotation: Rotation, tick: Callable[[int], None] = lambda done: None
) -> Floats:
    """Return rows (n, D) times a rotation (D, D), as float32, in bounded memory.

    `tick` is called with how many more rows are done.
    """
    found: Floats = np.empty(rows.shape, np.float32)
    for some in slices(len(rows), _ROWS_AT_ONCE):
        found[some] = rows[some].astype(np.float64) @ rotation
        tick(some.stop - some.start)
    return found


def cosines_of(first: Floats, second: Floats) -> NDArray[np.float64]:
    """Return the cosine of each row of one array and that of another, (n, D) each."""
    found = np.empty(len(first))
    for some in slices(len(first), _ROWS_AT_ONCE):
        pairs = (unit_rows(one[some]) for one in (first, second))
        found[some] = np.einsum("ij,ij->i", *pairs, dtype=np.float64)
    return found
