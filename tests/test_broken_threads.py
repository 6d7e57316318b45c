"""A failure in any thread reaches the caller, and the other threads end: nothing hangs."""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from test_checkpoints import SMALL
from test_training import planted

import hsw2v
from hsw2v import errors, events
from hsw2v.corpus import encoded, stored, stream
from hsw2v.training import checkpoint, engines, output, warmup
from hsw2v.trees import exchange, semantic

SECONDS = 60
"""Until a test that hangs shows where, and ends."""


class Broken(Exception):
    """What is raised somewhere."""


@pytest.fixture(autouse=True)
def _watched() -> Iterator[None]:
    """End what hangs, and make sure that no thread is left."""
    before = set(threading.enumerate())
    faulthandler.dump_traceback_later(SECONDS, exit=True)
    try:
        yield
        deadline = time.monotonic() + 5.0
        while left := [
            # Nobody waits for what is compiled before it is wanted.
            one
            for one in set(threading.enumerate()) - before
            if "_compile" not in one.name
        ]:
            assert time.monotonic() < deadline, f"threads are left: {left}"
            time.sleep(0.01)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Text of more pieces than are read ahead."""
    path = tmp_path / "corpus.txt"
    text = "\n".join(map(" ".join, planted(2_000))) + "\n"
    path.write_text(text * (2_500_000 // len(text)), encoding="utf-8")
    return path


def breaking(after: int, error: BaseException, then: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that raises an error at one call, and else calls another."""
    lock, calls = threading.Lock(), [0]

    def call(*given: Any, **named: Any) -> Any:
        with lock:
            calls[0] += 1
            broken = calls[0] == after
        if broken:
            raise error
        return then(*given, **named)

    return call


FAILURES = [(Broken("here"), Broken), (MemoryError(), errors.ResourceError)]


@pytest.mark.parametrize(("error", "seen"), FAILURES)
@pytest.mark.parametrize("after", [1, 5])
def test_a_failure_in_a_training_thread(
    error: Exception, seen: type[Exception], after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = engines.KernelEngine.train
    # Not while it is made ready.
    monkeypatch.setattr(warmup, "warm_up", lambda _: None)
    monkeypatch.setattr(engines.KernelEngine, "train", breaking(after, error, train))
    with pytest.raises(seen):
        hsw2v.train(planted(20_000), **SMALL | {"threads": 3, "tree": "huffman"})


def test_other_threads_leave_their_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(engine: engines.KernelEngine, thread: int, *_: Any) -> tuple[float, float, float]:
        if thread == 1:
            raise Broken
        # As compiled code does, which looks at the flag once a window.
        (_, room), *_ = engine._own
        while not room.stop[0]:
            time.sleep(0.001)
        return 0.0, 1.0, 1.0

    monkeypatch.setattr(warmup, "warm_up", lambda _: None)
    monkeypatch.setattr(engines.KernelEngine, "train", train)
    with pytest.raises(Broken):
        hsw2v.train(planted(20_000), **SMALL | {"threads": 3})


@pytest.mark.parametrize(("error", "seen"), FAILURES)
@pytest.mark.parametrize("after", [1, 6])
@pytest.mark.parametrize(
    ("home", "name"),
    [
        (stored, "_read_full"),
        (stream, "prepare"),
        (stream.Piece, "tokenise"),
        (stream.TypeTable, "add"),
        (encoded.IdWriter, "write"),
    ],
)
def test_a_failure_while_a_text_is_read(
    home: Any,
    name: str,
    after: int,
    error: Exception,
    seen: type[Exception],
    corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = corpus.with_name("m")
    # Where it warms up, it does so before anything is read.
    monkeypatch.setattr(stream, "_warm_up", lambda: None)
    monkeypatch.setattr(home, name, breaking(after, error, getattr(home, name)))
    with pytest.raises(seen):
        hsw2v.train(str(corpus), output=path, **SMALL)
    assert [one.name for one in corpus.parent.iterdir()] == [corpus.name]


@pytest.mark.parametrize(
    "kind",
    [
        events.CorpusProgress,
        events.VocabularyReady,
        events.TreeReady,
        events.TreeProgress,
        events.TrainingProgress,
        events.HeldoutProgress,
        events.EpochEnd,
        events.CheckpointWritten,
        events.Notice,
        events.GradientsRecorded,
    ],
)
def test_a_listener_that_fails(
    kind: type[events.Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All there is to tell is told.
    monkeypatch.setattr(events.Pace, "due", lambda _: True)

    def listen(event: events.Event) -> None:
        if isinstance(event, kind):
            raise Broken

    with pytest.raises(Broken):
        hsw2v.train(
            planted(8_000),
            heldout=planted(100),
            output=tmp_path / "m",
            checkpoint_every=1e-9,
            listener=listen,
            record_gradients=1,
            negative=3,
            **SMALL | {"threads": 2, "tree": "semantic"},
        )
    # What was kept until then is there to go on from, and nothing else.
    assert {one.name for one in tmp_path.iterdir()} <= {"m.checkpoint"}
    if (tmp_path / "m.checkpoint").exists():
        hsw2v.resume(tmp_path / "m.checkpoint")


@pytest.mark.parametrize(
    ("error", "seen"),
    [*FAILURES, (OSError(5, "Input/output error"), None), (errors.OutputError("no"), None)],
)
@pytest.mark.parametrize("name", ["write_run", "write_state"])
def test_a_failure_while_a_checkpoint_is_written(
    name: str,
    error: Exception,
    seen: type[Exception] | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[events.Event] = []
    asked = {"output": tmp_path / "m", "checkpoint_every": 1e-9, "listener": heard.append}
    monkeypatch.setattr(checkpoint, name, breaking(1, error, getattr(checkpoint, name)))
    if seen is None:
        hsw2v.train(planted(8_000), **asked, **SMALL)
        assert sum(isinstance(one, events.Notice) for one in heard) == 1
        assert any(isinstance(one, events.CheckpointWritten) for one in heard)
        assert [one.name for one in tmp_path.iterdir()] == ["m"]
    else:
        with pytest.raises(seen):
            hsw2v.train(planted(8_000), **asked, **SMALL)


@pytest.mark.parametrize(("error", "seen"), FAILURES)
@pytest.mark.parametrize(
    ("home", "name", "settings"),
    [
        (semantic, "split_all", {"tree": "semantic", "rebuild_at": 0.5}),
        (exchange, "propose", {"tree": "brown"}),
        (exchange, "propose", {"loss": "class", "classes": "exchange"}),
    ],
)
def test_a_failure_in_a_thread_that_builds_a_tree(
    home: Any,
    name: str,
    settings: dict[str, Any],
    error: Exception,
    seen: type[Exception],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Not while it is made ready.
    monkeypatch.setattr(warmup, "_try", lambda _: None)
    monkeypatch.setattr(home, name, breaking(1, error, getattr(home, name)))
    with pytest.raises(seen):
        hsw2v.train(planted(8_000), **SMALL | {"threads": 2} | settings)


@pytest.mark.parametrize("error", [Broken(), SystemExit(), MemoryError()])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_while_code_is_made_ready_is_no_end(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warmup, "warm_up", breaking(1, error, warmup.warm_up))
    assert len(hsw2v.train(planted(100), **SMALL)) > 0


def test_a_failure_while_the_model_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    monkeypatch.setattr(hsw2v.Model, "save", breaking(1, MemoryError(), hsw2v.Model.save))
    with pytest.raises(errors.ResourceError):
        hsw2v.train(planted(8_000), output=path, checkpoint_every=1e-9, **SMALL)
    # All but the saving is kept.
    assert output.folder_of(path).exists()
    hsw2v.resume(output.folder_of(path))
    assert [one.name for one in tmp_path.iterdir()] == ["m"]


def test_a_listener_that_fails_while_sentences_are_scored(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = hsw2v.train(planted(400), **SMALL)
    monkeypatch.setattr(events.Pace, "due", lambda _: True)

    def listen(event: events.Event) -> None:
        raise Broken

    with pytest.raises(Broken):
        list(model.score(str(corpus), listener=listen))
