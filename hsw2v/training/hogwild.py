"""Threads that train on the same tables, without locks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hsw2v.training.engines import Engine
from hsw2v.training.runner import Threads, diverged
from hsw2v.training.schedule import Pass
from hsw2v.training.state import BlockLosses


class Hogwild:
    """Every thread takes the next block, and changes the tables of all in place.

    Niu, Recht, Ré & Wright 2011, "Hogwild!: a lock-free approach to parallelizing stochastic
    gradient descent". With one thread it is plain SGD, block after block.
    """

    def __init__(self, runner: Threads, engine: Engine) -> None:
        """Let the threads of a runner train by an engine."""
        self._runner, self._engine = runner, engine

    def run(
        self,
        some: Pass,
        losses: BlockLosses,
        first: int,
        last: int,
        tick: Callable[[], None],
    ) -> int:
        """Train on the blocks of a pass from position `first` of its order on and before `last`.

        Their losses are filled in, and `tick()` is called meanwhile. Returns the position of the
        first block that is not done: `last`, unless there was a pause.

        Raises:
            DivergedError: the loss of a block is not finite.
            ResourceError: the system does not give that many threads.
        """

        def train(thread: int, position: int) -> None:
            losses[position] = self._engine.train(thread, some, position)
            check_loss(losses, position, some.epoch)

        return self._runner.run(train, self._engine.threads, first, last, tick)


def check_loss(losses: BlockLosses, position: int, epoch: int) -> None:
    """Make sure that the loss of a block is a number.

    Raises:
        DivergedError: it is not.
    """
    if not np.isfinite(losses[position, 0]):
        raise diverged("the loss is not a finite number", epoch)
