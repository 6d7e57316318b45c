"""Tables in files that are mapped into memory: the same bits, one error, nothing left behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run, write_corpus
from test_broken_disks import files_within, nobody
from test_checkpoints import CASES, SMALL, interrupted, same
from test_training import planted

import hsw2v
from hsw2v import errors
from hsw2v.arrays import ALIGNMENT
from hsw2v.config import Config, TrainingConfig
from hsw2v.events import EpochEnd, Event
from hsw2v.network import mapped, parameters
from hsw2v.network.mapped import mapped_zeros
from hsw2v.training import plan
from hsw2v.training.continuing import Earlier
from hsw2v.training.output import folder_of

LINUX = sys.platform.startswith("linux")
WIDE = SMALL | {"dim": 100}
"""Tables of more than a page."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "tables"
    found.mkdir()
    return found


def is_mapped(folder: Path) -> bool:
    """Tell whether a file that was in a folder is in the memory of this process, and writable."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return any(str(folder) in line and "rw-s" in line for line in lines)


def flags(folder: Path) -> set[str]:
    """Return the flags of the memory of files that were in a folder, as `proc(5)` names them."""
    found, here = set[str](), False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        first, *rest = line.split()
        if first == "VmFlags:":
            found |= set(rest) if here else set()
        elif not first.endswith(":"):
            here = str(folder) in line
    return found


def looking(folder: Path, found: list[bool]) -> Callable[[Event], None]:
    """Return a listener that finds, after each epoch, whether tables are mapped as they should."""

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd):
            found.append(not LINUX or (is_mapped(folder) and "rr" in flags(folder)))
            assert not list(folder.iterdir())

    return listen


@pytest.mark.parametrize(
    "name",
    [
        *("a tree that is rebuilt", "two trees, ns beside them", "three phases", "adagrad, ns"),
        *("batch norm, adam", "class", "sampled", "softmax", "deterministic", "n-grams"),
    ],
)
def test_mapped_tables_come_to_the_same_bits(name: str, folder: Path) -> None:
    settings, found = WIDE | CASES[name], list[bool]()
    expected = hsw2v.train(planted(1_000), **settings)
    model = hsw2v.train(
        planted(1_000), tables=f"mapped:{folder}", listener=looking(folder, found), **settings
    )
    assert same(model, expected)
    assert len(found) == settings["epochs"]
    assert all(found)
    # The model has them as long as it is there.
    assert is_mapped(folder) or not LINUX
    assert not LINUX or "rr" not in flags(folder)
    del model
    assert not LINUX or not is_mapped(folder)


def test_a_model_file_does_not_tell_where_tables_were(folder: Path, tmp_path: Path) -> None:
    settings = WIDE | {"deterministic": True, "workers": 2, "threads": 2}
    for name, tables in (("a", "memory"), ("b", f"mapped:{folder}")):
        hsw2v.train(planted(400), output=tmp_path / name, tables=tables, **settings)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = hsw2v.train(planted(400), tables=f"mapped:{folder}", **WIDE)
    assert Earlier.of(found).settings.training.tables == "memory"


def test_arrays_are_aligned_zeros_with_their_room(folder: Path) -> None:
    for kind in (np.float32, np.int32):
        found = mapped_zeros(str(folder), 3_000, 48, kind)
        assert found.shape == (3_000, 48)
        assert found.dtype == kind
        assert not found.any()
        assert found.ctypes.data % ALIGNMENT == 0
        assert found.flags.c_contiguous
        assert found.flags.writeable
        found[:] = 1
        assert found.sum() == found.size
    assert mapped_zeros(str(folder), 0, 48).shape == (0, 48)
    assert mapped_zeros(str(folder), 2, 16).shape == (2, 16)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.EINVAL, None])
def test_room_is_not_taken_where_it_cannot_be(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    if number is None:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    found = mapped_zeros(str(folder), 300, 48)
    found[-1] = 1
    assert found.sum() == 48


@pytest.mark.parametrize("tables", ["disk", "mapped", "mapped:", "", "Memory", "mapped:a\0b"])
def test_what_is_no_place_is_refused(tables: str) -> None:
    with pytest.raises(errors.UsageError, match=r"tables is .* memory or mapped:DIR"):
        TrainingConfig(tables=tables) and Config().replace(tables=tables)


def test_a_folder_is_looked_at_before_any_work(tmp_path: Path, folder: Path) -> None:
    corpus = write_corpus(tmp_path / "c.txt")
    for given in (tmp_path / "nowhere", corpus):
        with pytest.raises(errors.OutputError, match="choose another folder with --tables"):
            hsw2v.plan(corpus, tables=f"mapped:{given}", **WIDE)
        why = complaint("train", corpus, "--tables", f"mapped:{given}", cwd=tmp_path, code=8)
        assert str(given) in why
        assert "--tables" in why
    assert sorted(one.name for one in tmp_path.iterdir()) == ["c.txt", "tables"]


def test_a_read_only_folder_is_found_out_before_training() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        with nobody(), pytest.raises(errors.OutputError, match="Permission denied"):
            hsw2v.train(planted(400), tables=f"mapped:{name}", **WIDE)
        Path(name).chmod(0o755)


def test_a_full_disk_is_an_error_before_training(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Event] = []
    settings = WIDE | {"dim": 3_000, "tables": f"mapped:{folder}", "listener": heard.append}
    # As a file system says that is full.
    with (
        files_within(100_000),
        pytest.raises(errors.DiskFullError, match=r"the tables cannot be .* make room, or choose"),
    ):
        hsw2v.train(planted(400), **settings)
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(mapped.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(
        errors.DiskFullError, match=r"the tables take .* GB are free; lower --dim.*--tables"
    ) as caught:
        hsw2v.train(planted(400), **settings)
    assert caught.value.where == str(folder)
    assert not any(isinstance(event, EpochEnd) for event in heard)
    assert not list(folder.iterdir())


def test_mapped_tables_may_be_larger_than_memory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parameters, "physical_memory", lambda: 1_000)
    with pytest.raises(errors.ResourceError, match=r"GB of memory; .* --tables mapped:DIR"):
        hsw2v.train(planted(400), **WIDE)
    assert len(hsw2v.train(planted(400), tables=f"mapped:{folder}", **WIDE))


def test_a_plan_tells_of_files(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "SECONDS", 0.02)
    corpus = write_corpus(tmp_path / "c.txt")
    settings = WIDE | {"tables": f"mapped:{folder}"}
    found = hsw2v.plan(corpus, **settings)
    assert found.problems == ()
    assert found.seconds is not None
    assert found.tables_free is not None
    assert hsw2v.plan(corpus, **WIDE).tables_free is None
    command = ("plan", corpus, "--min-count", 1, "--tables", f"mapped:{folder}")
    assert f"in files in {folder} (" in run(*command, cwd=tmp_path).stdout

    monkeypatch.setattr(plan, "available_memory", lambda: 1_000)
    slow = hsw2v.plan(corpus, **settings)
    (problem,) = slow.problems
    assert "GB of memory; training will wait for the disk" in problem
    assert slow.seconds is None
    (problem,) = hsw2v.plan(corpus, **WIDE).problems
    assert problem.endswith("or have them in files with --tables mapped:DIR")
    usage = shutil.disk_usage(tmp_path)._replace(free=10_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    (problem,) = hsw2v.plan(corpus, **settings).problems
    assert "GB are free" in problem
    assert not list(folder.iterdir())


KILLED = """
import os, signal, sys
from test_training import planted
import hsw2v
from hsw2v.events import EpochEnd

def die(event):
    if isinstance(event, EpochEnd):
        maps = open("/proc/self/maps").read()
        print(sys.argv[1] in maps, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

settings = {"dim": 100, "min_count": 1, "threads": 1, "epochs": 3, "optimizer": "adam"}
hsw2v.train(planted(400), tables=f"mapped:{sys.argv[1]}", listener=die, **settings)
"""


@pytest.mark.skipif(not LINUX, reason="others do not tell what is mapped")
def test_a_kill_leaves_nothing_behind(folder: Path) -> None:
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent), str(here.parent / "scripts")])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == "True\n"
    assert not list(folder.iterdir())


def test_a_training_goes_on_in_files_or_without(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = WIDE | {"epochs": 9, "optimizer": "adam"}
    expected = hsw2v.train(planted(1_000), **settings)
    path, other = tmp_path / "m.safetensors", tmp_path / "other"
    other.mkdir()
    asked = settings | {"tables": f"mapped:{folder}"}

    def again() -> Path:
        path.unlink(missing_ok=True)
        interrupted(path, monkeypatch, **asked)
        return folder_of(path)

    found: list[bool] = []
    assert same(hsw2v.resume(again(), listener=looking(folder, found)), expected)
    assert same(
        hsw2v.resume(again(), tables=f"mapped:{other}", listener=looking(other, found)), expected
    )
    assert found
    assert all(found)
    # Where tables are is not what is trained.
    again()
    model = hsw2v.train(
        planted(1_000), output=path, resumed=True, **settings | {"tables": f"mapped:{other}"}
    )
    assert same(model, expected)
    kept = again()
    folder.rmdir()
    with pytest.raises(errors.OutputError, match="choose another folder with --tables"):
        hsw2v.resume(kept)
    run("resume", kept, "--tables", "memory", "--quiet")
    assert same(hsw2v.load(path), expected)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["m.safetensors", "other"]
