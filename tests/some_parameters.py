"""Optimizer state, batch normalisation and an output layer, as the kernels take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hsw2v import reference
from hsw2v.kernels.arguments import Layer
from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.parameters import norm_parameters, optimizer_state
from hsw2v.training import tables
from hsw2v.trees.tree import Tree


def state_of(optimizer: str, rows: int, width: int) -> State:
    return tables.state_of(optimizer_state(optimizer, "table", rows, width), "table")


def norm_of(optimizer: str, dim: int) -> Norm:
    return tables.norm_of(norm_parameters(optimizer, dim))


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
