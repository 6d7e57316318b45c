"""Hierarchical softmax: the rows are the nodes on the target's path, labelled by its turns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined
from hsw2v.kernels.tiles import TILE_WIDTH, prefetch_row


class TreePaths(NamedTuple):
    """The paths of all words, as `trees.Paths`, with labels in place of codes."""

    offsets: NDArray[np.int64]
    """(V+1,) int64."""
    nodes: NDArray[np.int32]
    """(ΣL,) int32."""
    labels: NDArray[np.float32]
    """(ΣL + TILE_WIDTH,) float32: 1 - code, and room to read past the last."""


def tree_paths(
    offsets: NDArray[np.int64], nodes: NDArray[np.int32], codes: NDArray[np.uint8]
) -> TreePaths:
    """Return paths, given as the arrays of `trees.Paths`, as the kernels want them."""
    labels = np.zeros(len(codes) + TILE_WIDTH, np.float32)
    labels[: len(codes)] = 1 - codes
    return TreePaths(offsets, nodes, labels)


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


@inlined
def _merge_row(top, outputs, node):
    """Add what a thread changed in its copy of a row to the shared row, and copy that back."""
    for column in range(outputs.shape[1]):
        value = outputs[node, column] + (top.rows[node, column] - top.merged[node, column])
        outputs[node, column] = value
        top.rows[node, column] = value
        top.merged[node, column] = value
    top.visits[node] = 0


@inlined
def copy_top(top, outputs):
    """Begin a block: make the copies."""
    for node in range(len(top.rows)):
        for column in range(outputs.shape[1]):
            value = outputs[node, column]
            top.rows[node, column] = value
            top.merged[node, column] = value
        top.visits[node] = 0


@inlined
def merge_top(top, outputs):
    """End a block: leave nothing in the copies that is not in the shared rows."""
    for node in range(len(top.rows)):
        if top.visits[node] > 0:
            _merge_row(top, outputs, node)


@inlined
def path_rows(paths, top, outputs, word, rows):
    """Write the addresses of the rows of a word's path.

    Returns how many there are, and the address of their labels.
    """
    base = outputs.ctypes.data
    private = top.rows.ctypes.data
    stride = outputs.shape[1] * outputs.itemsize
    start = paths.offsets[word]
    length = paths.offsets[word + 1] - start
    copies = len(top.rows)
    for level in range(length):
        node = np.int64(paths.nodes[start + level])
        if node < copies:
            top.visits[node] += 1
            if top.visits[node] == MERGE_EVERY:
                _merge_row(top, outputs, node)
            rows[level] = private + node * stride
        else:
            rows[level] = base + node * stride
    return length, paths.labels.ctypes.data + start * paths.labels.itemsize


@inlined
def prefetch_path(paths, outputs, word, vectors):
    """Ask for the rows of a word's path that are not visited all the time anyway."""
    base = outputs.ctypes.data
    stride = outputs.shape[1] * outputs.itemsize
    for place in range(paths.offsets[word], paths.offsets[word + 1]):
        node = np.int64(paths.nodes[place])
        if node >= PRIVATE_NODES:
            prefetch_row(base + node * stride, vectors)
