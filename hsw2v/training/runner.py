"""Who does the work: threads that take one job after another."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.errors import DivergedError, ResourceError

TICK_SECONDS = 0.1


def no_tick() -> None:
    """Do nothing meanwhile."""


class Threads:
    """Threads that take numbered jobs in order."""

    def __init__(self) -> None:
        self.stop: NDArray[np.int32] = aligned_zeros(1, 1, np.int32)[0]
        """(1,) int32, for compiled code to look at: when set, blocks are left unfinished."""
        self.paused = False
        """Whether no other block is to begin."""

    def pause(self) -> None:
        """Let training return when the blocks in flight are done."""
        self.paused = True

    def run(
        self,
        job: Callable[[int, int], None],
        threads: int,
        first: int,
        last: int,
        tick: Callable[[], None] = no_tick,
        *,
        whole: bool = False,
    ) -> int:
        """Call `job(thread, number)` for the numbers from `first` on and before `last`.

        Meanwhile `tick()` is called. Returns the first number that was not taken: `last`, unless
        there was a pause meanwhile, which stops no run that must be `whole`. Ctrl-C, and the first
        error of a thread, stops all and is raised here.

        Raises:
            ResourceError: the system does not give that many threads.
        """
        self.stop[0] = 0
        if not whole:
            self.paused = False
        numbers = itertools.count(first)
        errors: list[BaseException] = []
        idle = threading.Semaphore(0)

        def take_jobs(thread: int) -> None:
            try:
                while not (self.stop[0] or (self.paused and not whole)):
                    if (number := next(numbers)) >= last:
                        break
                    job(thread, number)
            except BaseException as error:
                errors.append(error)
                self.stop[0] = 1
            finally:
                idle.release()

        workers = [
            threading.Thread(target=take_jobs, args=(number,), daemon=True)
            for number in range(threads)
        ]
        try:
            _start(workers)
            finished = 0
            while finished < len(workers):
                finished += idle.acquire(timeout=TICK_SECONDS)
                tick()
        except BaseException:
            self.stop[0] = 1
            raise
        finally:
            for thread in workers:
                if thread.ident is not None:
                    thread.join()
        if errors:
            raise errors[0]
        return min(next(numbers), last)


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
