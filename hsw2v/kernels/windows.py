"""A block of ids becomes windows: which tokens are kept, and how far each one sees."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.memory import load_int32, load_int64, store_int64
from hsw2v.kernels.random import below, draw, high_half, low_half

END_OF_SENTENCE = -1
"""What `remap` gives for an end of sentence; words left out are below it."""


class Windowing(NamedTuple):
    """How provisional ids become windows."""

    remap: NDArray[np.int32]
    """(T+1,) int32: provisional id -> word; -1 an end of sentence, -2 a word left out."""
    keep: NDArray[np.uint64]
    """(V,) uint64: a word is kept when 32 random bits are below this; 2³² always keeps."""
    window: int
    """Largest distance of a context word from its target."""
    shrink: bool
    """Draw the reach of every window from 1 … window (else it is always `window`)."""


@inlined
def find_windows(ids, windowing, key, kept, bounds):
    """Write the words kept of a block (B,) int32 and the bounds (B, 2) int32 of their windows.

    These are its first word, and the one after its last, within the sentence; the target itself is
    among them. Returns the number of words.
    """
    count: Any = np.int64(0)
    start: Any = np.int64(0)
    remap = windowing.remap
    keep = windowing.keep
    window = windowing.window
    shrink = windowing.shrink
    for position in range(len(ids)):
        word = remap[ids[position]]
        if word == END_OF_SENTENCE:
            _cut_at(count, start, window, bounds)
            start = count
            continue
        # Each word is written, and stays if it is kept: no processor would predict a branch.
        bits = draw(key, position)
        reach = window
        if shrink:
            reach = 1 + below(low_half(bits), window)
        kept[count] = word
        bounds[count, 0] = max(start, count - reach)
        bounds[count, 1] = count + reach + 1
        known = np.int64(word >= 0)
        count += known & np.int64(high_half(bits) < keep[max(word, 0)])
    _cut_at(count, start, windowing.window, bounds)
    return count


@inlined
def _cut_at(end, start, window, bounds):
    """End the windows of a sentence that begins at `start` where it ends."""
    for centre in range(max(start, end - window), end):
        bounds[centre, 1] = min(end, bounds[centre, 1])


@inlined
def row_addresses(base, stride, kept, count, rows):
    """Write the addresses of the rows of `count` words to the address `rows`, from place 1 on.

    `kept` is the address of the words; the table of their rows, of `stride` bytes each, begins at
    the address `base`. Place c + 1 belongs to word c until `leave_out` is called for it.
    """
    for place in range(count):
        word = np.int64(load_int32(kept + 4 * place))
        store_int64(rows + 8 * (place + 1), base + word * stride)


@inlined
def leave_out(rows, centre, previous):
    """Move on to the window of a word: its own address leaves, and that of the word before enters.

    The words are taken in order. Words before it are at one place more than they were, so that all
    but it stand side by side: the context of words `first` to `last` begins at place first + 2.
    Returns the address of the word's own row, which is the `previous` of the next call.
    """
    own = load_int64(rows + 8 * (centre + 1))
    store_int64(rows + 8 * (centre + 1), previous)
    return own


@inlined
def context_rows(base, stride, kept, first, end, centre, rows):
    """Write the addresses of the rows of a window's context to the address `rows`; return how many.

    `kept` is the address of the words kept; of those from `first` to `end`, all but the centre are
    the context. The table of their rows, of `stride` bytes each, begins at the address `base`.
    """
    n = 0
    for position in range(first, end):
        if position != centre:
            word = np.int64(load_int32(kept + 4 * position))
            store_int64(rows + 8 * n, base + word * stride)
            n += 1
    return n


@compiled
def windows_of(ids, windowing, key) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the words kept of a block (n,) int32, and the bounds of their windows (n, 2) int32."""
    kept = np.empty(len(ids), np.int32)
    bounds = np.empty((len(ids), 2), np.int32)
    count = find_windows(ids, windowing, key, kept, bounds)
    return kept[:count].copy(), bounds[:count].copy()
