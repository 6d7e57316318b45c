"""The softmax over all words: one choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.network.decisions import Numbers
from hsw2v.network.outputs.output import Rows
from hsw2v.network.outputs.words import WordOutput, visits_of_words


@dataclass(frozen=True, eq=False)
class SoftmaxOutput(WordOutput):
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

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows: every window visits them all."""
        return visits_of_words(kept, np.ones(len(kept)))
