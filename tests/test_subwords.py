"""Training with character n-grams: settings, rows, what is learnt, and what it goes with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from test_checkpoints import same
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import Config, TrainingConfig
from hsw2v.config.subwords import lengths_of
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.events import EpochEnd, Event
from hsw2v.kernels.subwords import compose_words, give_back
from hsw2v.model.store import open_store
from hsw2v.model.subwords import own_rows
from hsw2v.network.subwords import InputRows
from hsw2v.reference import Composing
from hsw2v.training import workspace

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 2}
WORDS = ["the", "banana", "a", "größer", "größte", "東京", "banana-banana", "x"]


def inputs_of(words: list[str], **settings: Any) -> InputRows:
    settings = {"subwords": "2-4"} | settings
    vocabulary = Vocabulary.from_words(words, range(len(words), 0, -1))
    found = InputRows.of(TrainingConfig(**settings), vocabulary)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("", None), ("4", (4, 4)), ("3-6", (3, 6)), (" 3-6 ", (3, 6)), ("1-1000", (1, 1000))],
)
def test_lengths_are_read(text: str, lengths: tuple[int, int] | None) -> None:
    assert lengths_of(text) == lengths


@pytest.mark.parametrize("text", ["6-3", "0", "3-", "-3", "a", "3-6-9", "3–6", "1001", "٣-٤", " "])
def test_what_are_no_lengths_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="subwords"):
        Config().replace(subwords=text)
    path = tmp_path / "t.txt"
    path.write_text("a b\n" * 9)
    said = complaint("train", path, f"--subwords={text}", code=2)
    assert "subwords is" in said
    assert "3-6 or 4" in said


def test_every_word_has_the_rows_of_its_buckets() -> None:
    found, ngrams = inputs_of(WORDS, buckets=1000), Subwords(2, 4, 1000).ngrams_of(WORDS)
    assert np.array_equal(found.offsets, ngrams.offsets)
    assert np.array_equal(found.buckets[found.ngrams], ngrams.buckets)
    assert np.array_equal(found.buckets, np.unique(ngrams.buckets))
    assert found.most == int(np.diff(ngrams.offsets).max())


@pytest.mark.parametrize("whole", [0, 3, len(WORDS), 100])
def test_the_most_frequent_words_may_go_without(whole: int) -> None:
    found, every = inputs_of(WORDS, whole_words=whole), inputs_of(WORDS)
    counts = np.diff(found.offsets)
    assert not counts[:whole].any()
    assert np.array_equal(counts[whole:], np.diff(every.offsets)[whole:])
    assert len(found.buckets) == len(np.unique(found.ngrams))


@pytest.mark.parametrize("whole", [0, 2, 100])
def test_composing_is_the_mean_and_can_be_undone(whole: int) -> None:
    found = inputs_of(WORDS, whole_words=whole)
    rng = np.random.default_rng(3)
    own, ngrams = aligned_zeros(len(WORDS), padded(5)), aligned_zeros(len(found.buckets), padded(5))
    own[:, :5], ngrams[:, :5] = rng.normal(size=(len(own), 5)), rng.normal(size=(len(ngrams), 5))
    rows = [one.tolist() for one in np.split(found.ngrams, found.offsets[1:-1])]
    reference = Composing(own.astype(np.float64), ngrams.astype(np.float64), rows)
    expected = np.array([reference.compose(word) for word in range(len(WORDS))])
    vectors = found.compose(own, ngrams, np.empty_like(own))
    np.testing.assert_allclose(vectors, expected, rtol=1e-5, atol=1e-6)
    # Compiled code composes, and gives back, likewise.
    composing = workspace.composing(found, ngrams, 1, len(WORDS))
    some = np.array([0, 1, 6], np.int32)
    compose_words(composing, own, some)
    np.testing.assert_allclose(composing.composed[some], expected[some], rtol=1e-5, atol=1e-6)
    composing.composed[some, :5] += 0.5
    give_back(composing, own, some)
    for word in some.tolist():
        reference.give_back(word, np.array([0.5] * 5 + [0.0] * (padded(5) - 5)))
    np.testing.assert_allclose(own, reference.own, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ngrams, reference.ngrams, rtol=1e-5, atol=1e-6)
    again, known = found.compose(own, ngrams, np.empty_like(own)), np.arange(len(WORDS)) != 1
    found.decompose(again, ngrams, known)
    np.testing.assert_allclose(again[known], own[known], rtol=1e-4, atol=1e-5)
    assert not np.allclose(again[1], own[1]) or whole


@pytest.mark.parametrize("loss", ["hs", "ns", "sampled"])
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_words_that_are_unknown_are_near_those_they_are_spelled_like(model: str, loss: str) -> None:
    trained = hsw2v.train(
        planted(), model=model, loss=loss, subwords="3-4", **(SMALL | {"epochs": 8, "lr": 0.05})
    )
    for group in range(4):
        word = f"g{group}w777"
        assert word not in trained
        near = [name[:2] for name, _ in trained.similar(word, k=4)]
        assert near == [f"g{group}"] * 4


def test_vectors_are_those_of_own_rows_and_ngrams() -> None:
    trained = hsw2v.train(planted(), subwords="3-4", whole_words=2, **SMALL)
    assert trained.subwords is not None
    assert trained.subwords.whole_words == 2
    ngrams = trained.subwords.ngrams(trained.vocabulary)
    assert not np.diff(ngrams.offsets)[:2].any()
    own = own_rows(trained.vectors, ngrams, trained.subwords)
    # A row moves by the changes of one word: of the words' own, none has gone far.
    assert np.abs(own).max() < 10 * np.abs(trained.vectors).max()


def test_one_thread_comes_to_the_same_bits_in_memory_and_in_files(tmp_path: Path) -> None:
    settings = SMALL | {"subwords": "3", "dim": 100}
    one, other = (
        hsw2v.train(planted(800), tables=tables, **settings)
        for tables in ("memory", f"mapped:{tmp_path}")
    )
    assert same(one, other)


def test_heldout_loss_is_that_of_the_model() -> None:
    events: list[Event] = []
    model = hsw2v.train(
        planted(1_500), heldout=planted(200, seed=3), subwords="3", listener=events.append, **SMALL
    )
    told = [one.heldout_loss for one in events if isinstance(one, EpochEnd)][-1]
    scores = list(model.score(planted(200, seed=3)))
    assert told is not None
    # The mean over context words is of predictions, and a score is of words.
    assert np.isfinite(sum(one.log_prob for one in scores))
    assert 0.0 < told < np.log(len(model)) * 1.2


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_training_goes_on_with_ngrams_and_new_words(loss: str) -> None:
    before = hsw2v.train(planted(1_000), subwords="3-4", whole_words=3, loss=loss, **SMALL)
    new = [*planted(300, seed=4), *([["g0w1", "g0wnew", "other", "g0w2"]] * 30)]
    after = hsw2v.train(new, from_model=before, **(SMALL | {"lr": 1e-30, "epochs": 1}))
    assert before.subwords is not None
    assert after.subwords is not None
    for word in before.words:
        np.testing.assert_allclose(after[word], before[word], rtol=1e-4, atol=1e-6)
    buckets = before.subwords.buckets
    rows = after.subwords.rows(buckets)
    # An n-gram that only words have that go without now is gone.
    assert (rows >= 0).mean() > 0.8
    known = rows >= 0
    np.testing.assert_allclose(after.subwords.vectors[rows[known]], before.subwords.vectors[known])
    assert len(after.subwords) > known.sum()
    with pytest.raises(errors.UsageError, match=r"subwords is 2, and the model's is 3-4"):
        hsw2v.train(new, from_model=before, subwords="2", **SMALL)


def test_a_plain_model_does_not_get_ngrams() -> None:
    before = hsw2v.train(planted(300), **SMALL)
    with pytest.raises(errors.UsageError, match="subwords is 3-6, and the model's is"):
        hsw2v.train(planted(300), from_model=before, subwords="3-6", **SMALL)


def test_the_plan_knows_memory_and_the_file(tmp_path: Path) -> None:
    settings = SMALL | {"subwords": "2-3", "tree": "huffman"}
    found = hsw2v.plan(planted(500), **settings)
    path = tmp_path / "m.safetensors"
    model = hsw2v.train(planted(500), output=path, **settings)
    assert model.subwords is not None
    assert model.output is not None
    rows = len(model) + len(model.output) + len(model.subwords)
    assert found.table_bytes == 4 * padded(12) * rows
    arrays = open_store(str(path))
    assert found.model_bytes == sum(arrays.array(name).nbytes for name in arrays.tensors)


def test_gradients_are_recorded_of_composed_vectors(tmp_path: Path) -> None:
    seen: list[str] = []
    hsw2v.train(
        planted(2_000),
        subwords="3",
        record_gradients=1,
        listener=lambda event: seen.append(type(event).__name__),
        **SMALL,
    )
    assert "GradientsRecorded" in seen


def test_words_without_ngrams_are_trained_as_ever() -> None:
    """No n-gram is that long: each vector is the mean of one row."""
    plain = hsw2v.train(planted(800), **SMALL)
    trained = hsw2v.train(planted(800), subwords="900", **(SMALL | {"lr": 0.025}))
    assert trained.subwords is not None
    assert len(trained.subwords) == 0
    # But a word that is twice in a window moves from where it entered, and not from the first.
    assert np.linalg.norm(trained.vectors - plain.vectors) < 0.05 * np.linalg.norm(plain.vectors)


def test_the_command_line_trains_with_ngrams(tmp_path: Path) -> None:
    text, model = tmp_path / "t.txt", tmp_path / "m.safetensors"
    text.write_text("\n".join(map(" ".join, planted(400))))
    run(
        *("train", str(text), "-o", str(model), "--subwords", "3-4", "--buckets", "500"),
        *("--whole-words", "2", "--dim", "8", "--epochs", "1"),
    )
    found = hsw2v.load(model).subwords
    assert found is not None
    assert (found.settings, found.whole_words) == (Subwords(3, 4, 500), 2)
