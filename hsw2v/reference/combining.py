"""How the copies that workers have of a row become one: the definition of `kernels.combining`.

Workers begin from the same row. Where their changes point in different directions, each has learnt
something of its own, and they add up. Where they point in the same one, they have learnt the same,
and their sum would overshoot: a worker takes the whole way to the optimum, and n workers n times
that. In between lies a sum with the length that the changes would have together if each pair of
them was orthogonal. The mean of changes is shorter by a factor of up to √n for those that are
(local SGD; Stich 2019), and makes rows learn slowly that each worker sees but a few times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def combined(before: Floats, after: Floats) -> Floats:
    """Return the row (D,) that n workers come to together, n ≥ 1.

    `before (D,)` is where they began, `after (n, D)` what they came to. With changes dᵢ it is

        before + Σ dᵢ · min(1, √(Σ |dᵢ|² / |Σ dᵢ|²))

    and that of a worker that is alone, to the bit.
    """
    if len(after) == 1:
        return np.array(after[0])
    changes = after - before
    total: Floats = changes.sum(axis=0)
    squares, length = float((changes * changes).sum()), float(total @ total)
    return np.asarray(before + total * (np.sqrt(squares / length) if length > squares else 1.0))


def averaged(after: Floats) -> Floats:
    """Return what n workers keep of a row together, the mean of `after (n, D)`.

    That is the state of an optimizer, or running statistics: a mean of means, never negative where
    none of them is.
    """
    return np.asarray(after.mean(axis=0))
