"""Folders of trainings whose checksums are right and whose contents are not."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint
from fuzzing import READERS, SENTENCES

import hsw2v
from hsw2v.errors import CorruptInputError, ModelFileError, UsageError
from hsw2v.events import ignore
from hsw2v.model import store
from hsw2v.model.store import open_store, write_store
from hsw2v.training import checkpoint
from hsw2v.training.output import ModelOutput

Change = Callable[[dict[str, Any], dict[str, np.ndarray]], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return READERS["checkpoint"].make(tmp_path_factory.mktemp("whole"))


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """A folder of a training, of which there is only the last state."""
    copy = shutil.copytree(whole, tmp_path / "m.checkpoint")
    for path in sorted(copy.glob("state-*"))[:-1]:
        path.unlink()
    return copy


def change(folder: Path, pattern: str, how: Change) -> None:
    """Change info and arrays of a file, whose checksums are made anew."""
    (path,) = folder.glob(pattern)
    store = open_store(str(path), format=checkpoint.FORMAT)
    arrays = {name: np.array(store.array(name)) for name in store.tensors}
    info = store.metadata["info"]
    how(info, arrays)
    write_store(
        path,
        arrays,
        version=checkpoint.VERSION,
        format=checkpoint.FORMAT,
        config=store.metadata["config"],
        info=info,
        force=True,
    )


def is_refused(folder: Path, message: str) -> None:
    with pytest.raises(ModelFileError, match=message):
        hsw2v.resume(folder)
    with pytest.raises(ModelFileError, match=message):
        list(checkpoint.verify(folder))


def test_the_folder_that_the_others_are_made_of_is_whole(folder: Path) -> None:
    change(folder, "run", lambda info, arrays: None)
    change(folder, "state-*", lambda info, arrays: None)
    assert len(list(checkpoint.verify(folder))) == 4
    hsw2v.resume(folder, output=folder.with_name("other"))


def test_settings_nested_without_end_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = 100_000
    monkeypatch.setattr(store, "_json", lambda value: '{"a":' * depth + "1" + "}" * depth)
    change(folder, "run", lambda info, arrays: None)
    is_refused(folder, "no valid 'config'")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epoch", -1),
        ("epoch", 5),
        ("epoch", 1.5),
        ("epoch", True),
        ("stops", -1),
        ("block", 10**6),
        ("block", -1),
        ("halvings", -1),
        ("halvings", "1"),
        ("seconds", "nan"),
        ("epoch_seconds", None),
        ("output", "none"),
        ("output", ["hs"]),
        ("other", 1),
    ],
)
def test_positions_that_are_none_are_refused(folder: Path, name: str, value: object) -> None:
    change(folder, "state-*", lambda info, arrays: info.update({name: value}))
    is_refused(folder, "is not a whole checkpoint")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("losses", np.zeros((0, 2)), "losses have another shape"),
        ("losses", np.zeros((10_000, 3)), "losses have another shape"),
        ("losses", np.zeros((0, 3), np.int64), "losses have another shape"),
        ("network.vectors", np.zeros((3, 16), np.float32), "vectors have another shape"),
        ("network.outputs", np.zeros((3, 16), np.float32), "outputs has another shape"),
        ("network.vectors.steps", np.zeros(3, np.int64), "steps has another shape"),
        ("tree", np.zeros((3, 2), np.int32), "tree has another shape"),
        ("tree", np.full((11, 2), 99, np.int32), "do not make one full binary tree"),
    ],
)
def test_arrays_of_another_shape_are_refused(
    folder: Path, name: str, value: np.ndarray, message: str
) -> None:
    def replace(info: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        assert name in arrays
        arrays[name] = value

    change(folder, "state-*", replace)
    is_refused(folder, message)


def test_vectors_that_are_not_finite_are_refused(folder: Path) -> None:
    change(folder, "state-*", lambda info, arrays: arrays["network.outputs"].fill(np.nan))
    is_refused(folder, "a vector is not finite")


@pytest.mark.parametrize("value", [-1, -(2**31), 13, 2**31 - 1])
def test_ids_beyond_the_types_are_refused(folder: Path, value: int) -> None:
    ids = np.fromfile(folder / "corpus.ids", np.int32)
    ids[7] = value
    ids.tofile(folder / "corpus.ids")
    total = {"checksum": zlib.crc32(ids.tobytes())}
    change(folder, "run", lambda info, arrays: info["texts"]["corpus"].update(total))
    is_refused(folder, "was altered or damaged")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ids", 0), ("ids", -1), ("tokens", 1.5), ("checksum", None), ("source", 3)],
)
def test_totals_that_are_none_are_refused(folder: Path, name: str, value: object) -> None:
    change(folder, "run", lambda info, arrays: info["texts"]["corpus"].update({name: value}))
    is_refused(folder, "is not a whole checkpoint|is truncated")


def test_types_that_are_there_twice_are_refused(folder: Path) -> None:
    def double(info: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        blob, offsets = arrays["corpus.words"].tobytes(), arrays["corpus.word_offsets"].tolist()
        words = [blob[a:b] for a, b in pairwise(offsets)]
        words[1] = words[0]
        arrays["corpus.words"] = np.frombuffer(b"".join(words), np.uint8)
        arrays["corpus.word_offsets"] = np.cumsum([0, *map(len, words)])

    change(folder, "run", double)
    is_refused(folder, "is there twice")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("output", 3),
        ("force", "yes"),
        ("checkpoint_every", "10"),
        ("asked", []),
        ("notes", None),
        ("notes", {"info": 3}),
    ],
)
def test_notes_of_another_type_are_refused(folder: Path, name: str, value: object) -> None:
    change(folder, "run", lambda info, arrays: info["notes"].update({name: value}))
    is_refused(folder, "is not a whole checkpoint")


def test_a_log_that_is_no_file_is_refused(folder: Path) -> None:
    change(folder, "run", lambda info, arrays: info["notes"].update(notes={"log_json": 1}))
    assert "names a log that is no file" in complaint("resume", folder, code=10)


@pytest.mark.parametrize("config", [None, 3, {"training": 3}, {"training": {"dim": []}}])
def test_what_was_asked_for_may_be_anything(folder: Path, config: object) -> None:
    change(folder, "run", lambda info, arrays: info["notes"].update(asked={"config": config}))
    asked = {"texts": [], "normalize_exactly": False, "config": {"training": {"dim": 4}}}
    output = ModelOutput(folder.with_name("m"), listener=ignore, asked=asked, folder=folder)
    with pytest.raises(UsageError, match=r"asked for otherwise .*dim was .*, is 4"):
        output.is_interrupted()


def test_settings_out_of_bounds_are_refused(folder: Path) -> None:
    store = open_store(str(folder / "run"), format=checkpoint.FORMAT)
    store.metadata["config"]["training"]["dim"] = -1
    config, info = store.metadata["config"], store.metadata["info"]
    arrays = {name: np.array(store.array(name)) for name in store.tensors}
    kind: dict[str, Any] = {"version": checkpoint.VERSION, "format": checkpoint.FORMAT}
    write_store(folder / "run", arrays, config=config, info=info, force=True, **kind)
    is_refused(folder, "is not a whole checkpoint .*dim is -1")


def of_workers(folder: Path, apart: object, borders: np.ndarray | None = None) -> Path:
    """Let a checkpoint be one whose text workers of a cluster have, which is a file here."""
    source = folder.with_name("corpus.txt")
    source.write_text("\n".join(map(" ".join, SENTENCES * 4)))

    def replace(info: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        corpus = info["texts"]["corpus"]
        parts = [[[str(source), 0, None]], corpus.pop("ids"), corpus.pop("checksum")]
        corpus["apart"] = [parts] if apart is None else apart
        arrays["corpus.blocks"] = found if borders is None else borders

    with checkpoint.open_run(folder) as (_, texts):
        found = np.array(texts.corpus.blocks)
    change(folder, "run", replace)
    (folder / "corpus.ids").unlink()
    return source


def test_a_text_of_workers_is_read_again(folder: Path, tmp_path: Path) -> None:
    expected = hsw2v.resume(shutil.copytree(folder, tmp_path / "n"), output=tmp_path / "expected")
    source = of_workers(folder, None)
    assert [name for name, _ in checkpoint.verify(folder)][:2] == ["run", "heldout.ids"]
    text = source.read_text()
    source.write_text(text.replace(" ", "  ", 1).replace("der", "dem", 1))
    with pytest.raises(CorruptInputError, match="has changed since the training began"):
        hsw2v.resume(folder, output=tmp_path / "other")
    source.write_text(text)
    found = hsw2v.resume(folder, output=tmp_path / "other")
    assert found.vectors.tobytes() == expected.vectors.tobytes()


@pytest.mark.parametrize(
    "apart",
    [
        *(7, "parts", [7], [[]], [[[], 1]], [[[], "1", 1]], [[[["a", 0]], 1.5, 1]]),
        *([[[[1, 0, None]], 1, 1]], [[[["a", "0", None]], 1, 1]], [[[["a", 0, 1, 2]], 1, 1]]),
    ],
)
def test_parts_of_workers_that_are_none_are_refused(folder: Path, apart: object) -> None:
    of_workers(folder, apart)
    is_refused(folder, "is not a whole checkpoint")


@pytest.mark.parametrize(
    "borders", [np.zeros(0, np.int64), np.array([0, 5, 5]), np.array([1, 2]), np.zeros((2, 2))]
)
def test_borders_of_workers_that_are_none_are_refused(folder: Path, borders: np.ndarray) -> None:
    of_workers(folder, None, borders)
    is_refused(folder, "is not a whole checkpoint")
