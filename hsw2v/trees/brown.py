"""Brown's tree: words with like neighbours make classes, and like classes a tree."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.classes import Classes
from hsw2v.trees.exchange import SWEEPS, class_counts
from hsw2v.trees.grouping import Tell, exchanged
from hsw2v.trees.huffman import huffman
from hsw2v.trees.merge import merge
from hsw2v.trees.tree import Tree

MOST_CLASSES = 512
"""Classes at most, if no number is asked for: merging costs their cube."""


def brown(
    ids: NDArray[np.int32],
    blocks: NDArray[np.int64],
    remap: NDArray[np.int32],
    weights: NDArray[np.float64],
    *,
    classes: int | None = None,
    sweeps: int = SWEEPS,
    threads: int = 1,
    tell: Tell = lambda stage, done, total, objective: None,
) -> Tree:
    """Grow a tree in which words with like neighbours share the beginnings of their paths.

    Words become classes by `exchange` (Martin, Liermann & Ney 1998), classes a tree by `merge`
    (Brown et al. 1992), and the words of each class a Huffman tree. The text is given as
    `count_bigrams` takes it; `weights (V,) float64` are how often each word is a target, in order
    of falling counts. By default there are √V classes, or `MOST_CLASSES`.

    `tell` hears of the stages "counting" (done in ids), "exchanging" (in words) and "merging" (in
    classes), many times a second; what it raises ends the work. The objective is the one after the
    last whole sweep (see `exchange`). The tree does not depend on the threads.

    Takes 16 bytes of memory for each bigram that is distinct, 8 for each id while counting, and
    about 50 C² for C classes; a sweep takes time in proportion to C times the classes beside words.
    """
    words = len(weights)
    count = min(classes or min(math.isqrt(words - 1) + 1, MOST_CLASSES), words)
    found = exchanged(ids, blocks, remap, words, count, sweeps=sweeps, threads=threads, tell=tell)

    def merging(done: int, total: int) -> None:
        tell("merging", done, total, found.objective)

    pairs = class_counts(found.bigrams, found.classes.of, found.classes.count).pairs[0]
    carried = np.bincount(found.classes.of, weights).astype(np.float64)
    return grafted(merge(pairs, carried, merging), found.classes, weights)


def grafted(top: Tree, classes: Classes, weights: NDArray[np.float64]) -> Tree:
    """Return a tree over words: that over their C classes, a Huffman tree in place of each leaf.

    `weights (V,) float64` are of words.
    """
    leaves = np.empty(len(top), np.int32)
    parts = [top.children.copy()]
    begin = len(top) - 1
    for one in range(classes.count):
        words = classes.words(one)
        below = huffman(weights[words]).children
        leaf = below < 0
        leaves[one] = begin if len(words) > 1 else ~words[0]
        parts.append(np.where(leaf, ~words[~below * leaf], below + begin).astype(np.int32))
        begin += len(below)
    leaf = parts[0] < 0
    parts[0][leaf] = leaves[~parts[0][leaf]]
    return Tree(np.concatenate(parts))
