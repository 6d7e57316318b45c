"""What workers of a round do besides training: find their rows, copy them, combine the copies.

The definition in NumPy is `reference.combining`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined, prefetch_line
from hsw2v.kernels.arguments import (
    CLASSES,
    HIERARCHICAL,
    HYBRID,
    NEGATIVE,
    NOISE_KEY,
    OTHER,
    SAMPLED,
)
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32
from hsw2v.kernels.output.negative import drawn_word, noise_rows
from hsw2v.kernels.random import draw
from hsw2v.kernels.rows import add_change, clear_row, copy_row, move_row_by, squared_length
from hsw2v.kernels.tiles import prefetch_row
from hsw2v.kernels.windows import find_windows

AGREEING = np.float32(2.0)
"""How far changes that agree go together, in lengths of one of them."""
AHEAD = 8
"""Rows between asking for one and touching it."""


class Found(NamedTuple):
    """Rows of a table (R, P) that are found, each once."""

    marks: NDArray[np.uint8]
    """(R,) uint8, 1 for those that are found."""
    rows: NDArray[np.int32]
    """(R+1,) int32, as they are found."""


@compiled
def find_rows(
    ids, key, windowing, layer, noise, shared_by, kept, bounds, words, outputs, n, m
) -> tuple[int, int]:
    """Find the rows of both tables that training on a block of ids (B,) int32 reaches.

    `noise` draws words for `shared_by` windows together; `kept` and `bounds` are as in `Scratch`.
    The rows are added to `n` of `words` and `m` of `outputs` that are found; returns how many there
    are then. Beyond what the block moves, they are those of its words that are not kept, and of
    decisions that are skipped.
    """
    # Numba counts references to the arrays of tuples wherever these are used.
    remap = windowing.remap
    word_marks, word_rows = words.marks, words.rows
    marks, rows = outputs.marks, outputs.rows
    offsets, nodes = layer.paths.offsets, layer.paths.nodes
    offsets_at, nodes_at = offsets.ctypes.data, nodes.ctypes.data
    trees = layer.paths.keep.shape[0]
    vocabulary = (len(offsets) - 1) // trees
    of, members, begins = layer.classes.of, layer.classes.members, layer.classes.offsets
    classes = len(begins) - 1
    begin = n
    for position in range(len(ids)):
        word = remap[ids[position]]
        if word >= 0:
            n = _mark(word, word_marks, word_rows, n)
    for at in range(begin, n):
        word = word_rows[at]
        if layer.kind == HIERARCHICAL or layer.kind == HYBRID:
            for number in range(trees):
                there = number * vocabulary
                first = number * (vocabulary - 1)
                if at + 2 * AHEAD < n:
                    later = np.int64(word_rows[at + 2 * AHEAD])
                    prefetch_line(offsets_at + 8 * (there + later))
                if at + AHEAD < n:
                    end = offsets[there + word_rows[at + AHEAD] + 1]
                    prefetch_line(nodes_at + 4 * (end - 1))
                place = offsets[there + word + 1] - 1
                # Above a node that is found, all are.
                while place >= offsets[there + word] and not marks[first + nodes[place]]:
                    m = _mark(first + nodes[place], marks, rows, m)
                    place -= 1
            if layer.kind == HYBRID:
                m = _mark(noise.first + word, marks, rows, m)
        elif layer.kind == CLASSES:
            own = of[word]
            for place in range(begins[own], begins[own + 1]):
                m = _mark(classes + members[place], marks, rows, m)
        else:
            m = _mark(word, marks, rows, m)
    if layer.kind == CLASSES:
        for one in range(classes):
            m = _mark(one, marks, rows, m)
    elif layer.kind == NEGATIVE or layer.kind == HYBRID or layer.kind == SAMPLED:
        drawn = noise_rows(noise, marks.reshape(1, -1))
        count = find_windows(ids, windowing, key, kept, bounds)
        for counter in range(-(-count // shared_by) * noise.negative):
            word = drawn_word(drawn, draw(key ^ NOISE_KEY, counter))
            m = _mark(noise.first + word, marks, rows, m)
    elif layer.kind == OTHER:
        for row in range(len(marks)):
            m = _mark(row, marks, rows, m)
    return n, m


@compiled
def find_ngrams(words, offsets, ngrams, found) -> int:
    """Find the rows of the n-grams of words (n,) int32; return how many there are.

    `offsets (V+1,) int64` tells where the rows of each word begin in `ngrams (Σ,) int32`.
    """
    marks, rows = found.marks, found.rows
    n = 0
    for word in words:
        for place in range(offsets[word], offsets[word + 1]):
            n = _mark(ngrams[place], marks, rows, n)
    return n


@compiled
def forget(marks, rows) -> None:
    """Let rows (n,) int32 be found again."""
    for row in rows:
        marks[row] = 0


@inlined
def _mark(row, marks, rows, count):
    """Add a row to those that are found, unless it is among them; return how many there are."""
    # Without a branch, which no processor would predict.
    rows[count] = row
    count += 1 - np.int64(marks[row])
    marks[row] = 1
    return count


@compiled
def copy_rows(source, rows, target) -> None:
    """Copy rows (n,) int32 of a table (R, P) float32 to the same rows of another."""
    _copy(source, rows, target, True)


@compiled
def take_rows(source, rows, target) -> None:
    """Copy rows (n,) int32 of a table (R, P) float32 to the first n rows of another."""
    _copy(source, rows, target, False)


@inlined
def _copy(source, rows, target, same):
    stride = source.shape[1] * source.itemsize
    chunks = source.shape[1] // LANES
    there = source.ctypes.data
    here = target.ctypes.data
    for place in range(len(rows)):
        if place + AHEAD < len(rows):
            prefetch_row(there + np.int64(rows[place + AHEAD]) * stride, chunks)
        row = np.int64(rows[place])
        copy_row(here + (row if same else np.int64(place)) * stride, there + row * stride, chunks)


@compiled
def combine_rows(table, rows, copies, counts, first, last, trained, total) -> None:
    """Combine in place the copies that workers have of rows `first` to `last` of a table (R, P).

    `rows (W,)` are the addresses of the rows that each worker has, ascending, and `counts (W,)` how
    many; `copies (W,)` those of their copies, as rows of P floats. What is `trained` is combined by
    `reference.combining.combined`, and of other numbers the mean is taken. `total (1, P)` is room.
    """
    workers = len(counts)
    stride = table.shape[1] * table.itemsize
    chunks = table.shape[1] // LANES
    base = table.ctypes.data
    changes = total.ctypes.data
    one = np.float32(1.0)
    at = np.empty(workers, np.int64)
    end = np.empty(workers, np.int64)
    for worker in range(workers):
        at[worker] = _first_from(first, rows[worker], counts[worker])
        end[worker] = _first_from(last, rows[worker], counts[worker])
    having = np.empty(workers, np.int64)
    while True:
        # The next row that some workers have, and where their copies are.
        row: Any = np.int64(last)
        n = 0
        for worker in range(workers):
            if at[worker] < end[worker]:
                own = np.int64(load_int32(rows[worker] + 4 * at[worker]))
                if own < row:
                    row = own
                    n = 0
                if own == row:
                    having[n] = worker
                    n += 1
        if n == 0:
            break
        for k in range(n):
            worker = having[k]
            having[k] = copies[worker] + at[worker] * stride
            at[worker] += 1
            ahead = at[worker] + AHEAD
            if ahead < end[worker]:
                prefetch_row(base + np.int64(load_int32(rows[worker] + 4 * ahead)) * stride, chunks)
        shared = base + row * stride
        if n == 1:
            copy_row(shared, having[0], chunks)
        elif trained:
            clear_row(changes, chunks)
            squares = np.float32(0.0)
            for k in range(n):
                squares += add_change(changes, shared, having[k], chunks)
            squares *= AGREEING
            length = squared_length(changes, chunks)
            factor = one
            if length > squares:
                factor = squares / length
            move_row_by(shared, changes, one, factor, chunks)
        else:
            share = np.float32(1.0 / n)
            move_row_by(shared, having[0], np.float32(0.0), share, chunks)
            for k in range(1, n):
                move_row_by(shared, having[k], one, share, chunks)


@inlined
def _first_from(row, rows, count):
    """Return the place of the first of `count` ascending rows that is not below a row."""
    low: Any = np.int64(0)
    high: Any = np.int64(count)
    while low < high:
        middle = (low + high) // 2
        if load_int32(rows + 4 * middle) < row:
            low = middle + 1
        else:
            high = middle
    return low
