"""Who does the work: threads that take one block of a pass after another."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.errors import DivergedError, ResourceError
from hsw2v.training.engines import Engine
from hsw2v.training.schedule import Pass
from hsw2v.training.state import BlockLosses

TICK_SECONDS = 0.1


class Threads:
    """Threads that share tables and take blocks in order, without locks.

    That is Hogwild (Niu, Recht, Ré & Wright 2011).
    """

    def __init__(self) -> None:
        self.stop: NDArray[np.int32] = aligned_zeros(1, 1, np.int32)[0]
        """(1,) int32, for compiled code to look at: when set, blocks are left unfinished."""
        self._paused = False

    def pause(self) -> None:
        """Let no thread begin another block: `run` returns when those in flight are done."""
        self._paused = True

    def run(
        self,
        engine: Engine,
        some: Pass,
        losses: BlockLosses,
        first: int,
        last: int,
        tick: Callable[[], None],
    ) -> int:
        """Train on the blocks of a pass from position `first` of its order on and before `last`.

        Their losses are filled in, and `tick()` is called meanwhile. Returns the position of the
        first block that is not done: `last`, unless there was a pause. Ctrl-C, and the first error
        of a thread, stops all and is raised here.

        Raises:
            DivergedError: the loss of a block is not finite.
            ResourceError: the system does not give that many threads.
        """
        self.stop[0], self._paused = 0, False
        positions = itertools.count(first)
        errors: list[BaseException] = []
        idle = threading.Semaphore(0)

        def take_blocks(thread: int) -> None:
            try:
                while not (self.stop[0] or self._paused) and (at := next(positions)) < last:
                    found = engine.train(thread, some, at)
                    if not self.stop[0]:
                        losses[at] = found
                    if not np.isfinite(found[0]):
                        raise diverged("the loss is not a finite number", some.epoch)
            except BaseException as error:
                errors.append(error)
                self.stop[0] = 1
            finally:
                idle.release()

        threads = [
            threading.Thread(target=take_blocks, args=(number,), daemon=True)
            for number in range(engine.threads)
        ]
        try:
            _start(threads)
            finished = 0
            while finished < len(threads):
                finished += idle.acquire(timeout=TICK_SECONDS)
                tick()
        except BaseException:
            self.stop[0] = 1
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
        if errors:
            raise errors[0]
        return min(next(positions), last) if self._paused else last


def diverged(why: str, epoch: int | None = None) -> DivergedError:
    """Return the error of a training that ran away, perhaps in an epoch, counted from 0."""
    when = "" if epoch is None else f" in epoch {epoch + 1}"
    return DivergedError(f"training diverged{when}: {why}", hint="lower --lr")


def _start(threads: list[threading.Thread]) -> None:
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError as error:
            raise ResourceError(
                f"the system gives no more than {number} threads", hint="lower --threads"
            ) from error
