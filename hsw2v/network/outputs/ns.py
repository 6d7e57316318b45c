"""Negative sampling: yes for the target, no for each of the words drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import drawing_weights
from hsw2v.network.decisions import Decisions, Indexes, Numbers, at_once, two_way
from hsw2v.network.outputs.output import OutputLayer, Rows, touched, visits_of_words
from hsw2v.query.probabilities import Floats, FullSoftmax


@dataclass(frozen=True, eq=False)
class NegativeOutput(OutputLayer):
    """A row for each of V words (Mikolov et al. 2013)."""

    weights: Numbers
    """(V,), what the probability of drawing a word is proportional to."""
    negative: int
    """Words drawn for a window."""

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
    def rows(self) -> int:
        """The number of words V."""
        return len(self.weights)

    @property
    def group(self) -> int:
        """The target and the words drawn."""
        return 1 + self.negative

    def softmax(self, outputs: Floats) -> FullSoftmax:
        """Return the softmax of its scores over all words."""
        return FullSoftmax(outputs)

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

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows of words: visited as targets, and when they are drawn."""
        return visits_of_words(kept, touched(self.weights / self.weights.sum(), self.negative))

    def _draw(self, predictions: int, rng: np.random.Generator) -> Indexes:
        borders = np.cumsum(self.weights / self.weights.sum())
        uniform = rng.random((predictions, self.negative)) * borders[-1]
        drawn: Indexes = np.searchsorted(borders[:-1], uniform, side="right")
        return drawn
