"""The progress of a run, shown: what `progress=True` and the command line have in common."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from hsw2v.display import PROGRESS, Display, describe, display_here
from hsw2v.events import (
    Event,
    GradientsRecorded,
    LoadingProgress,
    Notice,
    Preparing,
    VocabularyReady,
    ignore,
    to_each,
)

SECONDS_UNTIL_PATIENCE = 3.0
SECONDS_BETWEEN_LOOKS = 0.5

P = ParamSpec("P")
T = TypeVar("T")


class ProgressListener:
    """Shows a run on standard error: a context manager whose `listen` is the run's listener."""

    def __init__(self, display: Display | None = None) -> None:
        """Show by a display, or by that for where this runs."""
        self._display = display or display_here()
        self._notices: set[Notice] = set()
        self._told: set[str] = set()
        self._heard: threading.Event | None = None

    def __enter__(self) -> ProgressListener:
        self._be_patient()
        return self

    def __exit__(self, *ending: Any) -> None:
        self._stop_waiting()
        self._display.close()

    def listen(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, Notice):
            if event in self._notices:
                return
            self._notices.add(event)
        else:
            self._stop_waiting()
        if isinstance(event, Preparing | VocabularyReady):
            self._display.close()
            self._be_patient()
        if type(event) in PROGRESS:
            self._display.show(event)
            if isinstance(event, LoadingProgress) and event.done == event.total:
                # Output vectors are loaded when they are asked for, and no run ends then.
                self._display.close()
        elif not isinstance(event, Preparing | GradientsRecorded):
            self._display.say(describe(event))

    def say(self, line: str) -> None:
        """Show a line."""
        self._display.say(line)

    def _be_patient(self) -> None:
        """Tell what a run waits for that says nothing for seconds."""
        self._heard = threading.Event()
        threading.Thread(target=self._wait, args=[self._heard], daemon=True).start()

    def _wait(self, heard: threading.Event) -> None:
        seconds = SECONDS_UNTIL_PATIENCE
        while not heard.wait(seconds):
            self._tell(self._awaited())
            seconds = SECONDS_BETWEEN_LOOKS

    def _awaited(self) -> str:
        return "compiling for this machine, once ..." if _compiling() else self._otherwise_awaited()

    def _otherwise_awaited(self) -> str:
        return "preparing ..."

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._display.say(line)

    def _stop_waiting(self) -> None:
        if self._heard is not None:
            self._heard.set()
            self._heard = None


def _compiling() -> bool:
    """Tell whether code is compiled; what does so is not imported for that."""
    compiler = sys.modules.get("hsw2v.jit")
    # It may be on the way in.
    ask = getattr(compiler, "compiling", None)
    return ask is not None and bool(ask())


def with_progress(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function that takes a `listener` show its progress where `progress=True` is given.

    Of one that returns an iterator, until that is over.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kwargs.get("progress"):
            return function(*args, **kwargs)
        with ProgressListener() as progress:
            other: Any = kwargs.get("listener") or ignore
            kwargs["listener"] = to_each(progress.listen, other)
            found = function(*args, **kwargs)
        return _until_over(found, progress) if isinstance(found, Iterator) else found

    return call


def _until_over(items: Any, progress: ProgressListener) -> Any:
    try:
        yield from items
    finally:
        progress.__exit__()
