"""Negative sampling: yes for the target, no for each of the words drawn."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import drawing_weights
from hsw2v.network.decisions import Decisions, Indexes, Numbers, at_once, two_way
from hsw2v.network.outputs.words import DrawnOutput
from hsw2v.query.probabilities import Floats


class NegativeOutput(DrawnOutput):
    """A row for each of V words (Mikolov et al. 2013)."""

    name = "ns"
    settings = ("negative", "ns_exponent")
    refusal = (
        "the model was trained with negative sampling: its scores are not normalised, and thus "
        "no probabilities",
        "train with --loss hs, or normalise them over all words with --normalize-exactly "
        "(in Python normalize_exactly=True)",
    )

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of words that occur so often."""
        return cls(drawing_weights(counts, training.ns_exponent), training.negative)

    @property
    def sampled_rows(self) -> slice:
        """All of them."""
        return slice(0, self.rows)

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds for the target and each word drawn, in nats."""
        return (1 + self.draws) * math.log(2.0)

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return at_once(self.group * dim)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the decisions about the target and about the words drawn, each once."""
        rows = np.column_stack((targets, self._draw(len(targets), rng)))
        new = np.ones(rows.shape, np.bool_)
        for column in range(1, rows.shape[1]):
            new[:, column] = (rows[:, :column] != rows[:, column, None]).all(axis=1)
        labels = np.zeros(rows.shape, np.int64)
        labels[:, 0] = 1
        depths = np.zeros(int(new.sum()), np.int64)
        return two_way(hidden, outputs, new.sum(axis=1), rows[new], labels[new], depths)

    def _draw(self, predictions: int, rng: np.random.Generator) -> Indexes:
        borders = np.cumsum(self.noise)
        uniform = rng.random((predictions, self.draws)) * borders[-1]
        drawn: Indexes = np.searchsorted(borders[:-1], uniform, side="right")
        return drawn
