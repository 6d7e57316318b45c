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

import numpy as np

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.link import decision_losses
from hsw2v.kernels.tiles import (
    MAX_CONTEXT,
    MAX_OUTPUT,
    TILE_WIDTH,
    gradient_row,
    gradient_rows,
    score_row,
    update_rows,
)


@inlined
def gradients(hidden, n, output, m, labels, rate, chunks, gradient):
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
            gradients(here, rows, there, count, labels + 4 * j, rate, chunks, gradient)
            update_rows(rows, here, target + 8 * i, there, count, chunks, gradient)


@compiled
def loss(hidden, n, output, m, labels, chunks, scores):
    """Return the summed negative log-likelihood of n predictions, in nats, before a step.

    Each decision costs log(1 + exp(-x)), x the score with the sign of its label.
    """
    total = 0.0
    product = 1.0
    for i in range(n):
        for j in range(0, m, MAX_OUTPUT):
            count = min(m - j, MAX_OUTPUT)
            for k in range(0, count, TILE_WIDTH):
                width = min(count - k, TILE_WIDTH)
                score_row(width, hidden + 8 * i, output + 8 * (j + k), chunks, scores + 4 * k)
            added, factor = decision_losses(scores, labels + 4 * j, count)
            total += added
            product *= factor
            if product > 1e150:
                total += np.log(product)
                product = 1.0
    return total + np.log(product)
