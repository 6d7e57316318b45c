"""Probabilities of a class layer are exact, and the best are found without opening all classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.query import probabilities
from hsw2v.query.classes import ClassSoftmax
from hsw2v.query.normalisation import normalised
from hsw2v.query.probabilities import FullSoftmax, log_mean
from hsw2v.reference.normalisation import standardise
from hsw2v.trees.classes import Classes


def in_classes(words: int, count: int, seed: int) -> Classes:
    """Return classes of any sizes, none empty."""
    rng = np.random.default_rng(seed)
    of = np.concatenate((np.arange(count), rng.integers(0, count, words - count)))
    return Classes(rng.permutation(of).astype(np.int32), count)


@st.composite
def cases(draw: st.DrawFn) -> tuple[ClassSoftmax, np.ndarray]:
    """Any classes, with output and hidden rows that are flat, peaked or full of ties."""
    words = draw(st.integers(1, 40))
    classes = in_classes(words, draw(st.integers(1, words)), draw(st.integers(0, 99)))
    rng = np.random.default_rng(draw(st.integers(0, 1_000)))
    shape = (classes.count + words, 3)
    if draw(st.booleans()):
        outputs = rng.normal(size=shape) * draw(st.sampled_from((0.0, 1e-3, 1.0, 30.0, 1e4)))
    else:
        outputs = rng.integers(-1, 2, shape).astype(np.float64)
    hidden = rng.integers(-2, 3, (draw(st.integers(1, 5)), 3))
    return ClassSoftmax(outputs.astype(np.float32), classes), hidden.astype(np.float64)


def by_the_book(softmax: ClassSoftmax, hidden: np.ndarray) -> np.ndarray:
    """Return every word's probability: exponentials over their sums, one word after the other."""
    classes, outputs = softmax.classes, softmax.outputs.astype(np.float64)
    mixed = np.zeros(len(classes))
    for row in hidden:
        scores = outputs @ row
        for word, one in enumerate(classes.of):
            words = classes.count + np.nonzero(classes.of == one)[0]
            of_class = 1.0 / np.exp(scores[: classes.count] - scores[one]).sum()
            of_word = 1.0 / np.exp(scores[words] - scores[classes.count + word]).sum()
            mixed[word] += of_class * of_word
    return mixed / len(hidden)


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")
@given(cases())
def test_a_probability_is_that_of_the_class_times_that_of_the_word_in_it(
    case: tuple[ClassSoftmax, np.ndarray],
) -> None:
    softmax, hidden = case
    found = np.exp(softmax.log_distribution(hidden))
    np.testing.assert_allclose(found, by_the_book(softmax, hidden), rtol=1e-9, atol=1e-300)
    assert found.sum() == pytest.approx(1.0, abs=1e-11)


@given(cases(), st.integers(1, 50))
def test_the_best_found_are_those_of_the_whole_distribution_to_the_bit(
    case: tuple[ClassSoftmax, np.ndarray], k: int
) -> None:
    softmax, hidden = case
    logs = softmax.log_distribution(hidden)
    found = softmax.most_probable(hidden, k)
    expected = np.argsort(-logs, kind="stable")[:k]
    assert found.words.tolist() == expected.tolist()
    assert found.logs.tolist() == logs[expected].tolist()
    assert found.visited <= len(softmax.outputs)


@pytest.mark.parametrize("rows", [1, 3, 17, 40])
@pytest.mark.parametrize("scale", [0.01, 0.3, 2.0])
def test_so_they_are_where_matrices_are_cut_in_pieces(
    rows: int, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probabilities, "SCORES_AT_ONCE", 200)
    monkeypatch.setattr(probabilities, "ROWS_AT_ONCE", 32)
    rng = np.random.default_rng(rows)
    classes = in_classes(600, 9, rows)
    softmax = ClassSoftmax((rng.normal(size=(609, 20)) * scale).astype(np.float32), classes)
    hidden = rng.normal(size=(rows, 20))
    logs = softmax.log_distribution(hidden)
    assert np.exp(logs).sum() == pytest.approx(1.0, abs=1e-11)
    for k in (1, 10, 600):
        found = softmax.most_probable(hidden, k)
        expected = np.argsort(-logs, kind="stable")[:k]
        assert found.words.tolist() == expected.tolist()
        assert found.logs.tolist() == logs[expected].tolist()


@given(cases(), st.integers(0, 100))
def test_words_asked_for_alone_get_what_the_distribution_gives(
    case: tuple[ClassSoftmax, np.ndarray], seed: int
) -> None:
    softmax, hidden = case
    targets = np.random.default_rng(seed).integers(0, len(softmax.classes), 30)
    sources = np.broadcast_to(np.arange(len(hidden)), (30, len(hidden)))
    logs = log_mean(softmax.log_probs(hidden, sources, targets), np.ones(sources.shape, np.bool_))
    expected = softmax.log_distribution(hidden)[targets]
    np.testing.assert_allclose(logs, expected, rtol=1e-11, atol=1e-9)


def test_the_best_word_may_be_in_a_class_that_is_not_the_best() -> None:
    """0.6 is shared by three words, and 0.4 is one word's."""
    classes = Classes(np.array([0, 0, 1, 0], np.int32), 2)
    outputs = np.array([np.log(0.6), np.log(0.4), 0, 0, 0, 0], np.float32)[:, None]
    found = ClassSoftmax(outputs, classes).most_probable(np.ones((1, 1)), 2)
    assert found.words.tolist() == [2, 0]
    assert np.exp(found.logs) == pytest.approx([0.4, 0.2])
    assert found.visited == 6


def test_of_words_as_probable_the_lower_goes_first_whatever_its_class() -> None:
    classes = Classes(np.array([2, 1, 0, 1, 2, 0], np.int32), 3)
    softmax = ClassSoftmax(np.zeros((9, 2), np.float32), classes)
    assert softmax.most_probable(np.ones((3, 2)), 4).words.tolist() == [0, 1, 2, 3]


def test_classes_that_cannot_hold_the_best_are_not_opened() -> None:
    classes = in_classes(10_000, 100, 1)
    rng = np.random.default_rng(2)
    softmax = ClassSoftmax((rng.normal(size=(10_100, 8)) * 2).astype(np.float32), classes)
    assert softmax.most_probable(rng.normal(size=(1, 8)), 10).visited < 2_000


def test_one_class_is_the_softmax_over_all_words() -> None:
    rng = np.random.default_rng(1)
    outputs, hidden = rng.normal(size=(21, 4)).astype(np.float32), rng.normal(size=(2, 4))
    found = ClassSoftmax(outputs, Classes(np.zeros(20, np.int32), 1)).log_distribution(hidden)
    np.testing.assert_allclose(found, FullSoftmax(outputs[1:]).log_distribution(hidden))


@given(st.integers(1, 6), st.integers(0, 99))
def test_normalising_commutes_with_the_mean_of_a_context(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden, batch_norm = rng.normal(size=(rows, 5)), rng.normal(size=(4, 5))
    batch_norm[3] = rng.uniform(0.0, 2.0, 5)
    of_mean = normalised(hidden.mean(axis=0, keepdims=True), batch_norm)[0]
    np.testing.assert_allclose(normalised(hidden, batch_norm).mean(axis=0), of_mean, atol=1e-9)


@given(st.integers(0, 99))
def test_hidden_vectors_are_normalised_as_training_defines_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    hidden, batch_norm = rng.normal(size=(7, 5)), rng.normal(size=(4, 5))
    batch_norm[3] = rng.uniform(0.0, 1e-3, 5)
    expected = batch_norm[0] * standardise(hidden, batch_norm[2:]) + batch_norm[1]
    np.testing.assert_allclose(normalised(hidden, batch_norm), expected, rtol=1e-12)
    narrow = normalised(hidden.astype(np.float32), batch_norm.astype(np.float32))
    assert narrow.dtype == np.float32
