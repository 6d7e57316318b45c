"""The rows that a word's input vector is the mean of: its own, and those of its n-grams.

Bojanowski, Grave, Joulin & Mikolov 2017, "Enriching word vectors with subword information": words
share what they learn by the n-grams that they share. N-grams in the same bucket of the hash share a
row, and only buckets that the vocabulary has have one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary

_WORDS_AT_ONCE = 1 << 12


def subwords_of(training: TrainingConfig) -> Subwords | None:
    """Return which n-grams of a word have vectors by the settings; None without any."""
    lengths = training.ngram_lengths
    return None if lengths is None else Subwords(*lengths, training.buckets)


@dataclass(frozen=True, eq=False)
class InputRows:
    """Which rows of the table of n-grams (B, P) each of V words has."""

    offsets: NDArray[np.int64]
    """(V+1,) int64, where the rows of each word begin, and the end of the last."""
    ngrams: NDArray[np.int32]
    """(Σ,) int32, rows; one that is twice in a word counts twice."""
    buckets: NDArray[np.int32]
    """(B,) int32, ascending: the bucket of each row."""
    frozen: NDArray[np.uint8]
    """(V,) uint8, 1 for words whose rows training leaves as they are."""

    @classmethod
    def of(cls, training: TrainingConfig, vocabulary: Vocabulary) -> InputRows | None:
        """Return those of a vocabulary, in order of frequency; None if the settings want none."""
        subwords = subwords_of(training)
        if subwords is None:
            return None
        offsets, buckets = subwords.ngrams(vocabulary).but_for(training.whole_words)
        row_of = np.zeros(int(buckets.max(initial=-1)) + 1, np.int32)
        row_of[buckets] = 1
        used = np.flatnonzero(row_of).astype(np.int32)
        row_of[used] = np.arange(len(used), dtype=np.int32)
        return cls(offsets, row_of[buckets], used, np.zeros(len(vocabulary), np.uint8))

    @classmethod
    def own(cls, frozen: NDArray[np.bool_]) -> InputRows:
        """Return those of V words with a row of their own alone, some of which are frozen (V,)."""
        none = np.empty(0, np.int32)
        return cls(np.zeros(len(frozen) + 1, np.int64), none, none, frozen.astype(np.uint8))

    @property
    def most(self) -> int:
        """The most n-grams of a word."""
        return int(np.diff(self.offsets).max(initial=0))

    def compose(
        self,
        own: NDArray[np.float32],
        ngrams: NDArray[np.float32],
        out: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Write the vectors of all words (V, P) to `out`, which may be `own`, and return it.

        `own (V, P)` and `ngrams (B, P)` are the rows that they are the means of.
        """
        for words, counts, sums in self._sums(ngrams):
            out[words] = (own[words] + sums) / (counts + np.float32(1.0))[:, None]
        return out

    def decompose(
        self,
        vectors: NDArray[np.float32],
        ngrams: NDArray[np.float32],
        known: NDArray[np.bool_],
    ) -> None:
        """Put the rows of their own in place of vectors (V, P) of words that are `known` (V,)."""
        for words, counts, sums in self._sums(ngrams):
            own = vectors[words] * (counts + np.float32(1.0))[:, None] - sums
            vectors[words][known[words]] = own[known[words]]

    def _sums(
        self, ngrams: NDArray[np.float32]
    ) -> Iterator[tuple[slice, NDArray[np.float32], NDArray[np.float32]]]:
        """Yield some words after others, how many n-grams each has, and the sum of their rows."""
        counts = np.diff(self.offsets)
        for begin in range(0, len(counts), _WORDS_AT_ONCE):
            words = slice(begin, begin + _WORDS_AT_ONCE)
            some, starts = counts[words], self.offsets[:-1][words]
            sums = np.zeros((len(some), ngrams.shape[1]), np.float32)
            for place in range(int(some.max(initial=0))):
                longer = np.flatnonzero(some > place)
                sums[longer] += ngrams[self.ngrams[starts[longer] + place]]
            yield words, some.astype(np.float32), sums
