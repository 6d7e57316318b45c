"""A tree cut into few branches of about as many words each."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree


def cut(
    tree: Tree, weights: NDArray[np.floating], counts: Sequence[int]
) -> list[NDArray[np.int32]]:
    """Return the branch of each word `(V,) int32` where a tree is cut into 2, 8, … branches.

    The heaviest branch is split into its two children until there are as many as asked for, or
    each is a single word: so branches of later `counts`, which rise, lie within those of earlier
    ones. `weights (V,)` are not negative; a branch without weight is none, and its words are in
    branch -1. Branches are numbered from 0, from left to right in the tree.
    """
    weight = np.concatenate((tree.node_weights(weights), weights[::-1]))
    root = 0 if len(tree.children) else -1
    heap: list[tuple[float, int]] = [(-float(weight[root]), root)]
    # What each branch that was split became, so that they can be listed from left to right.
    parts: dict[int, list[int]] = {}
    found, branches = [], 1
    for count in counts:
        while branches < count and heap:
            _, node = heapq.heappop(heap)
            if node < 0:
                continue
            parts[node] = [int(one) for one in tree.children[node] if weight[one] > 0]
            branches += len(parts[node]) - 1
            for child in parts[node]:
                heapq.heappush(heap, (-float(weight[child]), child))
        found.append(_words_of(tree, _in_order(root, parts)))
    return found


def _in_order(root: int, parts: dict[int, list[int]]) -> list[int]:
    """Return the branches that are not split, from left to right."""
    waiting, found = [root], []
    while waiting:
        node = waiting.pop()
        if node in parts:
            waiting += parts[node][::-1]
        else:
            found.append(node)
    return found


def _words_of(tree: Tree, branches: list[int]) -> NDArray[np.int32]:
    """Return which of some subtrees each word is in, (V,) int32; -1 for none."""
    of = np.full(2 * len(tree) - 1, -1, np.int32)
    of[branches] = np.arange(len(branches))
    for level in tree.levels:
        below = tree.children[level]
        of[below] = np.where(of[level][:, None] >= 0, of[level][:, None], of[below])
    return of[::-1][: len(tree)]
