"""Where training stops between two blocks, and what is done there: one schedule for all of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class Act(IntEnum):
    """What is done at a stop; at the same place in this order."""

    SWITCH = 0
    """Another output layer takes over."""
    RECORD = 1
    """Errors and gradients are recorded."""
    MEASURE = 2
    """The epoch is over: the held-out loss is measured."""


class Stop(NamedTuple):
    """A place between two blocks of an epoch."""

    block: int
    """So many blocks of the epoch are done."""
    act: Act


def stops_of(blocks: int, switches: Iterable[int], recordings: Iterable[int]) -> list[Stop]:
    """Return the stops of an epoch of so many blocks, in order; its end is the last."""
    return sorted(
        [
            *(Stop(block, Act.SWITCH) for block in switches),
            *(Stop(block, Act.RECORD) for block in recordings),
            Stop(blocks, Act.MEASURE),
        ]
    )
