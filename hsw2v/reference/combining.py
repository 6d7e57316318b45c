"""How the copies that workers have of a row become one: the definition of `kernels.combining`.

Workers begin from the same row. Where their changes point in different directions, each has learnt
something of its own, and they add up. Where they point in the same one, they have learnt the same,
and their sum overshoots: that of eight workers diverges at the top of a tree. Their mean makes rows
learn too slowly that each worker sees but a few times. So changes add up, but those that agree go
no farther than twice the way of one: the idea of Adasum (Maleki et al. 2021, "Scaling distributed
training with adaptive summation"), for all workers together and with less caution.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

AGREEING = 2.0
"""How far changes that agree go together, in lengths of one of them."""


def combined(before: Floats, after: Floats) -> Floats:
    """Return the row (D,) that n workers come to together, n ≥ 1.

    `before (D,)` is where they began, `after (n, D)` what they came to. With changes dᵢ it is

        before + Σ dᵢ · min(1, AGREEING · Σ |dᵢ|² / |Σ dᵢ|²)

    where the quotient is 1 for orthogonal changes and 1/n for equal ones. What a worker comes to
    that is alone is left as it is, to the bit.
    """
    if len(after) == 1:
        return np.array(after[0])
    changes = after - before
    total: Floats = changes.sum(axis=0)
    squares, length = float((changes * changes).sum()), float(total @ total)
    factor = AGREEING * squares / length if length > AGREEING * squares else 1.0
    return np.asarray(before + factor * total)


def travelled(before: Floats, after: Floats) -> Floats:
    """Return what a row (D,) becomes whose change is sent as bfloat16.

    That is a float32 of which 8 significant bits are left, rounded to the nearest, ties to even.
    What workers have come to is sent, and what they come to together once more.
    """
    mantissa, exponent = np.frexp(after - before)
    change: Floats = np.ldexp(np.round(mantissa * 2.0**8) / 2.0**8, exponent)
    return np.asarray(before + change)


def averaged(after: Floats) -> Floats:
    """Return what n workers keep of a row together, the mean of `after (n, D)`.

    That is the state of an optimizer, or running statistics: a mean of means, never negative where
    none of them is.
    """
    return np.asarray(after.mean(axis=0))
