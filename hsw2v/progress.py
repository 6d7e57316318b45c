"""The progress of a run, shown: what `progress=True` and the command line have in common."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from hsw2v.display import PROGRESS, Display, describe, display_here
from hsw2v.events import (
    Event,
    GradientsRecorded,
    Listener,
    Notice,
    Preparing,
    VocabularyReady,
)

SECONDS_UNTIL_PATIENCE = 3.0

P = ParamSpec("P")
T = TypeVar("T")


class ProgressListener:
    """Shows a run on standard error: a context manager whose `listen` is the run's listener."""

    def __init__(self, display: Display | None = None) -> None:
        """Show by a display, or by that for where this runs."""
        self._display = display or display_here()
        self._notices: set[Notice] = set()
        self._patience: threading.Timer | None = None

    def __enter__(self) -> ProgressListener:
        self._await_compiler()
        return self

    def __exit__(self, *ending: Any) -> None:
        self._stop_waiting()
        self._display.close()

    def listen(self, event: Event) -> None:
        """Show an event."""
        self._stop_waiting()
        if isinstance(event, Notice):
            if event in self._notices:
                return
            self._notices.add(event)
        elif isinstance(event, Preparing | VocabularyReady):
            self._display.close()
            self._await_compiler()
        if type(event) in PROGRESS:
            self._display.show(event)
        elif not isinstance(event, Preparing | GradientsRecorded):
            self._display.say(describe(event))

    def say(self, line: str) -> None:
        """Show a line."""
        self._display.say(line)

    def _await_compiler(self) -> None:
        line = "preparing (the first run compiles for this machine) ..."
        self._patience = threading.Timer(SECONDS_UNTIL_PATIENCE, self._display.say, [line])
        self._patience.daemon = True
        self._patience.start()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def with_progress(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that takes a `listener` show its progress where `progress=True` is given.

    Of one that returns an iterator, until that is over.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kwargs.get("progress"):
            return function(*args, **kwargs)
        with ProgressListener() as progress:
            kwargs["listener"] = _both(progress.listen, kwargs.get("listener"))
            found = function(*args, **kwargs)
        return _until_over(found, progress) if isinstance(found, Iterator) else found

    return call


def _both(show: Listener, other: Any) -> Listener:
    def listen(event: Event) -> None:
        show(event)
        if other is not None:
            other(event)

    return listen


def _until_over(items: Any, progress: ProgressListener) -> Any:
    try:
        yield from items
    finally:
        progress.__exit__()
