"""Hierarchical softmax: a decision at every node of the path to a word."""

from __future__ import annotations

import math
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.network.decisions import Decisions, Indexes, Numbers, at_once, two_way
from hsw2v.network.outputs.output import BuiltOutput, Extended, Rows
from hsw2v.query.probabilities import Floats, TreeSoftmax
from hsw2v.trees.graft import graft
from hsw2v.trees.shape import node_keep
from hsw2v.trees.tree import Paths, Tree


class HierarchicalOutput(BuiltOutput[Tree]):
    """A row for each of the V-1 inner nodes of a tree (Morin & Bengio 2005)."""

    name = "hs"
    settings: ClassVar[tuple[str, ...]] = (
        "tree",
        "rebuild_at",
        "rebuild_every",
        "node_sample",
    )
    structure = Tree
    table_tensor = "nodes"
    structure_tensor = "tree"

    @classmethod
    def rebuilt(cls, training: TrainingConfig) -> bool:
        """Tell whether the tree is the semantic one."""
        return training.tree == "semantic"

    @property
    def tree(self) -> Tree:
        """The tree."""
        return self.built_of

    @cached_property
    def paths(self) -> Paths:
        """The path of each word."""
        return self.tree.paths()

    @property
    def nodes(self) -> int:
        """The number of inner nodes V-1."""
        return len(self.tree) - 1

    @property
    def rows(self) -> int:
        """The number of inner nodes V-1."""
        return self.nodes

    @property
    def group(self) -> int:
        """The length of the longest path."""
        return int(self.tree.lengths.max(initial=0))

    def keep(self, weights: Numbers) -> Numbers:
        """Return the probability of each node to take part in a window, (V-1,).

        `weights (V,)` tell how often each word is a target.
        """
        return node_keep(self.tree, weights, self.node_sample)

    def softmax(self, outputs: Floats) -> TreeSoftmax:
        """Return the probabilities of paths."""
        return TreeSoftmax(outputs, self.tree)

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds at each decision, in nats."""
        return float(np.average(self.tree.lengths, weights=weights)) * math.log(2.0)

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return at_once(self.group * dim)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the decisions on the paths of targets, from the root down."""
        counts = self.paths.lengths[targets]
        before = np.cumsum(counts) - counts
        depths = np.arange(int(counts.sum())) - before.repeat(counts)
        steps = self.paths.offsets[targets].repeat(counts) + depths
        labels = 1 - self.paths.codes[steps].astype(np.int64)
        return two_way(hidden, outputs, counts, self.paths.nodes[steps], labels, depths)

    def visits(self, kept: Numbers) -> Rows:
        """Return the nodes: each is visited for the words below it, if it takes part."""
        return Rows(self.tree.depths[: self.nodes], self.keep(kept) * self.tree.node_weights(kept))

    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return the tree with new words grafted on it: nodes stay as they are, new ones follow."""
        words = self.known_first(before)
        tree = graft(self.tree, counts[words]).renamed(words)
        nodes = np.arange(len(tree) - 1)
        return Extended(tree, np.where(nodes < self.nodes, nodes, -1))

    @classmethod
    def structure_shape(cls, words: int) -> tuple[int, ...]:
        """Return (V-1, 2)."""
        return words - 1, 2

    @classmethod
    def rows_of(cls, words: int, rows: int) -> int:
        """Return V-1."""
        return words - 1

    @classmethod
    def from_tensor(cls, array: NDArray[np.int32], rows: int) -> Tree:
        """Return the tree of these children."""
        return Tree(array)

    @staticmethod
    def to_tensor(built_of: Tree) -> NDArray[np.int32]:
        """Return the children of each inner node."""
        return built_of.children
