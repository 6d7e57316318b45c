"""Errors and gradients of decisions, against loops over single ones and finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, shuffled_tree

from hsw2v import reference
from hsw2v.config import Config
from hsw2v.network.decisions import Decisions
from hsw2v.network.outputs import output_layer
from hsw2v.network.outputs.ns import NegativeOutput
from hsw2v.query.classes import ClassSoftmax
from hsw2v.query.probabilities import FullSoftmax, Softmax, TreeSoftmax
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

DIM = 5
STEP = 1e-6


def settings(loss: str, **others: object) -> Config:
    return Config().replace(loss=loss, node_sample=0.0, **others)


def decide(
    loss: str,
    outputs: np.ndarray,
    words: int,
    hidden: np.ndarray,
    targets: np.ndarray,
    structure: Tree | Classes | None = None,
) -> Decisions:
    output = output_layer(settings(loss).training, np.arange(words, 0, -1), structure)
    assert output.rows == len(outputs)
    return output.decide(outputs, hidden, targets, np.random.default_rng(1))


def random(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=shape)


def classes_of(words: int) -> Classes:
    """Return three classes, of which one has one word."""
    of = np.arange(words, dtype=np.int32) % 2
    of[-1] = 2
    return Classes(of, 3)


def losses(made: Decisions, predictions: int) -> np.ndarray:
    return np.bincount(made.predictions, made.losses, predictions)


@given(st.integers(2, 30), st.integers(0, 1000))
def test_the_decisions_of_a_tree_are_those_of_a_loop_over_its_paths(words: int, seed: int) -> None:
    tree = shuffled_tree(words, seed)
    nodes, hidden = random((words - 1, DIM), seed), random((7, DIM), seed + 1)
    targets = np.random.default_rng(seed).integers(0, words, 7)
    made = decide("hs", nodes, words, hidden, targets, tree)
    paths, rows = tree.paths(), iter(range(len(made.odds)))
    for prediction, (h, target) in enumerate(zip(hidden, targets, strict=True)):
        path = slice(paths.offsets[target], paths.offsets[target + 1])
        whole = np.zeros(DIM)
        for depth, (node, code) in enumerate(
            zip(paths.nodes[path], paths.codes[path], strict=True)
        ):
            row, label = next(rows), np.array([1.0 - code])
            by_hidden, by_output = reference.gradients(h[None], nodes[[node]], label)
            assert (made.predictions[row], made.depths[row]) == (prediction, depth)
            error = abs(label[0] - reference.sigmoid(h @ nodes[node]))
            np.testing.assert_allclose(made.errors[row], error)
            np.testing.assert_allclose(
                made.losses[row], reference.loss(h[None], nodes[[node]], label)
            )
            np.testing.assert_allclose(made.output_gradients[row], np.linalg.norm(by_output))
            np.testing.assert_allclose(made.hidden_parts[row], np.linalg.norm(by_hidden))
            np.testing.assert_allclose(made.output_norms[row], np.linalg.norm(nodes[node]))
            whole += by_hidden[0]
        np.testing.assert_allclose(made.hidden_gradients[prediction], np.linalg.norm(whole))
    assert next(rows, None) is None


Case = tuple[np.ndarray, Callable[[], Softmax], Tree | Classes | None]
WORDS = 9


def case(loss: str) -> Case:
    """Return output rows, what gives probabilities by them as they are, and a tree or classes."""
    if loss == "hs":
        nodes, tree = random((WORDS - 1, DIM), 3), shuffled_tree(WORDS, 3)
        return nodes, lambda: TreeSoftmax(nodes, tree), tree
    if loss == "class":
        classes = classes_of(WORDS)
        rows = random((3 + WORDS, DIM), 3)
        return rows, lambda: ClassSoftmax(rows, classes), classes
    words = random((WORDS, DIM), 3)
    return words, lambda: FullSoftmax(words), None


def numeric_gradient(function: Callable[[], float], array: np.ndarray) -> np.ndarray:
    gradient = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + STEP
        above = function()
        array[place] = kept - STEP
        gradient[place] = (above - function()) / (2 * STEP)
        array[place] = kept
    return gradient


@pytest.mark.parametrize("loss", ["hs", "class", "softmax", "sampled"])
def test_losses_and_gradients_are_those_of_the_probabilities(loss: str) -> None:
    outputs, softmax, structure = case(loss)
    hidden, targets = random((WORDS, DIM), 4), np.arange(WORDS)
    made = decide(loss, outputs, WORDS, hidden, targets, structure)
    every = np.arange(WORDS)[:, None]
    logs = softmax().log_probs(hidden, every, targets)[:, 0]
    np.testing.assert_allclose(losses(made, WORDS), -logs)
    for word in range(WORDS):

        def loss_of(word: int = word) -> float:
            return -float(softmax().log_probs(hidden, every[[word]], targets[[word]])[0, 0])

        by_hidden = numeric_gradient(loss_of, hidden)
        by_outputs = numeric_gradient(loss_of, outputs)
        here = made.predictions == word
        np.testing.assert_allclose(
            np.linalg.norm(by_hidden), made.hidden_gradients[word], rtol=1e-5, atol=1e-7
        )
        np.testing.assert_allclose(
            np.linalg.norm(by_outputs),
            np.sqrt((made.output_gradients[here] ** 2).sum()),
            rtol=1e-5,
        )


def test_a_choice_with_one_outcome_is_no_decision() -> None:
    hidden = random((2, DIM), 5)
    classes = classes_of(WORDS)
    made = decide(
        "class", random((3 + WORDS, DIM), 5), WORDS, hidden, np.array([WORDS - 1, 0]), classes
    )
    assert made.depths.tolist() == [0, 0, 1]
    assert made.predictions.tolist() == [0, 1, 1]
    alone = np.zeros(2, np.int64)
    for loss, rows, structure in (
        ("class", 2, Classes(np.zeros(1, np.int32), 1)),
        ("softmax", 1, None),
        ("hs", 0, Tree(np.empty((0, 2), np.int32))),
    ):
        made = decide(loss, random((rows, DIM), 5), 1, hidden, alone, structure)
        assert len(made.odds) == 0
        assert made.hidden_gradients.tolist() == [0.0, 0.0]


def test_negative_sampling_decides_about_the_target_and_each_drawn_word_once() -> None:
    outputs, hidden = random((WORDS, DIM), 6), random((200, DIM), 7)
    targets = np.arange(200) % WORDS
    sampling = NegativeOutput(np.arange(1.0, WORDS + 1), 3)
    made = sampling.decide(outputs, hidden, targets, np.random.default_rng(1))
    again = sampling.decide(outputs, hidden, targets, np.random.default_rng(1))
    np.testing.assert_array_equal(made.odds, again.odds)
    scores = hidden @ outputs.T
    drawn = np.zeros(WORDS)
    for prediction, target in enumerate(targets):
        odds = made.odds[made.predictions == prediction]
        assert 1 <= len(odds) <= 4
        np.testing.assert_allclose(odds[0], scores[prediction, target])
        words = [int(np.argmin(abs(scores[prediction] + one))) for one in odds[1:]]
        np.testing.assert_allclose(-odds[1:], scores[prediction, words])
        assert len({target, *words}) == len(odds)
        drawn[words] += 1
    # More frequent words are drawn more often.
    assert drawn[-3:].sum() > 2 * drawn[:3].sum()


def test_decisions_beyond_doubt_are_exact() -> None:
    tree = chain(2)
    node = np.array([[40.0, 0.0]])
    made = decide("hs", node, 2, np.eye(2)[[0, 0]], np.array([0, 1]), tree)
    np.testing.assert_allclose(made.odds, [40.0, -40.0])
    np.testing.assert_allclose(made.errors, [np.exp(-40.0), 1.0])
    np.testing.assert_allclose(made.losses, [np.exp(-40.0), 40.0])
    rows = np.array([[40.0, 0.0], [0.0, 0.0]])
    same = decide("softmax", rows, 2, np.eye(2)[[0, 0]], np.array([0, 1]))
    np.testing.assert_allclose(same.odds, made.odds)
    np.testing.assert_allclose(made.certainties, [40.0, 40.0])
    np.testing.assert_allclose(same.certainties, [40.0, 40.0])
    np.testing.assert_allclose(same.hidden_gradients, [40.0 * np.exp(-40.0), 40.0])


@pytest.mark.parametrize("loss", ["class", "softmax"])
def test_the_certainty_of_a_choice_is_that_of_its_most_probable_outcome(loss: str) -> None:
    hidden, rows = random((40, DIM), 8, 2.0), random((WORDS, DIM), 9, 2.0)
    targets = np.arange(40) % WORDS
    structure = None
    if loss == "class":
        # One class after the other: the choice of the class is one among all rows.
        structure = Classes(np.arange(WORDS, dtype=np.int32), WORDS)
        rows = np.vstack((rows, rows))
    made = decide(loss, rows, WORDS, hidden, targets, structure)
    scores = hidden @ rows[:WORDS].T
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    best = shares.max(axis=1)
    assert 0 < np.count_nonzero(best > shares[np.arange(40), targets]) < 40
    np.testing.assert_allclose(made.certainties, np.log(best / (1 - best)), rtol=1e-6)
