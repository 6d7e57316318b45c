"""Which types become words, in which order, and how often they are used."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from hsw2v.config import VocabularyConfig
from hsw2v.corpus.vocabulary import (
    Vocabulary,
    choose,
    drawing_weights,
    extend,
    keep_probability,
)
from hsw2v.errors import EmptyCorpusError

TYPES = Vocabulary.from_words(["rare", "two", "été", "many", "zwei", "三"], [1, 2, 7, 9, 2, 2])


def test_words_are_ordered_by_count_and_ties_by_arrival():
    vocabulary, remap = choose(TYPES, VocabularyConfig(min_count=2))
    assert vocabulary.words == ["many", "été", "two", "zwei", "三"]
    assert vocabulary.counts.tolist() == [9, 7, 2, 2, 2]
    assert remap.tolist() == [-1, -2, 2, 1, 0, 3, 4]
    assert remap.dtype == np.int32


def test_max_vocab_keeps_the_most_frequent():
    vocabulary, remap = choose(TYPES, VocabularyConfig(min_count=1, max_vocab=3))
    assert vocabulary.words == ["many", "été", "two"]
    assert remap.tolist() == [-1, -2, 2, 1, 0, -2, -2]


def test_max_vocab_above_the_number_of_types_changes_nothing():
    vocabulary, _ = choose(TYPES, VocabularyConfig(min_count=1, max_vocab=100))
    assert len(vocabulary) == len(TYPES)


def test_nothing_frequent_enough_is_an_error_that_tells_what_would_do():
    with pytest.raises(EmptyCorpusError, match="--min-count 9"):
        choose(TYPES, VocabularyConfig(min_count=10))


KNOWN = Vocabulary.from_words(["many", "old", "zwei"], [10, 7, 1])


def test_known_words_stay_and_frequent_ones_join():
    vocabulary, before = extend(KNOWN, TYPES, VocabularyConfig(min_count=2))
    assert vocabulary.words == ["many", "old", "été", "zwei", "two", "三"]
    assert vocabulary.counts.tolist() == [19, 7, 7, 3, 2, 2]
    assert before.tolist() == [0, 1, -1, 2, -1, -1]
    assert KNOWN.counts.tolist() == [10, 7, 1]


def test_new_words_take_the_room_that_known_ones_leave():
    vocabulary, _ = extend(KNOWN, TYPES, VocabularyConfig(min_count=1, max_vocab=4))
    assert vocabulary.words == ["many", "old", "été", "zwei"]
    vocabulary, before = extend(KNOWN, TYPES, VocabularyConfig(min_count=1, max_vocab=1))
    assert vocabulary.words == ["many", "old", "zwei"]
    assert before.tolist() == [0, 1, 2]


def test_words_and_index_agree():
    assert [TYPES.index[word] for word in TYPES.words] == list(range(len(TYPES)))
    assert TYPES.words == ["rare", "two", "été", "many", "zwei", "三"]


def test_keep_probability_is_the_formula_of_word2vec():
    counts = np.array([900, 99, 1])
    found = keep_probability(counts, 1e-3)
    for chance, count in zip(found, counts, strict=True):
        # word2vec.c: ran = (sqrt(cn / (sample * train_words)) + 1) * (sample * train_words) / cn
        ran = ((count / (1e-3 * 1000)) ** 0.5 + 1) * (1e-3 * 1000) / count
        assert chance == pytest.approx(min(1, ran))
    assert found[2] == 1
    assert keep_probability(counts, 0.0).tolist() == [1, 1, 1]


def test_odds_of_drawing_are_powers_of_counts():
    counts = np.array([16, 1, 0])
    np.testing.assert_allclose(drawing_weights(counts, 0.75), np.array([8, 1, 1]) / 8)
    np.testing.assert_allclose(drawing_weights(counts, -0.5), [0.25, 1, 1])
    assert drawing_weights(counts, 0.0).tolist() == [1, 1, 1]
    # Where all powers are beyond a float, the odds are not.
    assert drawing_weights(counts[:1] * 10**6, -1e3).tolist() == [1]


def test_the_vocabulary_does_not_need_the_compiler():
    code = "import sys, hsw2v.corpus.vocabulary; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
