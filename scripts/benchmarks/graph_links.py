"""Edges that were held out, told from pairs of nodes without an edge."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import hsw2v

MOST = 50_000
"""Edges that the classifier is fitted to; as many pairs without an edge."""

Pairs = NDArray[np.int64]
Floats = NDArray[np.float32]


class HeldOut(NamedTuple):
    """Pairs of nodes of a graph (m, 2), by their places."""

    rest: Pairs
    """The edges that remain."""
    edges: Pairs
    """Those that were held out."""
    others: Pairs
    """Pairs without an edge, as many as both together, of nodes drawn by their degrees.

    Were they drawn evenly, the degrees alone would tell most edges from them.
    """


def hold_out(graph: hsw2v.Graph, share: float, seed: int) -> HeldOut:
    """Hold out a share of the edges, at random."""
    chance, nodes = np.random.default_rng(seed), len(graph)
    sources = np.repeat(np.arange(nodes), np.diff(graph.offsets))
    there = np.stack([sources, graph.neighbours.astype(np.int64)], axis=1)
    edges = chance.permutation(there[there[:, 0] < there[:, 1]])
    known, others = set((edges @ [nodes, 1]).tolist()), list[Pairs]()
    while sum(map(len, others)) < len(edges):
        pairs = np.sort(chance.choice(edges.ravel(), (len(edges), 2)), axis=1)
        new = [a < b and a * nodes + b not in known for a, b in pairs.tolist()]
        others.append(pairs[new])
    held = round(share * len(edges))
    return HeldOut(edges[held:], edges[:held], np.concatenate(others)[: len(edges)])


def lines(graph: hsw2v.Graph, edges: Pairs) -> Iterator[str]:
    """Yield edges as lines of a file."""
    names = graph.nodes
    return (f"{names[a]} {names[b]}\n" for a, b in edges.tolist())


class Areas(NamedTuple):
    """Areas under the ROC curve: 0.5 by chance, 1 if every held-out edge is above."""

    cosine: float
    """By the cosine of two nodes."""
    fitted: float
    """By logistic regression of the products of their vectors, number by number."""


def areas(model: hsw2v.Model, graph: hsw2v.Graph, held: HeldOut) -> Areas:
    """Tell held-out edges from other pairs; those of which a node has no vector are left out.

    The regression is fitted to edges that remain (Grover & Leskovec 2016, section 4.4).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    place = {name: row for row, name in enumerate(model.words)}
    row = np.array([place.get(name, -1) for name in graph.nodes])

    def vectors(edges: Pairs, others: Pairs) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        first, second = (rows[(rows >= 0).all(axis=1)] for rows in (row[edges], row[others]))
        rows = np.concatenate([first, second])
        is_edge = np.arange(len(rows)) < len(first)
        return model.vectors[rows[:, 0]], model.vectors[rows[:, 1]], is_edge

    test = len(held.edges)
    a, b, known = vectors(held.rest[:MOST], held.others[test:][:MOST])
    fitted = LogisticRegression(solver="liblinear").fit(a * b, known)
    a, b, truth = vectors(held.edges, held.others[:test])
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    scores = (a * b).sum(axis=1) / lengths, fitted.decision_function(a * b)
    return Areas(*(float(roc_auc_score(truth, one)) for one in scores))
