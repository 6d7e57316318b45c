"""Making ready what training needs, so that no run is measured while code is compiled for it."""

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


def prepare(configs: Iterable[Config], *, heldout: bool, normalize_exactly: bool) -> None:
    """Train with each of these settings on next to nothing."""
    for config in dict.fromkeys(_tiny(one) for one in configs):
        # What is wrong with it is found again, and told, by the run itself.
        with contextlib.suppress(Hsw2vError):
            train(
                _TEXT,
                config=config,
                heldout=_HELDOUT if heldout else None,
                normalize_exactly=normalize_exactly,
            )


def _tiny(config: Config) -> Config:
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
