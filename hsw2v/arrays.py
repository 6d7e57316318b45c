"""Arrays for compiled code: rows padded to whole vector registers, and aligned in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

PADDING = 16
"""Floats that rows are padded to multiples of: a cache line, and the widest vector register."""
ALIGNMENT = 128
"""Bytes: two cache lines, since processors fetch them in pairs. Vector registers want 64."""


_ROWS_AT_ONCE = 1 << 16


def padded(dim: int) -> int:
    """Return the floats that a row of `dim` numbers takes in a table."""
    return -(-dim // PADDING) * PADDING


def aligned_zeros(rows: int, width: int, kind: DTypeLike = np.float32) -> NDArray[Any]:
    """Return zeros (rows, width) that begin at a multiple of ALIGNMENT bytes.

    No other array shares their cache lines, so threads cause no false sharing.
    """
    size = rows * width * np.dtype(kind).itemsize
    memory = np.zeros(-(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(kind).reshape(rows, width)


def all_finite(table: NDArray[np.floating]) -> bool:
    """Tell whether no number of a table (rows, width) is NaN or infinite, in bounded memory."""
    return all(
        np.isfinite(table[start : start + _ROWS_AT_ONCE]).all()
        for start in range(0, len(table), _ROWS_AT_ONCE)
    )
