"""The vocabulary: words and their counts, chosen from the types of a corpus."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import VocabularyConfig
from hsw2v.corpus.hashing import word_hashes
from hsw2v.corpus.lists import NO_LISTS, WordList, WordLists
from hsw2v.errors import EmptyCorpusError

END_OF_SENTENCE = -1
"""The value of a remap for an end of a sentence."""
UNKNOWN = -2
"""The value of a remap for a type that is not in the vocabulary."""
_WORDS_AT_ONCE = 1 << 15
_WORDS_A_LOOKUP = 32
"""Words that are put into a dict in the time of one search by hash."""


@dataclass(frozen=True, eq=False, repr=False)
class Vocabulary:
    """V words with their counts, as arrays; strings are made on first use."""

    blob: NDArray[np.uint8]
    """(bytes,) uint8, the words in UTF-8, one after the other."""
    offsets: NDArray[np.int64]
    """(V+1,) int64, where each word begins in the blob, and the end of the last."""
    counts: NDArray[np.int64]
    """(V,) int64."""

    @classmethod
    def from_words(cls, words: Sequence[str], counts: Iterable[int]) -> Vocabulary:
        """Make a vocabulary of words and their counts, in the given order."""
        return cls.from_encoded([word.encode() for word in words], counts)

    @classmethod
    def from_encoded(cls, words: Sequence[bytes], counts: Iterable[int]) -> Vocabulary:
        """Make a vocabulary of words in UTF-8 and their counts, in the given order."""
        return cls(*_joined(words), np.fromiter(counts, np.int64, len(words)))

    def __len__(self) -> int:
        """Return the number of words V."""
        return len(self.offsets) - 1

    def __getstate__(self) -> dict[str, Any]:
        return {"blob": self.blob, "offsets": self.offsets, "counts": self.counts}

    def __repr__(self) -> str:
        return f"<hsw2v.Vocabulary: {len(self):,} words>"

    @cached_property
    def words(self) -> list[str]:
        """The words, in order of their ids."""
        text = self.blob.tobytes()
        borders = self.offsets.tolist()
        if text.isascii():
            whole = text.decode("ascii")
            return [whole[a:b] for a, b in itertools.pairwise(borders)]
        return [text[a:b].decode() for a, b in itertools.pairwise(borders)]

    @cached_property
    def index(self) -> dict[str, int]:
        """The id of every word."""
        return dict(zip(self.words, range(len(self)), strict=True))

    def __contains__(self, word: object) -> bool:
        """Tell whether a string is a word."""
        return isinstance(word, str) and bool(self.find([word])[0] >= 0)

    def find(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Return the id of each word, (n,) int64; -1 for one that is not in the vocabulary.

        A few words are searched for by their hashes: making the strings of millions of words, and
        a dict of them, takes seconds. It is made once so many were asked for that it would pay.
        """
        asked = self.__dict__["_asked"] = self.__dict__.get("_asked", 0) + len(words)
        if "index" in self.__dict__ or asked > len(self) // _WORDS_A_LOOKUP:
            index = self.index
            return np.array([index.get(word, -1) for word in words], np.int64)
        # A lone surrogate, of a name that is not UTF-8, is in no word.
        encoded = [word.encode(errors="surrogatepass") for word in words]
        hashes, ids = self._hashed
        wanted = word_hashes(*_joined(encoded))
        first, last = np.searchsorted(hashes, wanted), np.searchsorted(hashes, wanted, "right")
        found = np.full(len(words), -1)
        for place, word in enumerate(encoded):
            for candidate in ids[first[place] : last[place]]:
                if self._encoded(candidate) == word:
                    found[place] = candidate
        return found

    def spelled(self, ids: Iterable[int]) -> list[str]:
        """Return the words with these ids; strings of no others are made."""
        if "words" in self.__dict__:
            return [self.words[word] for word in ids]
        return [self._encoded(word).decode() for word in ids]

    def first(self, count: int) -> Vocabulary:
        """Return the first words, so many, as views."""
        offsets = self.offsets[: count + 1]
        return Vocabulary(self.blob[: offsets[-1]], offsets, self.counts[:count])

    def repeated(self) -> str | None:
        """Return a word that is there twice, if there is one; no strings are kept."""
        hashes, ids = self._hashed
        equal = np.nonzero(hashes[1:] == hashes[:-1])[0]
        if not len(equal):
            return None
        # Words that are not equal may have equal hashes.
        alike = ids[np.union1d(equal, equal + 1)]
        word, times = Counter(map(self._encoded, alike)).most_common(1)[0]
        return word.decode() if times > 1 else None

    @cached_property
    def _hashed(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """The hashes of all words, (V,) uint64 in rising order, and the ids that they belong to."""
        hashes = word_hashes(self.blob, self.offsets)
        order = np.argsort(hashes)
        return hashes[order], order.astype(np.int32)

    def _encoded(self, word: int) -> bytes:
        return self.blob[self.offsets[word] : self.offsets[word + 1]].tobytes()


def _joined(words: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.zeros(len(words) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, words), np.int64, len(words)), out=offsets[1:])
    return np.frombuffer(b"".join(words), np.uint8), offsets


def choose(
    types: Vocabulary,
    config: VocabularyConfig,
    lists: WordLists = NO_LISTS,
    source: str = "",
    dropped_types: int = 0,
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Choose the words of a corpus from its T types, and as lists of words say.

    Words are ordered by falling count, ties by first appearance. The remap `(T+1,) int32` turns
    a provisional id (0 for an end of sentence, k for the k-th type) into a word's id,
    `END_OF_SENTENCE` or `UNKNOWN`. The source and its number of dropped types are for the error.

    Raises:
        EmptyCorpusError: no type occurs often enough, or none is in the list of all words.
    """
    remap = np.full(len(types) + 1, UNKNOWN, np.int32)
    remap[0] = END_OF_SENTENCE
    if lists.vocab is not None:
        words, places = _given(types, lists.vocab, source)
        met = np.nonzero(places >= 0)[0]
        remap[places[met] + 1] = met
        return words, remap
    order = np.argsort(-types.counts, kind="stable")
    order = order[eligible(types, config, lists)[order]]
    if config.max_vocab:
        order = _bounded(order, types, lists, config.max_vocab)
    if not len(order):
        raise _no_word(types, config, lists, source, dropped_types)
    remap[order + 1] = np.arange(len(order), dtype=np.int32)
    return taken(types, order), remap


def _no_word(
    types: Vocabulary, config: VocabularyConfig, lists: WordLists, source: str, dropped_types: int
) -> EmptyCorpusError:
    counts = types.counts if lists.drop is None else types.counts[~lists.drop.among(types)]
    if not len(counts):
        hint = "name fewer words with --drop-words, or a larger corpus"
        return EmptyCorpusError("all words are to be dropped", where=source, hint=hint)
    most, of = int(counts.max()), "" if len(counts) == len(types) else " that is not dropped"
    return EmptyCorpusError(
        f"no word{of} occurs {config.min_count} times (the most frequent {most})",
        where=source,
        hint=f"raise --max-types ({dropped_types:,} types were dropped)"
        if dropped_types
        else f"use --min-count {most} or lower, or a larger corpus",
    )


def eligible(
    types: Vocabulary, config: VocabularyConfig, lists: WordLists = NO_LISTS
) -> NDArray[np.bool_]:
    """Return which of T types may be words, (T,) bool, however many there may be."""
    found: NDArray[np.bool_] = types.counts >= config.min_count
    if lists.keep is not None:
        found = found | lists.keep.among(types)
    if lists.drop is not None:
        found = found & ~lists.drop.among(types)
    return found


def _bounded(
    order: NDArray[np.int64], types: Vocabulary, lists: WordLists, most: int
) -> NDArray[np.int64]:
    """Return the first of ordered types, as many as there may be, and all that are to be kept."""
    if lists.keep is None:
        return order[: max(most, 0)]
    kept = lists.keep.among(types)[order]
    return order[kept | (np.cumsum(~kept) <= most - np.count_nonzero(kept))]


def _given(
    types: Vocabulary, listed: WordList, source: str
) -> tuple[Vocabulary, NDArray[np.int64]]:
    """Return the words of a list, with its counts or those of T types, and which type each is.

    That is -1 for a word that does not occur: without counts of the list it has a count of 0.
    """
    places = types.find(listed.words)
    met = places >= 0
    if not met.any():
        raise EmptyCorpusError(
            f"no word of it is in {listed.source}", where=source, hint="check --vocab"
        )
    counts = np.where(met, types.counts[places], 0) if listed.counts is None else listed.counts
    order = np.argsort(-counts, kind="stable")
    words = [listed.words[place] for place in order.tolist()]
    return Vocabulary.from_words(words, counts[order].tolist()), places[order]


def left_out(types: Vocabulary, remap: NDArray[np.int32]) -> Vocabulary:
    """Return the types that are no words by a remap (T+1,), the most frequent first."""
    others = np.nonzero(remap[1:] < 0)[0]
    return taken(types, others[np.argsort(-types.counts[others], kind="stable")])


def extend(
    known: Vocabulary, types: Vocabulary, config: VocabularyConfig, lists: WordLists = NO_LISTS
) -> tuple[Vocabulary, NDArray[np.int64]]:
    """Return a vocabulary with the counts and the words of another text, given its T types.

    No word is lost. Another type becomes one if it is frequent enough in the new text, or to be
    kept, and `max_vocab` leaves room. Words are ordered by falling count, among equals known ones
    first. The array (V,) int64 tells which known word each word was; -1 for new ones.
    """
    found = known.find(types.words)
    met = found >= 0
    counts = known.counts.copy()
    counts[found[met]] += types.counts[met]
    new = np.nonzero(~met & eligible(types, config, lists))[0]
    new = new[np.argsort(-types.counts[new], kind="stable")]
    if config.max_vocab:
        new = _bounded(new, types, lists, config.max_vocab - len(known))
    counts = np.concatenate((counts, types.counts[new]))
    order = np.argsort(-counts, kind="stable")
    both = concatenated(known, types)
    before = np.concatenate((np.arange(len(known)), np.full(len(new), -1)))[order]
    words = taken(both, np.concatenate((np.arange(len(known)), len(known) + new))[order])
    return Vocabulary(words.blob, words.offsets, counts[order]), before


def concatenated(some: Vocabulary, others: Vocabulary) -> Vocabulary:
    """Return words with others after them."""
    return Vocabulary(
        np.concatenate((some.blob, others.blob)),
        np.concatenate((some.offsets[:-1], some.offsets[-1] + others.offsets)),
        np.concatenate((some.counts, others.counts)),
    )


def taken(types: Vocabulary, order: NDArray[np.int64]) -> Vocabulary:
    """Return some words, given their ids (n,), in that order."""
    lengths = np.diff(types.offsets)[order]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    blob = np.empty(offsets[-1], np.uint8)
    for begin in range(0, len(order), _WORDS_AT_ONCE):
        some = slice(begin, begin + _WORDS_AT_ONCE)
        start = offsets[begin]
        end = offsets[min(begin + _WORDS_AT_ONCE, len(order))]
        # Byte i of the new blob is byte i of the old one, shifted as its word is.
        moved = np.repeat(types.offsets[order[some]] - offsets[:-1][some], lengths[some])
        blob[start:end] = types.blob[np.arange(start, end) + moved]
    return Vocabulary(blob, offsets, types.counts[order])


def keep_probability(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """Return the probability that subsampling keeps an occurrence of each word, (V,) float64.

    word2vec's formula: min(1, (sqrt(f / t) + 1) · t / f), where f is the word's share of the
    tokens in the vocabulary and t is `sample` (Mikolov et al. 2013, section 2.3, as in
    word2vec.c). A sample of 0 keeps everything.
    """
    if sample <= 0:
        return np.ones(len(counts))
    share = np.maximum(counts, 1) / max(int(counts.sum()), 1)
    ratio = sample / share
    return np.minimum(1.0, np.sqrt(ratio) + ratio)


def kept_counts(counts: NDArray[np.int64], sample: float) -> NDArray[np.float64]:
    """Return how often each word is a target: its count after subsampling, (V,) float64.

    A count of 0, of a word that is given and does not occur, is taken as 1: trees and classes are
    built of positive weights.
    """
    return np.maximum(counts, 1) * keep_probability(counts, sample)


def drawing_weights(counts: NDArray[np.int64], exponent: float) -> NDArray[np.float64]:
    """Return the weights of words in the noise distribution, the greatest 1, (V,) float64.

    That is the count to the power of `exponent`; a count of 0 is taken as 1 (Mikolov et al. 2013,
    section 2.2, where the exponent is 3/4).
    """
    # In logarithms, so that a large negative exponent does not make all weights 0.
    logarithms = exponent * np.log(np.maximum(counts, 1))
    weights: NDArray[np.float64] = np.exp(logarithms - logarithms.max())
    return weights
