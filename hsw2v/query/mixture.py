"""The mean of the probabilities of several trees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsw2v.query.neighbours import Indexes
from hsw2v.query.probabilities import Floats, Logs, MostProbable, TreeSoftmax
from hsw2v.query.search import most_probable_of_mean


@dataclass(frozen=True, eq=False)
class MixtureSoftmax:
    """A mixture, in equal parts, of hierarchical softmax upon N trees over the same words."""

    parts: tuple[TreeSoftmax, ...]

    def log_distribution(self, hidden: Floats) -> Logs:
        """Return the log-probability of every word, (V,) float64."""
        return self._mean([one.log_distribution(hidden) for one in self.parts])

    def most_probable(self, hidden: Floats, k: int) -> MostProbable:
        """Return the k most probable words, of equals the lower first."""
        searches, asked, used = [], [], []
        for one in self.parts:
            nodes: set[int] = set()
            turns = _noting(one.turns(hidden), nodes)
            used.append(nodes)
            searches.append(one.search(hidden, turns))
            asked.append(one.log_of(hidden, turns))

        def log_of(word: int) -> float:
            return float(self._mean([np.array(ask(word)) for ask in asked]))

        words, logs = most_probable_of_mean(searches, log_of, k)
        return MostProbable(words, logs, sum(map(len, used)))

    def log_probs(self, hidden: Floats, sources: Indexes, targets: Indexes) -> Logs:
        """Return the log-probability of target b given each of its hidden rows, (B, n) float64."""
        return self._mean([one.log_probs(hidden, sources, targets) for one in self.parts])

    def _mean(self, logs: list[Logs]) -> Logs:
        mean: Logs = np.logaddexp.reduce(logs, axis=0) - np.log(len(logs))
        return mean


def _noting(turns: Callable[[int], Logs], nodes: set[int]) -> Callable[[int], Logs]:
    """Return what tells of turns, and notes of which nodes it was asked."""

    def noted(node: int) -> Logs:
        nodes.add(node)
        return turns(node)

    return noted
