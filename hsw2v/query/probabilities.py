"""Word probabilities of output layers: hierarchical softmax, or the softmax over all words.

A prediction is made from one or more hidden rows (n, D): in CBOW from one, the mean of the context
vectors; in skip-gram from those of the context words, as a mixture in equal parts. Probabilities
are natural logarithms in float64, so that none underflows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Indexes, slices
from hsw2v.query.search import Search, most_probable
from hsw2v.trees.tree import Paths, Tree

Floats = NDArray[np.floating]
Logs = NDArray[np.float64]

NODES_AT_ONCE = 256
"""Nodes whose scores are computed together, so that every query gets the same bits."""
HIDDEN_AT_ONCE = 16
ROWS_AT_ONCE = 1 << 12
NUMBERS_AT_ONCE = 1 << 20
SCORES_AT_ONCE = 1 << 22


class MostProbable(NamedTuple):
    """The most probable words, and the cost of the search."""

    words: Indexes
    """(k,) int64."""
    logs: Logs
    """(k,) float64, nats."""
    visited: int
    """Output rows that were used: nodes opened, classes and words of those opened, or all."""


class Softmax(Protocol):
    """An output layer whose probabilities sum to 1."""

    def log_distribution(self, hidden: Floats) -> Logs:
        """Return the log-probability of every word, (V,) float64, given hidden rows (n, D)."""

    def most_probable(self, hidden: Floats, k: int) -> MostProbable:
        """Return the k most probable words, of equals the lower number first."""

    def log_probs(self, hidden: Floats, sources: Indexes, targets: Indexes) -> Logs:
        """Return the log-probability of target b given each of its hidden rows, (B, n) float64.

        `sources (B, n)` are rows of `hidden (H, D)`, `targets (B,)` words.
        """


@dataclass(frozen=True, eq=False)
class TreeSoftmax:
    """Hierarchical softmax (Morin & Bengio 2005): a word's probability is that of its path.

    With s the dot product of hidden and node vector, the first child has the probability sigmoid(s)
    and the second sigmoid(-s).
    """

    nodes: Floats
    """(V-1, D)."""
    tree: Tree

    @cached_property
    def _paths(self) -> Paths:
        return self.tree.paths()

    def log_distribution(self, hidden: Floats) -> Logs:
        """Return the log-probability of every word, (V,) float64, in one sweep over the levels."""
        mixed: Logs = np.full(len(self.tree), -np.inf)
        weights = equal_parts(hidden)
        for some in slices(len(hidden), HIDDEN_AT_ONCE):
            for logs in self._reach(hidden[some], weights[some]).T:
                mixed = np.logaddexp(mixed, logs)
        return mixed

    def most_probable(self, hidden: Floats, k: int) -> MostProbable:
        """Return the k most probable words by best-first search, of equals the lower first."""
        search = self.search(hidden, self.turns(hidden))
        return MostProbable(*most_probable(search, k), search.visited)

    def turns(self, hidden: Floats) -> Callable[[int], Logs]:
        """Return what tells of both turns at a node the log-probabilities, (2, n) float64."""
        blocks: dict[int, Logs] = {}

        def turns(node: int) -> Logs:
            block, row = divmod(node, NODES_AT_ONCE)
            if block not in blocks:
                blocks[block] = self._turns(hidden, block)
            turned: Logs = blocks[block][row]
            return turned

        return turns

    def search(self, hidden: Floats, turns: Callable[[int], Logs]) -> Search:
        """Return the search for the most probable words, given what `turns` returned."""
        return Search(self.tree.children, turns, equal_parts(hidden))

    def log_of(self, hidden: Floats, turns: Callable[[int], Logs]) -> Callable[[int], float]:
        """Return what tells the log-probability of a word, given what `turns` returned."""
        weights, slots = equal_parts(hidden), self.tree.slots

        def log_of(word: int) -> float:
            path, slot = [], int(slots[~word])
            while slot >= 0:
                path.append((slot >> 1, slot & 1))
                slot = int(slots[slot >> 1])
            reach = weights
            for node, turn in reversed(path):
                reach = reach + turns(node)[turn]
            return float(np.logaddexp.reduce(reach))

        return log_of

    def log_probs(self, hidden: Floats, sources: Indexes, targets: Indexes) -> Logs:
        """Return the log-probability of target b given each of its hidden rows, (B, n) float64."""
        lengths = self._paths.lengths[targets]
        logs = np.zeros(sources.shape)
        for length in np.unique(lengths[lengths > 0]):
            equal = np.nonzero(lengths == length)[0]
            numbers = (sources.shape[1] + int(length)) * hidden.shape[1]
            for some in slices(len(equal), max(1, NUMBERS_AT_ONCE // numbers)):
                chosen = equal[some]
                logs[chosen] = self._along_paths(hidden[sources[chosen]], targets[chosen], length)
        return logs

    def _along_paths(self, hidden: Floats, targets: Indexes, length: int) -> Logs:
        """Return what `log_probs` does, for hidden (b, n, D) and paths of one length."""
        steps = self._paths.offsets[targets][:, None] + np.arange(length)
        rows = self.nodes[self._paths.nodes[steps]]
        scores = (hidden @ rows.transpose(0, 2, 1)).astype(np.float64)
        scores *= 1.0 - 2.0 * self._paths.codes[steps][:, None]
        turned: Logs = log_sigmoid(scores).sum(axis=-1)
        return turned

    def _turns(self, hidden: Floats, block: int) -> Logs:
        """Return the log-probabilities of both turns at a block of nodes, (b, 2, n) float64."""
        rows = self.nodes[block * NODES_AT_ONCE : (block + 1) * NODES_AT_ONCE]
        scores = _products(rows, hidden)
        return np.stack((log_sigmoid(scores), log_sigmoid(-scores)), axis=1)

    def _reach(self, hidden: Floats, weights: Logs) -> Logs:
        """Return the log-probability of every word by each hidden row, (V, n), plus its weight."""
        words, children = len(self.tree), self.tree.children
        turns = np.concatenate(
            [self._turns(hidden, block) for block in range(-(-words // NODES_AT_ONCE))]
        )
        # Word w is numbered ~w among children: as an index, that counts from the end.
        reach = np.empty((2 * words - 1, len(hidden)))
        reach[0] = weights
        for level in self.tree.levels:
            reach[children[level]] = reach[level][:, None] + turns[level]
        return reach[::-1][:words]


@dataclass(frozen=True, eq=False)
class FullSoftmax:
    """Softmax over all words of the dot products of hidden and output vectors."""

    outputs: Floats
    """(V, D)."""

    def log_distribution(self, hidden: Floats) -> Logs:
        """Return the log-probability of every word, (V,) float64."""
        return self.mixed(hidden, equal_parts(hidden))

    def mixed(self, hidden: Floats, weights: Logs) -> Logs:
        """Return the logarithms of weighted sums of probabilities over hidden (n, D), (V,) float64.

        `weights (n,)` are logarithms.
        """
        mixed: Logs = np.full(len(self.outputs), -np.inf)
        for some in self._pieces(len(hidden)):
            for logs in self.logs(hidden[some], weights[some]).T:
                mixed = np.logaddexp(mixed, logs)
        return mixed

    def logs(self, hidden: Floats, weights: Logs) -> Logs:
        """Return the log-probability of every word by each hidden row, (V, n), plus its weight."""
        scores = self._scores(hidden)
        highest = scores.max(axis=0)
        # In this order, no log-probability is above 0 by rounding.
        scores -= highest + np.log(np.exp(scores - highest).sum(axis=0))
        scores += weights
        return scores

    def most_probable(self, hidden: Floats, k: int) -> MostProbable:
        """Return the k most probable words, of equals the lower first."""
        logs = self.log_distribution(hidden)
        best = np.argsort(-logs, kind="stable")[:k]
        return MostProbable(best, logs[best], len(logs))

    def log_probs(self, hidden: Floats, sources: Indexes, targets: Indexes) -> Logs:
        """Return the log-probability of target b given each of its hidden rows, (B, n) float64."""
        distinct, places = np.unique(sources, return_inverse=True)
        sums = np.empty(len(distinct))
        for some in self._pieces(len(distinct)):
            scores = hidden[distinct[some]] @ self.outputs.T
            highest = scores.max(axis=1, keepdims=True)
            np.exp(np.subtract(scores, highest, out=scores), out=scores)
            sums[some] = highest[:, 0] + np.log(scores.sum(axis=1, dtype=np.float64))
        logs = np.empty(sources.shape)
        numbers = (sources.shape[1] + 1) * hidden.shape[1]
        for some in slices(len(targets), max(1, NUMBERS_AT_ONCE // numbers)):
            rows = self.outputs[targets[some]]
            logs[some] = (hidden[sources[some]] @ rows[:, :, None])[:, :, 0]
        logs -= sums[places.reshape(sources.shape)]
        return logs

    def _pieces(self, count: int) -> Iterator[slice]:
        return slices(count, max(1, SCORES_AT_ONCE // len(self.outputs)))

    def _scores(self, hidden: Floats) -> Logs:
        """Return the scores of all words, (V, n) float64."""
        scores = np.empty((len(self.outputs), len(hidden)))
        for some in slices(len(self.outputs), ROWS_AT_ONCE):
            scores[some] = _products(self.outputs[some], hidden)
        return scores


def log_sigmoid(x: Logs) -> Logs:
    """Return log(1 / (1 + exp(-x))), accurate for any x."""
    logs: Logs = np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
    return logs


def log_mean(logs: Logs, present: NDArray[np.bool_]) -> Logs:
    """Return the logarithm of the mean probability of the present ones in each row of (B, n).

    -inf where none is present.
    """
    logs = np.where(present, logs, -np.inf)
    highest = logs.max(axis=1, initial=-np.inf, keepdims=True)
    highest[np.isneginf(highest)] = 0.0
    with np.errstate(divide="ignore"):
        sums: Logs = np.log(np.exp(logs - highest).sum(axis=1)) + highest[:, 0]
    sums -= np.log(np.maximum(present.sum(axis=1), 1))
    return sums


def equal_parts(hidden: Floats) -> Logs:
    """Return the logarithms of equal weights of hidden rows in a mixture, (n,)."""
    return np.full(len(hidden), -np.log(len(hidden)))


def _products(rows: Floats, hidden: Floats) -> Logs:
    """Return the dot products of rows (r, D) and hidden (n, D), (r, n) float64.

    In chunks of fixed size, so that the bits of a product do not depend on the others.
    """
    wide, narrow = rows.astype(np.float64), hidden.astype(np.float64)
    return np.concatenate(
        [wide @ narrow[some].T for some in slices(len(narrow), HIDDEN_AT_ONCE)], axis=1
    )
