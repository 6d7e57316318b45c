"""Best-first search for the most probable words of a tree."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Log = TypeVar("Log", float, NDArray[np.float64])

SLACK = 1e-12
"""The relative error of the logarithm of a mixture, by which bounds are raised."""


def raised(log: Log) -> Log:
    """Return an upper bound of a log-probability that holds in spite of rounding."""
    return log + SLACK * (1.0 + abs(log))


def most_probable(
    children: NDArray[np.int32],
    turns: Callable[[int], NDArray[np.float64]],
    weights: NDArray[np.float64],
    k: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Find the k words of greatest probability, exactly, by best-first search.

    `children (V-1, 2)` are those of a `Tree`. The probability of a word is a weighted sum over n
    predictions, with the logarithms of the weights `weights (n,)`; `turns(node)` returns the
    log-probabilities of both turns, (2, n). No word below a node is more probable than the node, so
    the first item of the heap is a word that no other can beat, or a node to open. (Greedy descent
    is not exact.)

    Returns words (k,) and their log-probabilities (k,), best first and of equals the lower word,
    and the number of nodes opened.
    """
    words: list[int] = []
    logs: list[float] = []
    visited = 0
    # Nodes come before words of equal probability: a lower word may be below them.
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
