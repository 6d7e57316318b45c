"""A trained model keeps its n-grams, and a training that continues it goes on with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_continuing import NEW, NO_STEP, SMALL, earlier, new_text, old_text
from test_fasttext import FILES, close

import hsw2v
from hsw2v.errors import UsageError

NGRAMS = {"subwords": "2-4", "buckets": 3000, "whole_words": 2}


def test_a_trained_model_has_the_ngrams_of_its_words(tmp_path: Path) -> None:
    model = earlier(loss="ns", **NGRAMS)
    assert model.subwords is not None
    assert str(model.subwords.settings) == "2-4"
    assert model.subwords.whole_words == 2
    expected = np.unique(model.subwords.settings.ngrams_of(model.words[2:]).buckets)
    np.testing.assert_array_equal(model.subwords.buckets, expected)
    word = f"{model.words[5]}x"
    assert word not in model
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(hsw2v.load(tmp_path / "m.safetensors")[word], model[word])
    model.export(tmp_path / "m.bin", format="fasttext")
    read = hsw2v.load(tmp_path / "m.bin")
    for one in (*model.words, word):
        assert close(read[one], model[one]), one


def test_known_words_and_ngrams_begin_where_they_were() -> None:
    before = earlier(loss="ns", **NGRAMS)
    after = hsw2v.train(new_text(), from_model=before, **NO_STEP)
    assert set(after.words) == {*before.words, *NEW}
    for word in before.words:
        np.testing.assert_allclose(after[word], before[word], atol=2e-6)
    assert before.subwords is not None
    assert after.subwords is not None
    places = after.subwords.rows(before.subwords.buckets)
    there = places >= 0
    assert there.sum() > 0.8 * len(there)
    np.testing.assert_array_equal(
        after.subwords.vectors[places[there]], before.subwords.vectors[there]
    )


def test_other_ngrams_than_those_of_the_model_are_refused() -> None:
    with pytest.raises(UsageError, match="subwords is 3-6, and the model's is 2-4"):
        hsw2v.train(new_text(), from_model=earlier(loss="ns", **NGRAMS), subwords="3-6")
    with pytest.raises(UsageError, match="buckets is 7, and the model's is 3000"):
        hsw2v.train(new_text(), from_model=earlier(loss="ns", **NGRAMS), buckets=7)
    with pytest.raises(UsageError, match="subwords is 3-6"):
        hsw2v.train(new_text(), from_model=earlier("ns"), subwords="3-6")


def test_a_model_of_fasttext_is_continued() -> None:
    before = hsw2v.load(FILES / "skipgram.bin")
    text = [["größe", "wort", "wortung", "fluss"] * 3] * 20
    after = hsw2v.train(text, from_model=before, min_count=1, **NO_STEP)
    assert set(after.words) == {*before.words, "wortung"}
    for word in before.words:
        np.testing.assert_allclose(after[word], before[word], atol=2e-6)
    learned = hsw2v.train(text, from_model=before, min_count=1, epochs=2, threads=1, sample=0.0)
    assert not close(learned["größe"], before["größe"])


def test_training_without_ngrams_makes_a_model_without() -> None:
    assert hsw2v.train(old_text(), **SMALL | {"epochs": 1}).subwords is None
