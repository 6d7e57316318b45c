"""A training that is interrupted goes on from its checkpoint as if it had not been."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import killing
import numpy as np
import pytest
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.events import EpochEnd, Event, Resumed
from hsw2v.training import runner

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 3}
CASES: dict[str, dict[str, Any]] = {
    "hs": {"tree": "huffman"},
    "a tree that is rebuilt": {"rebuild_at": 0.5, "rebuild_every": 0.4, "epochs": 4},
    "another output layer first": {"rebuild_from": "ns", "rebuild_at": 1.2},
    "subsampled decisions, CBOW": {"model": "cbow", "node_sample": 0.01},
    "ns": {"loss": "ns"},
    "class": {"loss": "class", "classes": "kmeans"},
    "sampled": {"loss": "sampled"},
    "softmax": {"loss": "softmax"},
    "adam": {"optimizer": "adam"},
    "rmsprop, CBOW": {"optimizer": "rmsprop", "model": "cbow"},
    "adagrad, ns": {"optimizer": "adagrad", "loss": "ns"},
    "batch norm, adam": {"batch_norm": True, "optimizer": "adam"},
    "weight decay": {"l2": 0.1},
}


def text() -> list[list[str]]:
    return planted(4_000)


class Interrupting:
    """Interrupts a training, by Ctrl-C, when so many blocks are done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self.left = after
        train = runner.Threads.run

        def run(
            threads: runner.Threads, engine: Any, some: Any, losses: Any, first: int, *rest: Any
        ) -> int:
            # One block after the other, so that there is a border after each.
            last, tick = rest
            while first < last:
                if some.loss_every != 1 and self.left == 0:
                    self.left -= 1
                    signal.raise_signal(signal.SIGINT)
                    return first
                first = train(threads, engine, some, losses, first, first + 1, tick)
                self.left -= some.loss_every != 1
            return first

        monkeypatch.setattr(runner.Threads, "run", run)


def same(one: hsw2v.Model, other: hsw2v.Model) -> bool:
    assert one.output is not None
    assert other.output is not None
    norms = [
        np.zeros(1) if model.batch_norm is None else model.batch_norm for model in (one, other)
    ]
    return (
        one.vectors.tobytes() == other.vectors.tobytes()
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
