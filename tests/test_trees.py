"""Trees are trees, and Huffman's is the best of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, random_tree, textbook_cost

from hsw2v.trees.huffman import huffman
from hsw2v.trees.tree import Tree

weights_of_words = st.lists(
    st.one_of(st.integers(0, 20), st.floats(0, 1e6)), min_size=1, max_size=60
).map(lambda values: np.array(values, np.float64))


def codes_of(tree: Tree) -> list[tuple[int, ...]]:
    paths = tree.paths()
    return [tuple(paths.codes[a:b].tolist()) for a, b in itertools.pairwise(paths.offsets)]


@given(weights_of_words)
def test_huffman_is_optimal(weights: np.ndarray) -> None:
    cost = float((weights * huffman(weights).paths().lengths).sum())
    assert cost == pytest.approx(textbook_cost(weights), rel=1e-12)


@given(weights_of_words)
def test_codes_are_prefix_free_and_complete(weights: np.ndarray) -> None:
    codes = codes_of(huffman(weights))
    assert sum(2.0 ** -len(code) for code in codes) == pytest.approx(1.0)
    for shorter, longer in itertools.pairwise(sorted(codes)):
        assert longer[: len(shorter)] != shorter or len(codes) == 1


@given(weights_of_words)
def test_first_nodes_are_the_most_visited(weights: np.ndarray) -> None:
    tree = huffman(weights)
    tree.check()
    paths = tree.paths()
    visits = np.zeros(len(tree) - 1)
    np.add.at(visits, paths.nodes, np.repeat(weights, paths.lengths))
    assert np.all(np.diff(visits) <= 1e-9 * weights.sum())


@given(weights_of_words)
def test_paths_follow_the_children(weights: np.ndarray) -> None:
    tree = huffman(weights)
    paths = tree.paths()
    for word, (a, b) in enumerate(itertools.pairwise(paths.offsets)):
        place = 0
        for node, code in zip(paths.nodes[a:b], paths.codes[a:b], strict=True):
            assert node == place
            place = tree.children[node, code]
        assert len(tree) == 1 or place == ~word


@given(weights_of_words.filter(lambda weights: len(weights) > 1), st.integers(0, 9))
def test_ordering_puts_the_most_visited_first_and_changes_no_code(
    weights: np.ndarray, seed: int
) -> None:
    tree = random_tree(len(weights), seed)
    ordered = tree.ordered(weights)
    ordered.check()
    assert codes_of(ordered) == codes_of(tree)
    assert np.all(np.diff(ordered.node_weights(weights)) <= 0)


@given(st.integers(2, 60), st.integers(0, 9))
def test_a_node_carries_the_words_below_it(words: int, seed: int) -> None:
    tree = random_tree(words, seed)
    weights = np.random.default_rng(seed).random(words)
    paths = tree.paths()
    carried = np.zeros(words - 1)
    np.add.at(carried, paths.nodes, np.repeat(weights, paths.lengths))
    assert tree.node_weights(weights) == pytest.approx(carried)


def test_a_huffman_tree_by_hand() -> None:
    """Weights 5, 2, 1, 1: the codes are 1, 2, 3 and 3 long."""
    assert huffman(np.array([5.0, 2.0, 1.0, 1.0])).paths().lengths.tolist() == [1, 2, 3, 3]


def test_a_tree_as_deep_as_can_be() -> None:
    fibonacci = [1.0, 1.0]
    while len(fibonacci) < 70:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    assert huffman(np.array(fibonacci)).paths().lengths.max() == 69


def test_the_same_weights_give_the_same_tree() -> None:
    weights = np.random.default_rng(0).integers(1, 9, 3_000).astype(np.float64)
    assert np.array_equal(huffman(weights).children, huffman(weights.copy()).children)


@pytest.mark.parametrize("weights", [[], [1.0, -1.0], [np.nan], [np.inf, 1.0], [[1.0]]])
def test_weights_that_make_no_tree_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weight"):
        huffman(np.array(weights))


def test_a_tree_whose_paths_no_memory_can_hold_is_refused() -> None:
    chain(14_000).check()
    with pytest.raises(ValueError, match="add up to more than 100,000,000"):
        chain(60_000).check()


@pytest.mark.parametrize(
    "children",
    [
        [[~0, ~1], [~2, ~3]],  # node 1 hangs nowhere
        [[~0, 1], [~1, ~1]],  # word 1 twice
        [[~0, 1], [~1, 0]],  # a circle
        [[~0, 2], [~1, ~2], [1, ~3]],  # a child before its parent
        [[~0, ~5]],  # no such word
    ],
)
def test_what_is_no_tree_is_found_out(children: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="tree"):
        Tree(np.array(children, np.int32)).check()
