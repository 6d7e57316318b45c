"""A binary tree over words: its shape, its paths, and the checks that make it a tree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Paths:
    """The way from the root to every word.

    Word w passes `nodes[offsets[w]:offsets[w + 1]]`, and turns at each as `codes` says:
    0 to the first child, 1 to the second.
    """

    offsets: NDArray[np.int64]
    """(V+1,) int64."""
    nodes: NDArray[np.int32]
    """(ΣL,) int32, inner nodes from the root down."""
    codes: NDArray[np.uint8]
    """(ΣL,) uint8, 0 or 1."""

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Path length L of every word, (V,) int64."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Tree:
    """A full binary tree: V words as leaves, V-1 inner nodes.

    Row j of `children` holds the two children of inner node j: an inner node as its number, a
    word w as `~w`. Node 0 is the root, and a parent's number is below its children's. A tree of
    one word has no inner node.
    """

    children: NDArray[np.int32]
    """(V-1, 2) int32."""

    def __len__(self) -> int:
        """Return the number of words V."""
        return len(self.children) + 1

    def check(self) -> None:
        """Make sure that this is a tree as described.

        Raises:
            ValueError: a word or node is missing, doubled, or above its parent.
        """
        inner = self.children[self.children >= 0]
        words = ~self.children[self.children < 0]
        if len(self) == 1:
            return
        parents = np.nonzero(self.children >= 0)[0]
        if not (
            np.array_equal(np.sort(inner), np.arange(1, len(self.children)))
            and np.array_equal(np.sort(words), np.arange(len(self)))
            and np.all(parents < inner)
        ):
            raise ValueError("the children do not make one full binary tree with ordered nodes")

    @cached_property
    def levels(self) -> list[NDArray[np.int32]]:
        """The inner nodes of every depth, from the root down."""
        levels = []
        level = np.arange(min(1, len(self.children)), dtype=np.int32)
        while len(level):
            levels.append(level)
            below = self.children[level].reshape(-1)
            level = below[below >= 0]
        return levels

    def node_weights(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return what each inner node carries, (V-1,) float64: the weights (V,) of its words."""
        carried = np.zeros(len(self.children))
        for level in reversed(self.levels):
            for child in self.children[level].T:
                inner = child >= 0
                carried[level[inner]] += carried[child[inner]]
                carried[level[~inner]] += weights[~child[~inner]]
        return carried

    def ordered(self, weights: NDArray[np.floating]) -> Tree:
        """Return the same tree with its nodes numbered in falling order of weight.

        The weights (V,) of the words are not negative. The first nodes are then the most visited,
        and parents still come before their children.
        """
        depth = np.empty(len(self.children), np.int32)
        for below_root, level in enumerate(self.levels):
            depth[level] = below_root
        order = np.lexsort((depth, -self.node_weights(weights)))
        number = np.empty(len(order), np.int32)
        number[order] = np.arange(len(order), dtype=np.int32)
        children = self.children[order]
        inner = children >= 0
        children[inner] = number[children[inner]]
        return Tree(children)

    def paths(self) -> Paths:
        """Return the paths of all words."""
        words = len(self)
        lengths = np.zeros(words, np.int64)
        levels = []
        # A frontier holds the inner nodes of one level, each with the word-independent row of
        # its ancestors; going level by level keeps this vectorised for any shape of tree.
        above_nodes = np.zeros((1 if words > 1 else 0, 0), np.int32)
        above_codes = np.zeros((1 if words > 1 else 0, 0), np.uint8)
        frontier = np.zeros(1 if words > 1 else 0, np.int32)
        while len(frontier):
            children = self.children[frontier].reshape(-1)
            nodes = np.column_stack((above_nodes, frontier)).repeat(2, axis=0)
            codes = np.column_stack(
                (above_codes.repeat(2, axis=0), np.tile([0, 1], len(frontier)).astype(np.uint8))
            )
            leaf = children < 0
            levels.append((~children[leaf], nodes[leaf], codes[leaf]))
            lengths[~children[leaf]] = nodes.shape[1]
            frontier, above_nodes, above_codes = children[~leaf], nodes[~leaf], codes[~leaf]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        all_nodes = np.empty(offsets[-1], np.int32)
        all_codes = np.empty(offsets[-1], np.uint8)
        for leaves, nodes, codes in levels:
            places = offsets[leaves][:, None] + np.arange(nodes.shape[1])
            all_nodes[places] = nodes
            all_codes[places] = codes
        return Paths(offsets, all_nodes, all_codes)
