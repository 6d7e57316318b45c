"""Probabilities are exact: those of the tree's turns, and the best are found without all."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, shuffled_tree

from hsw2v import reference
from hsw2v.query.mixture import MixtureSoftmax
from hsw2v.query.neighbours import Indexes
from hsw2v.query.probabilities import (
    HIDDEN_AT_ONCE,
    NODES_AT_ONCE,
    FullSoftmax,
    MostProbable,
    Softmax,
    TreeSoftmax,
    log_mean,
    log_sigmoid,
)
from hsw2v.query.scoring import Score, word_logs
from hsw2v.query.search import Search, most_probable
from hsw2v.trees.tree import Tree

SCALES = (0.0, 1e-3, 1.0, 30.0)


@st.composite
def tree_cases(draw: st.DrawFn) -> tuple[TreeSoftmax, np.ndarray]:
    """Any tree, with nodes and hidden rows that are flat, peaked or full of ties."""
    words = draw(st.integers(1, 40))
    seed = draw(st.integers(0, 1_000))
    tree = draw(st.sampled_from([shuffled_tree(words, seed), chain(max(words, 2))]))
    rng = np.random.default_rng(seed)
    rows = draw(st.integers(1, 5))
    shape = (len(tree) - 1, 3)
    if draw(st.booleans()):
        nodes = rng.normal(size=shape) * draw(st.sampled_from(SCALES))
    else:
        nodes = rng.integers(-1, 2, shape)
    hidden = rng.integers(-2, 3, (rows, 3))
    return TreeSoftmax(nodes.astype(np.float32), tree), hidden.astype(np.float64)


def by_the_book(softmax: TreeSoftmax, hidden: np.ndarray) -> np.ndarray:
    """Return every word's probability, one turn after the other."""
    paths = softmax.tree.paths()
    mixed = np.zeros(len(softmax.tree))
    for word, (a, b) in enumerate(itertools.pairwise(paths.offsets)):
        for row in hidden:
            rows = softmax.nodes[paths.nodes[a:b]].astype(np.float64)
            mixed[word] += np.exp(-reference.loss(row[None], rows, 1.0 - paths.codes[a:b]))
    return mixed / len(hidden)


def best_of_all(logs: np.ndarray, k: int) -> Indexes:
    return np.argsort(-logs, kind="stable")[:k]


def best_by_search(softmax: Softmax, hidden: np.ndarray, k: int) -> MostProbable:
    """Return what the search finds, once it is that of the whole distribution, to the bit."""
    logs = softmax.log_distribution(hidden)
    found = softmax.most_probable(hidden, k)
    expected = best_of_all(logs, k)
    assert found.words.tolist() == expected.tolist()
    assert found.logs.tolist() == logs[expected].tolist()
    return found


@given(tree_cases())
def test_the_probabilities_of_all_words_sum_to_one(case: tuple[TreeSoftmax, np.ndarray]) -> None:
    softmax, hidden = case
    assert np.exp(softmax.log_distribution(hidden)).sum() == pytest.approx(1.0, abs=1e-12)


@given(tree_cases())
def test_a_probability_is_the_product_of_the_turns(case: tuple[TreeSoftmax, np.ndarray]) -> None:
    softmax, hidden = case
    expected = by_the_book(softmax, hidden)
    found = np.exp(softmax.log_distribution(hidden))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


@given(tree_cases(), st.integers(1, 50))
def test_the_best_found_by_search_are_those_of_the_whole_distribution(
    case: tuple[TreeSoftmax, np.ndarray], k: int
) -> None:
    softmax, hidden = case
    found = best_by_search(softmax, hidden, k)
    assert found.visited <= len(softmax.tree) - 1


@st.composite
def mixture_cases(draw: st.DrawFn) -> tuple[MixtureSoftmax, np.ndarray]:
    """Two or three such trees over the same words."""
    first, hidden = draw(tree_cases())
    rng = np.random.default_rng(draw(st.integers(0, 1_000)))
    parts = [first]
    for number in range(draw(st.integers(1, 2))):
        nodes = rng.integers(-1, 2, first.nodes.shape) * draw(st.sampled_from(SCALES))
        tree = shuffled_tree(len(first.tree), number)
        parts.append(TreeSoftmax(nodes.astype(np.float32), tree))
    return MixtureSoftmax(tuple(parts)), hidden


@given(mixture_cases())
def test_of_several_trees_a_probability_is_the_mean_of_theirs(
    case: tuple[MixtureSoftmax, np.ndarray],
) -> None:
    softmax, hidden = case
    expected = np.mean([by_the_book(one, hidden) for one in softmax.parts], axis=0)
    found = np.exp(softmax.log_distribution(hidden))
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)
    words = np.arange(len(expected))
    each = softmax.log_probs(hidden, np.zeros((len(words), 1), np.int64), words)
    alone = softmax.log_distribution(hidden[:1])
    np.testing.assert_allclose(each[:, 0], alone, rtol=1e-6)


@given(mixture_cases(), st.integers(1, 50))
def test_the_best_words_of_several_trees_are_found_without_sorting_all(
    case: tuple[MixtureSoftmax, np.ndarray], k: int
) -> None:
    softmax, hidden = case
    found = best_by_search(softmax, hidden, k)
    assert found.visited <= sum(len(one.tree) - 1 for one in softmax.parts)


def test_trees_that_agree_are_searched_without_most_of_them() -> None:
    words = 2_000
    rng = np.random.default_rng(1)
    parts = [
        TreeSoftmax(rng.normal(size=(words - 1, 8)) * 8.0, shuffled_tree(words, seed))
        for seed in (1, 2)
    ]
    softmax, hidden = MixtureSoftmax(tuple(parts)), rng.normal(size=(1, 8))
    logs = softmax.log_distribution(hidden)
    found = softmax.most_probable(hidden, 10)
    assert found.words.tolist() == best_of_all(logs, 10).tolist()
    assert found.visited < 200


@pytest.mark.parametrize("rows", [1, 3, HIDDEN_AT_ONCE + 1, 2 * HIDDEN_AT_ONCE + 5])
@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0])
def test_search_and_sweep_agree_to_the_bit_however_many_rows_and_nodes(
    rows: int, scale: float
) -> None:
    words = 2 * NODES_AT_ONCE + 77
    rng = np.random.default_rng(rows)
    nodes = (rng.normal(size=(words - 1, 20)) * scale).astype(np.float32)
    softmax = TreeSoftmax(nodes, shuffled_tree(words, 1))
    hidden = rng.normal(size=(rows, 20))
    logs = softmax.log_distribution(hidden)
    found = softmax.most_probable(hidden, words)
    expected = best_of_all(logs, words)
    assert found.words.tolist() == expected.tolist()
    assert found.logs.tolist() == logs[expected].tolist()


@given(tree_cases(), st.integers(0, 100))
def test_the_way_to_a_word_alone_gives_what_the_sweep_over_all_gives(
    case: tuple[TreeSoftmax, np.ndarray], seed: int
) -> None:
    softmax, hidden = case
    targets = np.random.default_rng(seed).permutation(len(softmax.tree))
    sources = np.broadcast_to(np.arange(len(hidden)), (len(targets), len(hidden)))
    logs = log_mean(softmax.log_probs(hidden, sources, targets), np.ones(sources.shape, np.bool_))
    expected = softmax.log_distribution(hidden)[targets]
    np.testing.assert_allclose(logs, expected, rtol=1e-12, atol=1e-12)


def with_scores(tree: Tree, scores: list[float]) -> tuple[TreeSoftmax, np.ndarray]:
    """A tree whose nodes have these scores given the hidden row 1."""
    return TreeSoftmax(np.array(scores, np.float32)[:, None], tree), np.ones((1, 1))


def test_going_down_the_more_probable_side_misses_the_best_word() -> None:
    """0.6 falls into two words of 0.3, and 0.4 is one word: only a search finds it."""
    tree = Tree(np.array([[1, ~2], [~0, ~1]], np.int32))
    softmax, hidden = with_scores(tree, [np.log(0.6 / 0.4), 0.0])
    place = 0
    while place >= 0:
        turn = int(softmax.nodes[place, 0] < 0)
        place = int(tree.children[place, turn])
    assert ~place == 0
    found = softmax.most_probable(hidden, 3)
    assert found.words.tolist() == [2, 0, 1]
    assert np.exp(found.logs) == pytest.approx([0.4, 0.3, 0.3])


def test_probabilities_as_small_as_1e_30_keep_their_order() -> None:
    """Each word but the last is one turn of log-probability -69, and a little less, away."""
    words = 400
    ranks = np.random.default_rng(0).permutation(words - 1)
    softmax, hidden = with_scores(chain(words), (-69.0 - ranks / 2048).tolist())
    found = softmax.most_probable(hidden, words)
    expected = [words - 1, *np.argsort(ranks).tolist()]
    assert found.words.tolist() == expected
    assert found.logs[-1] == pytest.approx(-69.0 - (words - 2) / 2048, abs=1e-12)
    probabilities = np.exp(softmax.log_distribution(hidden))
    assert 1e-31 < probabilities[:-1].max() < 1.1e-30
    assert best_of_all(np.log(probabilities), words).tolist() == expected


def test_words_that_are_as_probable_stand_in_their_own_order() -> None:
    softmax = TreeSoftmax(np.zeros((63, 4), np.float32), shuffled_tree(64, 5))
    lengths = softmax.tree.paths().lengths
    found = softmax.most_probable(np.ones((2, 4)), 64)
    assert found.words.tolist() == np.lexsort((np.arange(64), lengths)).tolist()


def test_turns_that_are_certain_do_not_hide_a_word_with_a_lower_number() -> None:
    """Words 0 and 1 both have exactly 0.5: word 0 lies deeper, behind turns of probability 1."""
    tree = Tree(np.array([[~1, 1], [2, ~2], [~0, ~3]], np.int32))
    softmax, hidden = with_scores(tree, [0.0, 800.0, 800.0])
    assert softmax.most_probable(hidden, 2).words.tolist() == [0, 1]


def test_a_sum_that_rounding_makes_greater_than_that_of_its_prefix_is_still_found_first() -> None:
    """Sums of logarithms are right to the last digits only: less can seem a little more."""
    rng = np.random.default_rng(0)
    prefix = -rng.exponential(size=(100_000, 3))
    words = prefix.copy()
    words[:, 0] = np.nextafter(prefix[:, 0], -np.inf)
    bounds, sums = (np.logaddexp.reduce(logs, axis=1) for logs in (prefix, words))
    between = np.nextafter(bounds, np.inf)
    odd = np.nonzero(sums > between)[0]
    if not len(odd):
        pytest.skip("sums are rounded another way here")
    one = odd[0]
    never = np.full(3, -np.inf)
    rival = np.array([between[one], -np.inf, -np.inf])
    turns = [np.stack((rival, prefix[one])), np.stack((words[one] - prefix[one], never))]
    children = np.array([[~0, 1], [~1, ~2]], np.int32)
    search = Search(children, lambda node: turns[node], np.zeros(3))
    found, logs = most_probable(search, 2)
    assert found.tolist() == [1, 0]
    assert logs.tolist() == [sums[one], between[one]]


def test_a_peaked_distribution_is_searched_without_most_of_the_tree() -> None:
    words = 4_096
    rng = np.random.default_rng(2)
    nodes = (rng.normal(size=(words - 1, 8)) * 3).astype(np.float32)
    softmax = TreeSoftmax(nodes, shuffled_tree(words, 2))
    found = softmax.most_probable(rng.normal(size=(1, 8)), 10)
    assert found.visited < words / 10


def test_a_tree_of_one_word_is_certain() -> None:
    softmax = TreeSoftmax(np.empty((0, 3), np.float32), shuffled_tree(1, 0))
    for rows in (1, 10):
        hidden = np.ones((rows, 3))
        found = softmax.most_probable(hidden, 5)
        assert (found.words.tolist(), found.visited) == ([0], 0)
        assert np.exp(found.logs) == pytest.approx([1.0])
        assert np.exp(softmax.log_distribution(hidden)) == pytest.approx([1.0])


def test_the_logarithm_of_a_sigmoid_is_exact_far_out() -> None:
    x = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])
    expected = [-800.0, -40.0 - np.exp(-40.0), -np.log(2.0), -np.exp(-40.0), 0.0]
    np.testing.assert_allclose(log_sigmoid(x), expected, rtol=1e-15)


@given(st.integers(1, 30), st.integers(1, 4), st.sampled_from(SCALES), st.integers(0, 99))
def test_softmax_over_all_words_is_exponentials_over_their_sum(
    words: int, rows: int, scale: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    outputs = (rng.normal(size=(words, 5)) * scale).astype(np.float32)
    hidden = rng.normal(size=(rows, 5))
    softmax = FullSoftmax(outputs)
    scores = hidden @ outputs.T.astype(np.float64)
    odds = np.exp(scores - scores.max(axis=1, keepdims=True))
    expected = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
    logs = softmax.log_distribution(hidden)
    np.testing.assert_allclose(np.exp(logs), expected, rtol=1e-9, atol=1e-300)
    assert softmax.most_probable(hidden, 3).words.tolist() == best_of_all(logs, 3).tolist()
    sources = np.broadcast_to(np.arange(rows), (words, rows))
    alone = softmax.log_probs(hidden, sources, np.arange(words))
    present = np.ones(sources.shape, np.bool_)
    np.testing.assert_allclose(log_mean(alone, present), logs, rtol=1e-9, atol=1e-9)


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 99),
)
def test_words_of_a_text_are_scored_given_their_windows(
    lengths: list[int], window: int, cbow: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    tree = shuffled_tree(9, seed)
    vectors, nodes = (rng.normal(size=(rows, 4)) for rows in (9, 8))
    softmax, paths = TreeSoftmax(nodes, tree), tree.paths()
    words = rng.integers(0, 9, sum(lengths))
    sentences = np.repeat(np.arange(len(lengths)), lengths)
    found = [*word_logs(softmax, vectors, words, sentences, window, cbow)]
    expected = []
    for sentence in np.split(words, np.cumsum(lengths)[:-1]):
        for place, word in enumerate(sentence):
            around = [*sentence[max(0, place - window) : place]]
            around += [*sentence[place + 1 : place + 1 + window]]
            if not around:
                expected.append(np.nan)
                continue
            hidden = vectors[around]
            if cbow:
                hidden = hidden.mean(axis=0, keepdims=True)
            path = slice(paths.offsets[word], paths.offsets[word + 1])
            rows, labels = nodes[paths.nodes[path]], 1.0 - paths.codes[path]
            each = [np.exp(-reference.loss(row[None], rows, labels)) for row in hidden]
            expected.append(np.log(np.mean(each)))
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-9)


def test_perplexity_is_of_the_words_that_were_scored() -> None:
    assert Score(2 * np.log(1 / 8), 2).perplexity == pytest.approx(8.0)
    assert Score(0.0, 0).perplexity is None
    assert Score(-1e6, 1).perplexity == np.inf
