"""Threads for iterators that run ahead, and for work that must not be interrupted."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.05
_JOIN_SECONDS = 0.2


def apart(work: Callable[[], object]) -> None:
    """Call a function in a thread of its own, and wait for it.

    For compiling, in which Ctrl-C may be lost: here the wait is interrupted.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


class _End(NamedTuple):
    """What a thread sends last."""

    error: BaseException | None


class Background:
    """A context in which iterators run ahead in threads, which end with it.

    How far they run ahead is bounded only by what they wait for, such as a `Pool`. A thread that is
    blocked in a read cannot be ended; it does not keep the program alive.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """Run an iterator in a thread of its own, and yield its items, or raise its error."""
        results: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        thread = threading.Thread(target=self._run, args=(items, results), daemon=True)
        self._threads.append(thread)
        thread.start()
        return self._received(results)

    def wait(self, results: queue.SimpleQueue[T]) -> T:
        """Return the next item of a queue, as soon as there is one.

        Raises:
            KeyboardInterrupt: the context is over.
        """
        while not self._over.is_set():
            try:
                return results.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
        raise KeyboardInterrupt

    def _run(self, items: Iterable[T], results: queue.SimpleQueue[T | _End]) -> None:
        error: BaseException | None = None
        try:
            for item in items:
                results.put(item)
        except BaseException as raised:
            error = raised
        results.put(_End(error))

    def _received(self, results: queue.SimpleQueue[T | _End]) -> Iterator[T]:
        while True:
            item = self.wait(results)
            if not isinstance(item, _End):
                yield item
            elif item.error:
                raise item.error
            else:
                return

    def __enter__(self) -> Background:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        deadline = time.monotonic() + _JOIN_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))


class Pool(Generic[T]):
    """Objects to use again and again: taking one waits until one is free."""

    def __init__(self, items: Iterable[T], background: Background) -> None:
        self._free: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._background = background
        for item in items:
            self._free.put(item)

    def take(self) -> T:
        """Return a free one, as soon as there is one."""
        return self._background.wait(self._free)

    def give_back(self, item: T) -> None:
        """Make one free again."""
        self._free.put(item)
