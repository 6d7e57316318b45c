"""Trees of shapes that no method builds, and words that no corpus holds."""

from __future__ import annotations

import heapq
from pathlib import Path

import numpy as np

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.trees.tree import Tree

ODD_WORDS = [
    "plain",
    "naïve",
    "東京",
    "it's",
    "''",
    '"quoted"',
    "back\\slash",
    "end\\",
    "two words",
    " blanks ",
    "tab\there",
    "0101",
    "(a,b);",
    "[note]",
    "&amp;",
    "<b>",
    "carriage\r",
    "\\n",
]


def textbook_cost(weights: np.ndarray) -> float:
    """Return the expected code length × total weight by a heap, as textbooks have it."""
    heap = weights.tolist()
    heapq.heapify(heap)
    cost = 0.0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        cost += merged
        heapq.heappush(heap, merged)
    return cost


def random_tree(words: int, seed: int) -> Tree:
    """Return a tree of any shape: every set of words is cut at a random place."""
    rng = np.random.default_rng(seed)
    children = np.empty((words - 1, 2), np.int32)
    waiting = [(0, words, 0)] if words > 1 else []
    made = 1
    while waiting:
        begin, end, node = waiting.pop()
        middle = int(rng.integers(begin + 1, end))
        for side, (a, b) in enumerate(((begin, middle), (middle, end))):
            if b - a == 1:
                children[node, side] = ~a
            else:
                children[node, side] = made
                waiting.append((a, b, made))
                made += 1
    return Tree(children)


def shuffled_tree(words: int, seed: int) -> Tree:
    """Return a tree of any shape whose words stand in any order."""
    tree = random_tree(words, seed)
    words_anywhere = np.random.default_rng(seed + 1).permutation(words).astype(np.int32)
    leaf = tree.children < 0
    tree.children[leaf] = ~words_anywhere[~tree.children[leaf]]
    return tree


def chain(words: int) -> Tree:
    """Return the deepest tree: at every node one word hangs, and all that follow it."""
    nodes = np.arange(words - 1, dtype=np.int32)
    children = np.column_stack((~nodes, nodes + 1))
    children[-1, 1] = ~(words - 1)
    return Tree(children)


def write_tree_model(
    path: Path,
    tree: Tree | None,
    words: list[str],
    counts: list[int] | None = None,
    **config: object,
) -> Path:
    """Write a model with a tree over words; without counts they all are 0: not known."""
    vocabulary = Vocabulary.from_words(words, counts or [0] * len(words))
    nodes = np.zeros((len(words) - 1, 2), np.float32)
    vectors = np.ones((len(words), 2), np.float32)
    hsw2v.Model(vocabulary, vectors, None if tree is None else nodes, tree, config).save(path)
    return path
