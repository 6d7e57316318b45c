"""Word vectors that are means of several rows: a word's own, and those of its n-grams.

A step upon such a vector adds the same gradient to all of its rows (Bojanowski et al. 2017), and so
the mean moves by just that: it is trained as a row would be. A word of the text is composed as it
comes into the window, and its change is added to all of its rows as it leaves:

    c = mean of the rows of the word
    the steps of the windows that see it change c to c'
    each of the rows gains c' - c

Those of a frozen word gain nothing. What trains sees only these vectors, one for each word of the
text near the window, in a ring. The definition in NumPy is `reference.subwords`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined, prefetch_line
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32, load_int64, load_uint8, store_int32, store_int64
from hsw2v.kernels.rows import add_change, copy_row
from hsw2v.kernels.tiles import add_to_rows, mean_row, prefetch_row

ROWS_AHEAD = 2
"""Words between asking for rows and composing of them; the places of rows are asked for earlier."""


class Composing(NamedTuple):
    """What a thread composes word vectors of, and where."""

    offsets: NDArray[np.int64]
    """(V+1,) int64, where the n-grams of each word begin in `ngrams`."""
    ngrams: NDArray[np.int32]
    """(Σ,) int32, rows of `table`."""
    table: NDArray[np.float32]
    """(B, P) float32, the vectors of n-grams."""
    composed: NDArray[np.float32]
    """(K, P) float32, K a power of two: place c of the text has row c mod K."""
    before: NDArray[np.float32]
    """(K, P) float32, the same as they were composed."""
    change: NDArray[np.float32]
    """(1, P) float32, zeros."""
    places: NDArray[np.int32]
    """(B,) int32, the row of each place."""
    rows: NDArray[np.int64]
    """(most,) int64, addresses of the rows of a word."""
    frozen: NDArray[np.uint8]
    """(V,) uint8, 1 for words whose rows gain nothing."""


class Ring(NamedTuple):
    """Where all of that is: addresses, and what the rows measure."""

    words: int
    """Of the words kept."""
    end: int
    """The place after the last of them."""
    offsets: int
    ngrams: int
    own: int
    """The table of the words' own rows."""
    table: int
    composed: int
    before: int
    change: int
    places: int
    rows: int
    frozen: int
    mask: int
    """K - 1."""
    stride: int
    """Bytes of a row."""
    chunks: int
    """SIMD vectors of a row."""


@inlined
def ring_of(composing, vectors, words, count):
    """Return the addresses of a block of `count` words at the address `words`."""
    mask = len(composing.composed) - 1
    places = composing.places.ctypes.data
    for place in range(count):
        store_int32(places + 4 * place, np.int32(place & mask))
    stride = vectors.shape[1] * vectors.itemsize
    return Ring(
        words,
        count,
        composing.offsets.ctypes.data,
        composing.ngrams.ctypes.data,
        vectors.ctypes.data,
        composing.table.ctypes.data,
        composing.composed.ctypes.data,
        composing.before.ctypes.data,
        composing.change.ctypes.data,
        places,
        composing.rows.ctypes.data,
        composing.frozen.ctypes.data,
        mask,
        stride,
        stride // (4 * LANES),
    )


@inlined
def _word(ring, place):
    return np.int64(load_int32(ring.words + 4 * place))


@inlined
def _rows_of(ring, word):
    """Write the addresses of the rows of a word; return how many there are."""
    store_int64(ring.rows, ring.own + word * ring.stride)
    first = load_int64(ring.offsets + 8 * word)
    n = load_int64(ring.offsets + 8 * word + 8) - first
    for one in range(n):
        row = np.int64(load_int32(ring.ngrams + 4 * (first + one)))
        store_int64(ring.rows + 8 * (one + 1), ring.table + row * ring.stride)
    return n + 1


@inlined
def _prefetch(ring, place):
    """Ask for the rows of a word ahead, and for where those of later ones are told."""
    if place + 2 * ROWS_AHEAD < ring.end:
        prefetch_line(ring.offsets + 8 * _word(ring, place + 2 * ROWS_AHEAD))
    if place + ROWS_AHEAD < ring.end:
        later = load_int64(ring.offsets + 8 * _word(ring, place + ROWS_AHEAD))
        prefetch_line(ring.ngrams + 4 * later)
        prefetch_line(ring.ngrams + 4 * later + 64)
    if place < ring.end:
        for one in range(_rows_of(ring, _word(ring, place))):
            prefetch_row(load_int64(ring.rows + 8 * one), ring.chunks)


@compiled
def move_on(ring, left, entered, begin, end):
    """Go on to the words from place `begin` on and before `end`, of which some are composed.

    Those before `entered` were composed, and those before `left` have left; returns both numbers.
    The changes of words before `begin` are added to their rows.
    """
    for place in range(left, min(begin, entered)):
        _leave(ring, place)
    left = max(left, begin)
    for place in range(max(entered, left), end):
        _prefetch(ring, place + ROWS_AHEAD)
        _enter(ring, place)
    return left, max(entered, end)


@inlined
def _enter(ring, place):
    slot = np.int64(place & ring.mask) * ring.stride
    n = _rows_of(ring, _word(ring, place))
    mean_row(ring.rows, n, ring.chunks, ring.composed + slot)
    copy_row(ring.before + slot, ring.composed + slot, ring.chunks)


@inlined
def _leave(ring, place):
    slot = np.int64(place & ring.mask) * ring.stride
    word = _word(ring, place)
    if load_uint8(ring.frozen + word):
        return
    moved = add_change(ring.change, ring.before + slot, ring.composed + slot, ring.chunks)
    if moved != np.float32(0.0):
        add_to_rows(ring.rows, _rows_of(ring, word), ring.chunks, ring.change)


@compiled
def compose_words(composing, vectors, words) -> None:
    """Write the vectors of words (n,) int32 to the same rows of `composed` and of `before`."""
    ring = ring_of(composing, vectors, words.ctypes.data, np.int64(0))
    for place in range(len(words)):
        row = np.int64(words[place]) * ring.stride
        n = _rows_of(ring, np.int64(words[place]))
        mean_row(ring.rows, n, ring.chunks, ring.composed + row)
        copy_row(ring.before + row, ring.composed + row, ring.chunks)


@compiled
def give_back(composing, vectors, words) -> None:
    """Add the changes of the vectors of words (n,) int32, as composed, to their rows."""
    ring = ring_of(composing, vectors, words.ctypes.data, np.int64(0))
    for place in range(len(words)):
        if load_uint8(ring.frozen + np.int64(words[place])):
            continue
        row = np.int64(words[place]) * ring.stride
        add_change(ring.change, ring.before + row, ring.composed + row, ring.chunks)
        n = _rows_of(ring, np.int64(words[place]))
        add_to_rows(ring.rows, n, ring.chunks, ring.change)
