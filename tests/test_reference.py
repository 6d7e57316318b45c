"""The reference is right: its gradients are those of its loss, and chances behave as chances."""

from __future__ import annotations

import numpy as np
import pytest

from hsw2v import reference


@pytest.fixture
def case() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return (
        rng.normal(size=(4, 7)),
        rng.normal(size=(6, 7)),
        rng.integers(0, 2, 6).astype(float),
    )


def finite_differences(function, array: np.ndarray, width: float = 1e-6) -> np.ndarray:
    slopes = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + width
        above = function()
        array[place] = kept - width
        slopes[place] = (above - function()) / (2 * width)
        array[place] = kept
    return slopes


def test_gradients_are_the_slopes_of_the_loss(case: tuple) -> None:
    hidden, output, labels = case
    down, up = reference.gradients(hidden, output, labels)

    def loss() -> float:
        return reference.loss(hidden, output, labels)

    np.testing.assert_allclose(down, -finite_differences(loss, hidden), atol=1e-7)
    np.testing.assert_allclose(up, -finite_differences(loss, output), atol=1e-7)


def test_decision_loss_is_exact_where_a_sigmoid_is_saturated() -> None:
    scores = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])
    losses = reference.decision_loss(scores, np.ones(5))
    expected = [800.0, 40.0, np.log(2), np.exp(-40.0), 0.0]
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    flipped = reference.decision_loss(-scores, np.zeros(5))
    np.testing.assert_array_equal(losses, flipped)


def test_sigmoids_of_opposite_scores_sum_to_one() -> None:
    x = np.linspace(-50, 50, 101)
    np.testing.assert_allclose(reference.sigmoid(x) + reference.sigmoid(-x), 1.0, rtol=1e-15)


@pytest.mark.parametrize("cbow", [False, True])
def test_a_small_step_lowers_the_loss(case: tuple, cbow: bool) -> None:
    vectors, outputs, labels = case
    rows = np.arange(6)
    context = [0, 2, 2, 3]

    def loss() -> float:
        hidden = vectors[context]
        if cbow:
            hidden = hidden.mean(axis=0, keepdims=True)
        return reference.loss(hidden, outputs, labels)

    before = loss()
    reference.step(vectors, context, outputs, rows, labels, 1e-3, cbow)
    assert loss() < before


def test_draws_are_uniform_and_differ_by_key_and_counter() -> None:
    values = np.array([reference.draw(key, n) for key in range(40) for n in range(250)], np.float64)
    assert len(set(values)) == 10_000
    shares = np.histogram(values / 2**64, bins=10, range=(0, 1))[0] / len(values)
    assert np.abs(shares - 0.1).max() < 0.015
    below = [reference.below(int(v) >> 32, 5) for v in values]
    assert np.abs(np.bincount(below) / len(below) - 0.2).max() < 0.02
