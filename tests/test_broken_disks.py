"""Disks that fill up, folders that go away, texts that change: one error or none, no debris."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commandline import complaint, run, write_corpus
from test_checkpoints import SMALL, interrupted, same
from test_jit import QUESTION
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import Piece, read_pieces
from hsw2v.events import CheckpointWritten, EpochEnd, Event, Notice
from hsw2v.training import checkpoint
from hsw2v.training.output import folder_of

OPTIONS = ("--dim", "12", "--min-count", "1", "--threads", "1", "--epochs", "3")


@contextlib.contextmanager
def files_within(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """Be a user without rights, if that can be."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.fixture(autouse=True)
def _everything_is_compiled(tmp_path_factory: pytest.TempPathFactory) -> None:
    hsw2v.train(planted(100), **SMALL)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, which is empty."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path, elsewhere: Path) -> Path:
    found = tmp_path / "models"
    found.mkdir()
    return found


def names(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*"))


def test_no_room_for_the_encoded_corpus(folder: Path, elsewhere: Path) -> None:
    with (
        files_within(10_000),
        pytest.raises(errors.DiskFullError, match=r"the ids of the corpus .* --cache-dir"),
    ):
        hsw2v.train(planted(4_000), output=folder / "m", **SMALL)
    assert names(folder) == names(elsewhere) == []


def test_no_room_for_a_checkpoint_costs_the_checkpoint(folder: Path, elsewhere: Path) -> None:
    heard: list[Event] = []
    # The state of Adam is larger than the model.
    settings = SMALL | {"optimizer": "adam", "dim": 50}
    hsw2v.train(planted(400), output=folder / "whole", **settings)
    size = (folder / "whole").stat().st_size
    with files_within(size + 100):
        hsw2v.train(
            planted(400),
            output=folder / "m",
            checkpoint_every=1e-9,
            listener=heard.append,
            **settings,
        )
    assert any("no checkpoint was written" in str(one) for one in heard if isinstance(one, Notice))
    assert not any(isinstance(one, CheckpointWritten) for one in heard)
    assert same(hsw2v.load(folder / "m"), hsw2v.load(folder / "whole"))
    assert names(folder) == ["m", "whole"]
    assert names(elsewhere) == []


def test_a_disk_with_room_for_two_states_keeps_the_last(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    write = checkpoint.write_store

    def write_if_there_is_room(path: Path, *given: Any, **named: Any) -> None:
        if len(list(path.parent.glob("state-*"))) == checkpoint.KEPT:
            raise errors.DiskFullError("no room")
        write(path, *given, **named)

    monkeypatch.setattr(checkpoint, "write_store", write_if_there_is_room)
    asked = {"output": folder / "m", "checkpoint_every": 1e-9, "listener": heard.append}
    hsw2v.train(planted(4_000), **asked, **SMALL)
    assert sum(isinstance(one, CheckpointWritten) for one in heard) > checkpoint.KEPT
    assert not any(isinstance(one, Notice) for one in heard)


def test_an_interrupt_without_room_for_a_checkpoint_leaves_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with files_within(38_000):
        interrupted(folder / "m", monkeypatch, dim=100)
    assert names(folder) == []


def test_no_room_for_the_model_leaves_the_old_one(folder: Path, elsewhere: Path) -> None:
    path = folder / "m"
    path.write_bytes(b"old")
    with files_within(60_000), pytest.raises(errors.DiskFullError) as caught:
        hsw2v.train(planted(400), output=path, force=True, **SMALL | {"dim": 300})
    assert caught.value.where == str(path)
    assert path.read_bytes() == b"old"
    assert names(folder) == ["m"]
    assert names(elsewhere) == []


def test_no_room_for_the_log_costs_the_log(folder: Path) -> None:
    corpus, log = write_corpus(folder / "c.txt"), folder / "log.jsonl"
    # Every line of gradients takes a kilobyte.
    options = (*OPTIONS, "--record-gradients", "1", "--epochs", "40", "--log-json", log)
    with files_within(30_000):
        done = run("train", corpus, "-o", folder / "m", *options)
    assert done.stderr.count("note: the log ends here: ") == 1
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert lines[0]["type"] == "Settings"
    assert lines[-1]["type"] != "Summary"
    assert names(folder) == ["c.txt", "log.jsonl", "m"]


def test_no_room_for_tables_of_a_comparison(folder: Path) -> None:
    corpus, out = write_corpus(folder / "c.txt"), folder / "out"
    (folder / "e.toml").write_text(
        "[training]\ndim = 8\nepochs = 1\nthreads = 1\n[vocabulary]\nmin_count = 1\n"
        "[[setting]]\nname = 'a'\n[[setting]]\nname = 'b'\nwindow = 2\n"
    )
    run("compare", folder / "e.toml", corpus, "-o", out, "--quiet")
    before = {name: (out / name).read_bytes() for name in names(out)}
    with files_within(len(before["results.json"]) - 100), contextlib.chdir(folder):
        complaint("compare", "e.toml", corpus, "-o", out, "--quiet", code=9)
    assert {name: (out / name).read_bytes() for name in names(out)} == before


@pytest.mark.parametrize("option", ["-o", "--log-json", "--cache-dir"])
def test_a_read_only_folder_is_found_out_before_training(option: str) -> None:
    # Not below the folder of pytest, which others may not enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus = write_corpus(folder / "c.txt")
        (folder / "there").mkdir()
        for one, mode in ((corpus, 0o444), (folder / "there", 0o555), (folder, 0o755)):
            one.chmod(mode)
        given = folder / "there" if option == "--cache-dir" else folder / "there" / "file"
        output = () if option == "-o" else ("-o", Path(tempfile.gettempdir()) / "m")
        with nobody(), contextlib.chdir("/"):
            said = complaint("train", corpus, *output, option, given, *OPTIONS, "--quiet", code=8)
        assert "Permission denied" in said
        assert str(folder / "there") in said
        assert names(folder) == ["c.txt", "there"]


def after_an_epoch(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a listener that does something once, after the first epoch."""
    done: list[bool] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd) and not done:
            done.append(True)
            act()

    return listen


def test_an_output_folder_that_is_removed_costs_no_model(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = after_an_epoch(lambda: shutil.rmtree(folder), monkeypatch)
    with pytest.raises(errors.OutputError, match="the model is complete, and was saved as"):
        hsw2v.train(
            planted(400), output=folder / "m", checkpoint_every=1e-9, listener=remove, **SMALL
        )
    (kept,) = elsewhere.rglob("m")
    assert same(hsw2v.load(kept), hsw2v.train(planted(400), **SMALL))
    assert not folder.exists()


def test_an_output_folder_that_is_replaced_gets_the_model(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace() -> None:
        folder.rename(folder.with_name("before"))
        folder.mkdir()

    listen = after_an_epoch(replace, monkeypatch)
    hsw2v.train(planted(400), output=folder / "m", listener=listen, **SMALL)
    assert names(folder) == ["m"]
    assert names(elsewhere) == []


def test_a_checkpoint_that_was_removed_is_written_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, heard = folder / "m", []

    def listen(event: Event) -> None:
        heard.append(event)
        if isinstance(event, CheckpointWritten):
            shutil.rmtree(folder_of(path))

    hsw2v.train(planted(4_000), output=path, checkpoint_every=1e-9, listener=listen, **SMALL)
    assert sum(isinstance(one, CheckpointWritten) for one in heard) > 2
    assert not any(isinstance(one, Notice) for one in heard)
    assert names(folder) == ["m"]


def test_a_cache_that_is_removed_while_training_is_not_missed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    remove = after_an_epoch(lambda: shutil.rmtree(cache), monkeypatch)
    settings = SMALL | {"cache_dir": str(cache), "output": folder / "m"}
    found = hsw2v.train(planted(400), checkpoint_every=1e-9, listener=remove, **settings)
    assert same(found, hsw2v.train(planted(400), **SMALL))
    assert not cache.exists()


def test_a_text_is_not_needed_to_go_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = write_corpus(folder / "c.txt", 3_000)
    source = str(corpus)
    expected = hsw2v.train(source, **SMALL)
    monkeypatch.setattr("test_checkpoints.planted", lambda _: source)
    for change in (lambda: corpus.write_text("cut"), corpus.unlink):
        write_corpus(corpus, 3_000)
        interrupted(folder / "m", monkeypatch, epochs=SMALL["epochs"])
        change()
        if corpus.exists():
            with pytest.raises(errors.UsageError, match="the corpus or the held-out text changed"):
                hsw2v.train(source, output=folder / "m", resumed=True, **SMALL)
        else:
            with pytest.raises(errors.MissingInputError, match=r"c\.txt"):
                hsw2v.train(source, output=folder / "m", resumed=True, **SMALL)
        assert same(hsw2v.resume(folder_of(folder / "m")), expected)
        (folder / "m").unlink()


@pytest.mark.parametrize("left", [0, 1_000, 500_000])
def test_a_text_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path, left: int) -> None:
    path, whole = tmp_path / "text.txt", 800_000
    path.write_bytes(b"word " * (whole // 5))
    taken: list[Piece] = []

    def take() -> Piece:
        if len(taken) == 1:
            os.truncate(path, left)
        taken.append(Piece())
        return taken[-1]

    with pytest.raises(errors.CorruptInputError, match="was truncated while it was read, from"):
        list(read_pieces([Part(str(path))], take))


def test_a_text_that_grows_while_it_is_read_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"word " * 100_000)
    pieces = read_pieces([Part(str(path))], Piece)
    size = next(pieces).size
    with open(path, "ab") as stream:
        stream.write(b"more\n")
    assert size + sum(one.size for one in pieces) == 500_006


def test_two_first_runs_may_compile_at_once(tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def begin() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", QUESTION],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    first = [begin() for _ in range(2)]
    told = [one.communicate(timeout=120) for one in first]
    assert [one.returncode for one in first] == [0, 0]
    assert all(out.startswith("[") and not err for out, err in told)
    assert begin().communicate(timeout=120)[0].endswith("] 1\n")
    assert not [name for name in names(tmp_path) if "tmp" in Path(name).name]


@pytest.mark.skipif(sys.platform == "darwin", reason="names of files are UTF-8")
def test_names_that_are_not_utf8_do_no_harm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = folder / os.fsdecode(b"\xff")
    strange.mkdir()
    source, path = str(write_corpus(strange / "c.txt", 3_000)), strange / "m"
    monkeypatch.setattr("test_checkpoints.planted", lambda _: source)
    interrupted(path, monkeypatch)
    with pytest.raises(errors.UsageError, match="epochs was 9, is 3"):
        hsw2v.train(source, output=path, resumed=True, **SMALL)
    hsw2v.resume(folder_of(path))
    assert same(hsw2v.load(path), hsw2v.train(source, **SMALL | {"epochs": 9}))
    assert names(strange) == ["c.txt", "m"]
