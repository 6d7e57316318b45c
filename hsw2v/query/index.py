"""An index of rows by cosine, for millions of them: the only door to usearch.

A graph of near neighbours that is searched from neighbour to neighbour (HNSW: Malkov & Yashunin
2020). It misses a few; what it finds is ranked again by exact cosines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import blas_thread_count
from hsw2v.errors import missing_extra
from hsw2v.query.neighbours import Floats, Indexes, UnitRows, slices, unit_rows

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 128
"""Neighbours of a node, and nodes that are kept in view while it is added, or searched for."""
_DTYPE = "f16"
_ROWS_AT_ONCE, _CANDIDATES_AT_ONCE = 1 << 12, 1 << 16


def usearch_index(dim: int, **settings: Any) -> Any:
    """Return an empty index of usearch for vectors of so many dimensions.

    Raises:
        UsageError: usearch is not installed.
    """
    try:
        from usearch.index import Index
    except ImportError as error:
        raise missing_extra("an index needs usearch", "index", error) from error
    return Index(ndim=dim, metric="ip", dtype=_DTYPE, **settings)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be what it is: usearch makes an error of its own of it, without a cause."""
    try:
        yield
    except RuntimeError as error:
        if "terminated" in str(error):
            raise KeyboardInterrupt from error
        raise


class RowIndex:
    """An index of the rows of a table, scaled to length 1."""

    def __init__(self, index: Any, expansion_search: int = EXPANSION_SEARCH) -> None:
        """Take an index of usearch whose keys are the numbers of rows."""
        self._index = index
        self._index.expansion_search = expansion_search
        self._content: Any = None
        """The memory that a viewed index is in: usearch does not hold it."""

    @classmethod
    def of(
        cls,
        rows: Floats,
        *,
        connectivity: int = CONNECTIVITY,
        expansion_add: int = EXPANSION_ADD,
        expansion_search: int = EXPANSION_SEARCH,
        tick: Callable[[int], None] = lambda done: None,
    ) -> RowIndex:
        """Index rows (V, D) on the threads of BLAS; `tick` is called with how many are done."""
        index = usearch_index(rows.shape[1], connectivity=connectivity, expansion_add=expansion_add)
        for some in slices(len(rows), _ROWS_AT_ONCE):
            keys = np.arange(some.start, some.stop, dtype=np.uint64)
            with _interruptible():
                index.add(keys, unit_rows(rows[some]), threads=blas_thread_count())
            tick(some.stop)
        return cls(index, expansion_search)

    @classmethod
    def from_bytes(cls, content: NDArray[np.uint8], dim: int, expansion_search: int) -> RowIndex:
        """Return the index that `to_bytes` gave, which stays where it is in memory."""
        index = usearch_index(dim)
        index.view(content.data)
        found = cls(index, expansion_search)
        found._content = content
        return found

    def to_bytes(self) -> NDArray[np.uint8]:
        """Return it as usearch saves it, (bytes,) uint8."""
        return np.frombuffer(self._index.save(), np.uint8)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._index)

    @property
    def dim(self) -> int:
        """The number of dimensions."""
        return int(self._index.ndim)

    def nearest(
        self, unit: UnitRows, queries: Floats, k: int, exclude: Indexes | None = None
    ) -> tuple[Indexes, Floats]:
        """Do what `neighbours.nearest` does of the same rows, but for those that it misses.

        A query for which fewer than k rows are found has row V, and the cosine -inf, for others.
        """
        excluded = np.empty((len(queries), 0), np.int64) if exclude is None else exclude
        k = max(0, min(k, len(unit) - excluded.shape[1]))
        indexes = np.full((len(queries), k), len(unit))
        scores = np.full((len(queries), k), -np.inf, np.float32)
        step = max(1, _CANDIDATES_AT_ONCE // max(1, k))
        for some in slices(len(queries) if k else 0, step):
            directions = unit_rows(queries[some])
            found = self._search(directions, k + excluded.shape[1], len(unit))
            found[(found[:, :, None] == excluded[some, None, :]).any(axis=2)] = len(unit)
            cosines = _cosines(unit, directions, found)
            order = np.lexsort((found, -cosines), axis=1)[:, :k]
            columns = slice(order.shape[1])
            indexes[some, columns] = np.take_along_axis(found, order, axis=1)
            scores[some, columns] = np.take_along_axis(cosines, order, axis=1)
        return indexes, scores

    def _search(self, directions: Floats, count: int, rows: int) -> Indexes:
        """Return the rows that are found (Q, count); the number of all for those that are not."""
        with _interruptible():
            matches = self._index.search(directions, count, threads=blas_thread_count())
        keys = matches.keys.reshape(len(directions), -1)
        counts = np.atleast_1d(getattr(matches, "counts", keys.shape[1]))
        found: Indexes = np.minimum(keys, rows).astype(np.int64)
        found[np.arange(keys.shape[1]) >= counts[:, None]] = rows
        return found


def _cosines(unit: UnitRows, directions: Floats, rows: Indexes) -> Floats:
    """Return the cosine of each direction (Q, D) and its rows (Q, n); -inf for row V."""
    known = rows < len(unit)
    vectors = unit[np.where(known, rows, 0).ravel()].reshape(*rows.shape, -1)
    found: Floats = np.einsum("qd,qnd->qn", directions, vectors)
    found[~known] = -np.inf
    return found
