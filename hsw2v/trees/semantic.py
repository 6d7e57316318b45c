"""The semantic tree: words with similar vectors share the beginnings of their paths."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.trees.tree import Tree

POWER_STEPS = 5
"""Steps of power iteration for the principal direction of a set, before its first split."""
REFINEMENTS = 3
"""Times that a set is split again, along the direction between the means of its halves."""
SET_AT_ONCE = 4096
"""Sets of at most so many words are split to the end in one call."""


def semantic(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    threads: int = 1,
    tick: Callable[[int], None] = lambda done: None,
) -> Tree:
    """Build a tree top-down: split each set of words along a direction in halves of equal weight.

    `vectors (V, P) float32` are finite; `weights (V,) float64` are positive. The direction is first
    the leading principal one of the words' unit vectors, then the one between the means of the
    halves. Mnih & Hinton (2009, section 5) build trees by recursive splits of features; equal
    weights keep the mean path length near the entropy of the words.

    `tick` is called with the number of inner nodes so far. The tree does not depend on the threads.
    """
    words = np.arange(len(weights), dtype=np.int32)
    children = np.empty((len(weights) - 1, 2), np.int32)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scale = (1.0 / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    sets = [(0, len(words), 0)] if len(words) > 1 else []
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        while sets:

            def halve(one: tuple[int, int, int]) -> list[tuple[int, int, int]]:
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
            for (begin, end, _), halves in zip(sets, pool.map(halve, sets), strict=True):
                below += halves
                done += 1 if halves else end - begin - 1
                tick(done)
            sets = below
    return Tree(children)


@compiled
def split_all(vectors, scale, weights, words, node, children) -> None:
    """Split a set of words (n,) int32, n ≥ 2, to the end, into the nodes from `node` on."""
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
    """Order a set of words (n,) int32, n ≥ 2, by halves, in place; return the first's size."""
    count = len(words)
    if count == 2:
        return 1
    direction = principal(vectors, scale, words)
    middle = cut(vectors, scale, weights, words, direction)
    for _ in range(REFINEMENTS):
        before = _mean(vectors, scale, words[:middle])
        after = _mean(vectors, scale, words[middle:])
        for column in range(len(direction)):
            direction[column] = after[column] - before[column]
        middle = cut(vectors, scale, weights, words, direction)
    return middle


@inlined
def _mean(vectors, scale, words):
    total = np.zeros(vectors.shape[1], np.float32)
    for word in words:
        for column in range(len(total)):
            total[column] += scale[word] * vectors[word, column]
    for column in range(len(total)):
        total[column] /= np.float32(len(words))
    return total


@inlined
def _dot(vectors, word, direction):
    total = np.float32(0.0)
    for column in range(len(direction)):
        total += vectors[word, column] * direction[column]
    return total


@compiled
def principal(vectors, scale, words):
    """Return the leading principal direction (P,) float32 of unit vectors, by power iteration."""
    mean = _mean(vectors, scale, words)
    direction = np.empty_like(mean)
    for column in range(len(mean)):
        direction[column] = scale[words[0]] * vectors[words[0], column] - mean[column]
    for _ in range(POWER_STEPS):
        shift = np.float32(0.0)
        for column in range(len(mean)):
            shift += mean[column] * direction[column]
        total = np.zeros(len(mean), np.float32)
        along = np.float32(0.0)
        for word in words:
            share = scale[word] * _dot(vectors, word, direction) - shift
            along += share
            share *= scale[word]
            for column in range(len(total)):
                total[column] += share * vectors[word, column]
        squares = np.float32(0.0)
        for column in range(len(mean)):
            total[column] -= along * mean[column]
            squares += total[column] * total[column]
        if squares == 0.0:
            break
        for column in range(len(mean)):
            direction[column] = total[column] / np.sqrt(squares)
    return direction


@compiled
def cut(vectors, scale, weights, words, direction) -> int:
    """Part words along a direction, in place, into halves of equal weight; return the first's size.

    Each half has at least one word. This is quickselect (Hoare 1961) by weight.
    """
    count = len(words)
    places = np.empty(count, np.float32)
    total = 0.0
    for number in range(count):
        word = words[number]
        places[number] = scale[word] * _dot(vectors, word, direction)
        total += weights[word]
    first = 0
    last = count
    carried = 0.0
    # The word at which half the weight is passed is in [first, last).
    while last - first > 1:
        pivot = places[(first + last) // 2]
        left = first
        right = last - 1
        while left <= right:
            while places[left] < pivot:
                left += 1
            while places[right] > pivot:
                right -= 1
            if left <= right:
                places[left], places[right] = places[right], places[left]
                words[left], words[right] = words[right], words[left]
                left += 1
                right -= 1
        below = 0.0
        for number in range(first, right + 1):
            below += weights[words[number]]
        if carried + below >= total / 2 and right >= first:
            last = right + 1
            continue
        carried += below
        first = right + 1
        # Those between are equal to the pivot.
        while first < left and carried + weights[words[first]] < total / 2:
            carried += weights[words[first]]
            first += 1
        if first < left:
            last = first + 1
    if first < count and total / 2 - carried > carried + weights[words[first]] - total / 2:
        first += 1
    return min(max(first, 1), count - 1)
