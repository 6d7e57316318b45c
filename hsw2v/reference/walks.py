"""Random walks over a graph: what `graphs/steps.py` does, in plain Python, draw by draw.

A graph is `offsets (n+1,)`, `neighbours (E,)` in rising order for each node, and `weights (E,)` or
None. The probabilities are those of node2vec (Grover & Leskovec 2016, section 3.2); with p = q = 1
they are those of DeepWalk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.reference.steps import below, draw

WALK_KEY = 0x77616C6B
ORDER_KEY = 0x6F726465
MORE_TRIES = 8
_ALL = 2**32


@dataclass
class Walker:
    """A graph, and how to walk over it."""

    offsets: NDArray[np.int64]
    neighbours: NDArray[np.int32]
    weights: NDArray[np.float64] | None
    p: float
    q: float
    seed: int

    def probabilities(self, before: int | None, node: int) -> NDArray[np.float64]:
        """Return those of the edges of a node, after the node before, if there is one."""
        weights = self._weights(node) * self._biases(before, node)
        found: NDArray[np.float64] = weights / weights.sum()
        return found

    def order(self, number: int) -> list[int]:
        """Return the nodes in the order in which walks of a pass begin."""
        key = self._pass_key(number) ^ ORDER_KEY
        return sorted(range(len(self.offsets) - 1), key=lambda node: draw(key, node))

    def walk(self, number: int, start: int, length: int) -> list[int]:
        """Return the walk of a pass that begins at a node."""
        key, drawn = draw(self._pass_key(number), start), 0
        nodes = [start]
        while len(nodes) < length and len(self._edges(nodes[-1])):
            before = nodes[-2] if len(nodes) > 1 else None
            edge, more = self._step(before, nodes[-1], key, drawn)
            nodes.append(int(self._edges(nodes[-1])[edge]))
            drawn += more
        return nodes

    def _step(self, before: int | None, node: int, key: int, drawn: int) -> tuple[int, int]:
        """Return the place of the edge that is taken, and how many draws that took."""
        weights, biases = self._weights(node), self._biases(before, node)
        first_order = before is None or self.p == self.q == 1.0
        tries = 1 if first_order else len(weights) + MORE_TRIES
        highest = max(1.0 / self.p, 1.0, 1.0 / self.q)
        for number in range(tries):
            high, low = divmod(draw(key, drawn + number), _ALL)
            edge = below(high, len(weights)) if self.weights is None else _drawn(weights, high)
            if first_order or low < np.ceil(biases[edge] / highest * _ALL):
                return edge, number + 1
        high = draw(key, drawn + tries) >> 32
        return _drawn(weights * biases, high), tries + 1

    def _edges(self, node: int) -> NDArray[np.int32]:
        return self.neighbours[self.offsets[node] : self.offsets[node + 1]]

    def _weights(self, node: int) -> NDArray[np.float64]:
        edges = slice(self.offsets[node], self.offsets[node + 1])
        return np.ones(len(self._edges(node))) if self.weights is None else self.weights[edges]

    def _biases(self, before: int | None, node: int) -> NDArray[np.float64]:
        if before is None:
            return np.ones(len(self._edges(node)))
        near = self._edges(before)
        return np.array(
            [
                1.0 / self.p if to == before else 1.0 if to in near else 1.0 / self.q
                for to in self._edges(node)
            ]
        )

    def _pass_key(self, number: int) -> int:
        return draw(draw(self.seed ^ WALK_KEY, 0), number)


def _drawn(weights: NDArray[np.float64], half: int) -> int:
    """Return what 32 random bits draw by weights."""
    sums = np.cumsum(weights)
    return int(np.searchsorted(sums, half / _ALL * sums[-1], side="right"))
