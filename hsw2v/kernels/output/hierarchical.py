"""Hierarchical softmax: the rows are the nodes on the target's path, labelled by its turns.

Nodes at the top may be subsampled: one number drawn for a window tells from which level on the
nodes of the path take part in it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined, prefetch_line
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import (
    load_int32,
    load_int64,
    load_uint8,
    load_uint64,
    store_float32,
    store_int32,
    store_int64,
)
from hsw2v.kernels.random import NODE_KEY, draw, high_half, thresholds
from hsw2v.kernels.tiles import merge_row, prefetch_row


class TreePaths(NamedTuple):
    """The paths of all words, as `trees.Paths`, and which nodes are subsampled."""

    offsets: NDArray[np.int64]
    """(V+1,) int64."""
    nodes: NDArray[np.int32]
    """(ΣL,) int32."""
    codes: NDArray[np.uint8]
    """(ΣL,) uint8."""
    keep: NDArray[np.uint64]
    """(K,) uint64: node k < K takes part in a window when 32 random bits are below this; the
    others always do. It does not fall along a path."""


def tree_paths(
    offsets: NDArray[np.int64],
    nodes: NDArray[np.int32],
    codes: NDArray[np.uint8],
    keep: NDArray[np.float64] | None = None,
) -> TreePaths:
    """Return paths, given as the arrays of `trees.Paths`, as the kernels want them.

    `keep (V-1,)` is the probability of each node to take part in a window; all do without it.
    """
    if keep is None:
        keep = np.empty(0)
    subsampled = int(np.flatnonzero(keep < 1.0).max(initial=-1)) + 1
    return TreePaths(offsets, nodes, codes, thresholds(keep[:subsampled]))


class PrivateTop(NamedTuple):
    """A thread's own copies of the most visited nodes while it works on a block.

    All windows pass the root and few nodes below it. Threads that write the same row wait for
    each other's cache lines at every step; copies that are merged once every `MERGE_EVERY` visits
    take that wait away (the idea of caching frequent nodes: Vuurens, Eickhoff & de Vries 2016,
    "Efficient parallel learning of Word2Vec").
    """

    rows: NDArray[np.float32]
    """(K, P) float32, what the thread trains."""
    merged: NDArray[np.float32]
    """(K, P) float32, the rows as they were after the last merge."""
    visits: NDArray[np.int32]
    """(K,) int32, visits since the last merge."""


MERGE_EVERY = 32
PRIVATE_NODES = 255
"""The first nodes of a Huffman tree in falling order of weight: its top eight levels or so."""


class TreeRows(NamedTuple):
    """Where everything is that `path_rows` needs: addresses, and what the rows measure."""

    offsets: int
    nodes: int
    codes: int
    keep: int
    subsampled: int
    """Nodes that may sit a window out, K."""
    outputs: int
    private: int
    merged: int
    visits: int
    copies: int
    """Nodes with a private copy, K."""
    stride: int
    """Bytes of a row."""


@inlined
def tree_rows(paths, top, outputs):
    """Return the addresses of the arrays of a tree's output layer."""
    return TreeRows(
        paths.offsets.ctypes.data,
        paths.nodes.ctypes.data,
        paths.codes.ctypes.data,
        paths.keep.ctypes.data,
        len(paths.keep),
        outputs.ctypes.data,
        top.rows.ctypes.data,
        top.merged.ctypes.data,
        top.visits.ctypes.data,
        len(top.rows),
        outputs.shape[1] * outputs.itemsize,
    )


@inlined
def copy_top(top, outputs):
    """Begin a block: make the copies."""
    # Loops, since assigning slices takes numba a third of the compilation.
    for node in range(len(top.rows)):
        for column in range(outputs.shape[1]):
            top.rows[node, column] = outputs[node, column]
            top.merged[node, column] = outputs[node, column]
        top.visits[node] = 0


@inlined
def merge_top(tree):
    """End a block: leave nothing in the copies that is not in the shared rows."""
    for node in range(tree.copies):
        _merge(tree, node)


@inlined
def _merge(tree, node):
    row = node * tree.stride
    chunks = tree.stride // (4 * LANES)
    merge_row(tree.outputs + row, tree.private + row, tree.merged + row, chunks)


@inlined
def first_level(tree, word, key, counter):
    """Return the level of a word's path from which on its nodes take part in a window.

    It is the length of the path if none of them does.
    """
    level: Any = np.int64(0)
    if tree.subsampled:
        bits = high_half(draw(key ^ NODE_KEY, counter))
        start = load_int64(tree.offsets + 8 * word)
        length = load_int64(tree.offsets + 8 * word + 8) - start
        while level < length:
            node = np.int64(load_int32(tree.nodes + 4 * (start + level)))
            if node >= tree.subsampled or bits < load_uint64(tree.keep + 8 * node):
                break
            level += 1
    return level


@inlined
def path_rows(tree, word, first, rows, labels, ahead):
    """Write the addresses of the rows of a word's path, and their labels, to these addresses.

    The label of a node is 1 - code. Levels before `first` are left out. If it is done `ahead` of
    the window, rows that are not visited all the time anyway are asked for. Returns how many there
    are, and the address of the labels.
    """
    start = load_int64(tree.offsets + 8 * word) + first
    length = load_int64(tree.offsets + 8 * word + 8) - start
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
    return length, labels


@inlined
def prefetch_place(tree, word):
    """Ask for the place of a word's path: some windows before `prefetch_path`."""
    prefetch_line(tree.offsets + 8 * word)


@inlined
def prefetch_path(tree, word):
    """Ask for a word's path, of up to 32 nodes: a window or two before `prefetch_nodes`."""
    start = load_int64(tree.offsets + 8 * word)
    prefetch_line(tree.nodes + 4 * start)
    prefetch_line(tree.nodes + 4 * start + 64)
    prefetch_line(tree.codes + start)


@inlined
def prefetch_nodes(tree, word):
    """Ask for the rows of a word's path that are not visited all the time anyway."""
    start = load_int64(tree.offsets + 8 * word)
    for place in range(start, load_int64(tree.offsets + 8 * word + 8)):
        node = np.int64(load_int32(tree.nodes + 4 * place))
        if node >= PRIVATE_NODES:
            prefetch_row(tree.outputs + node * tree.stride, tree.stride // (4 * LANES))
