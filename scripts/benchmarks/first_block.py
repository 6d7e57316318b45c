#!/usr/bin/env python3
"""Run hsw2v until its first block is trained.

first_block.py train CORPUS ...     (the arguments of hsw2v)
"""

from __future__ import annotations

import os
import sys
from typing import Any

READY = 3
"""Ids of the block that makes the kernel ready (`training/warmup.py`): it is none of the corpus."""


def main() -> None:
    """Put an end behind the function that trains a block, and run the command."""
    from hsw2v.cli import main as run
    from hsw2v.kernels.arguments import HIERARCHICAL
    from hsw2v.training.engines import PLAIN_KERNELS

    train_block = PLAIN_KERNELS[HIERARCHICAL]

    def only_one(ids: Any, *others: Any) -> Any:
        found = train_block(ids, *others)
        if len(ids) <= READY:
            return found
        # Nothing is cleaned up: what is measured is the time to here.
        os._exit(0)

    PLAIN_KERNELS[HIERARCHICAL] = only_one
    sys.argv[0] = "hsw2v"
    run()


if __name__ == "__main__":
    main()
