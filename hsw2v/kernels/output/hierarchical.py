"""Hierarchical softmax: the rows are the nodes on the target's paths, labelled by its turns.

Nodes at the top may be subsampled: one number drawn for a window and a tree tells from which level
on the nodes of the path take part in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined, prefetch_line
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import (
    load_float32,
    load_int32,
    load_int64,
    load_uint8,
    load_uint64,
    store_float32,
    store_int32,
    store_int64,
)
from hsw2v.kernels.random import NODE_KEY, draw, high_half, thresholds
from hsw2v.kernels.step import loss
from hsw2v.kernels.tiles import merge_row, prefetch_row


class TreePaths(NamedTuple):
    """The paths of all words in N trees, as `trees.Paths`, and which nodes are subsampled."""

    offsets: NDArray[np.int64]
    """(NV+1,) int64: those of one tree after those of another."""
    nodes: NDArray[np.int32]
    """(ΣL,) int32, numbered within their tree."""
    codes: NDArray[np.uint8]
    """(ΣL,) uint8."""
    keep: NDArray[np.uint64]
    """(N, K) uint64: node k < K of a tree takes part in a window when 32 random bits are below
    this; the others always do. It does not fall along a path."""


def tree_paths(
    offsets: NDArray[np.int64],
    nodes: NDArray[np.int32],
    codes: NDArray[np.uint8],
    keep: NDArray[np.float64] | None = None,
) -> TreePaths:
    """Return the paths of N trees, given as the arrays of `trees.Paths`, as the kernels want them.

    `keep (N, V-1)` is the probability of each node to take part in a window. Without it there is
    one tree, whose nodes all do.
    """
    if keep is None:
        keep = np.empty((1, 0))
    subsampled = int(np.flatnonzero((keep < 1.0).any(axis=0)).max(initial=-1)) + 1
    return TreePaths(offsets, nodes, codes, thresholds(keep[:, :subsampled]))


class PrivateTop(NamedTuple):
    """A thread's own copies of the most visited nodes while it works on a block.

    All windows pass the root and few nodes below it. Threads that write the same row wait for
    each other's cache lines at every step; copies that are merged once every `MERGE_EVERY` visits
    take that wait away (the idea of caching frequent nodes: Vuurens, Eickhoff & de Vries 2016,
    "Efficient parallel learning of Word2Vec").
    """

    rows: NDArray[np.float32]
    """(NK, P) float32, what the thread trains: of each of N trees, the first K nodes."""
    merged: NDArray[np.float32]
    """(NK, P) float32, the rows as they were after the last merge."""
    visits: NDArray[np.int32]
    """(NK,) int32, visits since the last merge."""


MERGE_EVERY = 32
PRIVATE_NODES = 255
"""The first nodes of a Huffman tree in falling order of weight: its top eight levels or so."""


class TreeRows(NamedTuple):
    """Where everything is that `path_rows` needs of N trees: addresses, and what they measure."""

    trees: int
    """Trees N."""
    words: int
    """Words V."""
    offsets: int
    nodes: int
    codes: int
    keep: int
    subsampled: int
    """Nodes of a tree that may sit a window out, K."""
    outputs: int
    private: int
    merged: int
    visits: int
    copies: int
    """Nodes of a tree with a private copy, K."""
    stride: int
    """Bytes of a row."""


@inlined
def tree_rows(paths, top, outputs):
    """Return the addresses of the arrays of a trees' output layer."""
    trees = paths.keep.shape[0]
    return TreeRows(
        trees,
        (len(paths.offsets) - 1) // trees,
        paths.offsets.ctypes.data,
        paths.nodes.ctypes.data,
        paths.codes.ctypes.data,
        paths.keep.ctypes.data,
        paths.keep.shape[1],
        outputs.ctypes.data,
        top.rows.ctypes.data,
        top.merged.ctypes.data,
        top.visits.ctypes.data,
        len(top.rows) // trees,
        outputs.shape[1] * outputs.itemsize,
    )


@inlined
def one_tree(rows, number):
    """Return the addresses of one of the trees."""
    copied = number * rows.copies
    return TreeRows(
        1,
        rows.words,
        rows.offsets + 8 * number * rows.words,
        rows.nodes,
        rows.codes,
        rows.keep + 8 * number * rows.subsampled,
        rows.subsampled,
        rows.outputs + number * (rows.words - 1) * rows.stride,
        rows.private + copied * rows.stride,
        rows.merged + copied * rows.stride,
        rows.visits + 4 * copied,
        rows.copies,
        rows.stride,
    )


@inlined
def copy_top(top, trees, outputs):
    """Begin a block: make the copies of the first nodes of each tree."""
    # Loops, since assigning slices takes numba a third of the compilation.
    for copy in range(len(top.rows)):
        number = copy // trees.copies
        row = number * (trees.words - 1) + copy - number * trees.copies
        for column in range(outputs.shape[1]):
            top.rows[copy, column] = outputs[row, column]
            top.merged[copy, column] = outputs[row, column]
        top.visits[copy] = 0


@inlined
def merge_top(trees):
    """End a block: leave nothing in the copies that is not in the shared rows."""
    for number in range(trees.trees):
        tree = one_tree(trees, number)
        for node in range(tree.copies):
            _merge(tree, node)


@inlined
def _merge(tree, node):
    row = node * tree.stride
    chunks = tree.stride // (4 * LANES)
    merge_row(tree.outputs + row, tree.private + row, tree.merged + row, chunks)


@inlined
def path_length(tree, word):
    """Return the length of a word's path in a tree."""
    return load_int64(tree.offsets + 8 * word + 8) - load_int64(tree.offsets + 8 * word)


@inlined
def _first_level(tree, word, key, counter):
    """Return the level of a word's path from which on its nodes take part in a window.

    It is the length of the path if none of them does.
    """
    level: Any = np.int64(0)
    if tree.subsampled:
        bits = high_half(draw(key ^ NODE_KEY, counter))
        start = load_int64(tree.offsets + 8 * word)
        length = path_length(tree, word)
        while level < length:
            node = np.int64(load_int32(tree.nodes + 4 * (start + level)))
            if node >= tree.subsampled or bits < load_uint64(tree.keep + 8 * node):
                break
            level += 1
    return level


@inlined
def rows_of_paths(trees, word, key, counter, whole, rows, labels, ahead):
    """Write the addresses of the rows of a word's paths, and their labels, to these addresses.

    Without `whole`, nodes that sit out the window that `counter` counts are left out. The other
    arguments are those of `_path_rows`. Returns how many there are.
    """
    m: Any = np.int64(0)
    for number in range(trees.trees):
        tree = one_tree(trees, number)
        first: Any = np.int64(0)
        if not whole:
            first = _first_level(tree, word, key, counter * trees.trees + number)
        m += _path_rows(tree, word, first, rows + 8 * m, labels + 4 * m, ahead)
    return m


@inlined
def leave_out_skipped(trees, word, key, counter, rows, labels, m):
    """Leave out nodes that sit a window out, of m rows that begin with the word's whole paths.

    Returns how many rows are left.
    """
    left: Any = np.int64(0)
    place: Any = np.int64(0)
    for number in range(trees.trees):
        tree = one_tree(trees, number)
        begin = place + _first_level(tree, word, key, counter * trees.trees + number)
        place += path_length(tree, word)
        end = place if number + 1 < trees.trees else m
        for one in range(begin, end):
            store_int64(rows + 8 * left, load_int64(rows + 8 * one))
            store_float32(labels + 4 * left, load_float32(labels + 4 * one))
            left += 1
    return left


@inlined
def _path_rows(tree, word, first, rows, labels, ahead):
    """Write the addresses of the rows of a word's path, and their labels, to these addresses.

    The label of a node is 1 - code. Levels before `first` are left out. If it is done `ahead` of
    the window, rows that are not visited all the time anyway are asked for. Returns how many there
    are.
    """
    start = load_int64(tree.offsets + 8 * word) + first
    length = path_length(tree, word) - first
    for level in range(length):
        node = np.int64(load_int32(tree.nodes + 4 * (start + level)))
        table = tree.outputs
        if node < tree.copies:
            table = tree.private
            counter = tree.visits + 4 * node
            visits = load_int32(counter) + 1
            if visits == MERGE_EVERY:
                _merge(tree, node)
                visits = 0
            store_int32(counter, np.int32(visits))
        row = table + node * tree.stride
        store_int64(rows + 8 * level, row)
        code = np.float32(load_uint8(tree.codes + start + level))
        store_float32(labels + 4 * level, np.float32(1.0) - code)
        if ahead and node >= PRIVATE_NODES:
            prefetch_row(row, tree.stride // (4 * LANES))
    return length


@inlined
def prefetch_ahead(trees, kept, centre, count):
    """Ask for what the paths of later words are read from, in order of dependence."""
    for number in range(trees.trees):
        tree = one_tree(trees, number)
        if centre + 6 < count:
            prefetch_line(tree.offsets + 8 * np.int64(load_int32(kept + 4 * (centre + 6))))
        if centre + 3 < count:
            _prefetch_path(tree, np.int64(load_int32(kept + 4 * (centre + 3))))


@inlined
def _prefetch_path(tree, word):
    """Ask for a word's path, of up to 32 nodes."""
    start = load_int64(tree.offsets + 8 * word)
    prefetch_line(tree.nodes + 4 * start)
    prefetch_line(tree.nodes + 4 * start + 64)
    prefetch_line(tree.codes + start)


@inlined
def prefetch_nodes(trees, word):
    """Ask for the rows of a word's paths that are not visited all the time anyway."""
    for number in range(trees.trees):
        tree = one_tree(trees, number)
        start = load_int64(tree.offsets + 8 * word)
        for place in range(start, load_int64(tree.offsets + 8 * word + 8)):
            node = np.int64(load_int32(tree.nodes + 4 * place))
            if node >= PRIVATE_NODES:
                prefetch_row(tree.outputs + node * tree.stride, tree.stride // (4 * LANES))


@inlined
def paths_loss(trees, word, hidden, n, output, labels, chunks, scores):
    """Return the summed negative log-likelihood of n predictions of a word, in nats.

    The probability of a word is the mean of those of its paths. `output` and `labels` are those of
    its whole paths, the other arguments those of `step.loss`.
    """
    if trees.trees == 1:
        return loss(hidden, n, output, path_length(trees, word), labels, chunks, scores)
    total = n * np.log(np.float64(trees.trees))
    for i in range(n):
        place: Any = np.int64(0)
        mixed = np.inf
        for number in range(trees.trees):
            length = path_length(one_tree(trees, number), word)
            there = output + 8 * place
            own = loss(hidden + 8 * i, 1, there, length, labels + 4 * place, chunks, scores)
            # log(exp(-a) + exp(-b)) without overflow.
            mixed = min(mixed, own) - np.log1p(np.exp(-abs(mixed - own)))
            place += length
        total += mixed
    return total
