"""Sampled softmax: the choice of the word among it and words drawn, corrected for their draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import drawing_weights
from hsw2v.network.decisions import Decisions, Indexes, Numbers
from hsw2v.network.outputs.output import OutputLayer, Rows, touched, visits_of_words
from hsw2v.network.outputs.softmax import decide_among_words, words_at_once
from hsw2v.query.probabilities import Floats, FullSoftmax


@dataclass(frozen=True, eq=False)
class SampledOutput(OutputLayer):
    """A row for each of V words (Bengio & Senécal 2008; Jean et al. 2015)."""

    weights: Numbers
    """(V,), what the probability of drawing a word is proportional to."""
    samples: int

    name = "sampled"
    settings = ("samples", "ns_exponent")
    refusal = (
        "the model was trained with sampled softmax: its probabilities are those over all "
        "words, which training estimates and a question has to sum up",
        "do so with --normalize-exactly (in Python normalize_exactly=True), or train with "
        "--loss hs or class, which need not",
    )

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of words that occur so often."""
        return cls(drawing_weights(counts, training.ns_exponent), training.samples)

    @property
    def rows(self) -> int:
        """The number of words V."""
        return len(self.weights)

    @property
    def group(self) -> int:
        """The target and the words drawn."""
        return 1 + self.samples

    def softmax(self, outputs: Floats) -> FullSoftmax:
        """Return the softmax over all words, which training estimates."""
        return FullSoftmax(outputs)

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return words_at_once(self.rows)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return the choice among all words, which training estimates."""
        return decide_among_words(outputs, hidden, targets)

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows of words: visited as targets, and when they are drawn."""
        return visits_of_words(kept, touched(self.weights / self.weights.sum(), self.samples))
