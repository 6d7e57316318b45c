"""The rows nearest to queries by cosine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indexes = NDArray[np.int64]

QUERIES_AT_ONCE = 256
SCORES_AT_ONCE = 1 << 24
"""Scores in memory (64 MiB), of a block of queries by a tile of rows."""

_GROUP = 64


def unit_rows(rows: Floats) -> Floats:
    """Return rows `(N, D) float32` scaled to length 1; a row of zeros stays one."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    lengths = np.sqrt(squares, out=squares)
    lengths[lengths == 0.0] = 1.0
    unit: Floats = np.empty(rows.shape, np.float32)
    # In float64: one over the length of a tiny row overflows float32.
    np.multiply(rows, (1.0 / lengths)[:, None], out=unit, casting="same_kind")
    return unit


def nearest(
    unit: Floats, queries: Floats, k: int, exclude: Indexes | None = None
) -> tuple[Indexes, Floats]:
    """Find the k rows of `unit (V, D)` with the greatest cosine to each of `queries (Q, D)`.

    The rows `exclude (Q, E)` names for a query are not among its answers.
    Returns row numbers and cosines, each `(Q, min(k, V - E))`, best first.
    """
    directions = unit_rows(queries)
    return best_rows(
        lambda block, tile: directions[block] @ unit[tile].T, len(queries), len(unit), k, exclude
    )


def best_rows(
    scores_of: Callable[[slice, slice], Floats],
    queries: int,
    rows: int,
    k: int,
    exclude: Indexes | None = None,
) -> tuple[Indexes, Floats]:
    """Find the k best-scored rows of every query, in bounded memory.

    `scores_of(block, tile)` returns a fresh array of the scores of a slice of the queries for a
    slice of the rows. Returns row numbers and scores as `nearest` does.
    """
    k = max(0, min(k, rows - (0 if exclude is None else exclude.shape[1])))
    indexes = np.empty((queries, k), np.int64)
    scores = np.empty((queries, k), np.float32)
    for block in slices(queries if k else 0, QUERIES_AT_ONCE):
        best: list[tuple[Indexes, Floats]] = []
        for tile in slices(rows, max(1, SCORES_AT_ONCE // (block.stop - block.start))):
            found = scores_of(block, tile)
            if exclude is not None:
                _leave_out(found, exclude[block] - tile.start)
            columns, values = top_k(found, min(k, found.shape[1]))
            best.append((columns + tile.start, values))
        columns, values = (np.concatenate(parts, axis=1) for parts in zip(*best, strict=True))
        indexes[block], scores[block] = _sorted(columns, values, k)
    return indexes, scores


def slices(length: int, step: int) -> Iterator[slice]:
    """Cut a length into slices of a step."""
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _leave_out(scores: Floats, columns: Indexes) -> None:
    """Set the scores of some columns of each row to -inf; columns outside do not matter."""
    queries, places = np.nonzero((columns >= 0) & (columns < scores.shape[1]))
    scores[queries, columns[queries, places]] = -np.inf


def top_k(scores: Floats, k: int) -> tuple[Indexes, Floats]:
    """Return columns and values of the k greatest scores of each row of `(Q, V)`, best first.

    Equal scores are in the order of their columns; which of those equal to the k-th are returned
    is not specified.
    """
    columns = _candidates(scores, k)
    values = np.take_along_axis(scores, columns, axis=1)
    if 0 < k < columns.shape[1]:
        best = np.argpartition(values, -k, axis=1)[:, -k:]
        columns = np.take_along_axis(columns, best, axis=1)
        values = np.take_along_axis(values, best, axis=1)
    return _sorted(columns, values, k)


def _sorted(columns: Indexes, values: Floats, k: int) -> tuple[Indexes, Floats]:
    order = np.lexsort((columns, -values), axis=1)[:, :k]
    return np.take_along_axis(columns, order, axis=1), np.take_along_axis(values, order, axis=1)


def _candidates(scores: Floats, k: int) -> Indexes:
    """Return, for each row, columns among which its k greatest scores are.

    Selecting from all V scores costs more than the matrix product that made them. With columns in
    groups {g, g + G, g + 2G, …}, the k greatest scores are in the k groups of greatest maximum (or
    tie with those). The maxima vectorise, and leave few candidates.
    """
    queries, columns = scores.shape
    groups = columns // _GROUP
    if groups <= k:
        return np.broadcast_to(np.arange(columns), scores.shape)
    grouped = scores[:, : groups * _GROUP].reshape(queries, _GROUP, groups)
    best = np.argpartition(grouped.max(axis=1), groups - k, axis=1)[:, groups - k :]
    members = best[:, :, None] + groups * np.arange(_GROUP)
    rest = np.broadcast_to(np.arange(groups * _GROUP, columns), (queries, columns % _GROUP))
    return np.concatenate((members.reshape(queries, -1), rest), axis=1)
