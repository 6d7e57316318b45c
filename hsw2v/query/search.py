"""Best-first search for the most probable words of trees."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Log = TypeVar("Log", float, NDArray[np.float64])

SLACK = 1e-12
"""The relative error of the logarithm of a mixture, by which bounds are raised."""


def raised(log: Log) -> Log:
    """Return an upper bound of a log-probability that holds in spite of rounding."""
    return log + SLACK * (1.0 + abs(log))


class Search:
    """The words of a tree in falling order of probability, by best-first search.

    The probability of a word is a weighted sum over n predictions. No word below a node is more
    probable than the node, so the first item of the heap is a word that no other can beat, or a
    node to open. (Greedy descent is not exact.)
    """

    def __init__(
        self,
        children: NDArray[np.int32],
        turns: Callable[[int], NDArray[np.float64]],
        weights: NDArray[np.float64],
    ) -> None:
        """Search a tree with `children (V-1, 2)`, as `Tree` has them.

        `weights (n,)` are the logarithms of the weights, and `turns(node)` returns the
        log-probabilities of both turns, (2, n).
        """
        self._children, self._turns = children, turns
        # Nodes come before words of equal probability: a lower word may be below them.
        self._heap: list[tuple[float, bool, int, float, NDArray[np.float64]]] = []
        self.visited = 0
        """The number of nodes opened."""
        self._push(0 if len(children) else ~0, float(np.logaddexp.reduce(weights)), weights)

    def _push(self, place: int, log: float, reach: NDArray[np.float64]) -> None:
        word = place < 0
        bound = log if word else raised(log)
        heapq.heappush(self._heap, (-bound, word, ~place if word else place, log, reach))

    @property
    def bound(self) -> float:
        """What the log-probability of a word that is not found yet is not above."""
        return -self._heap[0][0] if self._heap else -np.inf

    def find(self) -> tuple[int, float] | None:
        """Return the next word, of equals the lower one, and its log-probability; None at last."""
        while self._heap:
            _, word, number, log, reach = heapq.heappop(self._heap)
            if word:
                return number, log
            self.visited += 1
            below = reach + self._turns(number)
            sums = np.logaddexp.reduce(below, axis=1).tolist()
            for place, one, row in zip(self._children[number].tolist(), sums, below, strict=True):
                self._push(place, one, row)
        return None


def most_probable(search: Search, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k words of greatest probability, (k,), and their log-probabilities (k,)."""
    found: list[tuple[int, float]] = []
    while len(found) < k and (one := search.find()):
        found.append(one)
    return np.array([word for word, _ in found], np.int64), np.array([log for _, log in found])


def most_probable_of_mean(
    searches: Sequence[Search], log_of: Callable[[int], float], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the k words of greatest mean probability over some trees, exactly, as above.

    `log_of(word)` is the logarithm of the mean. Words are found tree by tree until no word that no
    search has found can be among the k best: the threshold algorithm (Fagin, Lotem & Naor 2003).
    """
    best: list[tuple[float, int]] = []
    seen: set[int] = set()
    while True:
        bounds = [search.bound for search in searches]
        mean = float(np.logaddexp.reduce(bounds)) - float(np.log(len(searches)))
        if len(best) == k and (mean == -np.inf or raised(mean) < best[0][0]):
            break
        found = searches[int(np.argmax(bounds))].find()
        if found is None:
            break
        word = found[0]
        if word not in seen:
            seen.add(word)
            heapq.heappush(best, (log_of(word), -word))
            if len(best) > k:
                heapq.heappop(best)
    best.sort(reverse=True)
    return np.array([-word for _, word in best], np.int64), np.array([log for log, _ in best])
