"""What output layers share that have a row for each word, and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
from hsw2v.network.outputs.output import Extended, OutputLayer, Rows
from hsw2v.query.probabilities import Floats, FullSoftmax


class WordOutput(OutputLayer):
    """A row for each of V words, whose scores make one choice among them all."""

    @classmethod
    def rows_for(cls, training: TrainingConfig, words: int) -> int:
        """Return the number of words."""
        return words

    def softmax(self, outputs: Floats) -> FullSoftmax:
        """Return the softmax over all words."""
        return FullSoftmax(outputs)

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds among all words, in nats."""
        return math.log(self.rows)

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about.

        All rows are read each time, from memory: that is to be worth it.
        """
        return 16 * at_once(self.rows)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the one choice of each prediction; none where there is one word."""
        if len(outputs) == 1:
            return joined([], hidden)
        made = choose(hidden, outputs, targets)
        every = np.arange(len(targets))
        return joined([many_way(hidden, every, 0, made, outputs[targets])], hidden)

    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return the rows of words, as they were."""
        return Extended(None, before)


@dataclass(frozen=True, eq=False)
class DrawnOutput(WordOutput):
    """One that is trained on the target and on words drawn at random."""

    weights: Numbers
    """(V,), what the probability of drawing a word is proportional to."""
    draws: int
    """Words drawn at a time."""

    @property
    def rows(self) -> int:
        """The number of words V."""
        return len(self.weights)

    @property
    def group(self) -> int:
        """The target and the words drawn."""
        return 1 + self.draws

    @property
    def noise(self) -> Numbers:
        """The probability of each word to be drawn, (V,)."""
        found: Numbers = self.weights / self.weights.sum()
        return found

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows of words: visited as targets, and when they are drawn."""
        missed = self.draws * np.log1p(-np.minimum(self.noise, 1.0 - 1e-16))
        return visits_of_words(kept, -np.expm1(missed))


def visits_of_words(kept: Numbers, touched: Numbers) -> Rows:
    """Return a row for each word: visited as a target, or touched by a window of another one.

    `touched (V,)` is the probability of that.
    """
    return Rows(np.zeros(len(kept), np.int64), kept + (kept.sum() - kept) * touched)
