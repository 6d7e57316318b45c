"""What of the softmax over all words is no matrix product: `training.full` has the rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.link import exponentials

_AT_ONCE = 4096


@compiled
def exponentiate(
    scores: NDArray[np.float32], highest: NDArray[np.float32], masses: NDArray[np.float64]
) -> None:
    """Put exp(score - highest) in place of scores, and their sums over each row in `masses`.

    `scores (n, W) float32`, aligned, W a multiple of LANES; `highest (n,) float32` those of each
    row; `masses (n,) float64`. The sums are float32 over 4,096 columns, then float64.
    """
    base = scores.ctypes.data
    columns = scores.shape[1]
    for row in range(scores.shape[0]):
        here = base + 4 * row * columns
        total = 0.0
        for first in range(0, columns, _AT_ONCE):
            chunks = min(columns - first, _AT_ONCE) // LANES
            total += exponentials(here + 4 * first, highest[row], chunks)
        masses[row] = total


@compiled
def add_rows(
    table: NDArray[np.float32],
    places: NDArray[np.int64],
    source: NDArray[np.float32],
    rows: NDArray[np.int64],
) -> None:
    """Add rows (n,) of `source (., P) float32` to rows `places (n,)` of a table (., P) in place."""
    for one in range(len(places)):
        place = places[one]
        row = rows[one]
        for d in range(table.shape[1]):
            table[place, d] += source[row, d]
