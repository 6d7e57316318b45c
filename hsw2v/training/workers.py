"""Numbered pieces of work over threads: in order of number, until done, failed or interrupted."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.errors import ResourceError

TICK_SECONDS = 0.1


class Workers:
    """Threads that share the numbers 0, 1, 2, … of pieces of work.

    The work is expected to let go of the interpreter's lock, and to end early when `stop` is set.
    """

    def __init__(self) -> None:
        self.stop: NDArray[np.int32] = aligned_zeros(1, 1, np.int32)[0]
        """(1,) int32, for compiled code to look at."""

    def run(
        self,
        count: int,
        pieces: int,
        work: Callable[[int, int], None],
        tick: Callable[[], None],
    ) -> None:
        """Call `work(thread, piece)` for every piece in `count` threads, and `tick()` meanwhile.

        The first error of any thread stops all and is raised here, as is Ctrl-C.

        Raises:
            ResourceError: the system does not give that many threads.
        """
        self.stop[0] = 0
        numbers = itertools.count()
        errors: list[BaseException] = []
        idle = threading.Semaphore(0)

        def take_pieces(thread: int) -> None:
            try:
                while (piece := next(numbers)) < pieces and not self.stop[0]:
                    work(thread, piece)
            except BaseException as error:
                errors.append(error)
                self.stop[0] = 1
            finally:
                idle.release()

        threads = [
            threading.Thread(target=take_pieces, args=(number,), daemon=True)
            for number in range(count)
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


def _start(threads: list[threading.Thread]) -> None:
    for number, thread in enumerate(threads):
        try:
            thread.start()
        except RuntimeError as error:
            raise ResourceError(
                f"the system gives no more than {number} threads", hint="lower --threads"
            ) from error
