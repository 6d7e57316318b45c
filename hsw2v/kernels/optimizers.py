"""How a row moves by its gradient: plain steps, or steps made even by the gradients it has seen.

Gradients are those of the log-likelihood: rows go along them, not against. What an optimizer
remembers of a row is kept in rows of the same shape, and changes only when the row moves. The
definition in NumPy is `reference.optimizers`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32, store_int32
from hsw2v.kernels.rows import move_row_by, move_row_by_means, move_row_by_squares

SGD, ADAGRAD, RMSPROP, ADAM = 0, 1, 2, 3
"""The optimizers, in the order of `config.OPTIMIZERS`."""

EPSILON = 1e-8
"""Keeps the division finite where every gradient was 0 (Kingma & Ba 2015)."""
RMSPROP_DECAY = 0.9
"""Share of the old mean square (Tieleman & Hinton 2012, lecture 6.5)."""
ADAM_MEAN_DECAY = 0.9
ADAM_SQUARE_DECAY = 0.999
"""Shares of the old means (Kingma & Ba 2015)."""
SETTLED = 2**15
"""Moves of a row after which Adam's correction is 1 to the last bit of a float32."""


class State(NamedTuple):
    """What an optimizer remembers of the rows of a table (R, P); nothing takes no memory."""

    squares: NDArray[np.float32]
    """(R, P) float32: Adagrad's sum of squared gradients, RMSProp's and Adam's mean; or (0, P)."""
    means: NDArray[np.float32]
    """(R, P) float32: Adam's mean gradient; or (0, P)."""
    steps: NDArray[np.int32]
    """(R,) int32: how often a row has moved, up to SETTLED, for Adam; or (0,)."""


class StateRows(NamedTuple):
    """Where the state of a row is: addresses, and what the rows measure."""

    table: int
    squares: int
    """From the address of a row to that of its squares, in bytes."""
    means: int
    """Likewise, of its means."""
    steps: int
    stride: int
    """Bytes of a row."""


@inlined
def state_rows(state, table):
    """Return where the state of a table's rows is."""
    base = table.ctypes.data
    return StateRows(
        base,
        state.squares.ctypes.data - base,
        state.means.ctypes.data - base,
        state.steps.ctypes.data,
        table.shape[1] * table.itemsize,
    )


@inlined
def state_of_row(rows, number, row):
    """Return the state of a row of the table, by its number, for its copy at the address `row`."""
    there = rows.table + number * rows.stride
    return StateRows(
        row - number * rows.stride,
        there + rows.squares - row,
        there + rows.means - row,
        rows.steps,
        rows.stride,
    )


@inlined
def decay_factor(rate, l2):
    """Return what a row is multiplied by before it moves: 1 - rate · l2, float32, never below 0."""
    return np.float32(max(0.0, 1.0 - rate * l2))


@inlined
def move_row(optimizer, l2, state, row, gradient, rate, chunks):
    """Move the row at the address `row` of a table by the gradient g at the address `gradient`.

    First the row decays by l2, which has no part in the gradient ("decoupled": Loshchilov &
    Hutter 2019). Then it moves by

        SGD       rate · g
        Adagrad   rate · g / (√s + ε), s the sum of all g² (Duchi, Hazan & Singer 2011)
        RMSProp   the same, s a running mean of g² (Tieleman & Hinton 2012)
        Adam      rate · m̂ / (√ŝ + ε), running means of g and g², corrected for beginning at 0 by
                  how often this row has moved (Kingma & Ba 2015; the order of section 2's end)

    `state` is a StateRows of the same table, `chunks` the length of a row in vectors of LANES.
    The gradient is left as it is.
    """
    factor = decay_factor(rate, l2)
    if optimizer == SGD:
        move_row_by(row, gradient, factor, np.float32(rate), chunks)
    elif optimizer == ADAM:
        _move_by_adam(state, row, gradient, factor, rate, chunks)
    else:
        old = np.float32(1.0)
        new = np.float32(1.0)
        if optimizer == RMSPROP:
            old = np.float32(RMSPROP_DECAY)
            new = np.float32(1.0 - RMSPROP_DECAY)
        move_row_by_squares(
            row,
            row + state.squares,
            gradient,
            factor,
            np.float32(rate),
            np.float32(EPSILON),
            old,
            new,
            chunks,
        )


@inlined
def _move_by_adam(state, row, gradient, factor, rate, chunks):
    place = state.steps + 4 * ((row - state.table) // state.stride)
    steps = load_int32(place)
    mean_share = 1.0
    square_share = 1.0
    if steps < SETTLED:
        steps += 1
        store_int32(place, np.int32(steps))
        mean_share = 1.0 - ADAM_MEAN_DECAY**steps
        square_share = np.sqrt(1.0 - ADAM_SQUARE_DECAY**steps)
    move_row_by_means(
        row,
        row + state.means,
        row + state.squares,
        gradient,
        factor,
        np.float32(rate * square_share / mean_share),
        np.float32(EPSILON * square_share),
        np.float32(1.0 - ADAM_MEAN_DECAY),
        np.float32(1.0 - ADAM_SQUARE_DECAY),
        chunks,
    )


@compiled
def move_rows(optimizer, l2, state, table, rows, gradients, rate) -> None:
    """Move rows of a table (R, P) in place, in order; one that occurs twice moves twice.

    `rows (n,) int64` are their numbers, `gradients (n, P) float32` what each is to move by.
    """
    here = state_rows(state, table)
    chunks = table.shape[1] // LANES
    base = gradients.ctypes.data
    for place in range(len(rows)):
        row = here.table + rows[place] * here.stride
        move_row(optimizer, l2, here, row, base + place * here.stride, rate, chunks)
