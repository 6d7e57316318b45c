"""Optimizer state, batch normalisation and an output layer, as the kernels take them."""

from __future__ import annotations

import numpy as np

from hsw2v.kernels.arguments import Layer
from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.parameters import norm_parameters, optimizer_state
from hsw2v.training import tables


def state_of(optimizer: str, rows: int, width: int) -> State:
    return tables.state_of(optimizer_state(optimizer, "table", rows, width), "table")


def norm_of(optimizer: str, dim: int) -> Norm:
    return tables.norm_of(norm_parameters(optimizer, dim))


def some_layer(dim: int) -> Layer:
    """Return one that chooses no rows; what is to be chosen by is put in its place."""
    return tables.layer_of(SoftmaxOutput(1), np.ones(1), dim)
