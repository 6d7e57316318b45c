"""A model file is not written under the name of vectors for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commandline import complaint, run

import hsw2v
from hsw2v.errors import UsageError
from hsw2v.model.export import check_model_name

SMALL: dict[str, Any] = {"dim": 4, "epochs": 1, "min_count": 1, "threads": 1}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("x.bin", "is named as word2vec binary, .*; name it x.safetensors, and then: "),
        ("x.vec", "hsw2v export x.safetensors x.vec"),
        ("a.b.txt", "hsw2v export a.b.safetensors a.b.txt"),
        ("folder/x.npy", "hsw2v export folder/x.safetensors folder/x.npy"),
        ("x.bin.gz", "a compressed file, .*; name it x.safetensors, and then: hsw2v export"),
        ("x.safetensors.gz", "a compressed file, and a model file .*; name it x.safetensors$"),
        ("x.gz", "name it x.safetensors$"),
        ("x.BIN", "name it x.safetensors, and then: hsw2v export x.safetensors x.BIN$"),
    ],
)
def test_other_names_are_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_model_name(name)
    with pytest.raises(UsageError, match=message):
        hsw2v.train("nowhere.txt", output=name)
    with pytest.raises(UsageError, match=message):
        hsw2v.resume("nowhere", output=name)


@pytest.mark.parametrize("name", ["x.safetensors", "x", "x.model", "x.hsw2v", Path("v1.2")])
def test_any_other_name_will_do(name: str | Path, tmp_path: Path) -> None:
    hsw2v.train([["a", "b"]] * 9, output=tmp_path / name, **SMALL)
    assert "a" in hsw2v.load(tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a b c\n" * 9)
    said = complaint("train", "text.txt", "-o", "models/", code=8, cwd=tmp_path)
    assert said == "models/: is a directory; name a file to write"
    assert [one.name for one in tmp_path.iterdir()] == ["text.txt"]


def test_the_command_line_says_what_to_type(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("a b c\n" * 9)
    for command in (("train",), ("plan",), ("train", "--dry-run")):
        said = complaint(*command, "text.txt", "-o", "x.bin", code=2, cwd=tmp_path)
        assert "x.bin: is named as word2vec binary" in said
        assert "hsw2v export x.safetensors x.bin" in said
    assert [one.name for one in tmp_path.iterdir()] == ["text.txt"]
    options = ("--dim", "4", "--min-count", "1", "--epochs", "1")
    run("train", "text.txt", "-o", "x.safetensors", *options, cwd=tmp_path)
    run("export", "x.safetensors", "x.bin", cwd=tmp_path)
    assert (tmp_path / "x.bin").read_bytes().startswith(b"3 4\n")
    given = ("x.safetensors", "x.bin", "-o", "y.bin")
    assert "hsw2v export y.safetensors" in complaint("align", *given, code=2, cwd=tmp_path)
