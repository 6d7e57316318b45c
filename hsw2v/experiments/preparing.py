"""Compiling all that an experiment needs, so that no run is measured while it compiles."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from hsw2v.config import TREES, Config
from hsw2v.errors import Hsw2vError
from hsw2v.training.api import train

_TYPES = 64
# Enough for two blocks, between which a tree can be built.
_TEXT = [[str((row * step) % _TYPES) for step in range(1, 17)] for row in range(1_200)]
_HELDOUT = _TEXT[1:3]


def prepare(ways: Iterable[tuple[Config, bool]], *, normalize_exactly: bool) -> None:
    """Train on a tiny text with each of these settings, and with a held-out loss or without.

    A run compiles more than the kernel of its settings: held-out losses, and other output layers
    before and after a tree is built, have kernels of their own.
    """
    for config, heldout in dict.fromkeys((_tiny(config), heldout) for config, heldout in ways):
        # What is wrong with the settings is found again by the run itself.
        with contextlib.suppress(Hsw2vError):
            train(
                _TEXT,
                config=config,
                heldout=_HELDOUT if heldout else None,
                normalize_exactly=normalize_exactly,
            )


def _tiny(config: Config) -> Config:
    """Return settings that compile the same code in as little time as can be."""
    tree = config.training.tree if config.training.tree in TREES else "huffman"
    return config.replace(
        tokens="space",
        min_count=1,
        max_vocab=0,
        max_types=0,
        sample=0.0,
        tree=tree,
        epochs=2,
        rebuild_at=None,
        rebuild_every=0,
        dim=16,
        num_classes=None,
        seed=1,
        lr=None,
    )
