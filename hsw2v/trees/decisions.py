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
    sizes = words_below(tree)
    first = first_words(tree, min(examples, len(tree)))
    for word in words:
        slot = int(tree.slots[~word])
        path = []
        while slot >= 0:
            node, turn = divmod(slot, 2)
            same, other = tree.children[node, [turn, 1 - turn]].tolist()
            path.append(
                Decision(
                    node,
                    turn,
                    words=1 if same < 0 else int(sizes[same]),
                    others=1 if other < 0 else int(sizes[other]),
                    examples=[~other][:examples]
                    if other < 0
                    else [one for one in first[other].tolist() if one < len(tree)],
                )
            )
            slot = int(tree.slots[node])
        yield path[::-1]


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
