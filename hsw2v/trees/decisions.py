"""The decisions on the path to a word: which words are on either side of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree


@dataclass(frozen=True)
class Decision:
    """One turn on the path to a word."""

    node: int
    """The inner node."""
    turn: int
    """0 to its first child, 1 to its second."""
    words: int
    """The number of words on the side of the word, itself included."""
    others: int
    """The number of words on the other side."""
    examples: list[int]
    """The first words, by their ids, on the other side."""


def decisions(tree: Tree, words: Iterable[int], examples: int) -> Iterator[list[Decision]]:
    """Yield the decisions from the root to each of some words.

    Each has up to `examples` words as examples: those of least id, which are the most frequent.
    """
    sides = Sides(tree, examples)
    for word in words:
        yield sides.path(word)


class Sides:
    """What is below the nodes of a tree: how many words, and the first of them, by their ids."""

    def __init__(self, tree: Tree, examples: int) -> None:
        """Find up to `examples` words below each node of a tree."""
        self.tree, self._most = tree, examples
        self._sizes = words_below(tree)
        self._first = first_words(tree, min(examples, len(tree)))

    def size(self, place: int) -> int:
        """Return the number of words below a node, or 1 for a word, as `children` has both."""
        return 1 if place < 0 else int(self._sizes[place])

    def examples(self, place: int) -> list[int]:
        """Return the first words below a node, or a word itself."""
        if place < 0:
            return [~place][: self._most]
        return [one for one in self._first[place].tolist() if one < len(self.tree)]

    def path(self, word: int) -> list[Decision]:
        """Return the decisions from the root to a word."""
        slot = int(self.tree.slots[~word])
        path = []
        while slot >= 0:
            node, turn = divmod(slot, 2)
            same, other = self.tree.children[node, [turn, 1 - turn]].tolist()
            examples = self.examples(other)
            path.append(Decision(node, turn, self.size(same), self.size(other), examples))
            slot = int(self.tree.slots[node])
        return path[::-1]


def words_below(tree: Tree) -> NDArray[np.int64]:
    """Return the number of words below each inner node, (V-1,) int64."""
    return tree.node_weights(np.ones(len(tree))).astype(np.int64)


def first_words(tree: Tree, count: int) -> NDArray[np.int32]:
    """Return the words of least id below each inner node, (V-1, count) int32, rising.

    Where there are fewer, the rest is V.
    """
    words, inner = len(tree), len(tree.children)
    first = np.full((inner + words, count), words, np.int32)
    first[inner:, :1] = np.arange(words)[::-1, None]
    for level in reversed(tree.levels):
        below = first[tree.children[level]].reshape(len(level), -1)
        first[level] = np.sort(below, axis=1)[:, :count]
    return first[:inner]
