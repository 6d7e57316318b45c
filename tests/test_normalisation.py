"""Batch normalisation: the reference has the right gradients, and the kernel does as it says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from some_parameters import norm_of

from hsw2v import reference
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.kernels import normalisation
from hsw2v.query import normalisation as of_queries
from hsw2v.query.normalisation import normalised
from hsw2v.reference import normalisation as definition


@dataclass
class Batch:
    """Hidden rows, how often each counts, and what a linear loss weighs their outcome by."""

    rows: int = 50
    dim: int = 20
    even: bool = False

    def __post_init__(self) -> None:
        rng = np.random.default_rng(8)
        scales = 10.0 ** rng.uniform(-2, 1, self.dim)
        self.hidden = rng.normal(0.3, 1.0, (self.rows, self.dim)) * scales
        self.weights = rng.integers(1, 9, self.rows).astype(np.float64)
        if self.even:
            self.weights[:] = 1.0
        self.gradient = rng.normal(size=(self.rows, self.dim)) * self.weights[:, None]
        self.norm = reference.Norm.of(self.dim)
        self.norm.parameters += rng.normal(size=(2, self.dim)) * 0.3
        self.norm.running += rng.random((2, self.dim))

    def loss(self) -> float:
        """Return a loss of which `gradient` is the slope by x."""
        unmoved = reference.Norm(self.norm.parameters, self.norm.running.copy())
        x = reference.normalise(unmoved, self.hidden, self.weights, True)[0]
        return float((x * self.gradient).sum())


def slopes(function, array: np.ndarray, width: float = 1e-6) -> np.ndarray:
    found = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + width
        above = function()
        array[place] = kept - width
        found[place] = (above - function()) / (2 * width)
        array[place] = kept
    return found


@pytest.mark.parametrize("rows", [40, 2, 1])
def test_gradients_are_the_slopes_of_the_loss_through_the_statistics(rows: int) -> None:
    """Of a batch; and of too few rows, whose statistics are the running ones."""
    batch = Batch(rows=rows, dim=4)
    norm = reference.Norm(batch.norm.parameters, batch.norm.running.copy())
    _, normal, statistics, of_batch = reference.normalise(norm, batch.hidden, batch.weights, True)
    assert of_batch == (rows == 40)
    by_hidden, by_parameters = reference.backward(
        norm, normal, batch.weights, statistics, of_batch, batch.gradient
    )
    np.testing.assert_allclose(by_hidden, slopes(batch.loss, batch.hidden), rtol=1e-5, atol=1e-6)
    expected = slopes(batch.loss, batch.norm.parameters)
    np.testing.assert_allclose(by_parameters, expected, rtol=1e-5, atol=1e-6)


def test_a_row_of_weight_two_is_that_row_twice() -> None:
    batch = Batch(rows=40, dim=3)
    doubled = np.repeat(batch.hidden, batch.weights.astype(int), axis=0)
    once = definition.batch_statistics(batch.hidden, batch.weights)
    np.testing.assert_allclose(once, definition.batch_statistics(doubled, np.ones(len(doubled))))


CASES = {
    "a batch": (Batch(), True),
    "rows that count alike": (Batch(even=True), True),
    "one dimension": (Batch(dim=1), True),
    "dimensions that fill their vectors": (Batch(dim=32), True),
    "too few rows": (Batch(rows=normalisation.SMALLEST_BATCH - 1, even=True), True),
    "one row": (Batch(rows=1), True),
    "nothing to be learnt": (Batch(), False),
}


@pytest.mark.parametrize("name", CASES)
def test_kernel_equals_reference(name: str) -> None:
    batch, learning = CASES[name]
    dim, width = batch.dim, padded(batch.dim)
    norm = norm_of("sgd", dim)
    norm.parameters[:, :dim] = batch.norm.parameters
    norm.running[:, :dim] = batch.norm.running
    hidden, normal_rows, gradient = (aligned_zeros(batch.rows, width) for _ in range(3))
    statistics, by_parameters = aligned_zeros(2, width), aligned_zeros(2, width)
    expected_norm = reference.Norm(batch.norm.parameters, batch.norm.running.copy())
    weights = batch.weights.astype(np.float32)
    for share in (1.0, 0.5):  # of a second batch, the running statistics are those of both
        hidden[:, :dim], gradient[:, :dim] = batch.hidden * share, batch.gradient
        of_batch = normalisation.normalise(norm, hidden, normal_rows, weights, statistics, learning)
        x, normal, expected_statistics, expected_of_batch = reference.normalise(
            expected_norm, batch.hidden * share, batch.weights, learning
        )
        normalisation.backward(
            norm, normal_rows, weights, statistics, of_batch, gradient, by_parameters
        )
        expected = reference.backward(
            expected_norm, normal, batch.weights, expected_statistics, of_batch, batch.gradient
        )
        assert of_batch == expected_of_batch
        for found, wanted in (
            (hidden, x),
            (normal_rows, normal),
            (gradient, expected[0]),
            (by_parameters, expected[1]),
            (norm.running, expected_norm.running),
        ):
            scale = np.abs(wanted).max(axis=0)
            error = np.abs(found[:, :dim] - wanted) / scale
            assert error.max() < 1e-4
        for found in (hidden, gradient, by_parameters):
            assert not found[:, dim:].any()


def test_a_model_that_is_asked_normalises_as_the_kernel_does() -> None:
    batch = Batch(rows=5, dim=16)
    norm = norm_of("sgd", 16)
    norm.parameters[:], norm.running[:] = batch.norm.parameters, batch.norm.running
    hidden = aligned_zeros(5, 16)
    hidden[:] = batch.hidden
    asked = normalised(hidden, np.concatenate([norm.parameters, norm.running]))
    weights = np.ones(5, np.float32)
    normalisation.normalise(
        norm, hidden, np.empty_like(hidden), weights, aligned_zeros(2, 16), False
    )
    np.testing.assert_allclose(asked, hidden, rtol=1e-5, atol=1e-5)
    epsilons = {module.EPSILON for module in (definition, of_queries)}
    assert len(epsilons) == 1


def test_a_batch_becomes_even_in_every_dimension_and_of_length_one() -> None:
    batch = Batch(rows=300, dim=16, even=True)
    hidden = aligned_zeros(300, 16)
    hidden[:] = batch.hidden * 10
    statistics = aligned_zeros(2, 16)
    weights = np.ones(300, np.float32)
    normalisation.normalise(
        norm_of("sgd", 16), hidden, np.empty_like(hidden), weights, statistics, True
    )
    np.testing.assert_allclose(hidden.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(hidden.std(axis=0), 0.25, rtol=1e-2)
    assert np.sqrt((hidden**2).sum(axis=1).mean()) == pytest.approx(1.0, rel=1e-2)


def test_without_learning_the_running_statistics_stay() -> None:
    batch = Batch()
    norm = norm_of("sgd", 32)
    hidden = np.resize(batch.hidden, (50, 32)).astype(np.float32)
    weights = np.ones(50, np.float32)
    statistics = aligned_zeros(2, 32)
    for learning, seen in ((False, 0), (True, 1), (False, 1)):
        before = norm.running.copy()
        some = hidden.copy()
        normalisation.normalise(norm, some, np.empty_like(some), weights, statistics, learning)
        assert norm.batches[0] == seen
        assert (norm.running != before).any() == learning


def test_the_first_batch_makes_the_running_statistics() -> None:
    norm = norm_of("sgd", 16)
    hidden = np.random.default_rng(1).normal(2.0, 1e-3, (64, 16)).astype(np.float32)
    mean, variance = hidden.mean(axis=0), hidden.var(axis=0)
    weights = np.ones(64, np.float32)
    normalisation.normalise(
        norm, hidden, np.empty_like(hidden), weights, aligned_zeros(2, 16), True
    )
    np.testing.assert_allclose(norm.running[0], mean, rtol=1e-5)
    np.testing.assert_allclose(norm.running[1], variance, rtol=1e-3)
