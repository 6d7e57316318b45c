"""Figures of trees and the decisions on their paths, held to plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, shuffled_tree, textbook_cost

from hsw2v.trees.decisions import decisions, first_words, words_below
from hsw2v.trees.huffman import huffman
from hsw2v.trees.shape import cost
from hsw2v.trees.tree import Tree

some_weights = st.lists(
    st.one_of(st.integers(0, 20), st.floats(0, 1e6)), min_size=1, max_size=60
).map(lambda values: np.array(values, np.float64))
sizes, seeds = st.integers(1, 60), st.integers(0, 99)


def below(tree: Tree, child: int) -> list[int]:
    """Return the words below a child, sorted."""
    waiting, found = [child], []
    while waiting:
        child = waiting.pop()
        if child < 0:
            found.append(~child)
        else:
            waiting += tree.children[child].tolist()
    return sorted(found)


@given(sizes, seeds)
def test_the_depth_of_a_word_is_the_length_of_its_path(words: int, seed: int) -> None:
    tree = shuffled_tree(words, seed)
    assert np.array_equal(tree.lengths, tree.paths().lengths)


@given(some_weights.filter(np.any), seeds)
def test_costs_are_the_sums_of_the_textbook(weights: np.ndarray, seed: int) -> None:
    depth = shuffled_tree(len(weights), seed).lengths
    found = cost(depth, weights)
    total = math.fsum(weights)
    assert found.mean == pytest.approx(
        sum(w / total * d for w, d in zip(weights, depth, strict=True))
    )
    assert found.entropy == pytest.approx(
        -math.fsum(w / total * math.log2(w / total) for w in weights if w / total > 0), abs=1e-12
    )
    assert found.huffman == pytest.approx(textbook_cost(weights) / total)
    assert found.redundancy == found.mean - found.entropy


@given(some_weights.filter(np.any))
def test_the_huffman_tree_costs_what_is_said_to_be_the_least(weights: np.ndarray) -> None:
    found = cost(huffman(weights).lengths, weights)
    assert found.mean == pytest.approx(found.huffman)
    assert -1e-9 <= found.redundancy <= 1 + 1e-9


def test_costs_by_hand() -> None:
    """Half, a quarter and twice an eighth: Huffman's tree wastes nothing, a chain the other way."""
    weights = np.array([4, 2, 1, 1])
    assert cost(np.array([1, 2, 3, 3]), weights) == cost(huffman(weights).lengths, weights)
    found = cost(np.array([3, 3, 2, 1]), weights)
    assert (found.mean, found.entropy, found.huffman) == (2.625, 1.75, 1.75)
    assert found.redundancy == 0.875


def test_one_word_alone_costs_nothing() -> None:
    found = cost(shuffled_tree(1, 0).lengths, np.array([7]))
    assert (found.mean, found.entropy, found.huffman, found.redundancy) == (0, 0, 0, 0)
    assert math.copysign(1, found.entropy) == 1


@given(sizes, seeds, st.integers(1, 8))
def test_nodes_know_their_first_words_and_how_many(words: int, seed: int, count: int) -> None:
    tree = shuffled_tree(words, seed)
    found = first_words(tree, count)
    for node, size in enumerate(words_below(tree)):
        inside = below(tree, node)
        assert size == len(inside)
        assert found[node].tolist() == (inside + [words] * count)[:count]


@given(sizes, seeds, st.integers(1, 8))
def test_decisions_lead_to_the_word_and_name_who_is_left(words: int, seed: int, count: int) -> None:
    tree = shuffled_tree(words, seed)
    paths = tree.paths()
    codes = [paths.codes[a:b].tolist() for a, b in itertools.pairwise(paths.offsets)]
    nodes = [paths.nodes[a:b].tolist() for a, b in itertools.pairwise(paths.offsets)]
    for word, path in enumerate(decisions(tree, range(words), count)):
        assert [one.turn for one in path] == codes[word]
        assert [one.node for one in path] == nodes[word]
        for one in path:
            ahead, others = (
                below(tree, int(tree.children[one.node, side])) for side in (one.turn, 1 - one.turn)
            )
            assert word in ahead
            assert (one.words, one.others) == (len(ahead), len(others))
            assert one.examples == others[:count]


def test_decisions_in_a_very_deep_tree() -> None:
    (path,) = decisions(chain(3_000), [2_999], 2)
    assert [one.examples for one in path] == [[word] for word in range(2_999)]
    assert [one.words for one in path] == list(range(2_999, 0, -1))
