"""Suggestions for words that are not in the vocabulary."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.query import spelling
from hsw2v.query.spelling import nearest_spellings

WORDS = [
    "the",
    "king",
    "queen",
    "kind",
    "Paris",
    "größe",
    "grosse",
    "international",
    "東京",
    "東京都",
]


def suggest(word, words=WORDS, count=3):
    vocabulary = Vocabulary.from_words(words, [1] * len(words))
    return nearest_spellings(word, vocabulary.blob, vocabulary.offsets, count)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kingg", "king"),
        ("King", "king"),
        ("paris", "Paris"),
        ("qeuen", "queen"),
        ("grösse", "größe"),
        ("intrnational", "international"),
        ("東京市", "東京"),
    ],
)
def test_the_word_that_was_meant_comes_first(typed, meant):
    found = suggest(typed)
    assert meant in found[:2] if typed == "grösse" else found[0] == meant


def test_words_are_compared_in_parts_as_at_once(monkeypatch):
    typed = ("kingg", "grösse", "東京市", "hte")
    whole = [suggest(word) for word in typed]
    monkeypatch.setattr(spelling, "_WORDS_AT_ONCE", 3)
    monkeypatch.setattr(spelling, "_COMPARED", 4)
    assert [suggest(word, count=1) for word in typed] == [found[:1] for found in whole]


def test_of_equally_near_words_the_more_frequent_comes_first():
    assert suggest("kinx")[:2] == ["king", "kind"]
    assert suggest("kinx", ["kind", "king"])[:2] == ["kind", "king"]


def test_nothing_is_suggested_for_what_resembles_no_word():
    assert suggest("zzzzzz") == []
    assert suggest("") == []
    assert suggest("\udcff") == []


def test_the_number_of_suggestions_is_bounded():
    assert len(suggest("kin", ["king", "kind", "kine", "kink"], count=2)) == 2


def test_a_large_vocabulary_is_searched_quickly():
    random = np.random.default_rng(5)
    letters = random.integers(97, 123, size=(200_000, 8), dtype=np.uint8)
    blob, offsets = letters.reshape(-1), np.arange(0, 8 * 200_001, 8)
    meant = blob[8 * 77_777 : 8 * 77_778].tobytes().decode()
    typed = meant[:3] + meant[4:]
    started = time.perf_counter()
    assert nearest_spellings(typed, blob, offsets)[0] == meant
    assert time.perf_counter() - started < 2.0
