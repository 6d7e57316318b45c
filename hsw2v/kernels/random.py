"""Chance as a function of a key and a counter, so that no thread and no clock has a part in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined

NODE_KEY = np.uint64(0x6E6F6465)
"""What tells the draws that decide which output rows take part in a window from others."""
ALWAYS = 2**32
"""The threshold that 32 random bits are always below."""


def thresholds(probabilities: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Return what 32 random bits are below with given probabilities, as uint64 of their shape."""
    return np.minimum(np.ceil(probabilities * ALWAYS), ALWAYS).astype(np.uint64)


@inlined
def draw(key: np.uint64, counter: int) -> np.uint64:
    """Return 64 random bits: the output function of SplitMix64 (Steele, Lea & Flood 2014)."""
    state = key + np.uint64(counter) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


@inlined
def high_half(bits: np.uint64) -> np.uint64:
    """Return the upper 32 of 64 random bits."""
    return bits >> np.uint64(32)


@inlined
def low_half(bits: np.uint64) -> np.uint64:
    """Return the lower 32 of 64 random bits."""
    return bits & np.uint64(0xFFFFFFFF)


@inlined
def below(half: np.uint64, bound: int) -> int:
    """Return a number in [0, bound) from 32 random bits, with a bias below bound / 2³²."""
    return np.int64((half * np.uint64(bound)) >> np.uint64(32))  # type: ignore[return-value]
