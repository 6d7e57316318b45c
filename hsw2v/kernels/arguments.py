"""What the kernels that train on blocks take: one vocabulary for both of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.kernels.output.classes import ClassMembers
from hsw2v.kernels.output.hierarchical import PrivateTop, TreePaths
from hsw2v.kernels.output.negative import NoiseDistribution
from hsw2v.kernels.output.sampled import Batch, Drawn, Proposal

HIERARCHICAL, NEGATIVE, HYBRID, CLASSES, SAMPLED, OTHER = range(6)
"""The output layers, as `Layer.kind`; the kernels know nothing of OTHER ones."""

BATCH = 256
"""Kept words, each with its window, that are normalised together at least."""

LOSS_KEY = np.uint64(0x6C6F7373)
NOISE_KEY = np.uint64(0x6E6F6973)


class Plan(NamedTuple):
    """What one call is to do."""

    cbow: bool
    """Predict from the mean of the context instead of from each context word."""
    first_rate: float
    """Learning rate at the first window of the block."""
    last_rate: float
    """Learning rate after its last."""
    loss_every: int
    """The loss is taken of one window in so many, from a random one on."""
    optimizer: int
    """SGD or another of `kernels.optimizers`."""
    l2: float
    """Decoupled weight decay: a row that moves also loses this share, times the learning rate."""
    batch_norm: bool


class Layer(NamedTuple):
    """What the output layers choose rows by; the arrays of layers that are not used are empty."""

    kind: int
    """HIERARCHICAL, NEGATIVE, HYBRID, CLASSES, SAMPLED or OTHER."""
    paths: TreePaths
    top: PrivateTop
    """A thread's own; with plain steps only, since optimizer state is shared by all threads."""
    noise: NoiseDistribution
    classes: ClassMembers
    proposal: Proposal


class Tables(NamedTuple):
    """What is trained, and the optimizer state; rows are padded to P floats and aligned."""

    vectors: NDArray[np.float32]
    """(V, P) float32, word vectors."""
    outputs: NDArray[np.float32]
    """(R, P) float32: of the V-1 nodes, of C classes and then V words, of V words, or of the nodes
    and then the words."""
    vector_state: State
    output_state: State
    norm: Norm


class Scratch(NamedTuple):
    """What a thread needs to work on a block; nothing in it outlives a call.

    B is the size of the largest block, H the most hidden rows of a batch, M the most output rows
    that are scored together.
    """

    kept: NDArray[np.int32]
    """(B,) int32, the words kept of the block."""
    bounds: NDArray[np.int32]
    """(B, 2) int32, the window of each kept word: its first word, and the one after its last."""
    hidden: NDArray[np.float32]
    """(H, P) float32, the hidden rows of a batch."""
    normalised: NDArray[np.float32]
    """(H, P) float32, likewise before scale and shift; (0, P) without batch normalisation."""
    gradient: NDArray[np.float32]
    """(H, P) float32, their gradient."""
    weights: NDArray[np.float32]
    """(H,) float32, all 1: each hidden row counts once."""
    hidden_rows: NDArray[np.int64]
    """(H,) int64, addresses of the rows of `hidden`."""
    gradient_rows: NDArray[np.int64]
    """(H,) int64, and of `gradient`."""
    rows: NDArray[np.int64]
    """(B + 2,) int64, addresses of the word vectors of the kept words."""
    context: NDArray[np.int64]
    """(2 · window,) int64, addresses of the word vectors of a window."""
    output: NDArray[np.int64]
    """(2, M) int64, addresses of the output rows of a window and of the next."""
    labels: NDArray[np.float32]
    """(2, M + LANES) float32, likewise the labels of the rows of a path, and room to read past
    the last."""
    biases: NDArray[np.float32]
    """(M + MAX_OUTPUT,) float32, what is added to scores."""
    scores: NDArray[np.float32]
    """(⌈M / MAX_OUTPUT⌉, MAX_CONTEXT, MAX_OUTPUT) float32, scores and then errors."""
    row: NDArray[np.float32]
    """(1, P) float32, the gradient of an output row."""
    statistics: NDArray[np.float32]
    """(2, P) float32, mean and variance of the hidden rows of a batch."""
    slopes: NDArray[np.float32]
    """(2, P) float32, the gradients of scale and shift."""
    drawn: Drawn
    batch: Batch
    stop: NDArray[np.int32]
    """(1,) int32, shared by all threads: when set, a block is left unfinished."""
