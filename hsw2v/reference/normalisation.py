"""Batch normalisation (Ioffe & Szegedy 2015): the definition of `kernels.normalisation`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

EPSILON = 1e-5
MOMENTUM = 0.99
SMALLEST_BATCH = 32


@dataclass
class Norm:
    """Scale, shift and running statistics of hidden vectors of D dimensions."""

    parameters: Floats
    """(2, D), scale and shift."""
    running: Floats
    """(2, D), running mean and variance."""
    batches: int = 0

    @classmethod
    def of(cls, dim: int) -> Norm:
        """Return what normalises vectors before any was seen; they are of length 1 then."""
        zeros, ones = np.zeros(dim), np.ones(dim)
        return cls(np.array([ones / np.sqrt(dim), zeros]), np.array([zeros, ones]))


def batch_statistics(hidden: Floats, weights: Floats) -> Floats:
    """Return mean and variance (2, D) of rows (N, D), each counted `weights (N,)` times."""
    mean = np.average(hidden, axis=0, weights=weights)
    return np.array([mean, np.average((hidden - mean) ** 2, axis=0, weights=weights)])


def follow(norm: Norm, statistics: Floats) -> None:
    """Let the running statistics follow those of a batch."""
    norm.batches += 1
    share = max(1.0 / norm.batches, 1.0 - MOMENTUM)
    norm.running = (1.0 - share) * norm.running + share * statistics


def standardise(hidden: Floats, statistics: Floats) -> Floats:
    """Return ĥ = (h - μ) / √(σ² + ε) of rows (N, D)."""
    mean, variance = statistics
    normal: Floats = (hidden - mean) / np.sqrt(variance + EPSILON)
    return normal


def normalise(
    norm: Norm, hidden: Floats, weights: Floats, learning: bool
) -> tuple[Floats, Floats, Floats, bool]:
    """Return x = γ ĥ + β and ĥ of rows (N, D), the statistics, and whether they are the batch's."""
    of_batch = learning and weights.sum() >= SMALLEST_BATCH
    statistics = batch_statistics(hidden, weights) if of_batch else norm.running.copy()
    if of_batch:
        follow(norm, statistics)
    normal = standardise(hidden, statistics)
    return norm.parameters[0] * normal + norm.parameters[1], normal, statistics, of_batch


def backward(
    norm: Norm,
    normal: Floats,
    weights: Floats,
    statistics: Floats,
    of_batch: bool,
    gradient: Floats,
) -> tuple[Floats, Floats]:
    """Return the gradients by h (N, D) and by γ and β (2, D), of those by x (N, D)."""
    slopes = np.array([(gradient * normal).sum(axis=0), gradient.sum(axis=0)])
    through = np.zeros_like(gradient)
    if of_batch:
        through = np.outer(weights / weights.sum(), np.ones(normal.shape[1]))
        through *= slopes[1] + normal * slopes[0]
    factors = norm.parameters[0] / np.sqrt(statistics[1] + EPSILON)
    return factors * (gradient - through), slopes
