"""The rows of n-grams, and the vectors that words have with them.

Bojanowski, Grave, Joulin & Mikolov 2017: the vector of a word is the mean of its own row and those
of its n-grams (fastText's mean; the paper has the sum). A word that has no row of its own has the
mean of those of its n-grams, of which one without a row counts as zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import on_threads
from hsw2v.corpus.subwords import NGrams, Subwords
from hsw2v.corpus.vocabulary import Vocabulary

Floats = NDArray[np.float32]
Indexes = NDArray[np.int64]

_WORDS_AT_ONCE = 1 << 7


class SubwordVectors:
    """The vectors of the n-grams that have one, by their buckets."""

    def __init__(
        self,
        settings: Subwords,
        buckets: NDArray[np.int32] | Callable[[], NDArray[np.int32]],
        vectors: Floats | Callable[[], Floats],
        *,
        whole_words: int = 0,
    ) -> None:
        """Hold `vectors (B', D) float32` of `buckets (B',) int32`, which rise.

        The `whole_words` most frequent words of the vocabulary have no n-grams. Arrays may be given
        as functions, which are called when they are first used.
        """
        self.settings, self.whole_words = settings, whole_words
        self._buckets, self._vectors = buckets, vectors

    def __getstate__(self) -> dict[str, Any]:
        own = {"settings": self.settings, "whole_words": self.whole_words}
        return own | {"_buckets": self.buckets, "_vectors": self.vectors}

    @cached_property
    def buckets(self) -> NDArray[np.int32]:
        """The buckets that have a row, (B',) int32, rising."""
        return self._buckets() if callable(self._buckets) else self._buckets

    @cached_property
    def vectors(self) -> Floats:
        """The rows, (B', D) float32."""
        return self._vectors() if callable(self._vectors) else self._vectors

    def __len__(self) -> int:
        """Return the number of rows B'."""
        return len(self.buckets)

    def ngrams(self, words: Vocabulary) -> NGrams:
        """Return the n-grams of the words of the vocabulary: none of those that go without."""
        return self.settings.ngrams(words).but_for(self.whole_words)

    def rows(self, buckets: NDArray[np.int32]) -> Indexes:
        """Return the row of each bucket (n,), -1 for one that has none."""
        if len(self) == self.settings.buckets:
            return buckets.astype(np.int64)
        places = np.searchsorted(self.buckets, buckets)
        places[places == len(self)] = 0
        found = self.buckets[places] == buckets if len(self) else np.zeros(len(buckets), bool)
        return np.where(found, places, -1)

    def sums(self, ngrams: NGrams) -> tuple[NDArray[np.float64], Indexes]:
        """Return the sum of the rows of each word's n-grams, (n, D), and how many rows, (n,)."""
        rows = self.rows(ngrams.buckets)
        word_of = np.repeat(np.arange(len(ngrams.offsets) - 1), np.diff(ngrams.offsets))
        counts = np.bincount(word_of[rows >= 0], minlength=len(ngrams.offsets) - 1)
        rows, starts = rows[rows >= 0], np.cumsum(counts) - counts
        totals = np.zeros((len(counts), self.vectors.shape[1]))
        if len(some := np.flatnonzero(counts)):
            numbers = self.vectors[rows]
            totals[some] = np.add.reduceat(numbers, starts[some], axis=0, dtype=np.float64)
        return totals, counts

    def compose(self, words: Sequence[str]) -> tuple[Floats, Indexes]:
        """Return vectors of words without rows of their own, (n, D) float32.

        And how many of their n-grams have a row, (n,) int64; where there is none, the vector is 0.
        """
        # A lone surrogate, of a name that is not UTF-8, is in no n-gram.
        usual = [word.encode(errors="ignore").decode() for word in words]
        ngrams = self.settings.ngrams_of(usual)
        totals, counts = self.sums(ngrams)
        lengths = np.maximum(np.diff(ngrams.offsets), 1)
        return (totals / lengths[:, None]).astype(np.float32), counts


def composed(own: Floats, ngrams: NGrams, rows: SubwordVectors) -> Floats:
    """Return the vectors (V, D) of words that have `own (V, D)` rows and these n-grams."""

    def mean(part: Floats, totals: NDArray[np.float64], lengths: Indexes) -> NDArray[np.float64]:
        return (part + totals) / lengths[:, None]

    return _in_parts(own, ngrams, rows, mean)


def own_rows(vectors: Floats, ngrams: NGrams, rows: SubwordVectors) -> Floats:
    """Return the rows of their own (V, D) of words whose vectors are `vectors (V, D)`.

    What `composed` makes of them is those vectors again.
    """

    def rest(part: Floats, totals: NDArray[np.float64], lengths: Indexes) -> NDArray[np.float64]:
        found: NDArray[np.float64] = part * lengths[:, None].astype(np.float64) - totals
        return found

    return _in_parts(vectors, ngrams, rows, rest)


def _in_parts(
    table: Floats,
    ngrams: NGrams,
    rows: SubwordVectors,
    change: Callable[[Floats, NDArray[np.float64], Indexes], NDArray[np.float64]],
) -> Floats:
    """Return a table with its rows changed, given the sums of n-grams, and how many rows in all."""
    found = np.empty(table.shape, np.float32)

    def work(part: slice) -> None:
        offsets = ngrams.offsets[part.start : part.stop + 1]
        buckets = ngrams.buckets[offsets[0] : offsets[-1]]
        totals, _ = rows.sums(NGrams(offsets - offsets[0], buckets))
        with np.errstate(over="ignore"):
            found[part] = change(table[part], totals, 1 + np.diff(offsets))

    starts = range(0, len(table), _WORDS_AT_ONCE)
    on_threads(work, [slice(one, min(one + _WORDS_AT_ONCE, len(table))) for one in starts])
    return found
