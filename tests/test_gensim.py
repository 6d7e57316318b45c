"""Models as gensim's vectors, and back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import write_model
from gensim.models import FastText, KeyedVectors, Word2Vec
from gensim.models.fasttext import FastTextKeyedVectors
from some_models import some_model
from some_subwords import NOWHERE, OTHERS, some_subwords

import hsw2v
from hsw2v.errors import UnknownWordError, UsageError

SENTENCES = [["das", "ist", "ein", "haus"], ["ein", "haus", "ist", "ein", "gebäude"]] * 20


def test_words_counts_and_vectors_are_gensims(tmp_path: Path) -> None:
    model = hsw2v.load(write_model(tmp_path / "m.safetensors"))
    found = model.to_gensim()
    assert type(found) is KeyedVectors
    assert found.index_to_key == model.words
    assert np.array_equal(found.vectors, model.vectors)
    assert [found.get_vecattr(word, "count") for word in model.words] == list(model.counts)


def test_gensim_answers_as_the_model_does() -> None:
    words = [f"w{one}" for one in range(200)]
    model = some_model("ns", words, dim=20)
    found = model.to_gensim()
    for word in words[::20]:
        theirs, ours = found.most_similar(word, topn=10), model.similar(word, k=10)
        assert [one for one, _ in theirs] == [one.word for one in ours]
        assert np.allclose([one for _, one in theirs], [one.similarity for one in ours], atol=1e-6)
    theirs = found.most_similar(positive=["w1", "w2"], negative=["w0"], topn=5)
    assert [one for one, _ in theirs] == [one.word for one in model.analogy("w0", "w1", "w2", k=5)]


def test_gensim_may_change_its_copy() -> None:
    model = some_model("ns", ["a", "b"])
    found = model.to_gensim()
    before = model["a"].copy()
    found.vectors[:] = 0
    assert np.array_equal(model["a"], before)


def test_back_again_it_is_the_same(tmp_path: Path) -> None:
    model = hsw2v.load(write_model(tmp_path / "m.safetensors"))
    again = hsw2v.from_gensim(model.to_gensim())
    assert again.words == model.words
    assert np.array_equal(again.counts, model.counts)
    assert np.array_equal(again.vectors, model.vectors)
    again.save(tmp_path / "again.safetensors")
    assert hsw2v.load(tmp_path / "again.safetensors").similar("king") == model.similar("king")


def test_a_model_that_gensim_trained_is_taken_with_its_counts() -> None:
    theirs = Word2Vec(SENTENCES, vector_size=5, min_count=1, workers=1, seed=1)
    found = hsw2v.from_gensim(theirs)
    assert found.words == theirs.wv.index_to_key
    assert dict(zip(found.words, found.counts, strict=True))["ein"] == 60
    assert np.array_equal(found.vectors, theirs.wv.vectors)


def test_without_counts_there_are_none() -> None:
    theirs = KeyedVectors(2)
    theirs.add_vectors(["b", "a"], np.eye(2, dtype=np.float32))
    found = hsw2v.from_gensim(theirs)
    assert found.counts is None
    assert found.words == ["b", "a"]
    assert "count" not in found.to_gensim().expandos


def test_models_of_ngrams_compose_the_same_vectors_in_gensim() -> None:
    model = some_subwords()
    found = model.to_gensim()
    assert isinstance(found, FastTextKeyedVectors)
    for word in [*model.words, *OTHERS]:
        assert np.allclose(found[word], model[word], atol=1e-5), word


def test_gensim_can_go_on_from_rows_of_words() -> None:
    model = some_subwords()
    found = model.to_gensim()
    found.adjust_vectors()
    assert np.allclose(found.vectors, model.vectors, atol=1e-5)


def test_ngrams_that_gensim_trained_compose_the_same_vectors_here() -> None:
    theirs = FastText(SENTENCES, vector_size=5, min_count=1, bucket=500, workers=1, seed=1)
    found = hsw2v.from_gensim(theirs)
    for word in ["haus", "häuser", "gebäuden"]:
        assert np.allclose(found[word], theirs.wv[word], atol=1e-6)
    again = hsw2v.from_gensim(found.to_gensim())
    assert np.allclose(again["häuser"], found["häuser"], atol=1e-6)


def test_fasttext_without_ngrams_has_only_words() -> None:
    theirs = FastText(SENTENCES, vector_size=5, min_count=1, max_n=0, workers=1)
    found = hsw2v.from_gensim(theirs)
    assert found.subwords is None
    with pytest.raises(UnknownWordError):
        found.vector(NOWHERE)


@pytest.mark.parametrize("other", [{"a": [1.0]}, None, "vectors.kv"])
def test_what_is_not_gensims_is_refused(other: object) -> None:
    with pytest.raises(UsageError, match="no vectors of gensim"):
        hsw2v.from_gensim(other)


def test_vectors_that_are_no_model_are_refused() -> None:
    with pytest.raises(UsageError, match="no words"):
        hsw2v.from_gensim(KeyedVectors(2))
    for key, number, match in (
        (7, 1.0, "7 is no word"),
        ("", 1.0, "no word"),
        ("a", np.nan, "not finite"),
    ):
        theirs = KeyedVectors(1)
        theirs.add_vectors([key], np.full((1, 1), number, np.float32))
        with pytest.raises(UsageError, match=match):
            hsw2v.from_gensim(theirs)


def test_without_gensim_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(UsageError, match=r"pip install 'hsw2v\[gensim\]'"):
        some_model("ns", ["a"]).to_gensim()
