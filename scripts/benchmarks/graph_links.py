"""Edges that were held out, told from pairs of nodes without an edge: the protocol of node2vec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import hsw2v

MOST = 50_000
"""Edges that the classifier is fitted to; as many pairs without an edge."""

Pairs = NDArray[np.int64]


class HeldOut(NamedTuple):
    """Pairs of nodes of a graph (m, 2), by their places."""

    rest: Pairs
    """The edges that remain."""
    edges: Pairs
    """Those that were held out."""
    others: Pairs
    """Pairs without an edge, as many as both together."""


def hold_out(graph: hsw2v.Graph, share: float, seed: int) -> HeldOut:
    """Hold out a share of the edges, at random."""
    chance, nodes = np.random.default_rng(seed), len(graph)
    sources = np.repeat(np.arange(nodes), np.diff(graph.offsets))
    there = np.stack([sources, graph.neighbours.astype(np.int64)], axis=1)
    edges = chance.permutation(there[there[:, 0] < there[:, 1]])
    known, others = set((edges @ [nodes, 1]).tolist()), list[Pairs]()
    while sum(map(len, others)) < len(edges):
        pairs = np.sort(chance.integers(0, nodes, (len(edges), 2)), axis=1)
        new = [a < b and a * nodes + b not in known for a, b in pairs.tolist()]
        others.append(pairs[new])
    held = round(share * len(edges))
    return HeldOut(edges[held:], edges[:held], np.concatenate(others)[: len(edges)])


def lines(graph: hsw2v.Graph, edges: Pairs) -> Iterator[str]:
    """Yield edges as lines of a file."""
    names = graph.nodes
    return (f"{names[a]} {names[b]}\n" for a, b in edges.tolist())


def auc(model: hsw2v.Model, graph: hsw2v.Graph, held: HeldOut) -> float:
    """Return the area under the ROC curve: 0.5 by chance, 1 if every held-out edge is above.

    Logistic regression of the products of two nodes' vectors, number by number, is fitted to edges
    that remain. Pairs of which a node has no vector are left out.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    place = {name: row for row, name in enumerate(model.words)}
    row = np.array([place.get(name, -1) for name in graph.nodes])

    def products(pairs: Pairs) -> NDArray[np.float32]:
        rows = row[pairs]
        rows = rows[(rows >= 0).all(axis=1)]
        found: NDArray[np.float32] = model.vectors[rows[:, 0]] * model.vectors[rows[:, 1]]
        return found

    def both(edges: Pairs, others: Pairs) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        first, second = products(edges), products(others)
        is_edge = np.arange(len(first) + len(second)) < len(first)
        return np.concatenate([first, second]), is_edge

    test = len(held.edges)
    known = both(held.rest[:MOST], held.others[test:][:MOST])
    asked, truth = both(held.edges, held.others[:test])
    scores = LogisticRegression(solver="liblinear").fit(*known).decision_function(asked)
    return float(roc_auc_score(truth, scores))
