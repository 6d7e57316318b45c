"""What is trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.stream import EncodedCorpus


@dataclass(frozen=True)
class TrainingCorpus:
    """An encoded corpus, and its words."""

    encoded: EncodedCorpus
    remap: NDArray[np.int32]
    """(T+1,) int32, from provisional ids to words."""

    @property
    def longest_block(self) -> int:
        """The most ids a block has."""
        return int(np.diff(self.encoded.blocks).max())
