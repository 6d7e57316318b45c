"""Rows move by their gradients as `hsw2v.reference.optimizers` says."""

from __future__ import annotations

import numpy as np
import pytest
from some_parameters import state_of

from hsw2v import reference
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import OPTIMIZERS
from hsw2v.kernels import optimizers

ROWS = 6


def moved(
    optimizer: str, dim: int, l2: float, moves: int = 40, rate: float = 0.03
) -> tuple[np.ndarray, np.ndarray]:
    """Return a table moved by the kernel, padding included, and the same by the reference."""
    rng = np.random.default_rng(3)
    width = padded(dim)
    table = aligned_zeros(ROWS, width)
    table[:, :dim] = rng.normal(size=(ROWS, dim))
    expected = table[:, :dim].astype(np.float64)
    rows = rng.integers(0, ROWS, moves)
    gradients = np.zeros((moves, width), np.float32)
    gradients[:, :dim] = rng.normal(size=(moves, dim)) * 10.0 ** rng.integers(-6, 2, dim)
    number = OPTIMIZERS.index(optimizer)
    state = state_of(optimizer, ROWS, width)
    half = moves // 2
    for some in (slice(0, half), slice(half, moves)):
        optimizers.move_rows(number, l2, state, table, rows[some], gradients[some], rate)
    expected_state = reference.State.of(expected)
    for row, gradient in zip(rows, gradients[:, :dim].astype(np.float64), strict=True):
        reference.move_row(optimizer, l2, expected_state, expected, row, gradient, rate)
    return table, expected


@pytest.mark.parametrize("l2", [0.0, 0.5])
@pytest.mark.parametrize("dim", [1, 16, 113])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_kernel_equals_reference(optimizer: str, dim: int, l2: float) -> None:
    table, expected = moved(optimizer, dim, l2)
    np.testing.assert_allclose(table[:, :dim], expected, rtol=1e-5, atol=2e-6)
    assert not table[:, dim:].any()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_row_that_is_not_moved_keeps_every_bit(optimizer: str) -> None:
    width = padded(20)
    table = aligned_zeros(ROWS, width)
    table[:] = np.random.default_rng(1).normal(size=table.shape)
    before = table.copy()
    state = state_of(optimizer, ROWS, width)
    gradient = np.ones((1, width), np.float32)
    number = OPTIMIZERS.index(optimizer)
    optimizers.move_rows(number, 0.1, state, table, np.array([2]), gradient, 0.1)
    others = np.arange(ROWS) != 2
    np.testing.assert_array_equal(table[others], before[others])
    assert (table[2] != before[2]).all()
    for kept in (state.squares, state.means, state.steps):
        assert not len(kept) or not kept[others].any()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_without_a_gradient_a_row_only_decays(optimizer: str) -> None:
    width = padded(3)
    table = aligned_zeros(1, width)
    table[:] = 2.0
    state = state_of(optimizer, 1, width)
    nothing = np.zeros((1, width), np.float32)
    number = OPTIMIZERS.index(optimizer)
    optimizers.move_rows(number, 0.0, state, table, np.array([0]), nothing, 0.5)
    np.testing.assert_array_equal(table, 2.0)
    optimizers.move_rows(number, 0.5, state, table, np.array([0]), nothing, 0.5)
    np.testing.assert_array_equal(table, 1.5)
    optimizers.move_rows(number, 1e3, state, table, np.array([0]), nothing, 0.5)
    np.testing.assert_array_equal(table, 0.0)


def test_the_first_step_of_adam_and_adagrad_is_the_learning_rate_whatever_the_gradient() -> None:
    for optimizer in ("adagrad", "adam"):
        table = aligned_zeros(1, 16)
        gradient = np.logspace(-4, 4, 16, dtype=np.float32)[None]
        state = state_of(optimizer, 1, 16)
        number = OPTIMIZERS.index(optimizer)
        optimizers.move_rows(number, 0.0, state, table, np.array([0]), gradient, 0.01)
        np.testing.assert_allclose(table, 0.01, rtol=1e-3)


def test_adam_goes_on_when_its_correction_has_settled() -> None:
    """Counting stops; a row that moves ever so often neither overflows nor jumps."""
    table = aligned_zeros(1, 16)
    state = state_of("adam", 1, 16)
    state.steps[0] = optimizers.SETTLED - 1
    state.means[:], state.squares[:] = 1.0, 1.0
    moves = np.zeros(3, np.int64)
    gradients = np.ones((3, 16), np.float32)
    optimizers.move_rows(optimizers.ADAM, 0.0, state, table, moves, gradients, 0.01)
    assert state.steps[0] == optimizers.SETTLED
    np.testing.assert_allclose(table, 0.03, rtol=1e-5)


def test_an_optimizer_takes_no_memory_that_it_does_not_need() -> None:
    shapes = {name: [len(array) for array in state_of(name, 5, 16)] for name in OPTIMIZERS}
    assert shapes == {
        "sgd": [0, 0, 0],
        "adagrad": [5, 0, 0],
        "rmsprop": [5, 0, 0],
        "adam": [5, 5, 5],
    }
