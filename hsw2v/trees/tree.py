"""A binary tree over words: its children, depths and paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

MOST_DECISIONS = 100_000_000
"""Of all paths of a tree together; of more than a million words, 100 a word."""
_WORDS_AT_ONCE = 1 << 16


@dataclass(frozen=True)
class Paths:
    """The paths from the root to all words.

    Word w passes the nodes `nodes[offsets[w]:offsets[w + 1]]`; the code of each is the turn there:
    0 to the first child, 1 to the second.
    """

    offsets: NDArray[np.int64]
    """(V+1,) int64."""
    nodes: NDArray[np.int32]
    """(ΣL,) int32, inner nodes from the root."""
    codes: NDArray[np.uint8]
    """(ΣL,) uint8, 0 or 1."""

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """The path length L of each word, (V,) int64."""
        return np.diff(self.offsets)


@dataclass(frozen=True, repr=False)
class Tree:
    """A full binary tree: V words as leaves, V-1 inner nodes.

    Row j of `children` holds the two children of inner node j: an inner node as its number, a
    word w as `~w`. Node 0 is the root, and a parent's number is below its children's. A tree of
    one word has no inner node.

    Arrays over all nodes, (2V-1,), hold the inner nodes and then the words, last word first: as an
    index, `~w` counts from the end.
    """

    children: NDArray[np.int32]
    """(V-1, 2) int32."""

    def __len__(self) -> int:
        """Return the number of words V."""
        return len(self.children) + 1

    def __repr__(self) -> str:
        return f"<hsw2v.Tree: {len(self):,} words>"

    def _repr_html_(self) -> str:
        from hsw2v.trees.drawing import Drawing

        # A tree does not know its words: they are shown as their numbers.
        return Drawing(self, list(map(str, range(len(self)))), depth=4)._repr_html_()

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Itself, as `Forest` has several."""
        return (self,)

    def check(self) -> None:
        """Check that this is a tree as described, whose paths memory can hold.

        Raises:
            ValueError: a word or node is missing, doubled, or above its parent, or the path lengths
                add up to more than `MOST_DECISIONS` and to more than 100 a word.
        """
        words = len(self)
        below = (self.children < 0) | (self.children > np.arange(words - 1)[:, None])
        every = np.concatenate((np.arange(-words, 0), np.arange(1, words - 1)))
        if words > 1 and not (np.array_equal(np.sort(self.children, None), every) and below.all()):
            raise ValueError("the children do not make one full binary tree with ordered nodes")
        total, left, most = 0, words, max(MOST_DECISIONS, 100 * words)
        # Level by level, so that a chain of a million nodes is refused soon.
        for level in self._levels():
            total += left
            if total > most:
                raise ValueError(f"the path lengths of its tree add up to more than {most:,}")
            left -= int(np.count_nonzero(self.children[level] < 0))

    @cached_property
    def levels(self) -> list[NDArray[np.int32]]:
        """The inner nodes of every depth, from the root down."""
        return list(self._levels())

    def _levels(self) -> Iterator[NDArray[np.int32]]:
        level = np.arange(min(1, len(self.children)), dtype=np.int32)
        while len(level):
            yield level
            below = self.children[level].reshape(-1)
            level = below[below >= 0]

    @cached_property
    def depths(self) -> NDArray[np.int64]:
        """The number of decisions above each node, (2V-1,) int64."""
        depths = np.zeros(2 * len(self) - 1, np.int64)
        for depth, level in enumerate(self.levels, 1):
            depths[self.children[level]] = depth
        return depths

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The path length L of each word, (V,) int64."""
        return self.depths[::-1][: len(self)]

    @cached_property
    def slots(self) -> NDArray[np.int64]:
        """The turn to each node, (2V-1,) int64: twice its parent, plus 1 for the second child.

        -1 for the root.
        """
        slots = np.full(2 * len(self) - 1, -1)
        slots[self.children.reshape(-1)] = np.arange(self.children.size)
        return slots

    def node_weights(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the sum of the weights (V,) of the words below each inner node, (V-1,) float64."""
        sums = np.concatenate((np.zeros(len(self.children)), weights[::-1]))
        for level in reversed(self.levels):
            sums[level] = sums[self.children[level]].sum(axis=1)
        return sums[: len(self.children)]

    def ordered(self, weights: NDArray[np.floating]) -> Tree:
        """Return the same tree with its nodes numbered in falling order of weight.

        The weights (V,) of the words are not negative. The first nodes are then the most visited,
        and parents still come before their children.
        """
        order = np.lexsort((self.depths[: len(self.children)], -self.node_weights(weights)))
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        children = self.children[order]
        inner = children >= 0
        children[inner] = number[children[inner]]
        return Tree(children)

    def renamed(self, words: NDArray[np.integer]) -> Tree:
        """Return the same tree with word `words[w]` in place of word w; `words` is (V,)."""
        children = self.children.copy()
        leaf = children < 0
        children[leaf] = ~words[~children[leaf]]
        return Tree(children)

    def paths(self) -> Paths:
        """Return the paths of all words."""
        offsets = np.concatenate(([0], np.cumsum(self.lengths)))
        nodes = np.empty(offsets[-1], np.int32)
        codes = np.empty(offsets[-1], np.uint8)
        above, ends = self.slots[::-1][: len(self)], offsets[1:]
        for begin in range(0, len(self), _WORDS_AT_ONCE):
            # Up from many words together, a step at a time, until each is at the root.
            slot, place = (one[begin : begin + _WORDS_AT_ONCE] for one in (above, ends))
            while (below_root := slot >= 0).any():
                slot, place = slot[below_root], place[below_root] - 1
                node = slot >> 1
                nodes[place], codes[place] = node, slot & 1
                slot = self.slots[node]
        return Paths(offsets, nodes, codes)
