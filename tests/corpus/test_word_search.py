"""Words are found by their hashes, without strings of all words, as a dict would find them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hsw2v.corpus import hashing, vocabulary
from hsw2v.corpus.hashing import word_hashes
from hsw2v.corpus.vocabulary import Vocabulary

WORDS = [
    "a", "ab", "abc", "abcdefg", "abcdefgh", "abcdefghi", "bc", "größte", "größt", "New York", "\0",
    "\0\0", "b" * 64, "b" * 65, "b" * 66, "日本", "日", "x" * 5_000, "x" * 4_999 + "y",
]  # fmt: skip
STRANGERS = ["", "c", "gr", "york", "\udcff", "\0\0\0", "b" * 63, "x" * 4_999, "日本語"]


def of(words: list[str]) -> Vocabulary:
    return Vocabulary.from_words(words, [1] * len(words))


@pytest.fixture
def many() -> Vocabulary:
    """Return a vocabulary that is large enough for few words to be searched for."""
    return of(WORDS + [f"w{number}" for number in range(5_000)])


def is_made(found: Vocabulary) -> set[str]:
    return {"words", "index"} & vars(found).keys()


def test_words_are_found_without_a_dict_where_the_dict_has_them(many: Vocabulary) -> None:
    asked = [word for pair in zip(WORDS, STRANGERS * 3, strict=False) for word in pair]
    found = many.find(asked)
    assert found.dtype == np.int64
    assert not is_made(many)
    assert found.tolist() == [many.index.get(word, -1) for word in asked]
    assert many.find(asked).tolist() == found.tolist()
    assert many.find([]).shape == (0,)


def test_whatever_is_no_word_is_not_in_a_vocabulary(many: Vocabulary) -> None:
    assert all(word in many for word in WORDS[:9])
    assert not any(one in many for one in (*STRANGERS, None, 3, b"a", ["a"]))
    assert not is_made(many)


def test_few_words_are_spelled_without_strings_of_all(many: Vocabulary) -> None:
    ids = [7, 0, 17, 7, 15]
    assert many.spelled(ids) == [WORDS[one] for one in ids]
    assert not is_made(many)
    assert many.words[15] == "日本"
    assert many.spelled(ids) == [WORDS[one] for one in ids]


def test_a_dict_is_made_once_many_words_were_asked_for(many: Vocabulary) -> None:
    rounds = 0
    while not is_made(many):
        assert "w77" in many
        rounds += 1
    assert 10 < rounds < len(many)


@given(st.lists(st.text(max_size=20), max_size=40), st.lists(st.text(max_size=20), max_size=10))
@example(["", "\1"], ["\2\0"])
def test_hashes_are_equal_where_words_are(words: list[str], others: list[str]) -> None:
    both = words + others + words
    hashes = word_hashes(of(both).blob, of(both).offsets)
    assert len(hashes) == len(both)
    assert len(set(hashes.tolist())) == len(set(both))
    assert hashes[: len(words)].tolist() == hashes[len(both) - len(words) :].tolist()


def test_hashes_do_not_depend_on_where_a_word_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    found = of(WORDS * 3)
    whole = word_hashes(found.blob, found.offsets)
    monkeypatch.setattr(hashing, "_WORDS_AT_ONCE", 7)
    assert word_hashes(found.blob, found.offsets).tolist() == whole.tolist()
    assert whole[: len(WORDS)].tolist() == whole[-len(WORDS) :].tolist()


def test_words_of_equal_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(blob: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        return word_hashes(blob, offsets) % np.uint64(3)

    monkeypatch.setattr(vocabulary, "word_hashes", few)
    found = of(WORDS + [f"w{number}" for number in range(5_000)])
    assert found.repeated() is None
    assert found.find(["abc", "größt", "", "w4999"]).tolist() == [2, 8, -1, len(found) - 1]
    assert of([*WORDS, "größte"]).repeated() == "größte"
