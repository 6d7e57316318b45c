"""A training that is interrupted goes on from its checkpoint as if it had not been."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import killing
import numpy as np
import pytest
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.events import EpochEnd, Event, Notice, Resumed
from hsw2v.training import checkpoint, trainer
from hsw2v.training.hogwild import Hogwild
from hsw2v.training.output import ModelOutput, folder_of
from hsw2v.training.rounds import Rounds, rounds_within
from hsw2v.training.signals import signals_held
from hsw2v.training.state import TrainingState

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 3}
CASES: dict[str, dict[str, Any]] = {
    "hs": {"tree": "huffman"},
    "a tree that is rebuilt": {"rebuild_at": 0.5, "rebuild_every": 0.4, "epochs": 4},
    "another output layer first": {"pretrain": "ns:1.2"},
    "subsampled decisions, CBOW": {"model": "cbow", "node_sample": 0.01},
    "two trees, built twice": {
        "num_trees": 2,
        "rebuild_at": 0.5,
        "rebuild_every": 0.4,
        "epochs": 4,
    },
    "two trees, ns beside them": {"loss": "hs+ns", "num_trees": 2},
    "ns": {"loss": "ns"},
    "hs+ns": {"loss": "hs+ns", "rebuild_at": 1.2},
    "three phases": {"loss": "ns", "pretrain": "hs:0.4,hs+ns:0.7"},
    "class": {"loss": "class", "classes": "kmeans"},
    "sampled": {"loss": "sampled"},
    "softmax": {"loss": "softmax"},
    "adam": {"optimizer": "adam"},
    "rmsprop, CBOW": {"optimizer": "rmsprop", "model": "cbow"},
    "adagrad, ns": {"optimizer": "adagrad", "loss": "ns"},
    "batch norm, adam": {"batch_norm": True, "optimizer": "adam"},
    "weight decay": {"l2": 0.1},
    "n-grams": {"subwords": "2-3", "rebuild_at": 0.5, "whole_words": 3},
    "n-grams, deterministic": {"subwords": "2", "deterministic": True, "workers": 2, "loss": "ns"},
    "deterministic": {"deterministic": True, "workers": 2, "threads": 3, "rebuild_at": 0.75},
    "deterministic adam, class": {
        "deterministic": True,
        "workers": 3,
        "threads": 2,
        "optimizer": "adam",
        "batch_norm": True,
        "loss": "class",
    },
}


def text() -> list[list[str]]:
    return planted(4_000)


class Interrupting:
    """Interrupts a training, by Ctrl-C, when so many blocks are done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        for strategy in (Hogwild, Rounds):
            monkeypatch.setattr(strategy, "run", self._run(strategy.run))

    def _run(self, train: Any) -> Any:
        def run(strategy: Any, some: Any, losses: Any, first: int, last: int, tick: Any) -> int:
            # One block, or round, after the other, so that there is a border after each.
            rounds = rounds_within(some, first, last) if isinstance(strategy, Rounds) else []
            ends = [shares[-1].positions.stop for shares, _ in rounds] or range(first + 1, last + 1)
            for end in ends:
                if some.loss_every != 1 and self.left <= 0:
                    self.left = 10**9
                    signal.raise_signal(signal.SIGINT)
                    return first
                begun, first = first, train(strategy, some, losses, first, end, tick)
                self.left -= (first - begun) * (some.loss_every != 1)
            return first

        return run


def same(one: hsw2v.Model, other: hsw2v.Model) -> bool:
    assert one.output is not None
    assert other.output is not None
    norms = [
        np.zeros(1) if model.batch_norm is None else model.batch_norm for model in (one, other)
    ]
    ngrams = [b"" if model.subwords is None else model.subwords.vectors for model in (one, other)]
    return (
        bytes(ngrams[0]) == bytes(ngrams[1])
        and one.vectors.tobytes() == other.vectors.tobytes()
        and one.output.tobytes() == other.output.tobytes()
        and norms[0].tobytes() == norms[1].tobytes()
    )


@pytest.mark.parametrize("name", CASES)
def test_a_resumed_training_comes_to_the_same_bits(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL | CASES[name]
    heard: list[Event] = []
    whole = hsw2v.train(
        text(),
        heldout=planted(40, seed=9),
        listener=heard.append,
        normalize_exactly=settings.get("loss") in ("ns", "sampled"),
        **settings,
    )
    ends = [event for event in heard if isinstance(event, EpochEnd)]
    blocks = 4
    for after in range(1, blocks * settings["epochs"], 3):
        path = tmp_path / f"{after}.safetensors"
        with monkeypatch.context() as patched:
            Interrupting(patched, after)
            with pytest.raises(KeyboardInterrupt, match="hsw2v resume"):
                hsw2v.train(
                    text(),
                    heldout=planted(40, seed=9),
                    output=path,
                    normalize_exactly=settings.get("loss") in ("ns", "sampled"),
                    **settings,
                )
        assert not path.exists()
        heard.clear()
        resumed = hsw2v.resume(f"{path}.checkpoint", listener=heard.append)
        assert same(resumed, whole)
        assert same(hsw2v.load(path), whole)
        (how,) = [event for event in heard if isinstance(event, Resumed)]
        again = [event for event in heard if isinstance(event, EpochEnd)]
        assert [(one.epoch, one.loss, one.heldout_loss) for one in again] == [
            (one.epoch, one.loss, one.heldout_loss) for one in ends[how.epoch - 1 :]
        ]
        assert sorted(one.name for one in tmp_path.iterdir()) == [path.name]
        path.unlink()


def test_killed_trainings_come_to_the_same_bits(tmp_path: Path) -> None:
    settings = [SMALL | CASES[name] for name in ("a tree that is rebuilt", "batch norm, adam")]
    for one in settings:
        del one["threads"]
    corpus, folder = tmp_path / "corpus.txt", tmp_path / "models"
    corpus.write_text("\n".join(map(" ".join, planted(40_000))), encoding="utf-8")
    folder.mkdir()
    found = killing.survive(corpus, settings, folder, kills=12, seed=1)
    assert found.kills >= 12
    assert found.with_checkpoint >= 4
    assert found.trainings >= 1
    assert found.different == 0


def test_a_folder_without_a_state_is_no_training(tmp_path: Path) -> None:
    # Killed between the first two files: there is nothing to go on from, and nothing to lose.
    folder = tmp_path / "m.safetensors.checkpoint"
    folder.mkdir()
    (folder / "run").write_bytes(b"")
    (folder / ".state-1.0123abcd.tmp").write_bytes(b"")
    with pytest.raises(errors.MissingInputError, match="not the folder of a training"):
        hsw2v.resume(folder)
    hsw2v.train(planted(400), output=tmp_path / "m.safetensors", **SMALL)
    assert [one.name for one in tmp_path.iterdir()] == ["m.safetensors"]


def interrupted(path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    with monkeypatch.context() as patched:
        Interrupting(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(planted(1_000), output=path, **(SMALL | {"epochs": 9} | settings))


def test_an_interrupted_training_is_not_lost_by_beginning_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, settings = tmp_path / "m.safetensors", SMALL | {"epochs": 9}
    interrupted(path, monkeypatch)
    with pytest.raises(errors.OutputExistsError, match="hsw2v resume"):
        hsw2v.train(planted(1_000), output=path, **settings)
    with pytest.raises(errors.UsageError, match="dim was 12, is 13"):
        hsw2v.train(planted(1_000), output=path, resumed=True, **(settings | {"dim": 13}))
    heard: list[Event] = []
    hsw2v.train(planted(1_000), output=path, resumed=True, listener=heard.append, **settings)
    assert any(isinstance(event, Resumed) for event in heard)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_force_begins_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    interrupted(path, monkeypatch)
    heard: list[Event] = []
    hsw2v.train(planted(1_000), output=path, force=True, listener=heard.append, **SMALL)
    assert not any(isinstance(event, Resumed) for event in heard)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_damaged_state_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.safetensors"
    interrupted(path, monkeypatch)
    folder = folder_of(path)
    (folder / "state-2").write_bytes((folder / "state-1").read_bytes()[:-1])
    hsw2v.resume(folder)
    assert path.exists()
    interrupted(path.with_name("n"), monkeypatch)
    folder = folder_of(path.with_name("n"))
    ids = bytearray((folder / "corpus.ids").read_bytes())
    ids[5] ^= 1
    (folder / "corpus.ids").write_bytes(ids)
    with pytest.raises(errors.ModelFileError, match=r"corpus\.ids: was altered or damaged"):
        hsw2v.resume(folder)


def test_a_model_that_cannot_be_saved_is_saved_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"

    def appear(event: Event) -> None:
        if isinstance(event, EpochEnd):
            path.write_text("mine")

    with pytest.raises(errors.OutputExistsError, match="the model is complete, and was saved as"):
        hsw2v.train(planted(400), output=path, listener=appear, **SMALL)
    assert path.read_text() == "mine"
    kept = folder_of(path) / path.name
    assert same(hsw2v.load(kept), hsw2v.train(planted(400), **SMALL))


def test_a_signal_lets_a_model_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, save = tmp_path / "m.safetensors", hsw2v.Model.save

    def slowly(model: hsw2v.Model, *arguments: Any, **options: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        save(model, *arguments, **options)

    monkeypatch.setattr(hsw2v.Model, "save", slowly)
    with pytest.raises(KeyboardInterrupt):
        hsw2v.train(planted(400), output=path, **SMALL)
    assert same(hsw2v.load(path), hsw2v.train(planted(400), **SMALL))
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_second_run_with_the_same_output_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    found: list[str] = []

    def begin_another(event: Event) -> None:
        if isinstance(event, EpochEnd) and not found:
            with pytest.raises(
                errors.OutputError, match="is being written by another run"
            ) as error:
                hsw2v.train(planted(10), output=path, **SMALL)
            found.append(str(error.value))

    hsw2v.train(planted(400), output=path, listener=begin_another, **SMALL)
    assert found
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_no_room_is_found_out_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=100))
    with pytest.raises(errors.DiskFullError, match="there is no room"):
        hsw2v.train(planted(400), output=tmp_path / "m", listener=heard.append, **SMALL)
    assert not any(isinstance(event, EpochEnd) for event in heard)
    # Room for the model, and for nothing else.
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=8_000))
    heard.clear()
    hsw2v.train(planted(400), output=tmp_path / "m", listener=heard.append, **SMALL)
    assert any("no checkpoints are kept" in str(event) for event in heard)


def test_what_killed_runs_have_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".m.01234567.tmp").write_bytes(b"half")
    (tmp_path / ".m.lock").write_bytes(b"")
    (tmp_path / ".other.01234567.tmp").write_bytes(b"not ours")
    hsw2v.train(planted(100), output=tmp_path / "m", **SMALL)
    assert sorted(one.name for one in tmp_path.iterdir()) == [".other.01234567.tmp", "m"]


def test_what_diverges_goes_on_from_its_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.safetensors"
    interrupted(path, monkeypatch)
    heard: list[Event] = []

    def poison(event: Event) -> None:
        heard.append(event)
        if isinstance(event, EpochEnd) and event.epoch == 8 and states:
            states.pop().network.vectors[:] = np.nan

    states: list[TrainingState] = []
    begin = ModelOutput.begin
    monkeypatch.setattr(
        ModelOutput, "begin", lambda *given: (states.append(given[-1]), begin(*given))[1]
    )
    hsw2v.resume(folder_of(path), listener=poison)
    said = [str(event) for event in heard if isinstance(event, Notice)]
    assert len(said) == 1
    assert "going on from epoch" in said[0]
    assert "at 1/2 of the learning rate" in said[0]
    model = hsw2v.load(path)
    assert np.isfinite(model.vectors).all()
    assert model.info["learning_rate_halved"] == 1


def test_a_signal_just_before_signals_wait_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, left = tmp_path / "m.safetensors", [3]

    @contextmanager
    def late(*given: Any) -> Iterator[None]:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        with signals_held(*given):
            yield

    with monkeypatch.context() as patched:
        patched.setattr(trainer, "signals_held", late)
        with pytest.raises(KeyboardInterrupt, match="hsw2v resume"):
            hsw2v.train(planted(1_000), output=path, **SMALL)
    hsw2v.resume(folder_of(path))
    assert same(hsw2v.load(path), hsw2v.train(planted(1_000), **SMALL))


def test_finished_epochs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = SMALL | {"pretrain": "ns:1.5", "keep_epochs": True}
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    whole = hsw2v.train(text(), output=path, **settings)
    names = [f"a.epoch-{epoch}.safetensors" for epoch in (1, 2)]
    assert sorted(one.name for one in tmp_path.iterdir()) == [*names, path.name]
    first, second = (hsw2v.load(tmp_path / name) for name in names)
    assert isinstance(first, hsw2v.Model)
    assert isinstance(second, hsw2v.Model)
    assert [one.config["training"]["loss"] for one in (first, second)] == ["ns", "hs"]
    assert [one.info["epoch"] for one in (first, second)] == [1, 2]
    assert second.distribution("g1w1 _").sum() == pytest.approx(1.0)
    # An interrupted training keeps the same ones.
    with monkeypatch.context() as patched:
        Interrupting(patched, 6)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text(), output=other, **settings)
    assert same(hsw2v.resume(f"{other}.checkpoint"), whole)
    assert same(hsw2v.load(tmp_path / "b.epoch-1.safetensors"), first)
    assert same(hsw2v.load(tmp_path / "b.epoch-2.safetensors"), second)
    # What another training has kept is not replaced unasked.
    path.unlink()
    with pytest.raises(errors.OutputExistsError, match="epoch of another training"):
        hsw2v.train(text(), output=path, **settings)
    hsw2v.train(text(), output=path, force=True, **settings)


def test_an_epoch_that_cannot_be_kept_is_no_reason_to_stop(tmp_path: Path) -> None:
    heard: list[Event] = []
    path = tmp_path / "model.safetensors"
    (tmp_path / "model.epoch-1.safetensors").mkdir()
    hsw2v.train(text(), output=path, force=True, keep_epochs=True, listener=heard.append, **SMALL)
    notes = [one.message for one in heard if isinstance(one, Notice)]
    assert any("the model of epoch 1 was not written" in one for one in notes)
    assert (tmp_path / "model.epoch-2.safetensors").exists()
    assert path.exists()


def test_training_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on, waited = threading.Event(), []
    settle = checkpoint.settle
    monkeypatch.setattr(ModelOutput, "due", lambda output: output._kept is None)

    def slow(path: Path) -> None:
        waited.append(went_on.wait(10.0))
        settle(path)

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd):
            went_on.set()

    monkeypatch.setattr(checkpoint, "settle", slow)
    path = tmp_path / "model.safetensors"
    hsw2v.train(text(), output=path, listener=listen, **SMALL)
    assert waited == [True]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_state_that_does_not_reach_the_disk_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    heard: list[Event] = []
    monkeypatch.setattr(checkpoint, "settle", fail)
    monkeypatch.setattr(ModelOutput, "due", lambda output: output._kept is None)
    hsw2v.train(text(), output=tmp_path / "model.safetensors", listener=heard.append, **SMALL)
    notes = [one.message for one in heard if isinstance(one, Notice)]
    assert any("the last checkpoint may be damaged" in one for one in notes)


@pytest.mark.parametrize("case", [{}, {"loss": "class", "classes": "kmeans"}])
def test_a_resumed_training_that_begins_again_begins_as_it_did(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL | {"deterministic": True, "workers": 2, "optimizer": "adam", "lr": 1.0} | case
    whole = hsw2v.train(text(), output=tmp_path / "whole.safetensors", **settings)
    assert whole.info["learning_rate_halved"]
    path = tmp_path / "model.safetensors"
    with monkeypatch.context() as patched:
        Interrupting(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text(), output=path, **settings)
    assert same(hsw2v.resume(f"{path}.checkpoint"), whole)


def test_a_folder_is_of_one_training_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "model.safetensors", tmp_path / "elsewhere" / "m.safetensors"
    other.parent.mkdir()
    with monkeypatch.context() as patched:
        Interrupting(patched, 2)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text(), output=path, **SMALL)
    folder = folder_of(path)
    kept = ModelOutput(path, listener=lambda _: None, asked={})
    with kept, pytest.raises(errors.OutputError, match="another run"):
        hsw2v.resume(folder, output=other)
    # What is resumed for another output goes on with that one.
    with monkeypatch.context() as patched:
        Interrupting(patched, 2)
        with pytest.raises(KeyboardInterrupt, match=f"hsw2v resume {folder} -o {other}"):
            hsw2v.resume(folder, output=other)
    hsw2v.resume(folder, output=other)
    assert [one.name for one in tmp_path.rglob("*")] == ["elsewhere", other.name]


def test_models_of_epochs_of_others_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, heard = tmp_path / "model.safetensors", list[Event]()
    with monkeypatch.context() as patched:
        Interrupting(patched, 6)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text(), output=path, keep_epochs=True, **SMALL)
    foreign = tmp_path / "model.epoch-2.safetensors"
    foreign.write_bytes(b"mine")
    hsw2v.resume(folder_of(path), listener=heard.append)
    assert foreign.read_bytes() == b"mine"
    assert any("epoch 2 was not written" in one.message for one in heard if isinstance(one, Notice))


@pytest.mark.parametrize("minutes", [float("inf"), float("nan"), -1.0])
def test_minutes_between_checkpoints_are_finite(minutes: float, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="checkpoint_every"):
        hsw2v.train(text(), output=tmp_path / "m", checkpoint_every=minutes, **SMALL)
    assert not list(tmp_path.iterdir())


def test_a_folder_of_damaged_states_tells_how_to_begin_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    with monkeypatch.context() as patched:
        Interrupting(patched, 5)
        with pytest.raises(KeyboardInterrupt):
            hsw2v.train(text(), output=path, checkpoint_every=1e-9, **SMALL)
    states = list(folder_of(path).glob("state-*"))
    assert len(states) == checkpoint.KEPT
    for one in states:
        one.write_bytes(one.read_bytes()[:-100])
    with pytest.raises(errors.ModelFileError, match=r"no state that is whole.*--force"):
        hsw2v.resume(folder_of(path))
