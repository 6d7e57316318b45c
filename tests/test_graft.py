"""New words in a tree or in classes: what was there stays, and they cost as little as can be."""

from __future__ import annotations

import numpy as np
import pytest
from some_trees import chain, shuffled_tree

from hsw2v.trees.classes import Classes
from hsw2v.trees.graft import graft, join
from hsw2v.trees.huffman import huffman
from hsw2v.trees.shape import cost, step_cost
from hsw2v.trees.tree import Tree

TREES = {
    "one word": Tree(np.empty((0, 2), np.int32)),
    "two words": chain(2),
    "any": shuffled_tree(60, 1),
    "deep": chain(30),
}


def zipf(words: int, seed: int) -> np.ndarray:
    """Return counts as those of a text, in any order."""
    counts = (100_000 / np.arange(1, words + 1)).astype(np.int64)
    return np.random.default_rng(seed).permutation(counts)


def path(tree: Tree, word: int) -> tuple[list[int], list[int]]:
    paths = tree.paths()
    one = slice(*paths.offsets[word : word + 2])
    return paths.nodes[one].tolist(), paths.codes[one].tolist()


@pytest.mark.parametrize("new", [0, 1, 40])
@pytest.mark.parametrize("name", TREES)
def test_old_nodes_and_codes_stay(name: str, new: int) -> None:
    tree = TREES[name]
    grafted = graft(tree, zipf(len(tree) + new, 2))
    grafted.check()
    assert len(grafted) == len(tree) + new
    for word in range(len(tree)):
        (nodes, codes), (now, turns) = path(tree, word), path(grafted, word)
        assert now[: len(nodes)] == nodes
        assert turns[: len(codes)] == codes
        # Whatever follows is a new node, where an old word turns to the first child.
        assert all(node >= len(tree) - 1 for node in now[len(nodes) :])
        assert not any(turns[len(codes) :])


def total(tree: Tree, counts: np.ndarray) -> int:
    return int(tree.lengths @ counts)


def split(tree: Tree, leaf: int) -> Tree:
    """Return a tree with one more word, where a word was."""
    children = np.vstack((tree.children, [[~leaf, ~len(tree)]])).astype(np.int32)
    children[:-1][children[:-1] == ~leaf] = len(tree) - 1
    return Tree(children)


def test_each_new_word_goes_where_the_path_length_grows_least() -> None:
    tree, counts = shuffled_tree(25, 3), zipf(40, 4)
    counts[25:] = np.sort(counts[25:])[::-1]
    for words in range(26, 41):
        least = min(total(split(tree, leaf), counts[:words]) for leaf in range(words - 1))
        tree = graft(tree, counts[:words])
        assert total(tree, counts[:words]) == least
    assert np.array_equal(tree.children, graft(shuffled_tree(25, 3), counts).children)


@pytest.mark.parametrize(("known", "new"), [(2_000, 50), (2_000, 600), (1_000, 1_000)])
def test_paths_are_about_as_short_as_those_of_a_fresh_huffman_tree(known: int, new: int) -> None:
    counts = zipf(known + new, 5)
    grafted = graft(huffman(counts[:known].astype(np.float64)), counts)
    found = cost(grafted.lengths, counts)
    assert found.huffman <= found.mean <= 1.01 * found.huffman


def test_words_of_weight_zero_are_grafted_too() -> None:
    graft(chain(3), np.zeros(9, np.int64)).check()


def test_each_new_word_joins_the_class_where_a_step_grows_least() -> None:
    rng, counts = np.random.default_rng(6), zipf(60, 7)
    counts[40:] = np.sort(counts[40:])[::-1]
    first = classes = Classes(rng.permutation(np.arange(40) % 6).astype(np.int32), 6)
    for words in range(41, 61):
        weights = counts[:words].astype(np.float64)
        every = [Classes(np.append(classes.of, np.int32(one)), 6) for one in range(6)]
        classes = join(classes, weights)
        assert step_cost(classes, weights) == min(step_cost(one, weights) for one in every)
    at_once = join(first, counts)
    at_once.check()
    assert at_once.of.dtype == np.int32
    assert np.array_equal(at_once.of, classes.of)
    assert np.array_equal(join(first, counts[:40]).of, first.of)
