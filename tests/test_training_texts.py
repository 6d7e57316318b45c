"""Texts that are read once serve many trainings, and which held-out losses there are."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import hsw2v
from hsw2v import errors, events
from hsw2v.config import Config
from hsw2v.training import building
from hsw2v.training.api import train_on
from hsw2v.training.checks import check_training
from hsw2v.training.texts import read_texts
from hsw2v.training.trainer import Trainer
from hsw2v.trees.semantic import semantic
from hsw2v.trees.tree import Tree

WORDS = [f"w{number}" for number in range(12)]
SENTENCES = [[WORDS[(row * step) % 12] for step in range(1, 9)] for row in range(400)]
HELDOUT = SENTENCES[3:40]
SMALL = Config().replace(dim=8, min_count=1, sample=0.0, threads=1, tree="huffman", epochs=2)


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_many_trainings_on_texts_read_once_are_those_of_texts_read_anew(loss: str) -> None:
    settings = [
        SMALL.replace(loss=loss, seed=seed, min_count=least)
        for seed in (1, 2)
        for least in (1, 250)
    ]
    with read_texts(SENTENCES, SMALL.corpus) as texts:
        found = [train_on(texts, one).model for one in settings]
    expected = [hsw2v.train(SENTENCES, config=one) for one in settings]
    assert len({len(model) for model in found}) == 2
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.words == theirs.words
        assert ours.vectors.tobytes() == theirs.vectors.tobytes()
        assert ours.config == theirs.config
        assert ours.info["corpus"] == theirs.info["corpus"]


def test_the_heldout_text_is_read_once_too() -> None:
    def losses(heard: list[events.Event]) -> list[float | None]:
        return [one.heldout_loss for one in heard if isinstance(one, events.EpochEnd)]

    one: list[events.Event] = []
    other: list[events.Event] = []
    with read_texts(SENTENCES, SMALL.corpus, HELDOUT) as texts:
        train_on(texts, SMALL.replace(dim=4))
        train_on(texts, SMALL, listener=one.append)
    hsw2v.train(SENTENCES, config=SMALL, heldout=HELDOUT, listener=other.append)
    assert losses(one) == losses(other) != [None, None]


def test_measuring_is_no_part_of_the_time_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*arguments: object) -> float:
        time.sleep(0.5)
        return 1.0

    monkeypatch.setattr(Trainer, "heldout_loss", slowly)
    heard: list[events.Event] = []
    begun = time.perf_counter()
    model = hsw2v.train(SENTENCES, config=SMALL, heldout=HELDOUT, listener=heard.append)
    seconds = time.perf_counter() - begun
    ends = [one for one in heard if isinstance(one, events.EpochEnd)]
    assert [one.heldout_loss for one in ends] == [1.0, 1.0]
    told = model.info["seconds"]
    assert told["measuring"] >= 1.0
    assert sum(one.seconds for one in ends) <= told["training"] <= seconds - 1.0
    assert hsw2v.train(SENTENCES, config=SMALL).info["seconds"]["measuring"] < 0.1


def test_building_a_tree_is_no_part_of_the_time_of_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slowly(*arguments: object) -> Tree:
        time.sleep(0.5)
        return semantic(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "semantic", slowly)
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    heard: list[events.Event] = []
    config = SMALL.replace(loss="hs", tree="semantic", epochs=3, rebuild_at=1.0)
    model = hsw2v.train(SENTENCES, config=config, listener=heard.append)
    ends = [one for one in heard if isinstance(one, events.EpochEnd)]
    (ready,) = (one for one in heard if isinstance(one, events.TreeReady) and one.seconds >= 0.5)
    training = model.info["seconds"]["training"] - 0.5
    assert sum(one.seconds for one in ends) <= training
    after = heard[heard.index(ready) :]
    progress = [one for one in after if isinstance(one, events.TrainingProgress)]
    assert progress
    assert all(one.seconds <= training for one in progress)
    growing = [one for one in heard if isinstance(one, events.TreeProgress)]
    assert (growing[-1].stage, growing[-1].done, growing[-1].total) == ("splitting", 12, 12)


def test_building_a_tree_before_an_interruption_is_no_part_of_the_speed_after_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def slowly(*arguments: object) -> Tree:
        time.sleep(0.5)
        return semantic(*arguments)  # type: ignore[arg-type]

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.EpochEnd) and event.epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(building, "semantic", slowly)
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    config = SMALL.replace(loss="hs", tree="semantic", epochs=4, rebuild_at=1.0)
    output = tmp_path / "model.safetensors"
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(SENTENCES, config=config, output=output, listener=interrupt)
    heard: list[events.Event] = []
    model = hsw2v.resume(f"{output}.checkpoint", listener=heard.append)
    progress = [one for one in heard if isinstance(one, events.TrainingProgress)]
    assert progress
    training = model.info["seconds"]["training"] - 0.5
    assert all(one.seconds <= training for one in progress)


def test_settings_of_the_corpus_are_those_it_was_read_with() -> None:
    with (
        read_texts(SENTENCES, SMALL.corpus) as texts,
        pytest.raises(errors.UsageError, match="read with other settings"),
    ):
        train_on(texts, SMALL.replace(lowercase=True))


@pytest.mark.parametrize("loss", ["hs", "hs+ns", "class", "ns", "sampled", "softmax"])
def test_a_heldout_loss_needs_probabilities_or_to_be_normalized_exactly(loss: str) -> None:
    training = SMALL.replace(loss=loss).training
    check_training(training, heldout=False)
    check_training(training, heldout=True, normalize_exactly=True)
    if loss in ("ns", "sampled"):
        with pytest.raises(errors.UsageError, match=f"loss {loss}.*no probabilities.*softmax"):
            check_training(training, heldout=True)
    else:
        check_training(training, heldout=True)
    with pytest.raises(errors.UsageError, match=r"there is none; name one with --heldout"):
        check_training(training, heldout=False, normalize_exactly=True)
