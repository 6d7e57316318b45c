"""The one step that skip-gram and CBOW, and all output layers, share.

    H = hidden rows (n, D)    R, y = output rows (m, D) and labels    lr = learning rate
    G = lr · (y - sigmoid(H Rᵀ))             all scores from the values before the step
    for each hidden row i:  T_i += G_i R,  R += G_iᵀ H_i

T are the rows that take the gradient of H: H itself in skip-gram. That each hidden row's gradient
is taken of the output rows as the rows before it left them, as in word2vec.c, costs nothing here
and learns more from one epoch than updates of a whole window at once. The definition in NumPy is
`reference.update`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined
from hsw2v.kernels.memory import load_float32
from hsw2v.kernels.tiles import (
    MAX_CONTEXT,
    MAX_OUTPUT,
    TILE_WIDTH,
    gradient_row,
    gradient_rows,
    score_row,
    update_rows,
)


class Scratch(NamedTuple):
    """What a thread needs to work on a block; nothing in it outlives a call."""

    kept: NDArray[np.int32]
    """(B,) int32, the words kept of the block."""
    reach: NDArray[np.int32]
    """(B,) int32, how far each one sees."""
    ends: NDArray[np.int32]
    """(B,) int32, where each sentence ends."""
    context: NDArray[np.int64]
    """(2 · window,) int64, addresses of context rows."""
    mean: NDArray[np.float32]
    """(2, P) float32, CBOW's hidden vector and its gradient."""
    mean_rows: NDArray[np.int64]
    """(2,) int64, addresses of these two rows."""
    output: NDArray[np.int64]
    """(M,) int64, addresses of output rows."""
    gradient: NDArray[np.float32]
    """(MAX_CONTEXT, MAX_OUTPUT) float32."""
    stop: NDArray[np.int32]
    """(1,) int32, shared by all threads: when set, a block is left unfinished."""


@inlined
def _gradients(hidden, n, output, m, labels, rate, chunks, gradient):
    """Write G for n ≤ MAX_CONTEXT and m ≤ MAX_OUTPUT rows (addresses throughout)."""
    for i in range(0, n, 2):
        for j in range(0, m, TILE_WIDTH):
            width = min(m - j, TILE_WIDTH)
            here = hidden + 8 * i
            there = output + 8 * j
            label = labels + 4 * j
            place = gradient + 4 * (i * MAX_OUTPUT + j)
            if i + 1 < n:
                gradient_rows(width, here, there, chunks, label, rate, place)
            else:
                gradient_row(width, here, there, chunks, label, rate, place)


@inlined
def step(hidden, target, n, output, m, labels, rate, chunks, gradient):
    """Do one step; more rows than MAX_CONTEXT or MAX_OUTPUT are taken in pieces, in order.

    `hidden`, `target` and `output` are addresses of arrays of row addresses, `labels` and
    `gradient` those of the labels of the output rows and of room for G; `chunks` is the length
    of a row in vectors.
    """
    for i in range(0, n, MAX_CONTEXT):
        rows = min(n - i, MAX_CONTEXT)
        here = hidden + 8 * i
        for j in range(0, m, MAX_OUTPUT):
            count = min(m - j, MAX_OUTPUT)
            there = output + 8 * j
            _gradients(here, rows, there, count, labels + 4 * j, rate, chunks, gradient)
            update_rows(rows, here, target + 8 * i, there, count, chunks, gradient)


@inlined
def loss(hidden, n, output, m, labels, chunks, scores):
    """Return the summed negative log-likelihood of n predictions, in nats, before a step.

    Each decision costs log(1 + exp(-x)), x the score with the sign of its label; the logarithm
    is taken of products of these, in float64.
    """
    total = 0.0
    for i in range(n):
        product = 1.0
        for j in range(0, m, TILE_WIDTH):
            count = min(m - j, TILE_WIDTH)
            score_row(count, hidden + 8 * i, output + 8 * j, chunks, scores)
            for column in range(count):
                score = np.float64(load_float32(scores + 4 * column))
                if load_float32(labels + 4 * (j + column)) > 0.5:
                    score = -score
                if score > 30.0:
                    total += score
                    score = -score
                product *= 1.0 + np.exp(score)
            if product > 1e150:
                total += np.log(product)
                product = 1.0
        total += np.log(product)
    return total
