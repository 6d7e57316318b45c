"""Small models of every output layer, of numbers drawn by rng."""

from __future__ import annotations

from typing import Any

import numpy as np
from some_trees import shuffled_tree

import hsw2v
from hsw2v.config import LOSSES, TREE_LOSSES, Config
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import forest_of

EVERY_LOSS = LOSSES
ASKED_EXACTLY = ("ns", "sampled")
"""The output layers that have no probabilities unless they are normalised exactly."""


def some_model(
    loss: str,
    words: list[str],
    *,
    batch_norm: bool = False,
    dim: int = 6,
    trees: int = 1,
    **settings: Any,
) -> hsw2v.Model:
    """Return a model that training could have made, but for its numbers."""
    rng = np.random.default_rng(3)
    count = len(words)
    tree = None
    if loss in TREE_LOSSES:
        tree = forest_of([shuffled_tree(count, 1 + number) for number in range(trees)])
    classes = None
    if loss == "class":
        of = np.arange(count) % max(1, round(count**0.5))
        classes = Classes(rng.permutation(of).astype(np.int32), int(of.max()) + 1)
    nodes = trees * (count - 1)
    rows = {"hs": nodes, "hs+ns": nodes + count}.get(loss, count)
    rows += classes.count if classes else 0
    norm = None
    if batch_norm:
        norm = np.concatenate((rng.normal(size=(3, dim)), rng.uniform(0.1, 2, (1, dim))))
    return hsw2v.Model(
        Vocabulary.from_words(words, range(count, 0, -1)),
        rng.normal(size=(count, dim)),
        rng.normal(size=(rows, dim)),
        tree,
        Config().replace(loss=loss, batch_norm=batch_norm, **settings).to_dict(),
        classes=classes,
        batch_norm=norm,
    )
