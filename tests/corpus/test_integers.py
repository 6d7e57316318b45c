"""Whole numbers as tokens: their words are their digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import hsw2v
from hsw2v.config import CorpusConfig
from hsw2v.corpus import stream
from hsw2v.corpus.stream import encode_sentences
from hsw2v.errors import EmptyCorpusError, UsageError

CONFIG = CorpusConfig()
TYPES = ["int8", "uint8", "int16", ">i2", "int32", "uint32", "int64", "uint64"]


def read(sentences: Any) -> tuple[list[int], list[str], list[int], int]:
    with encode_sentences(sentences, CONFIG) as corpus:
        types = corpus.types
        return corpus.ids.tolist(), types.words, types.counts.tolist(), corpus.sentences


def as_strings(sentences: Any) -> list[list[str]]:
    return [[str(int(token)) for token in sentence] for sentence in sentences]


@given(
    sentences=st.lists(
        st.sampled_from(TYPES).flatmap(
            lambda kind: arrays.arrays(np.dtype(kind), st.integers(0, 12))
        ),
        min_size=1,
        max_size=6,
    ),
    batch=st.sampled_from([1, 2, 5, 1 << 15]),
)
@settings(max_examples=80, deadline=None)
def test_arrays_are_read_as_lists_of_their_digits(sentences: list[Any], batch: int) -> None:
    expected = as_strings(sentences)
    if not any(expected):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_BATCH", batch)
        assert read(sentences) == read(expected)
    assert read([sentence.tolist() for sentence in sentences]) == read(expected)


@pytest.mark.parametrize("kind", TYPES)
def test_the_extremes_of_a_type_are_words(kind: str) -> None:
    limits = np.iinfo(kind)
    numbers = [limits.min, limits.min + 1, 0, 9, 10, 99, 100, limits.max - 1, limits.max]
    assert read(np.array([numbers], kind))[1] == [str(n) for n in dict.fromkeys(numbers)]


def test_every_power_of_ten_and_its_neighbours_are_words() -> None:
    numbers = sorted({10**power + more for power in range(20) for more in (-1, 0, 1)})
    assert read(np.array([numbers], np.uint64))[1] == [str(number) for number in numbers]


def test_rows_of_an_array_are_sentences() -> None:
    walks = np.array([[1, 2, 3], [3, -2, 1]])
    assert read(walks) == read([["1", "2", "3"], ["3", "-2", "1"]])
    assert read(walks.T[:, ::-1]) == read(as_strings(walks.T[:, ::-1]))


def test_long_and_empty_arrays_among_lists() -> None:
    draws = np.random.default_rng(1)
    sentences = [
        draws.integers(0, 50, 100_000),
        np.empty(0, np.int64),
        ["a", 7, np.int8(3), "\n"],
        np.array([7, 7], np.uint8),
        np.array([7], np.int16),
    ]
    expected = [*as_strings(sentences[:2]), ["a", "7", "3", "\n"], ["7", "7"], ["7"]]
    assert read(sentences) == read(expected)
    assert read(iter(sentences)) == read(expected)


@pytest.mark.parametrize(
    ("sentences", "what"),
    [
        ([[1, True]], "the token True is not a string"),
        ([[1, 0.5]], "the token 0.5 is not a string"),
        (np.ones((2, 2)), r"the token (np.float64\()?1.0\)? is not a string"),
        (np.ones((2, 2), bool), "the token .*True.* is not a string"),
        (np.ones((2, 2, 2), int), "the token array.* is not a string"),
        (np.arange(3), "sentence 1 is .*0.* not a list of tokens"),
        ([np.arange(3), 5], "sentence 2 is 5, not a list of tokens"),
    ],
)
def test_what_is_no_sentence_of_whole_numbers_is_refused(sentences: Any, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        read(sentences)


def test_nothing_is_nothing_to_train_on() -> None:
    with pytest.raises(EmptyCorpusError):
        read(np.empty((3, 0), np.int64))


def test_training_and_scoring_take_whole_numbers() -> None:
    walks = np.random.default_rng(1).integers(0, 20, (100, 10))
    some = {"dim": 4, "min_count": 0, "threads": 1, "epochs": 1}
    model = hsw2v.train(walks, **some)  # type: ignore[arg-type]
    same = hsw2v.train(as_strings(walks), **some)  # type: ignore[arg-type]
    assert model.vectors.tobytes() == same.vectors.tobytes()
    assert sorted(model.words, key=int) == [str(number) for number in range(20)]
    scores = [list(model.score(some)) for some in (walks[:3], as_strings(walks[:3]))]
    assert scores[0] == scores[1] != []
    with pytest.raises(UsageError, match="words are strings"):
        model.vector(1)  # type: ignore[arg-type]
