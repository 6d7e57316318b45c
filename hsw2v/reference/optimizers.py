"""How a row moves by its gradient: the definition of `kernels.optimizers`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

EPSILON = 1e-8
RMSPROP_DECAY = 0.9
ADAM_MEAN_DECAY, ADAM_SQUARE_DECAY = 0.9, 0.999


@dataclass
class State:
    """What an optimizer remembers of the rows of a table (R, D)."""

    squares: Floats
    """(R, D), the sum of squared gradients (Adagrad) or their mean (RMSProp, Adam)."""
    means: Floats
    """(R, D), the mean gradient (Adam)."""
    steps: NDArray[np.int64]
    """(R,), how often a row has moved (Adam)."""

    @classmethod
    def of(cls, table: Floats) -> State:
        """Return the state of a table of which no row has moved."""
        return cls(np.zeros_like(table), np.zeros_like(table), np.zeros(len(table), np.int64))


def move_row(
    optimizer: str,
    l2: float,
    state: State,
    table: Floats,
    row: int,
    gradient: Floats,
    rate: float,
    state_row: int | None = None,
) -> None:
    """Move a row of a table (R, D) in place by the gradient (D,) of the log-likelihood.

    `optimizer` is sgd, adagrad (Duchi, Hazan & Singer 2011), rmsprop (Tieleman & Hinton 2012) or
    adam (Kingma & Ba 2015). Before that the row decays by l2 (Loshchilov & Hutter 2019).
    Its state is in the same row, or in `state_row`.
    """
    table[row] *= max(0.0, 1.0 - rate * l2)
    table[row] += rate * _direction(
        optimizer, state, row if state_row is None else state_row, gradient
    )


def _direction(optimizer: str, state: State, row: int, gradient: Floats) -> Floats:
    mean: Floats = gradient
    if optimizer == "sgd":
        return gradient
    if optimizer == "adagrad":
        state.squares[row] += gradient**2
        square = state.squares[row]
    elif optimizer == "rmsprop":
        state.squares[row] += (1.0 - RMSPROP_DECAY) * (gradient**2 - state.squares[row])
        square = state.squares[row]
    else:
        assert optimizer == "adam"
        state.steps[row] += 1
        state.means[row] += (1.0 - ADAM_MEAN_DECAY) * (gradient - state.means[row])
        state.squares[row] += (1.0 - ADAM_SQUARE_DECAY) * (gradient**2 - state.squares[row])
        mean = state.means[row] / (1.0 - ADAM_MEAN_DECAY ** state.steps[row])
        square = state.squares[row] / (1.0 - ADAM_SQUARE_DECAY ** state.steps[row])
    direction: Floats = mean / (np.sqrt(square) + EPSILON)
    return direction
