"""What is trained, and what optimizers and batch normalisation remember of it, at the beginning."""

from __future__ import annotations

import numpy as np

from hsw2v.config import TrainingConfig
from hsw2v.kernels.general import GeneralTables
from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.training.tables import aligned_zeros, initial_vectors, padded


def state_of(optimizer: str, rows: int, width: int) -> State:
    """Return what an optimizer remembers of a table (rows, width) of which no row has moved."""
    adam = optimizer == "adam"
    return State(
        squares=aligned_zeros(0 if optimizer == "sgd" else rows, width),
        means=aligned_zeros(rows if adam else 0, width),
        steps=aligned_zeros(1, rows if adam else 0, np.int32)[0],
    )


def norm_of(optimizer: str, dim: int) -> Norm:
    """Return what normalises hidden vectors (., D), padded, before any was seen.

    Its scale is 1/√D: hidden vectors are of length 1 then. Scores are products with them, and to
    steps of a usual learning rate a length of √D is too much.
    """
    width = padded(dim)
    norm = Norm(
        parameters=aligned_zeros(2, width),
        running=aligned_zeros(2, width),
        batches=aligned_zeros(1, 1, np.int64)[0],
        state=state_of(optimizer, 2, width),
    )
    norm.parameters[0, :dim] = dim**-0.5
    norm.running[1] = 1.0
    return norm


def first_tables(training: TrainingConfig, words: int, rows: int) -> GeneralTables:
    """Return the tables of so many words and output rows, of which nothing is trained."""
    width = padded(training.dim)
    return GeneralTables(
        initial_vectors(words, training.dim, training.seed),
        aligned_zeros(rows, width),
        state_of(training.optimizer, words, width),
        state_of(training.optimizer, rows, width),
        norm_of(training.optimizer, training.dim),
    )
