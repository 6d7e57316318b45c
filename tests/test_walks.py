"""Walks over graphs: those of the reference, with the probabilities of node2vec."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hsw2v
from hsw2v.errors import UsageError
from hsw2v.reference.walks import Walker

KARATE = (
    "1 2,1 3,2 3,1 4,2 4,3 4,1 5,1 6,1 7,5 7,6 7,1 8,2 8,3 8,4 8,1 9,3 9,3 10,1 11,5 11,6 11,1 12,"
    "1 13,4 13,1 14,2 14,3 14,4 14,6 17,7 17,1 18,2 18,1 20,2 20,1 22,2 22,24 26,25 26,3 28,24 28,"
    "25 28,3 29,24 30,27 30,2 31,9 31,1 32,25 32,26 32,29 32,3 33,9 33,15 33,16 33,19 33,21 33,"
    "23 33,24 33,30 33,31 33,32 33,9 34,10 34,14 34,15 34,16 34,19 34,20 34,21 34,23 34,24 34,"
    "27 34,28 34,29 34,30 34,31 34,32 34,33 34"
)
"""Zachary's karate club (1977): 34 nodes, 78 edges."""
EDGES = np.array([edge.split() for edge in KARATE.split(",")], np.int64)
WEIGHTS = np.arange(len(EDGES)) % 7 + 1.0


def nodes_of(walks: hsw2v.Walks) -> list[list[int]]:
    number = {name: place for place, name in enumerate(walks.graph.nodes)}
    return [[number[name] for name in walk] for walk in walks]


def walker_of(graph: hsw2v.Graph, p: float = 1.0, q: float = 1.0, seed: int = 1) -> Walker:
    return Walker(graph.offsets, graph.neighbours, graph.weights, p, q, seed)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4), (4, 0.25), (1e-6, 1), (1, 1e6), (1e6, 1)])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("directed", [False, True])
def test_walks_are_those_of_the_reference(
    p: float, q: float, weights: np.ndarray | None, directed: bool
) -> None:
    graph = hsw2v.Graph.from_edges(EDGES, weights, directed=directed)
    walks = graph.walks(walks_per_node=3, walk_length=12, p=p, q=q, seed=7, threads=2)
    reference = walker_of(graph, p, q, 7)
    expected = [
        reference.walk(number, start, 12)
        for number in range(3)
        for start in reference.order(number)
    ]
    assert nodes_of(walks) == expected
    assert directed or {len(walk) for walk in expected} == {12}


@given(
    edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=40),
    weights=st.lists(st.integers(1, 9), min_size=40, max_size=40) | st.none(),
    directed=st.booleans(),
    p=st.sampled_from([0.1, 1.0, 3.0]),
    q=st.sampled_from([0.1, 1.0, 3.0]),
    length=st.integers(1, 9),
    threads=st.integers(1, 3),
    seed=st.integers(0, 2**63 - 1),
)
@settings(max_examples=60, deadline=None)
def test_walks_over_any_graph_are_those_of_the_reference(
    edges: list[tuple[int, int]],
    weights: list[int] | None,
    directed: bool,
    p: float,
    q: float,
    length: int,
    threads: int,
    seed: int,
) -> None:
    given_weights = None if weights is None else weights[: len(edges)]
    graph = hsw2v.Graph.from_edges(edges, given_weights, directed=directed)
    walks = graph.walks(walks_per_node=2, walk_length=length, p=p, q=q, seed=seed, threads=threads)
    found, reference = nodes_of(walks), walker_of(graph, p, q, seed)
    starts = [start for number in range(2) for start in reference.order(number)]
    assert [walk[0] for walk in found] == starts
    for place, walk in enumerate(found):
        assert walk == reference.walk(place // len(graph), walk[0], length)


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4), (4, 0.25), (1e-3, 1), (1, 1e3)])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_steps_have_the_probabilities_of_node2vec(
    p: float, q: float, weights: np.ndarray | None
) -> None:
    graph = hsw2v.Graph.from_edges(EDGES, weights)
    walks = nodes_of(graph.walks(walks_per_node=150, walk_length=40, p=p, q=q))
    reference = walker_of(graph, p, q)
    steps = Counter(step for walk in walks for step in zip(walk, walk[1:], walk[2:], strict=False))
    firsts = Counter((None, *step) for walk in walks for step in [tuple(walk[:2])])
    squares = freedom = 0.0
    for state, taken in _by_state(steps + firsts).items():
        expected = reference.probabilities(*state) * sum(taken.values())
        edges = graph.neighbours[graph.offsets[state[1]] : graph.offsets[state[1] + 1]].tolist()
        assert set(taken) <= set(edges)
        if expected.min() < 5.0 or len(edges) == 1:
            continue
        counts = np.array([taken[to] for to in edges])
        squares += float(((counts - expected) ** 2 / expected).sum())
        freedom += len(edges) - 1
    # Chi-squared, of which the standard deviation is the root of twice the degrees of freedom.
    assert freedom > 50
    assert abs(squares - freedom) < 5.0 * np.sqrt(2.0 * freedom)


def _by_state(steps: Counter) -> dict[tuple, Counter]:
    found: dict[tuple, Counter] = {}
    for (before, node, to), count in steps.items():
        found.setdefault((before, node), Counter())[to] += count
    return found


def test_any_number_of_threads_makes_the_same_walks() -> None:
    graph = hsw2v.Graph.from_edges(EDGES, WEIGHTS)
    found = [list(graph.walks(p=0.5, q=2.0, threads=threads)) for threads in (1, 2, 3, 7)]
    assert found[0] == found[1] == found[2] == found[3]
    assert len(found[0]) == 80 * 34 == len(graph.walks())
    assert found[0] != list(graph.walks(p=0.5, q=2.0, seed=2))


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = hsw2v.Graph.from_edges(EDGES)
    walks = graph.walks(walks_per_node=5, walk_length=10, threads=2)
    expected = list(walks)
    for most in (1, 30, 400):
        monkeypatch.setattr("hsw2v.graphs.walks._IDS_AT_ONCE", most)
        assert list(walks) == expected


def test_a_walk_ends_where_no_edge_leads_on() -> None:
    graph = hsw2v.Graph.from_edges([(1, 2), (2, 3)], directed=True)
    walks = sorted(graph.walks(walks_per_node=2, walk_length=9))
    assert walks == [["1", "2", "3"]] * 2 + [["2", "3"]] * 2 + [["3"]] * 2
    assert list(graph.walks(walks_per_node=1, walk_length=1)) != []


def test_a_self_loop_stays() -> None:
    graph = hsw2v.Graph.from_edges([(1, 1)])
    assert list(graph.walks(walks_per_node=1, walk_length=3)) == [["1", "1", "1"]]


def test_every_pass_begins_at_each_node_in_another_order() -> None:
    walks = list(hsw2v.Graph.from_edges(EDGES).walks(walks_per_node=3, walk_length=2))
    orders = [[walk[0] for walk in walks[begin : begin + 34]] for begin in (0, 34, 68)]
    assert all(len(set(order)) == 34 for order in orders)
    assert orders[0] != orders[1] != orders[2] != sorted(orders[2])


def test_steps_follow_edges() -> None:
    graph = hsw2v.Graph.from_edges(EDGES, directed=True)
    edges = {tuple(map(str, edge)) for edge in EDGES.tolist()}
    for walk in graph.walks(walks_per_node=5):
        assert set(pairwise(walk)) <= edges


def test_lines_are_the_walks() -> None:
    walks = hsw2v.Graph.from_edges([(1, 2), (2, 3), (3, 4)], directed=True).walks()
    lines = "".join(walks.lines()).removesuffix("\n").split("\n")
    assert [line.split(" ") for line in lines] == list(walks)


@pytest.mark.parametrize(
    "wrong",
    [{"p": 0.0}, {"q": -1.0}, {"p": float("nan")}, {"walk_length": 0}, {"walks_per_node": 0}],
)
def test_settings_of_walks_are_checked(wrong: dict) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        hsw2v.Graph.from_edges(EDGES).walks(**wrong)
