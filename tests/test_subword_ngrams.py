"""The n-grams of words: against a definition in plain Python, and fastText's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary

WORDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12), max_size=8
)


def fnv1a(text: str) -> int:
    return hashed(text.encode())


def hashed(text: bytes) -> int:
    found = 2166136261
    for byte in text:
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


def test_ngrams_of_words_longer_than_a_kilobyte_are_soon_there() -> None:
    subwords = Subwords(1, 1000, 50_000)
    word = "ab한" * 500
    found = subwords.ngrams_of(["x", word]).of(1)
    assert len(found) == sum(len(word) + 3 - length for length in range(1, 1001)) - 2
    assert found[-1] == fnv1a(f"{word[-1]}>") % 50_000
    assert found[998] == fnv1a(f"<{word[:999]}") % 50_000


def test_words_that_are_shorter_than_every_ngram_have_none() -> None:
    assert Subwords(900, 1000, 50_000).ngrams_of(["x", "y"]).offsets.tolist() == [0, 0, 0]


def test_a_character_of_words_that_are_not_utf8_has_any_number_of_bytes() -> None:
    words = Vocabulary.from_encoded([b"\x80a" + b"\x80" * 9 + b"b"], [0])
    found = Subwords(1, 2, 50_000).ngrams(words)
    pieces = [b"<\x80", b"a" + b"\x80" * 9, b"b", b">"]
    expected = [pieces[0] + pieces[1], pieces[1], pieces[1] + pieces[2], pieces[2], b"b>"]
    assert found.of(0).tolist() == [hashed(one) % 50_000 for one in expected]


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
