"""Brown clustering: a tree of classes of words with similar neighbours."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.classes import Classes
from hsw2v.trees.exchange import class_counts
from hsw2v.trees.grouping import Tell, exchanged
from hsw2v.trees.huffman import huffman
from hsw2v.trees.merge import merge
from hsw2v.trees.tree import Tree

MOST_CLASSES = 512
"""The most classes by default: merging costs their cube."""


def brown(
    ids: NDArray[np.int32],
    blocks: NDArray[np.int64],
    remap: NDArray[np.int32],
    weights: NDArray[np.float64],
    *,
    classes: int | None = None,
    threads: int = 1,
    tell: Tell = lambda stage, done, total, objective: None,
) -> Tree:
    """Build a tree in which words with similar neighbours share the beginnings of their paths.

    Words become classes by `exchange` (Martin, Liermann & Ney 1998), classes a tree by `merge`
    (Brown et al. 1992), and the words of each class a Huffman tree. The text is given as to
    `count_bigrams`; `weights (V,) float64` are how often each word is a target, in order of
    falling counts. By default there are √V classes, but at most `MOST_CLASSES`.

    `tell` is called as by `exchanged`, and in a stage "merging" (of classes); what it raises ends
    the work. The tree does not depend on the threads.

    Memory is 16 bytes for each distinct bigram, 8 for each id while counting, and about 50 C² for C
    classes; the time of a sweep is proportional to C times the classes beside words.
    """
    words = len(weights)
    count = min(classes or min(math.isqrt(words - 1) + 1, MOST_CLASSES), words)
    found = exchanged(ids, blocks, remap, words, count, threads=threads, tell=tell)

    def merging(done: int, total: int) -> None:
        tell("merging", done, total, found.objective)

    pairs = class_counts(found.bigrams, found.classes.of, found.classes.count).pairs[0]
    carried = np.bincount(found.classes.of, weights).astype(np.float64)
    return grafted(merge(pairs, carried, merging), found.classes, weights)


def grafted(top: Tree, classes: Classes, weights: NDArray[np.float64]) -> Tree:
    """Return a tree over classes with each leaf replaced by a Huffman tree of the class's words.

    `weights (V,) float64` are those of words.
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
