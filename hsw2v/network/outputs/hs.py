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
from hsw2v.query.mixture import MixtureSoftmax
from hsw2v.query.probabilities import Floats, Softmax, TreeSoftmax
from hsw2v.trees.forest import Forest, forest_of, joined_paths
from hsw2v.trees.graft import graft
from hsw2v.trees.shape import node_keep
from hsw2v.trees.tree import Paths, Tree


class HierarchicalOutput(BuiltOutput[Tree | Forest]):
    """A row for each of the V-1 inner nodes of a tree (Morin & Bengio 2005), or of each of N trees.

    Of several trees each is trained as if it were alone, and the probability of a word is the mean
    of what they say. The rows of one tree follow those of another.
    """

    name = "hs"
    settings: ClassVar[tuple[str, ...]] = (
        "tree",
        "num_trees",
        "rebuild_at",
        "rebuild_every",
        "node_sample",
    )
    structure = Tree | Forest
    table_tensor = "nodes"
    structure_tensor = "tree"

    @classmethod
    def rebuilt(cls, training: TrainingConfig) -> bool:
        """Tell whether the tree is the semantic one."""
        return training.tree == "semantic"

    @classmethod
    def rows_for(cls, training: TrainingConfig, words: int) -> int:
        """Return N(V-1); trees that are not built of vectors are single."""
        return (training.num_trees if cls.rebuilt(training) else 1) * (words - 1)

    @classmethod
    def used(cls, training: TrainingConfig) -> tuple[str, ...]:
        """Return the settings that have an effect: other trees than the semantic one are single."""
        used = super().used(training)
        return used if cls.rebuilt(training) else tuple(one for one in used if one != "num_trees")

    @property
    def trees(self) -> tuple[Tree, ...]:
        """The N trees."""
        return self.built_of.trees

    @cached_property
    def paths(self) -> Paths:
        """The paths of all words in each tree; see `joined_paths`."""
        return joined_paths(self.trees)

    @property
    def nodes(self) -> int:
        """The number of inner nodes N(V-1)."""
        return len(self.trees) * (len(self.built_of) - 1)

    @property
    def rows(self) -> int:
        """The number of inner nodes N(V-1)."""
        return self.nodes

    @property
    def group(self) -> int:
        """The most nodes that the paths of a word may have together."""
        return sum(int(tree.lengths.max(initial=0)) for tree in self.trees)

    def rows_of(self, number: int) -> slice:
        """Return the rows of a tree, counted from 0."""
        nodes = len(self.built_of) - 1
        return slice(number * nodes, (number + 1) * nodes)

    def keep(self, weights: Numbers) -> Numbers:
        """Return the probability of each node to take part in a window, (N, V-1).

        `weights (V,)` tell how often each word is a target.
        """
        return np.stack([node_keep(tree, weights, self.node_sample) for tree in self.trees])

    def softmax(self, outputs: Floats) -> Softmax:
        """Return the probabilities of paths; of several trees, the mean of theirs."""
        parts = [TreeSoftmax(outputs[self.rows_of(n)], one) for n, one in enumerate(self.trees)]
        return parts[0] if len(parts) == 1 else MixtureSoftmax(tuple(parts))

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds at each decision, in nats."""
        if len(self.built_of) == 1:
            return 0.0
        lengths = np.stack([tree.lengths for tree in self.trees]).astype(np.float64)
        return float(np.average(self._mixed(lengths * math.log(2.0)), weights=weights))

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return at_once(self.group * dim)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the decisions on the paths of targets, from the root down, tree by tree."""
        trees, words = len(self.trees), len(self.built_of)
        paths = (targets[:, None] + words * np.arange(trees)).reshape(-1)
        counts = self.paths.lengths[paths]
        before = np.cumsum(counts) - counts
        depths = np.arange(int(counts.sum())) - before.repeat(counts)
        steps = self.paths.offsets[paths].repeat(counts) + depths
        first = (words - 1) * (paths // words)
        rows = self.paths.nodes[steps] + first.repeat(counts)
        labels = 1 - self.paths.codes[steps].astype(np.int64)
        together = counts.reshape(-1, trees).sum(axis=1)
        return two_way(hidden, outputs, together, rows, labels, depths)

    def prediction_losses(self, made: Decisions, predictions: int) -> Numbers:
        """Return the loss of each prediction, (P,) in nats: of the mean of the trees' paths."""
        if not len(made.depths):
            return np.zeros(predictions)
        # At each root a path begins.
        paths = np.cumsum(made.depths == 0) - 1
        losses = np.bincount(paths, made.losses).astype(np.float64)
        return self._mixed(losses.reshape(predictions, -1).T)

    def _mixed(self, losses: Numbers) -> Numbers:
        """Return the loss of the mean probability of losses by each tree, (N, …) in nats."""
        mixed: Numbers = math.log(len(self.trees)) - np.logaddexp.reduce(-losses, axis=0)
        return mixed

    def visits(self, kept: Numbers) -> Rows:
        """Return the nodes: each is visited for the words below it, if it takes part."""
        below = np.stack([tree.node_weights(kept) for tree in self.trees])
        depths = [tree.depths[: len(tree) - 1] for tree in self.trees]
        return Rows(np.concatenate(depths), (self.keep(kept) * below).reshape(-1))

    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return the trees with new words grafted on them.

        Nodes stay as they are; in each tree new ones follow.
        """
        words = self.known_first(before)
        trees = [graft(tree, counts[words]).renamed(words) for tree in self.trees]
        nodes, known = np.arange(len(words) - 1), len(self.built_of) - 1
        rows = [np.where(nodes < known, n * known + nodes, -1) for n in range(len(trees))]
        return Extended(forest_of(trees), np.concatenate(rows))

    @classmethod
    def sizes(cls, words: int, rows: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return N(V-1) rows, and the shape (N, V-1, 2); (V-1, 2) of one tree."""
        nodes = words - 1
        if len(shape) == 3 and shape[0] > 1:
            return shape[0] * nodes, (shape[0], nodes, 2)
        return nodes, (nodes, 2)

    @classmethod
    def from_tensor(cls, array: NDArray[np.int32], rows: int) -> Tree | Forest:
        """Return the trees of these children."""
        return Tree(array) if array.ndim == 2 else Forest(tuple(Tree(one) for one in array))

    @staticmethod
    def to_tensor(built_of: Tree | Forest) -> NDArray[np.int32]:
        """Return the children of each inner node, of each tree if there are several."""
        children = [tree.children for tree in built_of.trees]
        return children[0] if len(children) == 1 else np.stack(children)
