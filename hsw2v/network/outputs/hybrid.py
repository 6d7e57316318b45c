"""Hierarchical softmax and negative sampling in one step, upon the same hidden vectors."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.network.outputs.ns import NegativeOutput
from hsw2v.network.outputs.output import Extended
from hsw2v.query.probabilities import Floats, Softmax
from hsw2v.trees.forest import Forest
from hsw2v.trees.tree import Tree


class HybridOutput(HierarchicalOutput):
    """A row for each of the V-1 inner nodes of each tree, then one for each of V words.

    The rows of nodes are trained as those of hierarchical softmax, the rows of words as those of
    negative sampling, and the hidden vectors by the sum of both gradients. Its probabilities, its
    loss, its decisions and their visits are those of the tree.
    """

    name = "hs+ns"
    settings: ClassVar[tuple[str, ...]] = (*HierarchicalOutput.settings, *NegativeOutput.settings)
    table_tensor = "outputs"

    def __init__(
        self, built_of: Tree | Forest, node_sample: float, sampling: NegativeOutput
    ) -> None:
        """Take what hierarchical softmax takes, and the negative sampling beside it."""
        super().__init__(built_of, node_sample)
        self.sampling = sampling

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of a tree, and of words that occur so often."""
        assert training.node_sample is not None
        return cls(structure, training.node_sample, NegativeOutput.of(training, counts, None))

    @classmethod
    def rows_for(cls, training: TrainingConfig, words: int) -> int:
        """Return N(V-1)+V."""
        return super().rows_for(training, words) + words

    @property
    def rows(self) -> int:
        """The number of inner nodes and of words, N(V-1)+V."""
        return self.nodes + self.sampling.rows

    @property
    def group(self) -> int:
        """The most nodes of all paths of a word, the target and the words drawn."""
        return super().group + self.sampling.group

    @property
    def sampled_rows(self) -> slice:
        """The rows of words."""
        return slice(self.nodes, self.rows)

    def frequent(self, kept: NDArray[np.float64], count: int) -> NDArray[np.bool_]:
        """Return which nodes, and which rows of words, are the `count` visited most often."""
        words = self.sampling.frequent(kept, count)
        return np.concatenate((super().frequent(kept, count), words))

    def softmax(self, outputs: Floats) -> Softmax:
        """Return the probabilities of paths."""
        return super().softmax(outputs[: self.nodes])

    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return the tree with new words grafted on it, and the rows of words as they were."""
        tree, nodes = super().extended(counts, before)
        words = np.where(before < 0, -1, self.nodes + before)
        return Extended(tree, np.concatenate((nodes, words)))

    @classmethod
    def sizes(cls, words: int, rows: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return N(V-1)+V rows, and what hierarchical softmax does."""
        nodes, shape = super().sizes(words, rows, shape)
        return nodes + words, shape
