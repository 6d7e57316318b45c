"""Sampled softmax: the choice of the word among it and words drawn, corrected for their draws."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import drawing_weights
from hsw2v.network.decisions import Numbers
from hsw2v.network.outputs.words import DrawnOutput


class SampledOutput(DrawnOutput):
    """A row for each of V words (Bengio & Senécal 2008; Jean et al. 2015).

    What it estimates, and what is asked of it, is the choice among all words.
    """

    name = "sampled"
    settings = ("samples", "ns_exponent")
    refusal = (
        "the model was trained with sampled softmax: its probabilities are those over all "
        "words, which training estimates and a question has to sum up",
        "do so with --normalize-exactly (in Python normalize_exactly=True), or train with "
        "--loss hs or class, which need not",
    )

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds among the target and the words drawn, in nats."""
        return math.log(1 + self.draws)

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of words that occur so often."""
        return cls(drawing_weights(counts, training.ns_exponent), training.samples)
