"""Measuring whole commands, each a process of its own."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

LINES_OF_AN_ERROR = 5


@dataclass(frozen=True)
class Measurement:
    """What a command took."""

    seconds: float
    """Wall-clock time, from the start of the process to its end."""
    processor: float
    """Processor time in seconds, of all threads and of the system for them."""
    peak_bytes: int
    """The most physical memory that the process held at once."""


@dataclass(frozen=True)
class Spread:
    """A figure that was measured several times."""

    median: float
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Summarise values; there must be one at least."""
        every = list(values)
        return cls(statistics.median(every), statistics.fmean(every), min(every), max(every))

    def shown(self, digits: int, value: Callable[[Spread], float] | None = None) -> str:
        """Return the median (or what `value` takes) with the range in brackets."""
        middle = value(self) if value else self.median
        return f"{middle:.{digits}f} ({self.low:.{digits}f}–{self.high:.{digits}f})"


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measurement:
    """Run a command to its end, and measure it.

    Raises:
        SystemExit: it failed; the message ends in its last words.
    """
    with tempfile.TemporaryFile() as words:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env={**os.environ, **(environment or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        # Popen must know that its process was waited for.
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            words.seek(0)
            said = words.read().decode(errors="replace").splitlines()[-LINES_OF_AN_ERROR:]
            sys.exit("\n".join([f"failed ({process.returncode}): {' '.join(command)}", *said]))
    processor = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Measurement(seconds, processor, peak)


def tell(line: str) -> None:
    """Say on standard error how far a benchmark is."""
    print(line, file=sys.stderr, flush=True)
