"""The balanced tree: every word ⌊log2 V⌋ or ⌈log2 V⌉ decisions away, whatever its frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree


def balanced(order: NDArray[np.integer]) -> Tree:
    """Halve a row of words, given as a permutation (V,), V ≥ 1, until each stands alone.

    In order of frequency it is a tree that knows only how often words occur; in random order the
    random tree of Mnih & Hinton (2009), which knows nothing.
    """
    words = len(order)
    children = np.empty((words - 1, 2), np.int32)
    # The inner nodes of a level, in preorder numbers: what is left of a border is numbered first.
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
