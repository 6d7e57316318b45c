"""Batch normalisation with the running statistics, as in inference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-5
"""Added to variances, so that none is 0."""


def normalised(
    hidden: NDArray[np.floating], batch_norm: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return γ (h - μ) / sqrt(σ² + ε) + β of hidden vectors h, (n, D).

    Rows of `batch_norm (4, D)` are scale γ, shift β, and the running mean μ and variance σ² (Ioffe
    & Szegedy 2015, algorithm 2). Being affine, it may come before or after a mean of vectors.
    """
    scale, shift, mean, variance = batch_norm
    found: NDArray[np.floating] = (hidden - mean) * (scale / np.sqrt(variance + EPSILON)) + shift
    return found
