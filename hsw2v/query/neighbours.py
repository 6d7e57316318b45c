"""The rows nearest to queries by cosine."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import blas_thread_count, on_threads

Floats = NDArray[np.float32]
Indexes = NDArray[np.int64]

QUERIES_AT_ONCE = 256
SCORES_AT_ONCE = 1 << 20
"""Scores in memory (4 MiB), of a block of queries by a tile of rows: caches hold them."""

_LEAST_QUERIES = 64
"""Of a block, where threads share the queries: matrix products of fewer are slow."""
_LEAST_SQUARE, _GREATEST_SQUARE = 1e-30, 1e30
"""Of the length of a row whose product with any unit vector is safely a float32."""


def unit_rows(rows: Floats) -> Floats:
    """Return rows `(N, D) float32` scaled to length 1; a row of zeros stays one."""
    squares = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
    lengths = np.sqrt(squares, out=squares)
    lengths[lengths == 0.0] = 1.0
    unit: Floats = np.empty(rows.shape, np.float32)
    # In float64: one over the length of a tiny row overflows float32.
    np.multiply(rows, (1.0 / lengths)[:, None], out=unit, casting="same_kind")
    return unit


def rows_of(table: Floats, guests: Floats, rows: Indexes) -> Floats:
    """Return rows `(n,)` of a table `(V, D)`, and of guests of whom the first is row V."""
    if not len(guests):
        return table[rows]
    found: Floats = np.empty((len(rows), table.shape[1]), np.float32)
    known = rows < len(table)
    found[known], found[~known] = table[rows[known]], guests[rows[~known] - len(table)]
    return found


class UnitRows:
    """Rows `(V, D) float32` as if scaled to length 1; a row of zeros stays one.

    Products are scaled instead of the table, so that there is no second one.
    """

    def __init__(self, rows: Floats) -> None:
        """Take the rows, and find the length of each."""
        squares = np.einsum("ij,ij->i", rows, rows)
        usual = (squares > _LEAST_SQUARE) & (squares < _GREATEST_SQUARE)
        self._rows = rows
        if rows[~usual].any():
            # Their products may overflow, or their lengths vanish.
            self._rows = unit_rows(rows)
            usual[:] = False
        squares[~usual] = 1.0
        self._scales: Floats = 1.0 / np.sqrt(squares)
        self._guests: Floats = self._rows[:0]

    def __len__(self) -> int:
        """Return the number of rows V."""
        return len(self._rows)

    def __getitem__(self, rows: Indexes) -> Floats:
        """Return the rows `(n,)` of length 1, `(n, D) float32`."""
        return unit_rows(rows_of(self._rows, self._guests, rows))

    def with_guests(self, vectors: Floats) -> UnitRows:
        """Return these rows, and `(n, D)` more, from V on, that are asked with and no answers."""
        found = copy.copy(self)
        found._guests = vectors
        return found

    def first(self, count: int) -> UnitRows:
        """Return the first rows, so many of them."""
        return UnitRows(self._rows[:count])

    def products(self, directions: Floats, tile: slice) -> Floats:
        """Return the products of `directions (Q, D)` and a slice of the rows, (Q, n) float32."""
        found: Floats = directions @ self._rows[tile].T
        found *= self._scales[tile]
        return found


def nearest(
    unit: UnitRows,
    queries: Floats,
    k: int,
    exclude: Indexes | None = None,
    hidden: Indexes | None = None,
) -> tuple[Indexes, Floats]:
    """Find the k rows of `unit (V, D)` with the greatest cosine to each of `queries (Q, D)`.

    The rows `exclude (Q, E)` names for a query are not among its answers; numbers of V and more
    are of none. The rows `hidden (H,)`, in rising order, are among the answers of none.
    Returns row numbers and cosines, each `(Q, min(k, V - E - H))`, best first.
    """
    directions = unit_rows(queries)
    return best_rows(
        lambda block, tile: unit.products(directions[block], tile),
        len(queries),
        len(unit),
        k,
        exclude,
        hidden,
    )


def best_rows(
    scores_of: Callable[[slice, slice], Floats],
    queries: int,
    rows: int,
    k: int,
    exclude: Indexes | None = None,
    hidden: Indexes | None = None,
) -> tuple[Indexes, Floats]:
    """Find the k best-scored rows of every query, in bounded memory, on the threads of BLAS.

    `scores_of(block, tile)` returns a fresh array of the scores of a slice of the queries for a
    slice of the rows; several threads call it. Returns row numbers and scores as `nearest` does.
    """
    k = max(0, min(k, rows - _most_left_out(rows, exclude, hidden)))
    # Where no row is found yet: behind all rows of equal score.
    indexes = np.full((queries, k), rows)
    scores = np.full((queries, k), -np.inf, np.float32)

    def answer(block: slice) -> None:
        for tile in slices(rows, max(1, SCORES_AT_ONCE // (block.stop - block.start))):
            found = scores_of(block, tile)
            if exclude is not None:
                _leave_out(found, exclude[block] - tile.start)
            if hidden is not None:
                first, last = np.searchsorted(hidden, (tile.start, tile.stop))
                found[:, hidden[first:last] - tile.start] = -np.inf
            # Past the first tiles, few queries find any better row in one. (NaN counts as one.)
            highest = found.max(axis=1)
            better = block.start + np.nonzero(~(highest <= scores[block, -1]))[0]
            if not len(better):
                continue
            found = found[better - block.start]
            if np.isnan(highest).any():
                found[np.isnan(found)] = -np.inf
            columns, values = top_k(found, min(k, found.shape[1]))
            columns = np.concatenate((indexes[better], columns + tile.start), axis=1)
            values = np.concatenate((scores[better], values), axis=1)
            indexes[better], scores[better] = _sorted(columns, values, k)

    share = max(_LEAST_QUERIES, -(-queries // blas_thread_count()))
    on_threads(answer, list(slices(queries if k else 0, min(QUERIES_AT_ONCE, share))))
    return indexes, scores


def slices(length: int, step: int) -> Iterator[slice]:
    """Cut a length into slices of a step."""
    for start in range(0, length, step):
        yield slice(start, min(start + step, length))


def _most_left_out(rows: int, exclude: Indexes | None, hidden: Indexes | None) -> int:
    """Return how many of the rows are no answers, of the query that has most of them."""
    always = 0 if hidden is None else len(hidden)
    if exclude is None or not exclude.size:
        return always
    ordered = np.sort(exclude, axis=1)
    counted = ordered < rows
    counted[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    if hidden is not None:
        counted &= ~np.isin(ordered, hidden)
    return always + int(counted.sum(axis=1).max())


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
    # There are then as many groups as candidates.
    size = max(1, math.isqrt(columns // max(1, k)))
    groups = columns // size
    if groups <= k:
        return np.broadcast_to(np.arange(columns), scores.shape)
    grouped = scores[:, : groups * size].reshape(queries, size, groups)
    best = np.argpartition(grouped.max(axis=1), groups - k, axis=1)[:, groups - k :]
    members = best[:, :, None] + groups * np.arange(size)
    rest = np.broadcast_to(np.arange(groups * size, columns), (queries, columns % size))
    return np.concatenate((members.reshape(queries, -1), rest), axis=1)
