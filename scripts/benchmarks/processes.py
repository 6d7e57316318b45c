"""Measuring whole commands, each a process of its own.

As a script it runs a command and prints what it took, as JSON: on Linux the peak memory of a
process counts that of the one it was born from, and this one is small.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
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
    """The most physical memory that the process held."""


def measure(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Measurement:
    """Run a command to its end, and measure it.

    Python may keep the byte code of what it imports, as that of an installed package is kept.

    Raises:
        SystemExit: it failed; the message ends in its last words.
    """
    given = {**os.environ, **(environment or {})}
    given.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as words:
        done = subprocess.run(
            [sys.executable, "-I", "-S", __file__, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            env=given,
            check=True,
        )
        code, *figures = json.loads(done.stdout)
        if code:
            words.seek(0)
            said = words.read().decode(errors="replace").splitlines()[-LINES_OF_AN_ERROR:]
            sys.exit("\n".join([f"failed ({code}): {' '.join(command)}", *said]))
    return Measurement(*figures)


def tell(line: str) -> None:
    """Say on standard error how far a benchmark is."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Run a command, and print its exit code and what it took."""
    begun = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begun
    # Popen must know that its process was waited for.
    process.returncode = os.waitstatus_to_exitcode(status)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps([process.returncode, seconds, usage.ru_utime + usage.ru_stime, peak]))


if __name__ == "__main__":
    main()
