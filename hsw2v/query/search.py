"""The most probable words of a tree, without looking at all of it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Log = TypeVar("Log", float, NDArray[np.float64])

SLACK = 1e-12
"""What the logarithm of a mixture may be wrong by, in proportion: bounds are raised by it."""


def raised(log: Log) -> Log:
    """Return a bound of a log-probability that no rounding of a sum below it gets over."""
    return log + SLACK * (1.0 + abs(log))


def most_probable(
    children: NDArray[np.int32],
    turns: Callable[[int], NDArray[np.float64]],
    weights: NDArray[np.float64],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Find the k words of greatest probability, exactly, by best-first search.

    `children (V-1, 2)` are those of a `Tree`. The probability of a word is a sum over n
    predictions: `weights (n,)` are the logarithms of their parts in it, and `turns(node)` returns
    those of both turns, (2, n). No word below a node is more probable than getting to the node
    is, by each prediction and so by their sum: what is taken from the heap first is a word that
    none can beat, or a node to open. (Going down the more probable side only is not exact.)
    Returns words (k,) and their log-probabilities (k,), best first and of equals the lower word,
    and the number of nodes opened.
    """
    words: list[int] = []
    logs: list[float] = []
    visited = 0
    # Inner nodes come before words that are as probable: a lower word may lie below them.
    heap: list[tuple[float, bool, int, float, NDArray[np.float64]]] = []

    def push(place: int, log: float, reach: NDArray[np.float64]) -> None:
        word = place < 0
        bound = log if word else raised(log)
        heapq.heappush(heap, (-bound, word, ~place if word else place, log, reach))

    push(0 if len(children) else ~0, float(np.logaddexp.reduce(weights)), weights)
    while heap and len(words) < k:
        _, word, number, log, reach = heapq.heappop(heap)
        if word:
            words.append(number)
            logs.append(log)
            continue
        visited += 1
        below = reach + turns(number)
        sums = np.logaddexp.reduce(below, axis=1).tolist()
        for place, log, reach in zip(children[number].tolist(), sums, below, strict=True):
            push(place, log, reach)
    return np.array(words, np.int64), np.array(logs), visited
