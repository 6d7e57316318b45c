"""A training starts from vectors that a user has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run, write_corpus
from test_checkpoints import Interrupting
from test_training import planted

import hsw2v
from hsw2v.config import LOSSES
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import DivergedError, MissingInputError, UsageError
from hsw2v.events import Event, Notice

SMALL: dict[str, Any] = {"dim": 8, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 1}
NO_STEP = {"lr": 1e-30}
TEXT = planted(300)


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Vectors of half of the words of the text, and of one that it has not."""
    words = sorted({word for sentence in TEXT for word in sentence})[::2]
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(len(words) + 1, 8)).astype(np.float32)
    named = Vocabulary.from_words([*words, "elsewhere"], [0] * len(vectors))
    hsw2v.Model(named, vectors).export(tmp_path / "start.vec")
    return tmp_path / "start.vec"


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("deterministic", [False, True])
def test_words_start_from_vectors(start: Path, loss: str, deterministic: bool) -> None:
    settings = {**SMALL, **NO_STEP, "loss": loss, "deterministic": deterministic}
    vectors = hsw2v.load(start)
    plain, found = hsw2v.train(TEXT, **settings), hsw2v.train(TEXT, init=start, **settings)
    assert found.words == plain.words
    for word in found.words:
        expected = vectors[word] if word in vectors else plain[word]
        assert np.array_equal(found[word], expected), word
    assert found.output is not None
    assert np.abs(found.output).max() < 1e-20
    assert "elsewhere" not in found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("more", [{}, {"optimizer": "adam", "model": "cbow"}, {"l2": 0.1}])
def test_frozen_words_keep_their_vectors(
    start: Path, loss: str, deterministic: bool, more: dict[str, Any]
) -> None:
    settings = {**SMALL, "loss": loss, "deterministic": deterministic, **more}
    vectors, told = hsw2v.load(start), []
    begun = hsw2v.train(TEXT, init=start, **{**settings, **NO_STEP})
    listen = lambda event: told.append(str(event))  # noqa: E731
    found = hsw2v.train(TEXT, init=start, freeze=True, listener=listen, **settings)
    for word in found.words:
        if word in vectors:
            assert np.array_equal(found[word], vectors[word]), word
        else:
            assert not np.array_equal(found[word], begun[word]), word
    assert found.subwords is None
    assert any(f"keep vectors of {start}" in one for one in told)


def test_frozen_words_are_not_those_of_n_grams_nor_without_vectors(start: Path) -> None:
    with pytest.raises(UsageError, match="there are no vectors to freeze"):
        hsw2v.train(TEXT, freeze=True, **SMALL)
    with pytest.raises(UsageError, match="cannot be frozen"):
        hsw2v.train(TEXT, init=start, freeze=True, subwords="3-4", **SMALL)


def test_words_with_n_grams_start_from_vectors(start: Path) -> None:
    vectors = hsw2v.load(start)
    found = hsw2v.train(TEXT, init=start, subwords="1-3", **SMALL, **NO_STEP)
    for word in found.words:
        if word in vectors:
            np.testing.assert_allclose(found[word], vectors[word], atol=1e-5)


def test_batch_normalisation_starts_as_it_always_does(start: Path) -> None:
    settings = {**SMALL, **NO_STEP, "batch_norm": True}
    plain, found = hsw2v.train(TEXT, **settings), hsw2v.train(TEXT, init=start, **settings)
    vectors = hsw2v.load(start)
    word = next(one for one in vectors.words if one in found)
    assert np.array_equal(found[word], vectors[word])
    assert plain.batch_norm is not None
    assert found.batch_norm is not None
    assert np.array_equal(found.batch_norm[:2], plain.batch_norm[:2])


@pytest.mark.parametrize("form", ["npy", "bin", "safetensors", "glove"])
def test_any_format_will_do(start: Path, form: str) -> None:
    vectors, other = hsw2v.load(start), start.with_name(f"other.{form}")
    if form == "safetensors":
        vectors.save(other)
    elif form == "glove":
        other.write_bytes(start.read_bytes().partition(b"\n")[2])
    else:
        vectors.export(other)
    found, same = (hsw2v.train(TEXT, init=one, **SMALL) for one in (start, other))
    assert np.array_equal(found.vectors, same.vectors)


def test_training_tells_how_many_words_start_from_vectors(start: Path) -> None:
    told: list[str] = []

    def listen(event: Event) -> None:
        told.extend([event.message] if isinstance(event, Notice) else [])

    model = hsw2v.train(TEXT, init=start, listener=listen, **SMALL)
    known = sum(word in model for word in hsw2v.load(start).words)
    assert f"of {len(model):,} words {known:,} start from vectors of {start}" in told
    assert model.info["init"] == {"name": str(start), "words": known}


def test_vectors_with_which_training_may_diverge_are_told(tmp_path: Path, start: Path) -> None:
    vectors, told = hsw2v.load(start), []
    for scale in (1, 10):
        long = hsw2v.Model(vectors.vocabulary, vectors.vectors * scale)
        long.export(tmp_path / f"{scale}.vec")
        listen = lambda event: told.append(str(event))  # noqa: E731
        hsw2v.train(TEXT, init=tmp_path / f"{scale}.vec", listener=listen, **SMALL, **NO_STEP)
        assert any("with which training may diverge" in one for one in told) == (scale == 10)


def test_what_cannot_be_a_start_is_refused_before_the_text_is_read(
    tmp_path: Path, start: Path
) -> None:
    nowhere = tmp_path / "nowhere.txt"
    with pytest.raises(UsageError, match="have 8 dimensions, and dim is 100; train with --dim 8"):
        hsw2v.train(nowhere, init=start)
    with pytest.raises(MissingInputError, match="no such file"):
        hsw2v.train(nowhere, init=tmp_path / "none.vec")
    with pytest.raises(UsageError, match="init is given, and the model has its own vectors"):
        hsw2v.train(nowhere, init=start, from_model=hsw2v.train(TEXT, **SMALL))
    corpus = write_corpus(tmp_path / "corpus.txt")
    for command in ("train", "plan"):
        said = complaint(command, corpus, "--init", start, code=2, cwd=tmp_path)
        assert "have 8 dimensions" in said
    said = complaint("train", corpus, "--init", start, "-o", start, "--force", "--dim", 8, code=2)
    assert "is an input" in said


def test_vectors_of_no_word_are_refused(start: Path) -> None:
    with pytest.raises(UsageError, match="has vectors of none of the 2 words of the vocabulary"):
        hsw2v.train([["other", "words"]] * 9, init=start, **SMALL)


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("freeze", [False, True])
def test_an_interrupted_training_needs_no_vectors(
    tmp_path: Path,
    start: Path,
    deterministic: bool,
    freeze: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = {**SMALL, "epochs": 2, "deterministic": deterministic, "freeze": freeze}
    whole, output = tmp_path / "whole.safetensors", tmp_path / "m.safetensors"
    hsw2v.train(TEXT, init=start, output=whole, **settings)
    Interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(TEXT, init=start, output=output, **settings)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="init was"):
        hsw2v.train(TEXT, output=output, resumed=True, **settings | {"freeze": False})
    start.unlink()
    model = hsw2v.resume(f"{output}.checkpoint")
    assert model.info["init"] == hsw2v.load(whole).info["init"]
    assert np.array_equal(model.vectors, hsw2v.load(whole).vectors)
    if deterministic:
        assert output.read_bytes() == whole.read_bytes()


def test_vectors_that_changed_are_another_training(
    tmp_path: Path, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, output = {**SMALL, "epochs": 2}, tmp_path / "m.safetensors"
    Interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(TEXT, init=start, output=output, **settings)
    hsw2v.load(start).export(start, normalize=True, force=True)
    with pytest.raises(UsageError, match="a file that the settings name changed"):
        hsw2v.train(TEXT, init=start, output=output, resumed=True, **settings)


def test_training_that_diverges_begins_again_from_the_vectors(start: Path) -> None:
    told: list[str] = []
    with pytest.raises(DivergedError, match="after 3 halvings"):
        hsw2v.train(
            TEXT,
            init=start,
            lr=10.0,
            optimizer="sgd",
            loss="softmax",
            listener=lambda event: told.append(str(event)),
            **{**SMALL, "epochs": 20},
        )
    starts = f"start from vectors of {start}"
    assert sum("going on from the start" in one for one in told) == 3
    assert sum(starts in one for one in told) == 1


def test_a_training_from_vectors_is_better_informed_than_one_from_chance(
    tmp_path: Path,
) -> None:
    long = hsw2v.train(TEXT, **{**SMALL, "epochs": 30})
    long.export(tmp_path / "long.vec")
    short = hsw2v.train(TEXT[:20], **SMALL)
    begun = hsw2v.train(TEXT[:20], init=tmp_path / "long.vec", **SMALL)

    def groups(model: hsw2v.Model) -> float:
        """The share of nearest words that are of the same group."""
        pairs = [(word, model.similar(word, k=1)[0][0]) for word in model.words if word[0] == "g"]
        return float(np.mean([word[:2] == near[:2] for word, near in pairs]))

    assert groups(begun) > groups(short)


def test_a_model_in_a_file_tells_what_it_started_from(tmp_path: Path, start: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    words = Vocabulary.from_words(["a1", "b1"], [1, 1])
    hsw2v.Model(words, np.ones((2, 8), np.float32)).export(tmp_path / "ab.vec", force=True)
    options = ("--init", "ab.vec", "--dim", 8, "--epochs", 1, "-o", "m.safetensors")
    done = run("train", corpus, *options, cwd=tmp_path)
    assert "of 16 words 2 start from vectors of ab.vec" in done.stderr
    assert hsw2v.load(tmp_path / "m.safetensors").info["init"] == {"name": "ab.vec", "words": 2}
