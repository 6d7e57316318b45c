"""Models of every output layer answer, with and without batch normalisation, as they must."""

from __future__ import annotations

import gc
import itertools
import weakref
from pathlib import Path

import numpy as np
import pytest
from some_models import ASKED_EXACTLY, EVERY_LOSS, some_model

import hsw2v
from hsw2v.errors import UsageError
from hsw2v.model.predictor import Predictor

WORDS = [f"w{number}" for number in range(30)]
CONTEXT = ["w1", "w5", "w1", "w29"]


@pytest.fixture(
    scope="module", params=itertools.product(EVERY_LOSS, (False, True), ("skipgram", "cbow"))
)
def model(request: pytest.FixtureRequest) -> hsw2v.Model:
    loss, batch_norm, kind = request.param
    return some_model(loss, WORDS, batch_norm=batch_norm, model=kind, window=2)


@pytest.fixture(scope="module")
def exactly(model: hsw2v.Model) -> bool:
    return model.config["training"]["loss"] in ASKED_EXACTLY


def softmax(scores: np.ndarray) -> np.ndarray:
    odds = np.exp(scores - scores.max())
    probabilities: np.ndarray = odds / odds.sum()
    return probabilities


def of_hidden(model: hsw2v.Model, hidden: np.ndarray) -> np.ndarray:
    """Return the probability of every word given one hidden vector, by the definitions."""
    assert model.output is not None
    if model.batch_norm is not None:
        scale, shift, mean, variance = model.batch_norm.astype(np.float64)
        hidden = scale * (hidden - mean) / np.sqrt(variance + 1e-5) + shift
    scores = model.output.astype(np.float64) @ hidden
    if model.tree is not None:
        paths = model.tree.paths()
        ways = itertools.pairwise(paths.offsets)
        signs = 1.0 - 2.0 * paths.codes
        turns = 1.0 / (1.0 + np.exp(-signs * scores[paths.nodes]))
        return np.array([turns[a:b].prod() for a, b in ways])
    if model.classes is None:
        return softmax(scores)
    found = softmax(scores[: model.classes.count])[model.classes.of]
    of_words = scores[model.classes.count :]
    for one in range(model.classes.count):
        alike = model.classes.of == one
        found[alike] *= softmax(of_words[alike])
    return found


def by_the_book(model: hsw2v.Model, context: list[str]) -> np.ndarray:
    hidden = model.vectors[model.rows(context)].astype(np.float64)
    if model.config["training"]["model"] == "cbow":
        return of_hidden(model, hidden.mean(axis=0))
    mixed: np.ndarray = np.mean([of_hidden(model, row) for row in hidden], axis=0)
    return mixed


def test_the_distribution_is_that_of_the_output_layer(model: hsw2v.Model, exactly: bool) -> None:
    found = model.distribution(CONTEXT, normalize_exactly=exactly)
    np.testing.assert_allclose(found, by_the_book(model, CONTEXT), rtol=1e-5)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_what_is_predicted_is_the_sorted_distribution(model: hsw2v.Model, exactly: bool) -> None:
    probabilities = model.distribution(CONTEXT, normalize_exactly=exactly)
    answers = model.predict(CONTEXT, k=4, normalize_exactly=exactly)
    best = np.argsort(-probabilities, kind="stable")[:4]
    assert answers == [(WORDS[row], probabilities[row]) for row in best]
    found = Predictor(model, normalize_exactly=exactly).predict(CONTEXT, 4)
    assert model.output is not None
    assert 0 < found.visited <= found.outputs == len(model.output)


def test_a_word_alone_has_the_probability_of_the_distribution(
    model: hsw2v.Model, exactly: bool
) -> None:
    logs = np.log(model.distribution(CONTEXT, normalize_exactly=exactly))
    found = [model.log_prob(word, CONTEXT, normalize_exactly=exactly) for word in WORDS]
    assert found == pytest.approx(logs.tolist(), rel=1e-12)


def test_a_text_is_scored_by_the_windows_of_its_words(model: hsw2v.Model, exactly: bool) -> None:
    sentences = [["w1", "w2", "nobody", "w3", "w4"], ["w7"], ["w8", "w8"]]
    for score in model.score(sentences, normalize_exactly=exactly):
        known = [word for word in score.tokens if word in model]
        windows = [known[max(0, i - 2) : i] + known[i + 1 : i + 3] for i in range(len(known))]
        logs = [
            model.log_prob(word, window, normalize_exactly=exactly)
            for word, window in zip(known, windows, strict=True)
            if window
        ]
        assert score.words == len(logs)
        assert score.log_prob == pytest.approx(sum(logs), rel=1e-4)


def test_a_saved_model_answers_the_same_and_keeps_its_vectors(
    model: hsw2v.Model, exactly: bool, tmp_path: Path
) -> None:
    model.save(tmp_path / "m.safetensors")
    again = hsw2v.load(tmp_path / "m.safetensors")
    answers = model.predict(CONTEXT, normalize_exactly=exactly)
    assert again.predict(CONTEXT, normalize_exactly=exactly) == answers
    assert again.similar("w1") == model.similar("w1")
    assert np.array_equal(again["w1"], model.vectors[1])


@pytest.mark.parametrize("batch_norm", [False, True])
def test_layers_without_probabilities_are_refused_each_for_its_reason(batch_norm: bool) -> None:
    said = {}
    for loss in ASKED_EXACTLY:
        model = some_model(loss, WORDS, batch_norm=batch_norm)
        for ask in (
            lambda model: model.predict(CONTEXT),
            lambda model: model.distribution(CONTEXT),
            lambda model: model.log_prob("w1", CONTEXT),
            lambda model: model.score([CONTEXT]),
        ):
            with pytest.raises(UsageError, match="--normalize-exactly") as caught:
                ask(model)
        said[loss] = str(caught.value)
    assert "negative sampling" in said["ns"]
    assert "not normalised" in said["ns"]
    assert "sampled softmax" in said["sampled"]
    assert "over all words" in said["sampled"]


def test_normalised_vectors_are_made_once_and_go_with_the_model() -> None:
    model = some_model("class", WORDS, batch_norm=True)
    model.predict(CONTEXT)
    assert model.hidden_vectors is model.hidden_vectors
    assert not np.array_equal(model.hidden_vectors, model.vectors)
    assert model.hidden_vectors.dtype == np.float32
    assert not model.hidden_vectors.flags.writeable
    table, gone = weakref.ref(model.hidden_vectors), weakref.ref(model)
    gc.disable()
    try:
        del model
        assert gone() is None
        assert table() is None
    finally:
        gc.enable()


def test_without_batch_normalisation_there_is_one_table() -> None:
    model = some_model("hs", WORDS)
    assert model.batch_norm is None
    assert model.hidden_vectors is model.vectors
