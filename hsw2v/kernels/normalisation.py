"""Batch normalisation of hidden vectors, dimension by dimension (Ioffe & Szegedy 2015).

    ĥ = (h - μ) / √(σ² + ε),  x = γ ĥ + β

μ and σ² are of the hidden rows of a batch while training, a row counted by its weight; their
running means serve where single rows are asked for. The definition in NumPy is
`reference.normalisation`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled
from hsw2v.kernels.optimizers import State

MOMENTUM = 0.99
"""Share of the old running statistics: those of the last 100 batches or so."""
SMALLEST_BATCH = 32
"""Rows, each as often as it counts, that make a batch: a variance of fewer is off by a quarter."""


class Norm(NamedTuple):
    """What is trained and kept for the hidden vectors; rows padded with zeros to P floats."""

    parameters: NDArray[np.float32]
    """(2, P) float32, scale γ, 0 in the padding, and shift β."""
    running: NDArray[np.float32]
    """(2, P) float32, running mean and variance."""
    batches: NDArray[np.int64]
    """(1,) int64, how many batches the running statistics have seen."""
    epsilon: float
    """ε, what is added to every variance."""
    state: State
    """The optimizer state of `parameters`."""


@compiled
def normalise(norm, hidden, normalised, weights, statistics, learning) -> bool:
    """Normalise hidden rows (N, P) float32 in place: h becomes x, and ĥ goes to `normalised`.

    When `learning`, `statistics (2, P) float32` is made mean and variance of the batch, each row
    counted `weights (N,) float32` times, and the running statistics follow. Else, and for fewer
    than SMALLEST_BATCH rows, the running statistics are taken, and stay as they are.

    Returns whether the statistics are those of the batch, as `backward` wants to know.
    """
    of_batch = learning and weights.sum() >= SMALLEST_BATCH
    if of_batch:
        _measure(hidden, weights, statistics)
        _follow(norm, statistics)
    else:
        for d in range(statistics.shape[1]):
            statistics[0, d] = norm.running[0, d]
            statistics[1, d] = norm.running[1, d]
    factors = _factors(norm, statistics)
    scale = norm.parameters[0]
    shift = norm.parameters[1]
    mean = statistics[0]
    for i in range(hidden.shape[0]):
        for d in range(hidden.shape[1]):
            normal = (hidden[i, d] - mean[d]) * factors[d]
            normalised[i, d] = normal
            hidden[i, d] = scale[d] * normal + shift[d]
    return of_batch


@compiled
def _measure(hidden, weights, statistics) -> None:
    """Write the weighted mean and variance of rows."""
    mean = statistics[0]
    variance = statistics[1]
    mean.fill(np.float32(0.0))
    variance.fill(np.float32(0.0))
    share = np.float32(1.0 / weights.sum())
    for i in range(hidden.shape[0]):
        weight = weights[i] * share
        for d in range(hidden.shape[1]):
            mean[d] += weight * hidden[i, d]
    for i in range(hidden.shape[0]):
        weight = weights[i] * share
        for d in range(hidden.shape[1]):
            distance = hidden[i, d] - mean[d]
            variance[d] += weight * distance * distance


@compiled
def _follow(norm, statistics) -> None:
    """Let the running statistics follow: plain means of the first batches, then with MOMENTUM."""
    norm.batches[0] += 1
    share = np.float32(max(1.0 / norm.batches[0], 1.0 - MOMENTUM))
    for one in range(2):
        for d in range(statistics.shape[1]):
            # Nothing is left of what was there before the first: small variances stay exact.
            old = norm.running[one, d] if share < np.float32(1.0) else statistics[one, d]
            norm.running[one, d] = old + share * (statistics[one, d] - old)


@compiled
def _factors(norm, statistics):
    """Return 1 / √(σ² + ε), (P,) float32."""
    return np.float32(1.0) / np.sqrt(statistics[1] + np.float32(norm.epsilon))


@compiled
def backward(norm, normalised, weights, statistics, of_batch, gradient, slopes) -> None:
    """Carry gradients back through `normalise`, whose arguments and answer the others are.

    `gradient (N, P) float32`, by x, becomes that by h in place. A row that counts several times
    has one gradient, the sum of them. `slopes (2, P) float32` is made the gradients of γ and β.
    With G = ∂L/∂x, W = Σ w and the sums over the batch:

        ∂L/∂γ = Σ G ĥ,  ∂L/∂β = Σ G
        ∂L/∂h_i = γ / √(σ² + ε) · (G_i - w_i / W · (∂L/∂β + ĥ_i ∂L/∂γ))

    without the last term where the statistics were the running ones.
    """
    by_scale = slopes[0]
    by_shift = slopes[1]
    by_scale.fill(np.float32(0.0))
    by_shift.fill(np.float32(0.0))
    for i in range(gradient.shape[0]):
        for d in range(gradient.shape[1]):
            by_scale[d] += gradient[i, d] * normalised[i, d]
            by_shift[d] += gradient[i, d]
    factors = norm.parameters[0] * _factors(norm, statistics)
    share = np.float32(0.0)
    if of_batch:
        share = np.float32(1.0 / weights.sum())
    for i in range(gradient.shape[0]):
        weight = weights[i] * share
        for d in range(gradient.shape[1]):
            through = weight * (by_shift[d] + normalised[i, d] * by_scale[d])
            gradient[i, d] = factors[d] * (gradient[i, d] - through)
