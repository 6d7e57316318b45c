"""Optimizer state, batch normalisation and an output layer, as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsw2v import reference
from hsw2v.arrays import aligned_zeros
from hsw2v.kernels.arguments import Layer
from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.kernels.subwords import Composing
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.parameters import norm_parameters, optimizer_state
from hsw2v.network.subwords import InputRows
from hsw2v.training import tables, workspace
from hsw2v.trees.tree import Tree


def state_of(optimizer: str, rows: int, width: int) -> State:
    return tables.state_of(optimizer_state(optimizer, "table", rows, width), "table")


def norm_of(optimizer: str, dim: int) -> Norm:
    return tables.norm_of(norm_parameters(optimizer, dim))


class SomeSubwords:
    """Words with n-grams, for the kernels and for the reference."""

    def __init__(self, own: np.ndarray, expected: np.ndarray, ngrams: int) -> None:
        """Give the words, whose own rows are (V, P) and (V, D), some of so many n-grams."""
        rng = np.random.default_rng(11)
        counts = rng.integers(0, 7, len(own))
        offsets = np.append(0, np.cumsum(counts))
        rows = rng.integers(0, ngrams, offsets[-1]).astype(np.int32)
        frozen = rng.random(len(own)) < 0.2
        buckets = np.arange(ngrams, dtype=np.int32)
        self.inputs = InputRows(offsets, rows, buckets, frozen.astype(np.uint8))
        self.dim = expected.shape[1]
        self.table = aligned_zeros(ngrams, own.shape[1])
        self.table[:, : self.dim] = rng.normal(size=(ngrams, self.dim))
        self.reference = reference.Composing(
            expected,
            self.table[:, : self.dim].astype(np.float64),
            [one.tolist() for one in np.split(rows, offsets[1:-1])],
            frozenset(np.flatnonzero(frozen).tolist()),
        )

    def composing(self, block: int, rows: int) -> Composing:
        return workspace.composing(self.inputs, self.table, block, rows)

    def assert_alike(self, **close: float) -> None:
        np.testing.assert_allclose(self.table[:, : self.dim], self.reference.ngrams, **close)
        assert not self.table[:, self.dim :].any()


def reference_trees(
    outputs: np.ndarray, trees: Sequence[Tree], keep: np.ndarray
) -> reference.Hierarchical | reference.Trees:
    """Return the reference of hierarchical softmax upon trees; `keep (N, V-1)` as the kernels'."""
    nodes = len(trees[0]) - 1
    made = []
    for number, tree in enumerate(trees):
        paths, own = tree.paths(), outputs[number * nodes : (number + 1) * nodes]
        made.append(
            reference.Hierarchical(own, paths.offsets, paths.nodes, paths.codes, keep[number])
        )
    if len(made) == 1:
        made[0].outputs = outputs
        return made[0]
    return reference.Trees(outputs[: len(trees) * nodes], made)


def some_layer(dim: int) -> Layer:
    """Return one that chooses no rows; what is to be chosen by is put in its place."""
    return tables.layer_of(SoftmaxOutput(1), np.ones(1), dim)
