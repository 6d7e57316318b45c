"""The estimator of scikit-learn: its own checks, and means against plain NumPy."""

from __future__ import annotations

import importlib
import inspect
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from commandline import write_model
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks
from some_subwords import NOWHERE, OTHERS, some_subwords

import hsw2v
from hsw2v.errors import UsageError
from hsw2v.model.model import Model
from hsw2v.model.sentences import SMOOTHING
from hsw2v.sklearn import WEIGHTS, Word2VecVectorizer

QUICK: dict[str, Any] = {"dim": 4, "min_count": 1, "epochs": 1}
ROYAL = ["the king and the queen", "a prince", "queen king prince", "king"]
FRUIT = ["apple pear", "a pear and an apple", "pear", "apple apple"]
TEXTS, LABELS = ROYAL + FRUIT, [0] * 4 + [1] * 4


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A small model of kings and fruit."""
    return hsw2v.load(write_model(tmp_path / "m.safetensors"))


@parametrize_with_checks([Word2VecVectorizer(**QUICK, weights=one) for one in WEIGHTS])
def test_it_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_none_of_those_checks_are_skipped() -> None:
    code = """
from sklearn.utils.estimator_checks import check_estimator
from hsw2v.sklearn import Word2VecVectorizer
found = check_estimator(Word2VecVectorizer(dim=4, min_count=1, epochs=1))
print(len(found), {one["status"] for one in found})
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    count, status = done.stdout.split(maxsplit=1)
    assert int(count) > 40
    assert status == "{'passed'}\n"


def test_its_parameters_have_the_defaults_of_training() -> None:
    settings = hsw2v.Config()
    usual = {**vars(settings.training), **vars(settings.vocabulary)}
    given = inspect.signature(Word2VecVectorizer).parameters
    for name in ("dim", "window", "min_count", "epochs", "seed"):
        assert given[name].default == usual[name]


def test_a_document_is_the_mean_of_its_words(model: Model) -> None:
    found = Word2VecVectorizer(model=model).fit_transform(["king queen king xyz", "xyz", ""])
    expected = (2 * model["king"] + model["queen"]) / 3
    assert found.dtype == np.float32
    assert np.allclose(found, [expected, np.zeros(4), np.zeros(4)])


def test_texts_are_split_as_tokens_are_listed(model: Model) -> None:
    vectorizer = Word2VecVectorizer(model=model).fit(TEXTS)
    listed = [text.split() for text in TEXTS]
    for documents in (listed, np.array(TEXTS), pd.Series(TEXTS), map(str, TEXTS)):
        assert np.array_equal(vectorizer.transform(documents), vectorizer.transform(TEXTS))


def test_texts_are_split_as_those_of_the_model_were() -> None:
    settings = {"tokens": "words", "lowercase": True}
    texts = ["King, queen!", "king queen."] * 5
    vectorizer = Word2VecVectorizer(**QUICK, settings=settings).fit(texts)
    assert sorted(vectorizer.model_.words) == ["king", "queen"]
    found = vectorizer.transform(["KING?", "king"])
    assert np.array_equal(found[0], found[1])
    assert (
        Word2VecVectorizer(model=vectorizer.model_, settings=settings)
        .fit(texts)
        .transform(["KING?"])
        .any()
    )
    own = Word2VecVectorizer(model=vectorizer.model_, tokenizer=str.split).fit(texts)
    assert not own.transform(["KING?"]).any()


def test_texts_are_split_as_those_of_a_model_were(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("King, queen! New York.\n" * 20)
    joining = {"phrases": 1, "phrase_threshold": 0.001, "tokens": "words", "lowercase": True}
    model = hsw2v.train(tmp_path / "a.txt", **QUICK, threads=1, **joining)
    found = Word2VecVectorizer(model=model).fit_transform(["KING? Queen", "new york"])
    assert np.allclose(found, model.vectors_of(["king_queen", "new_york"]))


def test_phrases_are_joined_where_settings_ask_for_it() -> None:
    texts = ["new york is new york"] * 20
    settings = {"phrases": 1, "phrase_threshold": 0.001}
    vectorizer = Word2VecVectorizer(**QUICK, settings=settings)
    assert np.allclose(vectorizer.fit_transform(texts), vectorizer.transform(texts))
    assert "new_york" in vectorizer.model_
    assert np.allclose(vectorizer.transform(["new york"]), [vectorizer.model_["new_york"]])


def test_a_model_is_taken_as_it_is(model: Model, tmp_path: Path) -> None:
    given = Word2VecVectorizer(model=model).fit(["nothing of it"])
    opened = Word2VecVectorizer(model=str(tmp_path / "m.safetensors")).fit(["nothing of it"])
    assert given.model_ is model
    assert np.array_equal(given.transform(TEXTS), opened.transform(TEXTS))


def test_it_trains_as_hsw2v_does() -> None:
    listed = [text.split() for text in TEXTS]
    own = Word2VecVectorizer(**QUICK, settings={"model": "cbow"}).fit(TEXTS).model_
    other = hsw2v.train(listed, **QUICK, threads=1, model="cbow")
    assert own.words == other.words
    assert np.array_equal(own.vectors, other.vectors)


def test_idf_is_that_of_scikit_learn(model: Model) -> None:
    vectorizer = Word2VecVectorizer(model=model, weights="idf").fit(TEXTS)
    counter = CountVectorizer(vocabulary=model.words, token_pattern=r"\S+")
    idf = TfidfTransformer().fit(counter.transform(TEXTS)).idf_
    assert np.allclose(vectorizer.idf_, idf)
    weights = dict(zip(model.words, idf, strict=True))
    words = TEXTS[5].split()
    known = [word for word in words if word in model]
    expected = np.average([model[one] for one in known], 0, [weights[one] for one in known])
    assert np.allclose(vectorizer.transform([TEXTS[5]]), [expected], atol=1e-6)


def test_sif_is_that_of_its_paper(model: Model) -> None:
    assert model.counts is not None
    probabilities = dict(zip(model.words, model.counts / model.counts.sum(), strict=True))

    def weighted(text: str) -> Any:
        words = [one for one in text.split() if one in model]
        return sum(
            model[one] * SMOOTHING / (SMOOTHING + probabilities[one]) for one in words
        ) / len(words)

    means = np.array([weighted(text) for text in TEXTS])
    first = np.linalg.svd(means)[2][0]
    expected = means - np.outer(means @ first, first)
    vectorizer = Word2VecVectorizer(model=model, weights="sif")
    assert np.allclose(vectorizer.fit_transform(TEXTS), expected, atol=1e-7)
    assert np.allclose(abs(vectorizer.component_ @ first), 1.0)
    sentences = model.sentence_vectors(TEXTS, weighting="sif").vectors
    assert np.allclose(vectorizer.transform(TEXTS), sentences, atol=1e-6)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_words_may_be_composed_of_their_ngrams(weights: str) -> None:
    model = some_subwords()
    vectorizer = Word2VecVectorizer(model=model, weights=weights).fit([["das"], ["und", "das"]])
    found = vectorizer.transform([[OTHERS[0]], [NOWHERE]])
    if weights == "mean":
        assert np.allclose(found[0], model[OTHERS[0]], atol=1e-6)
    assert found[0].any()
    assert not found[1].any()


def test_rows_of_a_table_are_documents_of_categories() -> None:
    frame = pd.DataFrame({"colour": ["red", "blue"] * 4, "size": [1, 2] * 4})
    vectorizer = Word2VecVectorizer(**QUICK).fit(frame)
    assert sorted(vectorizer.model_.words) == ["1", "2", "blue", "red"]
    assert list(vectorizer.feature_names_in_) == ["colour", "size"]
    assert np.array_equal(vectorizer.transform(frame)[:1], vectorizer.transform([["red", "1"]]))
    vectorizer.fit(TEXTS)
    assert not hasattr(vectorizer, "n_features_in_")


def test_features_have_names_and_frames() -> None:
    vectorizer = Word2VecVectorizer(**QUICK).set_output(transform="pandas").fit(TEXTS)
    names = [f"word2vecvectorizer{one}" for one in range(4)]
    assert list(vectorizer.get_feature_names_out()) == names
    assert list(vectorizer.transform(pd.Series(TEXTS)).columns) == names


def test_it_takes_part_in_a_pipeline_and_a_search(model: Model) -> None:
    pipeline = make_pipeline(Word2VecVectorizer(model=model), LogisticRegression())
    assert cross_val_score(pipeline, TEXTS, LABELS, cv=2).mean() == 1.0
    grid = {"word2vecvectorizer__weights": list(WEIGHTS)}
    found = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert found.predict(["queen", "pear"]).tolist() == [0, 1]
    trained = make_pipeline(Word2VecVectorizer(**QUICK), LogisticRegression())
    grid = {"word2vecvectorizer__dim": [2, 3]}
    assert len(GridSearchCV(trained, grid, cv=2).fit(TEXTS, LABELS).cv_results_["params"]) == 2


def test_a_clone_shares_the_model_and_is_not_fitted(model: Model) -> None:
    fitted = Word2VecVectorizer(model=model).fit(TEXTS)
    again = clone(fitted)
    assert again.model is model
    with pytest.raises(NotFittedError):
        again.transform(TEXTS)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_it_is_pickled_with_what_it_learned(model: Model, tmp_path: Path, weights: str) -> None:
    fitted = Word2VecVectorizer(model=model, weights=weights).fit(TEXTS)
    stream = io.BytesIO()
    joblib.dump(fitted, stream)
    stream.seek(0)
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(stream)):
        assert np.array_equal(again.transform(TEXTS), fitted.transform(TEXTS))


@pytest.mark.parametrize(
    ("given", "documents", "match"),
    [
        ({"weights": "tfidf"}, TEXTS, "weights is 'tfidf'; it must be one of mean, idf, sif"),
        ({"dim": 0}, TEXTS, "dim"),
        ({"settings": {"dim": 3}}, TEXTS, "settings has 'dim'"),
        ({"settings": {"dims": 3}}, TEXTS, "dims"),
        ({"model": "no such file"}, TEXTS, "no such file"),
        ({}, "one text", "X is str"),
        ({}, 7, "X is int"),
        ({}, [7, 8], "the document 7 is none"),
        ({}, [], "no source is given"),
        ({"min_count": 100}, TEXTS, "no word occurs 100 times"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], documents: Any, match: str) -> None:
    with pytest.raises(hsw2v.Hsw2vError, match=match):
        Word2VecVectorizer(**given).fit(documents)


def test_without_scikit_learn_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hsw2v.sklearn")
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    with pytest.raises(UsageError, match=r"pip install 'hsw2v\[sklearn\]'"):
        importlib.import_module("hsw2v.sklearn")


def test_sif_needs_counts(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("2 2\nking 1 0\nqueen 0 1\n")
    with pytest.raises(UsageError, match="no counts of its words; take weights idf"):
        Word2VecVectorizer(model=path, weights="sif").fit(TEXTS)
    assert Word2VecVectorizer(model=path, weights="idf").fit_transform(TEXTS).any()
