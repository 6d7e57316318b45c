"""What is told about a training, as a file for programs to read."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
from types import TracebackType
from typing import Any, BinaryIO, Literal

from hsw2v.errors import Hsw2vError, OutputError
from hsw2v.events import Event
from hsw2v.files import explain_write_error


class Log:
    """A file of JSON objects, one a line; it appears when there is something to tell.

    A context manager: what ends a training early is its last line.
    """

    def __init__(self, path: str, *, append: bool = False) -> None:
        """Write a file anew, or add to it."""
        self._path = path
        self._mode: Literal["ab", "wb"] = "ab" if append else "wb"
        self._stream: BinaryIO | None = None

    def write(self, kind: str, **fields: Any) -> None:
        """Add a line, with null for numbers that are not finite: JSON has none of these.

        A line is there whole or not at all.

        Raises:
            OutputError, DiskFullError: it cannot be written.
        """
        line = json.dumps(_finite({"type": kind, **fields}), allow_nan=False).encode() + b"\n"
        try:
            if self._stream is None:
                self._stream = open(self._path, self._mode, buffering=0)  # noqa: SIM115
            before = os.fstat(self._stream.fileno()).st_size
            try:
                while line:
                    line = line[self._stream.write(line) :]
            except OSError:
                self._stream.seek(before)
                self._stream.truncate()
                raise
        except OSError as error:
            raise explain_write_error(error, self._path) from error

    def listen(self, event: Event) -> None:
        """Add an event."""
        self.write(type(event).__name__, **dataclasses.asdict(event))

    @property
    def is_open(self) -> bool:
        """Tell whether there is a line yet."""
        return self._stream is not None

    def __enter__(self) -> Log:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        if self._stream is None:
            return
        # What ends the training is to be told, not that it cannot be logged.
        with contextlib.suppress(OutputError):
            if isinstance(error, Hsw2vError):
                self.write("Error", message=str(error), exit_code=error.exit_code)
            elif isinstance(error, KeyboardInterrupt):
                self.write("Interrupted")
        self.close()

    def close(self) -> None:
        """Close the file, as it is."""
        if self._stream is not None:
            self._stream.close()


def _finite(value: Any) -> Any:
    """Return dicts, lists and what is in them, with None for NaN and infinities."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
