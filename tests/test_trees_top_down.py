"""Trees that are built top-down: balanced, and semantic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v import reference
from hsw2v.trees import semantic as module
from hsw2v.trees.balanced import balanced
from hsw2v.trees.semantic import POWER_STEPS, REFINEMENTS, semantic, split
from hsw2v.trees.tree import Tree


def leaves(tree: Tree) -> list[int]:
    """Return the words from left to right."""
    paths = tree.paths()
    codes = [tuple(paths.codes[a:b]) for a, b in itertools.pairwise(paths.offsets)]
    return sorted(range(len(tree)), key=codes.__getitem__)


def scale_of(vectors: np.ndarray) -> np.ndarray:
    return (1 / np.linalg.norm(vectors, axis=1)).astype(np.float32)


@given(st.integers(1, 300), st.integers(0, 9))
def test_balanced_keeps_the_order_and_is_as_deep_as_need_be(words: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(words)
    tree = balanced(order)
    tree.check()
    assert leaves(tree) == order.tolist()
    deepest = int(np.ceil(np.log2(words)))
    assert set(tree.paths().lengths) <= {deepest, deepest - 1}


@pytest.mark.parametrize("words", [3, 4, 10, 1000])
@pytest.mark.parametrize("seed", range(5))
def test_a_split_is_that_of_the_reference(words: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(1.0, 2.0, (words, 24)).astype(np.float32)
    weights = rng.random(words) ** 3 + 0.01
    expected = reference.split(vectors.astype(np.float64), weights, POWER_STEPS, REFINEMENTS)
    some = np.arange(words, dtype=np.int32)
    middle = split(vectors, scale_of(vectors), weights, some)
    assert set(some[middle:]) == set(np.nonzero(expected)[0])
    assert set(some[:middle]) == set(np.nonzero(~expected)[0])


@given(st.integers(2, 40), st.integers(0, 99), st.booleans())
def test_a_cut_halves_the_weight_as_nearly_as_can_be(words: int, seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    places = (rng.integers(0, 4, words) if ties else rng.random(words)).astype(np.float32)
    weights = rng.random(words) ** 4 + 1e-3
    some = rng.permutation(words).astype(np.int32)
    ones = np.ones(words, np.float32)
    middle = module.cut(places[:, None], ones, weights, some, np.ones(1, np.float32))
    assert sorted(some) == list(range(words))
    assert 1 <= middle < words
    assert places[some[:middle]].max() <= places[some[middle:]].min()
    if not ties:
        half = weights.sum() / 2
        every = np.cumsum(weights[np.argsort(places)])[:-1]
        assert abs(weights[some[:middle]].sum() - half) == pytest.approx(abs(every - half).min())


@given(st.integers(1, 60), st.integers(0, 99), st.sampled_from([1, 2]))
def test_semantic_trees_are_trees_whatever_the_vectors(words: int, seed: int, kind: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = np.zeros((words, 16), np.float32)
    if kind == 2:
        vectors[:] = rng.integers(-1, 2, (words, 1))
    tree = semantic(vectors, rng.random(words) + 0.1)
    tree.check()
    assert len(tree) == words


def test_similar_words_share_the_beginnings_of_their_paths() -> None:
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(8, 32))
    group = np.repeat(np.arange(8), 50)
    vectors = (centres[group] + 0.1 * rng.normal(size=(400, 32))).astype(np.float32)
    codes = semantic(vectors, np.ones(400)).paths()
    beginnings = {tuple(codes.codes[a : a + 3]): set() for a in codes.offsets[:-1]}
    for word, a in enumerate(codes.offsets[:-1]):
        beginnings[tuple(codes.codes[a : a + 3])].add(group[word])
    assert sorted(next(iter(groups)) for groups in beginnings.values()) == list(range(8))
    assert all(len(groups) == 1 for groups in beginnings.values())


def test_paths_of_the_semantic_tree_are_nearly_as_short_as_can_be() -> None:
    rng = np.random.default_rng(4)
    weights = 1.0 / np.arange(1, 3001)
    tree = semantic(rng.normal(size=(3000, 16)).astype(np.float32), weights)
    share = weights / weights.sum()
    entropy = -(share @ np.log2(share))
    assert entropy <= share @ tree.paths().lengths < entropy + 1


def test_the_semantic_tree_does_not_depend_on_the_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SET_AT_ONCE", 50)
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(1000, 16)).astype(np.float32)
    weights = rng.random(1000)
    told: list[int] = []
    one = semantic(vectors, weights, 1)
    three = semantic(vectors, weights, 3, told.append)
    assert np.array_equal(one.children, three.children)
    assert told == sorted(told)
    assert told[-1] == 999
