"""The Huffman tree that fastText makes of the counts in a file whenever it opens one.

It is the one of `huffman`, where counts fall. Here it is built in plain Python, so that a question
does not wait for numba, and as fastText does it where they do not: a word is never passed over.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree

UNMADE = 10**15
"""The weight that nodes have in fastText before they are made: a word must have less."""


def fasttext_tree(counts: NDArray[np.int64]) -> Tree:
    """Build the tree of counts (V,), V ≥ 1, each of which is below `UNMADE`.

    The node that is made first has the number V-2, the root 0; fastText counts them from 0 as they
    are made. With s the dot product of hidden and node vector, its second child has the probability
    sigmoid(s), which here is the first.
    """
    children = np.array(list(_merges(counts.tolist())), np.int32).reshape(-1, 2)
    return Tree(children[::-1, ::-1].copy())


def _merges(counts: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the two children of each node as it is made: the lighter first."""
    root = len(counts) - 2
    weights: list[int] = []
    word, node = len(counts) - 1, 0
    for made in range(len(counts) - 1):
        total, pair = 0, []
        for _ in range(2):
            # Of equal weights a node goes first, and later words before earlier ones.
            if word >= 0 and (node == made or counts[word] < weights[node]):
                pair.append(~word)
                total += counts[word]
                word -= 1
            else:
                pair.append(root - node)
                total += weights[node]
                node += 1
        weights.append(total)
        yield pair[0], pair[1]
