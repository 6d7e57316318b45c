"""A tree as a page draws it: the decisions on a path, the steps of a search."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.probabilities import Floats, Logs, TreeSoftmax, equal_parts
from hsw2v.trees.decisions import Sides
from hsw2v.trees.tree import Tree

EXAMPLES = 6
"""Words that are named of those below a node."""
MOST_DECISIONS = 200
MOST_STEPS = 1000
Record = dict[str, Any]
Spelled = Callable[[list[int]], list[str]]


class DrawnTree:
    """A tree, its words by name, and how often the text comes by each node."""

    def __init__(self, tree: Tree, spelled: Spelled, counts: NDArray[np.int64] | None) -> None:
        """Take a tree over words that occur `counts (V,)` times, None where that is not known."""
        self.tree, self._spelled, self._counts = tree, spelled, counts

    @cached_property
    def _sides(self) -> Sides:
        return Sides(self.tree, EXAMPLES)

    @cached_property
    def _weights(self) -> NDArray[np.float64]:
        """How often the text comes by each node and word, (2V-1,), numbered as in `Tree`."""
        counts = np.ones(len(self.tree)) if self._counts is None else self._counts
        counts = np.maximum(counts, 1).astype(np.float64)
        return np.concatenate((self.tree.node_weights(counts), counts[::-1]))

    def path(self, word: int, softmax: TreeSoftmax | None, hidden: Floats | None) -> Record:
        """Return the decisions on the path to a word, and its share of the text.

        Each has both `sides`, the first child's first, with its `share` of the text that comes by;
        with hidden rows (n, D), also with the `probability` of the turn there.
        """
        path = self._sides.path(word)
        sides = [self._parted(one.node) for one in path[:MOST_DECISIONS]]
        found: Record = {"length": len(path), "share": self._share(~word, 0) if path else 1.0}
        if softmax is not None and hidden is not None:
            turns, reach = softmax.turns(hidden), equal_parts(hidden)
            for number, one in enumerate(path):
                below = reach + turns(one.node)
                if number < len(sides):
                    for side, log in zip(sides[number], _sum(below) - _sum(reach), strict=True):
                        side["probability"] = float(np.exp(log))
                reach = below[one.turn]
            found["probability"] = float(np.exp(_sum(reach)))
        rows = zip(path, sides, strict=False)
        return found | {"decisions": [{"turn": one.turn, "sides": both} for one, both in rows]}

    def search(self, softmax: TreeSoftmax, hidden: Floats, k: int) -> Record:
        """Return the steps of the search for the k most probable words, in their order.

        A step opens a `node`, or finds a word. Of a node's `children`, first child first, each has
        its `probability`, and its `node` or `word`.
        """
        opened: list[tuple[int, Logs]] = []
        search = softmax.search(hidden, _noting(softmax.turns(hidden), opened))
        reach: dict[int, Logs] = {0: equal_parts(hidden)}
        steps: list[Record] = []
        answers: list[Record] = []
        drawn = 0
        while len(answers) < k and (found := search.find()):
            for node, turns in opened[drawn:MOST_STEPS]:
                below = reach[node] + turns
                steps.append(self._opened(node, below))
                reach.update(zip(self._children(node), below, strict=True))
            drawn = len(opened)
            word, log = found
            (name,) = self._spelled([word])
            answers.append({"word": name, "probability": float(np.exp(log)), "step": drawn})
            if drawn <= MOST_STEPS:
                steps.append({"found": len(answers) - 1})
        return {"steps": steps, "found": answers, "visited": search.visited}

    def _share(self, place: int, node: int) -> float:
        """Return how much of the text that comes by a node goes by another one, or is a word."""
        return float(self._weights[place] / self._weights[node])

    def _parted(self, node: int) -> list[Record]:
        return [
            {**self._below(place), "share": self._share(place, node)}
            for place in self._children(node)
        ]

    def _opened(self, node: int, below: Logs) -> Record:
        places = self._children(node)
        children = [
            {**self._below(place), "probability": p}
            for place, p in zip(places, np.exp(_sum(below)).tolist(), strict=True)
        ]
        return {"node": node, "children": children}

    def _children(self, node: int) -> list[int]:
        found: list[int] = self.tree.children[node].tolist()
        return found

    def _below(self, place: int) -> Record:
        """Tell of a node or a word what is below it."""
        words = self._spelled(self._sides.examples(place))
        if place < 0:
            return {"word": words[0]}
        return {"node": place, "words": self._sides.size(place), "examples": words}


def _sum(logs: Logs) -> Logs:
    """Return the logarithm of the sum over the last axis."""
    total: Logs = np.logaddexp.reduce(logs, axis=-1)
    return total


def _noting(turns: Callable[[int], Logs], opened: list[tuple[int, Logs]]) -> Callable[[int], Logs]:
    def noted(node: int) -> Logs:
        found = turns(node)
        opened.append((node, found))
        return found

    return noted
