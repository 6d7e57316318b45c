"""Output layers that train before the one that `loss` names."""

from __future__ import annotations

import math
from typing import NamedTuple

from hsw2v.errors import UsageError


class Phase(NamedTuple):
    """An output layer, and when it takes over."""

    loss: str
    begins: float
    """In epochs from the start of training."""


def phases_of(pretrain: str, loss: str, choices: tuple[str, ...]) -> tuple[Phase, ...]:
    """Return the phases of a training: those of `pretrain`, as "hs:1,ns:0.5", then that of `loss`.

    Raises:
        UsageError: it is not written so, or names an output layer that is none of the choices.
    """
    found, begins = [], 0.0
    for part in pretrain.split(",") if pretrain else ():
        name, _, epochs = part.strip().partition(":")
        if name not in choices or not _is_positive(epochs):
            raise UsageError(
                f"pretrain is {pretrain[:100]!r}",
                hint="it must be output layers with their epochs, as 'hs:1' or 'ns:0.5,hs:2'; they "
                f"may be {', '.join(choices)}",
            )
        found.append(Phase(name, begins))
        begins += float(epochs)
    return (*found, Phase(loss, begins))


def _is_positive(text: str) -> bool:
    try:
        return 0.0 < float(text) < math.inf
    except ValueError:
        return False
