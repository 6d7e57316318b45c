"""The softmax over all words: one choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.network.decisions import (
    Decisions,
    Indexes,
    Numbers,
    at_once,
    choose,
    joined,
    many_way,
)
from hsw2v.network.outputs.output import OutputLayer, Rows, visits_of_words
from hsw2v.query.probabilities import Floats, FullSoftmax


def decide_among_words(outputs: Floats, hidden: Floats, targets: Indexes) -> Decisions:
    """Return the one choice of each prediction; none where there is one word."""
    if len(outputs) == 1:
        return joined([], hidden)
    made = choose(hidden, outputs, targets)
    every = np.arange(len(targets))
    return joined([many_way(hidden, every, 0, made, outputs[targets])], hidden)


def words_at_once(words: int) -> int:
    """Return how many predictions are best looked at together.

    All rows are read each time, from memory: that is to be worth it.
    """
    return 16 * at_once(words)


@dataclass(frozen=True, eq=False)
class SoftmaxOutput(OutputLayer):
    """A row for each of V words."""

    words: int

    name = "softmax"
    settings = ()

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of so many words."""
        return cls(len(counts))

    @property
    def rows(self) -> int:
        """The number of words V."""
        return self.words

    def softmax(self, outputs: Floats) -> FullSoftmax:
        """Return the softmax over all words."""
        return FullSoftmax(outputs)

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return words_at_once(self.words)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the one choice of each prediction."""
        return decide_among_words(outputs, hidden, targets)

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows: every window visits them all."""
        return visits_of_words(kept, np.ones(len(kept)))
