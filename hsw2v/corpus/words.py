"""A corpus as words of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import VocabularyConfig
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import NO_LISTS, WordLists
from hsw2v.corpus.vocabulary import END_OF_SENTENCE, UNKNOWN, Vocabulary, choose
from hsw2v.events import Listener, ignore


@dataclass(frozen=True, eq=False)
class WordCorpus:
    """An encoded corpus, and the words of its provisional ids."""

    encoded: EncodedCorpus
    remap: NDArray[np.int32]
    """(T+1,) int32, from provisional ids to words, `END_OF_SENTENCE` or `UNKNOWN`."""

    @classmethod
    def of(cls, encoded: EncodedCorpus, vocabulary: Vocabulary) -> WordCorpus:
        """Return an encoded corpus as words of a vocabulary, which may be another's."""
        remap = np.empty(len(encoded.types) + 1, np.int32)
        remap[0] = END_OF_SENTENCE
        found = vocabulary.find(encoded.types.words)
        remap[1:] = np.where(found < 0, UNKNOWN, found)
        return cls(encoded, remap)

    @property
    def longest_block(self) -> int:
        """The number of ids of the longest block."""
        return int(np.diff(self.encoded.blocks).max())


def choose_words(
    encoded: EncodedCorpus,
    config: VocabularyConfig,
    lists: WordLists = NO_LISTS,
    listener: Listener = ignore,
) -> tuple[Vocabulary, WordCorpus]:
    """Choose the vocabulary of a corpus; tell which words of the lists it does not have.

    Raises:
        EmptyCorpusError: no type occurs often enough.
    """
    source, dropped = encoded.source, encoded.dropped_types
    vocabulary, remap = choose(encoded.types, config, lists, source, dropped)
    lists.tell_missing(vocabulary, encoded.types, listener)
    return vocabulary, WordCorpus(encoded, remap)
