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
from hsw2v.trees.semantic import FEW, POWER_STEPS, REFINEMENTS, SAMPLE, sample, semantic
from hsw2v.trees.tree import Tree


def leaves(tree: Tree) -> list[int]:
    """Return the words from left to right."""
    paths = tree.paths()
    codes = [tuple(paths.codes[a:b]) for a, b in itertools.pairwise(paths.offsets)]
    return sorted(range(len(tree)), key=codes.__getitem__)


def below(tree: Tree, node: int) -> set[int]:
    """Return the words of a subtree."""
    if node < 0:
        return {~node}
    first, second = tree.children[node].tolist()
    return below(tree, first) | below(tree, second)


def explained(vectors: np.ndarray, second: np.ndarray) -> float:
    """Return the variance of the unit vectors that is between two halves of them."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = unit[second].mean(axis=0) - unit[~second].mean(axis=0)
    return float(second.mean() * (1 - second.mean()) * (apart @ apart))


@given(st.integers(1, 300), st.integers(0, 9))
def test_balanced_keeps_the_order_and_is_as_deep_as_need_be(words: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(words)
    tree = balanced(order)
    tree.check()
    assert leaves(tree) == order.tolist()
    deepest = int(np.ceil(np.log2(words)))
    assert set(tree.paths().lengths) <= {deepest, deepest - 1}


@pytest.mark.parametrize("words", [3, 4, 10, FEW, FEW + 1, 1000, SAMPLE])
@pytest.mark.parametrize("seed", range(5))
def test_a_split_is_that_of_the_reference(words: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(1.0, 2.0, (words, 24)).astype(np.float32)
    weights = rng.random(words) ** 3 + 0.01
    tree = semantic(vectors, weights)
    second = reference.split(vectors.astype(np.float64), weights, POWER_STEPS, REFINEMENTS)
    first, last = tree.children[0].tolist()
    assert below(tree, first) == set(np.nonzero(~second)[0])
    assert below(tree, last) == set(np.nonzero(second)[0])


@pytest.mark.parametrize("seed", range(3))
def test_a_sample_splits_a_large_set_about_as_well_as_all_its_words(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words, weights = 3 * SAMPLE, 1.0 / np.arange(1, 3 * SAMPLE + 1)
    centres = rng.normal(size=(60, 24))[rng.integers(0, 60, words)]
    vectors = (centres + rng.normal(size=(words, 24))).astype(np.float32)
    tree = semantic(vectors, weights)
    second = np.zeros(words, np.bool_)
    second[list(below(tree, int(tree.children[0, 1])))] = True
    of_all = reference.split(vectors.astype(np.float64), weights, POWER_STEPS, REFINEMENTS)
    assert explained(vectors, second) > 0.9 * explained(vectors, of_all)
    assert weights[second].sum() == pytest.approx(weights.sum() / 2, abs=weights.max() / 2)


@pytest.mark.parametrize("power", [0.0, 1.0, 3.0])
def test_a_sample_stands_for_all_words_and_their_weight(power: float) -> None:
    words = np.random.default_rng(1).permutation(10 * SAMPLE).astype(np.int32)
    weights = 1.0 / (1.0 + words) ** power
    taken, counts, masses = sample(weights, words)
    assert SAMPLE / 2 <= len(taken) <= SAMPLE
    assert len(set(taken)) == len(taken)
    assert np.allclose(masses, counts * weights[np.argsort(words)[taken]])
    assert counts.sum() == pytest.approx(len(words), rel=0.01)
    assert masses.sum() == pytest.approx(weights.sum(), rel=0.01)
    assert counts.min() >= 1.0


@given(st.integers(2, 40), st.integers(0, 99), st.booleans())
def test_a_cut_halves_the_weight_as_nearly_as_can_be(words: int, seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    places = (rng.integers(0, 4, words) if ties else rng.random(words)).astype(np.float32)
    weights = rng.random(words) ** 4 + 1e-3
    some = rng.permutation(words).astype(np.int32)
    along, heavy = places[some], weights[some]
    middle = module.cut(along, heavy, some)
    assert sorted(some) == list(range(words))
    assert np.array_equal(along, places[some])
    assert np.array_equal(heavy, weights[some])
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
    monkeypatch.setattr(module, "SET_AT_ONCE", 500)
    rng = np.random.default_rng(5)
    words = 4 * SAMPLE
    vectors = rng.normal(size=(words, 16)).astype(np.float32)
    weights = rng.random(words)
    told: list[int] = []
    one = semantic(vectors, weights, 1)
    three = semantic(vectors, weights, 3, told.append)
    assert np.array_equal(one.children, three.children)
    # The work of a level is as much as that of any other.
    steps = np.diff([0, *told])
    assert told[-1] == words
    assert steps.min() >= 0
    assert steps.max() < 1.1 * words / np.log2(words)


def test_what_is_told_of_a_tree_can_end_its_building() -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    rng = np.random.default_rng(6)
    with pytest.raises(KeyboardInterrupt):
        semantic(rng.normal(size=(100, 16)).astype(np.float32), np.ones(100), 2, interrupt)
