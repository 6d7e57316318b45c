"""How far the loading of a file is, for whoever waits for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from typing import Any, BinaryIO

from hsw2v import files
from hsw2v.corpus.stored import position
from hsw2v.events import Listener, LoadingProgress, Pace, ignore
from hsw2v.files import stored_size

BYTES_AT_ONCE = 1 << 22
_SECONDS_UNTIL = 1.0
"""What is loaded sooner needs no progress."""


class LoadingReport:
    """Tells a listener now and then, once loading takes longer than a second; a context."""

    def __init__(self, listener: Listener = ignore) -> None:
        self._listener, self._pace = listener, Pace()
        self._last: LoadingProgress | None = None

    def __enter__(self) -> LoadingReport:
        return self

    def __exit__(self, *ending: Any) -> None:
        self._end()

    def tell(self, stage: str, done: int, total: int | None) -> None:
        """Tell how far a stage is, unless something was told just now."""
        seconds = self._pace.seconds
        if seconds >= _SECONDS_UNTIL and self._pace.due():
            self._last = LoadingProgress(stage, done, total, seconds)
            self._listener(self._last)

    def pieces(self, source: str) -> Generator[bytes, None, None]:
        """Return all bytes of a source as `hsw2v.files.pieces` does, and tell of them.

        Raises:
            MissingInputError, CorruptInputError: as that does.
        """
        total = stored_size(source)

        def tick(stored: BinaryIO, passed: int) -> None:
            self.tell("reading", position(stored, passed), total)

        return files.pieces(source, BYTES_AT_ONCE, tick)

    def _end(self) -> None:
        """Tell that it is over, however, if anything was told."""
        last = self._last
        if last is not None and last.done != last.total:
            total = last.done if last.total is None else last.total
            self._listener(dataclasses.replace(last, done=total, total=total))
