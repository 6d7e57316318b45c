"""New words in a tree, or in classes, whose output vectors are trained: what was there stays.

Another tree would be new decisions, which nothing is known of. Here every inner node goes on to
part the same words from each other, and every class to hold its own.
"""

from __future__ import annotations

import heapq
import math

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree


def graft(tree: Tree, weights: NDArray[np.number]) -> Tree:
    """Return a tree of K words with new ones, each in a leaf that a new inner node splits.

    `weights (V,)`, not negative, are those of the K words and then of the V-K new ones. Inner nodes
    keep their numbers and new ones follow, so that the path of an old word is what it was, perhaps
    with decisions after it: a 0 at each. The new words are taken in falling order of weight, each
    to where the weighted path length grows least. In the leaf of word x it grows by
    weight(x) + weight · (depth(x) + 1).
    """
    known, values = len(tree), weights.tolist()
    children = np.empty((len(values) - 1, 2), np.int32)
    children[: known - 1] = tree.children
    turns = children.reshape(-1)
    slots = tree.slots[::-1][:known].tolist() + [0] * (len(values) - known)
    depths = tree.lengths
    # Of the leaves of one depth the lightest is the cheapest. In rising order they are a heap.
    heaps: list[list[tuple[float, int]]] = [[] for _ in range(int(depths.max()) + 1)]
    for word in np.lexsort((weights[:known], depths)).tolist():
        heaps[depths[word]].append((values[word], word))
    new = known + np.argsort(-weights[known:], kind="stable")
    for node, word in enumerate(new.tolist(), start=known - 1):
        depth = _cheapest(heaps, values[word])
        _, leaf = heapq.heappop(heaps[depth])
        if slots[leaf] >= 0:
            turns[slots[leaf]] = node
        children[node] = ~leaf, ~word
        slots[leaf], slots[word] = 2 * node, 2 * node + 1
        if depth + 1 == len(heaps):
            heaps.append([])
        for one in (leaf, word):
            heapq.heappush(heaps[depth + 1], (values[one], one))
    return Tree(children)


def _cheapest(heaps: list[list[tuple[float, int]]], weight: float) -> int:
    """Return the depth of the leaf where a word of this weight costs least."""
    best, least = 0, math.inf
    for depth, heap in enumerate(heaps):
        longer = weight * (depth + 1)
        if longer >= least:
            break
        if heap and heap[0][0] + longer < least:
            best, least = depth, heap[0][0] + longer
    return best


def join(classes: Classes, weights: NDArray[np.number]) -> Classes:
    """Return classes of K words with new ones in them; the number of classes stays.

    `weights (V,)` are those of the K words and then of the V-K new ones. These are taken in falling
    order of weight, each to the class where `shape.step_cost` grows least: there, every word of
    the class costs a row more, and the new one all rows.
    """
    known = len(classes)
    carried = np.bincount(classes.of, weights[:known], classes.count)
    sizes = np.bincount(classes.of, minlength=classes.count)
    of = np.concatenate((classes.of, np.zeros(len(weights) - known, np.int32)))
    for word in known + np.argsort(-weights[known:], kind="stable"):
        one = int(np.argmin(carried + weights[word] * (sizes + 1)))
        of[word] = one
        carried[one] += weights[word]
        sizes[one] += 1
    return Classes(of, classes.count)
