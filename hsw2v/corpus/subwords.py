"""The character n-grams of words, in the buckets of fastText's hash.

Bojanowski, Grave, Joulin & Mikolov 2017, section 3.2: a word is written <word>, and its n-grams are
the runs of so many characters, borders included. A border alone is none. The hash is FNV-1a of 32
bits, into which fastText feeds bytes as signed numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary

_OFFSET, _PRIME = np.uint32(2166136261), np.uint32(16777619)
_WORDS_AT_ONCE = 1 << 14
_BEGIN, _END = ord("<"), ord(">")


class NGrams(NamedTuple):
    """The buckets of n-grams of some words, one word after the other."""

    offsets: NDArray[np.int64]
    """(n+1,) int64, where the n-grams of each word begin, and the end of the last."""
    buckets: NDArray[np.int32]
    """(Σ,) int32, in the order of their first characters, and then of length, as in fastText."""

    def of(self, word: int) -> NDArray[np.int32]:
        """Return those of one word, by its place."""
        return self.buckets[self.offsets[word] : self.offsets[word + 1]]

    def but_for(self, words: int) -> NGrams:
        """Return those of the same words, of which the first ones, so many, have none."""
        skipped = self.offsets[min(words, len(self.offsets) - 1)]
        return NGrams(np.maximum(self.offsets - skipped, 0), self.buckets[skipped:])


@dataclass(frozen=True)
class Subwords:
    """Which n-grams of a word have vectors: those of `shortest` to `longest` characters."""

    shortest: int
    longest: int
    buckets: int

    def __str__(self) -> str:
        """Return the lengths as a setting has them."""
        shortest, longest = self.shortest, self.longest
        return str(shortest) if shortest == longest else f"{shortest}-{longest}"

    def ngrams(self, words: Vocabulary) -> NGrams:
        """Return the n-grams of all words of a vocabulary."""
        parts = [
            self._some(words.blob, words.offsets[begin : begin + _WORDS_AT_ONCE + 1])
            for begin in range(0, len(words), _WORDS_AT_ONCE)
        ]
        counts = np.concatenate([np.zeros(1, np.int64), *(one for one, _ in parts)])
        found = [buckets for _, buckets in parts] or [np.empty(0, np.int32)]
        return NGrams(np.cumsum(counts), np.concatenate(found))

    def ngrams_of(self, words: Sequence[str]) -> NGrams:
        """Return the n-grams of some words."""
        return self.ngrams(Vocabulary.from_words(words, [0] * len(words)))

    def _some(
        self, blob: NDArray[np.uint8], offsets: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return how many n-grams each word of a blob has, and all buckets."""
        text, borders = _bordered(blob, offsets)
        starts = np.flatnonzero((text & 0xC0) != 0x80)
        # Characters of words, as places among the starts; one more start ends the last.
        word_of = np.searchsorted(borders, starts, side="right") - 1
        last = np.searchsorted(starts, borders[1:])
        starts = np.append(starts, len(text))
        characters = len(word_of)
        ends = last[word_of]
        longest = min(self.longest, int(np.diff(borders).max(initial=0)))
        lengths = np.arange(self.shortest, longest + 1)
        # (characters, lengths): the place after the last character of the n-gram that begins there.
        after = np.arange(characters)[:, None] + lengths
        valid = after <= ends[:, None]
        if self.shortest == 1:
            first = np.arange(characters) == np.append(0, last[:-1])[word_of]
            valid[:, 0] &= ~(first | (np.arange(characters) == ends - 1))
        hashes = _fnv1a(text, starts, ends, self.shortest, longest)[valid]
        counts = np.bincount(word_of, valid.sum(axis=1), len(offsets) - 1).astype(np.int64)
        return counts, (hashes % np.uint32(self.buckets)).astype(np.int32)


def _bordered(
    blob: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return words with a border on both sides, one after the other, and where each begins."""
    borders = offsets - offsets[0] + 2 * np.arange(len(offsets))
    text = np.empty(borders[-1], np.uint8)
    inside = np.ones(len(text), bool)
    for places, border in ((borders[:-1], _BEGIN), (borders[1:] - 1, _END)):
        text[places] = border
        inside[places] = False
    text[inside] = blob[offsets[0] : offsets[-1]]
    return text, borders


def _fnv1a(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    shortest: int,
    longest: int,
) -> NDArray[np.uint32]:
    """Return the hashes of n-grams by first character and length, (characters, lengths).

    Characters begin at `starts`, and `ends` are the ends of their words, as places among these. An
    n-gram has the hash of the one that is shorter by a character, and that character.
    """
    signed = text.view(np.int8).astype(np.int32).view(np.uint32)
    sizes = np.diff(starts)
    found = np.empty((len(ends), max(0, longest - shortest + 1)), np.uint32)
    hashes, inside = np.full(len(ends), _OFFSET), np.arange(len(ends))
    for length in range(1, longest + 1):
        inside = inside[inside + length <= ends[inside]]
        last = inside + length - 1
        # Of words that are not UTF-8, a character has any number of bytes.
        for place in range(int(sizes[last].max(initial=0))):
            some = sizes[last] > place
            more = inside[some]
            hashes[more] = (hashes[more] ^ signed[starts[last[some]] + place]) * _PRIME
        if length >= shortest:
            found[:, length - shortest] = hashes
    return found
