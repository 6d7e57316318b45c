"""Signals that end the program, held back while something is not whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


@contextlib.contextmanager
def signals_held(told: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let signals that end the program wait for the end of the context; a second one does not.

    `told()` is called at the first. Only the main thread gets signals: elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before: dict[int, Any] = {}

    def hold(number: int, frame: object) -> None:
        held.append(number)
        if len(held) > 1:
            restore()
            signal.raise_signal(number)
        told()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, hold)
        yield
    finally:
        restore()
    if held:
        signal.raise_signal(held[0])
