"""The decisions on the way to a word: which words each keeps, and which it leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.tree import Tree


@dataclass(frozen=True)
class Decision:
    """One turn on the path to a word."""

    node: int
    """The inner node that is turned at."""
    turn: int
    """0 to its first child, 1 to its second."""
    words: int
    """How many words lie ahead: the word itself and those that it still shares its path with."""
    others: int
    """How many words lie on the other side."""
    examples: list[int]
    """The first words, by their ids, of those on the other side."""


def decisions(tree: Tree, words: Iterable[int], examples: int) -> Iterable[list[Decision]]:
    """Yield the decisions from the root down to each of some words.

    Each has up to so many words as examples: those of least id, which are the most frequent.
    """
    above_node, above_word = _slots(tree)
    sizes = words_below(tree)
    first = first_words(tree, min(examples, len(tree)))
    for word in words:
        slot = above_word[word]
        path = []
        while slot >= 0:
            node, turn = divmod(int(slot), 2)
            ahead, other = tree.children[node, [turn, 1 - turn]].tolist()
            path.append(
                Decision(
                    node,
                    turn,
                    words=1 if ahead < 0 else int(sizes[ahead]),
                    others=1 if other < 0 else int(sizes[other]),
                    examples=[~other][:examples] if other < 0 else _known(first[other], tree),
                )
            )
            slot = above_node[node]
        yield path[::-1]


def words_below(tree: Tree) -> NDArray[np.int64]:
    """Return how many words hang below each inner node, (V-1,) int64."""
    return tree.node_weights(np.ones(len(tree))).astype(np.int64)


def first_words(tree: Tree, count: int) -> NDArray[np.int32]:
    """Return the words of least id below each inner node, (V-1, count) int32, rising.

    Where there are fewer, the rest is V.
    """
    first = np.full((len(tree.children), count), len(tree), np.int32)
    for level in reversed(tree.levels):
        candidates = [_first_of_children(tree, first, child) for child in tree.children[level].T]
        first[level] = np.sort(np.hstack(candidates), axis=1)[:, :count]
    return first


def _first_of_children(
    tree: Tree, first: NDArray[np.int32], children: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the first words of some children (n,), which are nodes or words, (n, count)."""
    found = np.full((len(children), first.shape[1]), len(tree), np.int32)
    inner = children >= 0
    found[inner] = first[children[inner]]
    found[~inner, :1] = ~children[~inner, None]
    return found


def _slots(tree: Tree) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each inner node and each word stand among the children; -1 for the root."""
    children = tree.children.reshape(-1)
    slots = np.arange(len(children))
    inner = children >= 0
    above_node = np.full(len(tree.children), -1)
    above_word = np.full(len(tree), -1)
    above_node[children[inner]] = slots[inner]
    above_word[~children[~inner]] = slots[~inner]
    return above_node, above_word


def _known(words: NDArray[np.int32], tree: Tree) -> list[int]:
    found: list[int] = words[words < len(tree)].tolist()
    return found
