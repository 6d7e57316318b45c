"""Subsampled decisions: which nodes take part in a window, how often, and where that is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commandline import run
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, random_tree
from test_training import planted

import hsw2v
from hsw2v import events, reference
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.trees.shape import cost, node_keep, trained_length
from hsw2v.trees.tree import Tree

DRAWS = 20_000
KEY = 0x123456789ABCDEF


def test_a_node_takes_part_by_the_root_of_threshold_over_share() -> None:
    tree = chain(4)
    keep = node_keep(tree, np.array([2.0, 1.0, 0.5, 0.5]), 0.125)
    assert keep == pytest.approx([0.125**0.5, 0.25**0.5, 0.5**0.5])
    assert node_keep(tree, np.array([2.0, 1.0, 0.5, 0.5]), 0.25)[2] == 1.0


@given(st.integers(2, 40), st.integers(0, 50), st.floats(0.0, 1.0))
def test_along_a_path_nodes_take_part_ever_more_often(words: int, seed: int, t: float) -> None:
    tree = random_tree(words, seed)
    weights = np.random.default_rng(seed).integers(0, 9, words).astype(np.float64)
    weights[0] = 1.0
    keep = node_keep(tree, weights, t)
    paths = tree.paths()
    assert ((keep >= 0.0) & (keep <= 1.0)).all()
    if t == 0.0:
        assert (keep == 1.0).all()
    for word in range(words):
        path = paths.nodes[paths.offsets[word] : paths.offsets[word + 1]]
        assert (np.diff(keep[path]) >= 0.0).all()


def test_draws_come_in_the_proportions_they_should() -> None:
    """Every node takes part as often as `node_keep` says, and so do as many as are told of."""
    tree = random_tree(12, 4)
    weights = np.random.default_rng(1).random(12)
    keep = node_keep(tree, weights, 0.05)
    paths = tree.paths()
    layer = reference.Hierarchical(np.zeros((11, 1)), paths.offsets, paths.nodes, paths.codes, keep)
    expected = 0.0
    for word in range(12):
        rows, _ = layer.rows(word, KEY, 0)
        part = np.array([layer.taking_part(rows, KEY, draw) for draw in range(DRAWS)])
        # Who takes part does so from some level on.
        assert (np.diff(part.astype(int), axis=1) >= 0).all()
        for found, node in zip(part.mean(axis=0), rows, strict=True):
            assert found == pytest.approx(keep[node], abs=5 * 0.5 / DRAWS**0.5)
        expected += weights[word] / weights.sum() * part.sum(axis=1).mean()
    assert trained_length(tree, weights, 0.05) == pytest.approx(expected, abs=0.05)
    assert trained_length(tree, weights, 0.0) == pytest.approx(cost(tree.lengths, weights).mean)


def test_visits_are_those_that_train() -> None:
    tree = chain(5)
    kept = np.array([50.0, 30.0, 10.0, 5.0, 5.0])
    visits = HierarchicalOutput(tree, 0.25).visits(kept).visits
    assert visits == pytest.approx([100 * 0.5, 50 * 0.5**0.5, 20.0, 10.0])


def test_a_model_tells_how_many_decisions_were_trained(tmp_path: Path) -> None:
    heard: list[events.Event] = []
    path = tmp_path / "m.safetensors"
    settings = {"min_count": 1, "sample": 0.0, "dim": 8, "epochs": 2, "tree": "huffman"}
    model = hsw2v.train(planted(), node_sample=0.02, listener=heard.append, **settings)
    model.save(path)
    (ready,) = (one for one in heard if isinstance(one, events.TreeReady))
    told = json.loads(run("info", str(path), "--json").stdout)["decisions_a_target"]
    assert told == {
        "all": pytest.approx(ready.mean_length),
        "trained": pytest.approx(ready.trained_length),
    }
    assert told["trained"] < 0.9 * told["all"]


def test_with_every_decision_training_is_what_it_was_without_the_setting() -> None:
    """A threshold of 1 leaves no node out, and neither does 0, which switches it off."""
    settings = {"min_count": 1, "dim": 8, "epochs": 2, "threads": 1}
    every = [hsw2v.train(planted(), node_sample=t, **settings).vectors for t in (0.0, 1.0)]
    assert np.array_equal(*every)
    fewer = hsw2v.train(planted(), node_sample=0.01, **settings).vectors
    assert not np.array_equal(every[0], fewer)


def test_the_root_of_a_single_word_is_nothing() -> None:
    assert len(node_keep(Tree(np.empty((0, 2), np.int32)), np.ones(1), 0.1)) == 0
