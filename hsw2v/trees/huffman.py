"""The Huffman tree: the least mean path length of any binary tree over words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled
from hsw2v.trees.tree import Tree


def huffman(weights: NDArray[np.floating]) -> Tree:
    """Build the Huffman tree of word weights (V,), V ≥ 1 (Huffman 1952).

    Inner nodes are numbered in falling order of weight, so that the first are the most visited.
    Of equal weights, merged nodes go before words, and later words before earlier ones, as in
    word2vec: rare words of equal count then stay beside those that they first appeared with, which
    makes better vectors.

    Raises:
        ValueError: there is no weight, or one is negative or not finite.
    """
    weights = np.asarray(weights, np.float64)
    if weights.ndim != 1 or not len(weights):
        raise ValueError("a tree needs a vector of at least one weight")
    if not np.all(np.isfinite(weights)) or weights.min() < 0:
        raise ValueError("the weights of a tree must be finite and not negative")
    if len(weights) == 1:
        return Tree(np.empty((0, 2), np.int32))
    # The rarer and, among equals, the later word comes first.
    rising = np.lexsort((-np.arange(len(weights)), weights))
    return Tree(_merge(weights[rising], rising))


@compiled
def _merge(weights, words):
    """Merge leaves of rising weight by two queues (van Leeuwen 1976); the last node is number 0."""
    leaves = len(weights)
    inner = leaves - 1
    children = np.empty((inner, 2), np.int32)
    merged = np.empty(inner, np.float64)
    leaf = 0
    node = 0
    for made in range(inner):
        total = 0.0
        for side in range(2):
            if leaf < leaves and (node >= made or weights[leaf] < merged[node]):
                child = ~words[leaf]
                total += weights[leaf]
                leaf += 1
            else:
                child = inner - 1 - node
                total += merged[node]
                node += 1
            children[inner - 1 - made, 1 - side] = child
        merged[made] = total
    return children
