"""The semantic tree: words with similar vectors share the beginnings of their paths."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled
from hsw2v.trees.tree import Tree

POWER_STEPS = 5
"""Steps towards the leading principal direction of a set, before it is first split."""
REFINEMENTS = 3
"""Times that a set is split anew along the direction between the means of its halves."""
SET_AT_ONCE = 4096
"""Sets of at most so many words are split to the end in one call."""

Floats = NDArray[np.floating]


def semantic(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    threads: int = 1,
    tick: Callable[[int], None] = lambda done: None,
) -> Tree:
    """Grow a tree top-down: split each set of words in two of equal weight, along its direction.

    `vectors (V, P) float32` are finite; `weights (V,) float64` are positive. The direction of a
    set begins as the leading principal one of the words' unit vectors and is refined to the one
    between the means of the halves; the cut is where both sides carry equal weight. The idea of
    growing a tree from features by recursive splits is that of Mnih & Hinton (2009, section 5);
    equal weights keep the expected path near the entropy of the words.

    `tick` is told how many inner nodes are made. The tree does not depend on the threads.
    """
    words = np.arange(len(weights), dtype=np.int32)
    children = np.empty((len(weights) - 1, 2), np.int32)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scale = (1.0 / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    sets = [(0, len(words), 0)] if len(words) > 1 else []
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        while sets:

            def cut(one: tuple[int, int, int]) -> list[tuple[int, int, int]]:
                begin, end, node = one
                some = words[begin:end]
                if end - begin <= SET_AT_ONCE:
                    split_all(vectors, scale, weights, some, node, children)
                    return []
                middle = begin + split(vectors, scale, weights, some)
                children[node] = node + 1, node + middle - begin
                halves = ((begin, middle, node + 1), (middle, end, node + middle - begin))
                for side, (first, last, _) in enumerate(halves):
                    if last - first == 1:
                        children[node, side] = ~words[first]
                return [half for half in halves if half[1] - half[0] > 1]

            below = []
            for (begin, end, _), halves in zip(sets, pool.map(cut, sets), strict=True):
                below += halves
                done += 1 if halves else end - begin - 1
                tick(done)
            sets = below
    return Tree(children)


@compiled
def split_all(vectors, scale, weights, words, node, children) -> None:
    """Split a set of words (n,) int32, n ≥ 2, to the end: its n-1 nodes from `node` on."""
    waiting = [(0, len(words), node)]
    while waiting:
        begin, end, number = waiting.pop()
        middle = begin + split(vectors, scale, weights, words[begin:end])
        for side in range(2):
            first = middle if side else begin
            last = end if side else middle
            if last - first == 1:
                children[number, side] = ~words[first]
            else:
                child = number + (middle - begin if side else 1)
                children[number, side] = child
                waiting.append((first, last, child))


@compiled
def split(vectors, scale, weights, words) -> int:
    """Put a set of words (n,) int32, n ≥ 2, in the order of its direction; return where to cut."""
    count = len(words)
    if count == 2:
        return 1
    direction = _principal(vectors, scale, words)
    middle = _cut(vectors, scale, weights, words, direction)
    for _ in range(REFINEMENTS):
        direction = _mean(vectors, scale, words[middle:]) - _mean(vectors, scale, words[:middle])
        middle = _cut(vectors, scale, weights, words, direction)
    return middle


@compiled
def _mean(vectors, scale, words):
    total = np.zeros(vectors.shape[1], np.float32)
    for word in words:
        for column in range(len(total)):
            total[column] += scale[word] * vectors[word, column]
    return total / np.float32(len(words))


@compiled
def _dot(row, direction):
    total = np.float32(0.0)
    for column in range(len(direction)):
        total += row[column] * direction[column]
    return total


@compiled
def _principal(vectors, scale, words):
    """Return the leading principal direction (P,) float32 of unit vectors, by power iteration."""
    mean = _mean(vectors, scale, words)
    direction = vectors[words[0]] * scale[words[0]] - mean
    for _ in range(POWER_STEPS):
        total = np.zeros(len(mean), np.float32)
        shift = _dot(mean, direction)
        along = np.float32(0.0)
        for word in words:
            share = scale[word] * _dot(vectors[word], direction) - shift
            along += share
            share *= scale[word]
            for column in range(len(total)):
                total[column] += share * vectors[word, column]
        total -= along * mean
        norm = np.sqrt(_dot(total, total))
        if norm == 0.0:
            break
        direction = total / norm
    return direction


@compiled
def _cut(vectors, scale, weights, words, direction) -> int:
    """Sort words along a direction; return how many of them carry half the weight, but not all."""
    places = np.empty(len(words), np.float32)
    for number in range(len(words)):
        word = words[number]
        places[number] = scale[word] * _dot(vectors[word], direction)
    words[:] = words[np.argsort(places, kind="mergesort")]
    total = 0.0
    for word in words:
        total += weights[word]
    carried = 0.0
    for number in range(1, len(words)):
        before = carried
        carried += weights[words[number - 1]]
        if carried >= total / 2:
            # The nearer of the two places around the middle.
            if number > 1 and total / 2 - before < carried - total / 2:
                return number - 1
            return number
    return len(words) - 1
