"""The tables that are trained: rows padded and aligned as the kernels want them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hsw2v.kernels.tiles import PADDING

ALIGNMENT = 128
"""Bytes: two cache lines, since processors fetch them in pairs. Vector registers want 64."""


def padded(dim: int) -> int:
    """Return the floats that a row of `dim` takes in a table."""
    return -(-dim // PADDING) * PADDING


def aligned_zeros(rows: int, width: int, kind: DTypeLike = np.float32) -> NDArray[Any]:
    """Return zeros (rows, width) that begin at a multiple of ALIGNMENT bytes.

    No other array lies on their cache lines: what one thread writes takes nothing from another.
    """
    size = rows * width * np.dtype(kind).itemsize
    memory = np.zeros(-(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(kind).reshape(rows, width)


def initial_vectors(words: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Return word vectors (V, P) float32 as word2vec begins: uniform in ±1/(2 D), padded by 0."""
    vectors = aligned_zeros(words, padded(dim))
    chance = np.random.default_rng(seed)
    rows_at_once = max(1, 2**20 // dim)
    for start in range(0, words, rows_at_once):
        part = vectors[start : start + rows_at_once, :dim]
        part[:] = (chance.random(part.shape, np.float32) - np.float32(0.5)) / np.float32(dim)
    return vectors


def compacted(table: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """Return the first `dim` columns of a table, (rows, dim) float32, in its own memory.

    The table is used up: a second copy of it would be the most memory that a run ever takes.
    """
    rows, width = table.shape
    if dim == width:
        return table
    flat = table.reshape(-1)
    at_once = max(1, 2**20 // width)
    for start in range(0, rows, at_once):
        part = table[start : start + at_once, :dim].copy()
        flat[start * dim : start * dim + part.size] = part.reshape(-1)
    return flat[: rows * dim].reshape(rows, dim)
