"""The n-grams of words: against a definition in plain Python, and fastText's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.corpus.subwords import Subwords

WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=8
)


def fnv1a(text: str) -> int:
    found = 2166136261
    for byte in text.encode():
        signed = byte - 256 if byte > 127 else byte
        found = (found ^ (signed % 2**32)) * 16777619 % 2**32
    return found


def plain(word: str, subwords: Subwords) -> list[int]:
    bordered = f"<{word}>"
    found = []
    for begin in range(len(bordered)):
        for length in range(subwords.shortest, subwords.longest + 1):
            end = begin + length
            alone = length == 1 and (begin == 0 or end == len(bordered))
            if end <= len(bordered) and not alone:
                found.append(fnv1a(bordered[begin:end]) % subwords.buckets)
    return found


@given(words=WORDS, shortest=st.integers(1, 4), more=st.integers(0, 4))
def test_ngrams_are_those_of_the_definition(words: list[str], shortest: int, more: int) -> None:
    subwords = Subwords(shortest, shortest + more, 1000)
    ngrams = subwords.ngrams_of(words)
    assert ngrams.offsets[-1] == len(ngrams.buckets)
    for place, word in enumerate(words):
        assert ngrams.of(place).tolist() == plain(word, subwords)


def test_the_hash_is_that_of_fasttext() -> None:
    # FNV-1a's own test vectors, and a character beyond ASCII, whose bytes count as negative.
    assert fnv1a("") == 0x811C9DC5
    assert fnv1a("a") == 0xE40C292C
    assert fnv1a("foobar") == 0xBF9CF968
    one = Subwords(3, 3, 2**31 - 1).ngrams_of(["ü"])
    assert one.buckets.tolist() == [fnv1a("<ü>") % (2**31 - 1)]


def test_ngrams_of_many_words_do_not_depend_on_where_they_are_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = [f"wörter{number}" for number in range(100)]
    subwords = Subwords(3, 6, 50_000)
    whole = subwords.ngrams_of(words)
    monkeypatch.setattr("hsw2v.corpus.subwords._WORDS_AT_ONCE", 7)
    cut = subwords.ngrams_of(words)
    np.testing.assert_array_equal(whole.offsets, cut.offsets)
    np.testing.assert_array_equal(whole.buckets, cut.buckets)
