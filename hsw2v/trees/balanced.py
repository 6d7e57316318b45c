"""The balanced tree: the path length of every word is ⌊log2 V⌋ or ⌈log2 V⌉."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree


def balanced(order: NDArray[np.integer]) -> Tree:
    """Halve a list of words, a permutation (V,), V ≥ 1, until each word is alone.

    In random order it is the random tree of Mnih & Hinton (2009).
    """
    words = len(order)
    children = np.empty((words - 1, 2), np.int32)
    # The inner nodes of a level: their words from begin to end, and their preorder number.
    begin = np.zeros(min(1, words - 1), np.int64)
    end = np.full(len(begin), words)
    node = np.zeros(len(begin), np.int64)
    while len(node):
        middle = (begin + end + 1) // 2
        below = []
        for side, first, last, number in (
            (0, begin, middle, node + 1),
            (1, middle, end, node + middle - begin),
        ):
            leaf = last - first == 1
            children[node, side] = np.where(leaf, ~order[first], number)
            below.append((first[~leaf], last[~leaf], number[~leaf]))
        begin, end, node = (np.concatenate(pair) for pair in zip(*below, strict=True))
    return Tree(children)
