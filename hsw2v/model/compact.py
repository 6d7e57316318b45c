"""Vectors in fewer bytes: float16, and int8 with a scale for every row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import all_finite
from hsw2v.errors import UsageError

Floats = NDArray[np.float32]

DTYPES = ("float32", "float16", "int8")

_GREATEST = 127
_ROWS_AT_ONCE = 1 << 14


def to_float16(vectors: Floats) -> NDArray[np.float16]:
    """Return vectors (n, D) rounded to float16.

    Raises:
        UsageError: a number is beyond float16.
    """
    with np.errstate(over="ignore"):
        found = vectors.astype(np.float16)
    if not all_finite(found):
        raise UsageError(
            "a vector holds a number beyond float16 (65,504)", hint="take int8, or normalize"
        )
    return found


def to_int8(vectors: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return vectors (n, D) rounded to int8, and scales (n,) float32: row i is `scales[i]` times.

    Symmetric: 0 stays 0, and the largest number of a row becomes 127 or -127.
    """
    found, scales = np.zeros(vectors.shape, np.int8), np.zeros(len(vectors), np.float32)
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        rows = vectors[some].astype(np.float64)
        largest = np.abs(rows).max(axis=1, initial=0.0)
        scales[some] = largest / _GREATEST
        # A row of zeros has the scale 0, and one of numbers that small becomes one.
        known = scales[some] > 0
        rounded = np.rint(rows[known] / scales[some][known, None])
        found[some][known] = np.clip(rounded, -_GREATEST, _GREATEST)
    return found, scales


def from_int8(rounded: NDArray[np.int8], scales: NDArray[Any]) -> Floats:
    """Return the vectors (n, D) float32 of numbers (n, D) and scales (n,)."""
    found: Floats = np.multiply(rounded, np.asarray(scales, np.float32)[:, None], dtype=np.float32)
    return found


def in_dtype(vectors: Floats, dtype: str) -> tuple[NDArray[Any], Floats | None]:
    """Return vectors (n, D) in one of `DTYPES`, and scales (n,) with int8.

    Raises:
        UsageError: there is no such type, or a number is beyond it.
    """
    if dtype == "int8":
        return to_int8(vectors)
    if dtype == "float16":
        return to_float16(vectors), None
    if dtype == "float32":
        return vectors, None
    raise UsageError(f"unknown dtype {dtype!r}", hint="it must be one of " + ", ".join(DTYPES))
