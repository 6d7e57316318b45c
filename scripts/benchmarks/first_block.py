#!/usr/bin/env python3
"""Run hsw2v until its first block is trained, and write to a file when that was.

    first_block.py MOMENT train CORPUS ...     (the arguments of hsw2v)

MOMENT gets the reading of the system's monotonic clock, in seconds.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Put a stopwatch around the function that trains a block, and run the command."""
    moment, *arguments = sys.argv[1:]
    from hsw2v.cli import main as run
    from hsw2v.training import engines

    train_block = vars(engines)["train_block"]
    first = threading.Lock()

    def timed(*block: Any) -> None:
        train_block(*block)
        now = time.monotonic()
        # Never let go: the other threads wait for the end.
        first.acquire()
        Path(moment).write_text(repr(now), encoding="utf-8")
        os._exit(0)

    vars(engines)["train_block"] = timed
    sys.argv = ["hsw2v", *arguments]
    run()


if __name__ == "__main__":
    main()
