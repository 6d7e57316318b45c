"""State of optimizers and of batch normalisation, as the kernels take it."""

from __future__ import annotations

from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.network.parameters import norm_parameters, optimizer_state
from hsw2v.training import tables


def state_of(optimizer: str, rows: int, width: int) -> State:
    return tables.state_of(optimizer_state(optimizer, "table", rows, width), "table")


def norm_of(optimizer: str, dim: int) -> Norm:
    return tables.norm_of(norm_parameters(optimizer, dim))
