"""Bigram counts of a text as sparse matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled

MOST_IDS = 1 << 26
"""The most ids that are counted: of a longer text, blocks spread evenly over it."""
_IDS_AT_ONCE = 1 << 23
_ROWS_AT_ONCE = 1 << 14
_END_OF_SENTENCE = -1


class Rows(NamedTuple):
    """A sparse matrix (V, V) of counts, row by row; columns rise within a row."""

    offsets: NDArray[np.int64]
    """(V+1,) int64 borders of the rows."""
    columns: NDArray[np.int32]
    """(B,) int32."""
    counts: NDArray[np.int32]
    """(B,) int32."""


class Bigrams(NamedTuple):
    """The counts N(v, w) of words w that follow words v, both ways."""

    followers: Rows
    """Row v holds the words after v."""
    leaders: Rows
    """Row w holds the words before w."""


def count_bigrams(
    ids: NDArray[np.int32],
    blocks: NDArray[np.int64],
    remap: NDArray[np.int32],
    words: int,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Bigrams:
    """Count the neighbouring words of an encoded text.

    `ids (N,) int32` are provisional ids in blocks with borders `blocks (K+1,) int64`; `remap
    (T+1,) int32` turns them into words, -1 for an end of a sentence, less for a word left out,
    whose neighbours then make a bigram. No bigram crosses the end of a sentence or block.

    Sorted by two transpositions (Gustavson 1978, "Two fast algorithms for sparse matrices"), in
    time proportional to N, and memory of about 8 bytes an id for up to `MOST_IDS`. `tick` is called
    with the ids that are done, and their total.
    """
    chosen = _chosen(blocks)
    slices = _slices(chosen)
    total = 2 * int(np.diff(chosen).sum())
    done = 0
    follows = np.zeros(words + 1, np.int64)
    nowhere = np.empty(0, np.int32)
    for some in slices:
        _place_leaders(ids, some, remap, follows[1:], nowhere)
        done += int(np.diff(some).sum())
        tick(done, total)
    offsets = np.cumsum(follows)
    places = offsets[:-1].copy()
    leaders = np.empty(offsets[-1], np.int32)
    for some in slices:
        _place_leaders(ids, some, remap, places, leaders)
        done += int(np.diff(some).sum())
        tick(done, total)
    followers = _summed(_transposed(Rows(offsets, leaders, nowhere)))
    return Bigrams(followers, _transposed(followers))


def _chosen(blocks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return borders (k, 2) of blocks with about `MOST_IDS` ids in all, at most."""
    both = np.column_stack((blocks[:-1], blocks[1:]))
    every = -(-int(blocks[-1] - blocks[0]) // MOST_IDS)
    return np.ascontiguousarray(both[:: max(every, 1)])


def _slices(chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut rows of borders into runs that hold about `_IDS_AT_ONCE` ids each."""
    run = np.cumsum(np.diff(chosen)) // _IDS_AT_ONCE
    return np.split(chosen, np.nonzero(np.diff(run))[0] + 1)


def _transposed(rows: Rows) -> Rows:
    """Return the columns as rows."""
    words = len(rows.offsets) - 1
    offsets = np.zeros(words + 1, np.int64)
    np.cumsum(np.bincount(rows.columns, minlength=words), out=offsets[1:])
    columns, counts = np.empty_like(rows.columns), np.empty_like(rows.counts)
    places = offsets[:-1].copy()
    for first in range(0, words, _ROWS_AT_ONCE):
        _transpose(rows, first, min(first + _ROWS_AT_ONCE, words), places, columns, counts)
    return Rows(offsets, columns, counts)


def _summed(rows: Rows) -> Rows:
    """Return rows in which repeated columns are counted."""
    counts = np.empty_like(rows.columns)
    offsets = np.empty_like(rows.offsets)
    found = _sum(rows.offsets, rows.columns, offsets, counts)
    return Rows(offsets, rows.columns[:found].copy(), counts[:found].copy())


@compiled
def _place_leaders(ids, blocks, remap, places, leaders):
    """Put the word before each word w in `leaders[places[w]]`; only count if `leaders` is empty."""
    for block in range(len(blocks)):
        former = -1
        for i in range(blocks[block, 0], blocks[block, 1]):
            word = remap[ids[i]]
            if word >= 0:
                if former >= 0:
                    if len(leaders):
                        leaders[places[word]] = former
                    places[word] += 1
                former = word
            elif word == _END_OF_SENTENCE:
                former = -1


@compiled
def _transpose(rows, first, last, places, columns, counts):
    for row in range(first, last):
        for i in range(rows.offsets[row], rows.offsets[row + 1]):
            place = places[rows.columns[i]]
            places[rows.columns[i]] = place + 1
            columns[place] = row
            if len(counts):
                counts[place] = rows.counts[i]


@compiled
def _sum(before, columns, offsets, counts):
    found = 0
    for row in range(len(before) - 1):
        offsets[row] = found
        former = -1
        for i in range(before[row], before[row + 1]):
            if columns[i] != former:
                former = columns[i]
                columns[found] = former
                counts[found] = 0
                found += 1
            counts[found - 1] += 1
    offsets[len(before) - 1] = found
    return found
