"""Whatever a user does wrong ends in one sentence, its own exit code, and no file."""

from __future__ import annotations

import gzip
import os
import random
import resource
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import complaint, run, write_corpus, write_model

SMALL = ("--dim", "8", "--epochs", "1", "--threads", "1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with good and bad inputs, in which commands run."""
    write_corpus(tmp_path / "good.txt")
    (tmp_path / "empty.txt").touch()
    (tmp_path / "blank.txt").write_text("\n \n\t\n")
    (tmp_path / "rare.txt").write_text("every word is here just once\n")
    (tmp_path / "hollow").mkdir()
    packed = gzip.compress((tmp_path / "good.txt").read_bytes())
    (tmp_path / "cut.txt.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "notgzip.txt.gz").write_text("plain text\n")
    (tmp_path / "latin.txt").write_bytes(b"first line\nna\xefve text\n")
    (tmp_path / "binary.txt").write_bytes(random.Random(1).randbytes(20_000))
    (tmp_path / "unknown.toml").write_text("[training]\ndimm = 3\n")
    (tmp_path / "broken.toml").write_text("[training\n")
    (tmp_path / "wrong.toml").write_text("[training]\ndim = 'many'\n")
    (tmp_path / "taken.safetensors").write_text("mine")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


TRAIN = [
    (["empty.txt"], 6, "empty.txt"),
    (["blank.txt"], 6, "blank.txt"),
    (["rare.txt"], 6, "--min-count"),
    (["absent.txt"], 3, "absent.txt"),
    (["good.txt", "absent.txt"], 3, "absent.txt"),
    (["absent*.txt"], 3, "pattern"),
    (["hollow"], 3, "hollow"),
    (["cut.txt.gz"], 4, "cut.txt.gz"),
    (["notgzip.txt.gz"], 4, "notgzip.txt.gz"),
    (["latin.txt"], 5, "--encoding-errors"),
    (["binary.txt"], 4, "binary.txt"),
    (["good.txt", "--heldout", "absent.txt"], 3, "absent.txt"),
    (["good.txt", "--config", "absent.toml"], 3, "absent.toml"),
    (["good.txt", "--config", "unknown.toml"], 2, "'dim'"),
    (["good.txt", "--config", "broken.toml"], 2, "broken.toml"),
    (["good.txt", "--config", "wrong.toml"], 2, "wrong.toml"),
    (["good.txt", "--window", "0"], 2, "window"),
    (["good.txt", "--dim", "0"], 2, "dim"),
    (["good.txt", "--lr", "-0.1"], 2, "lr"),
    (["good.txt", "--lr", "nan"], 2, "lr"),
    (["good.txt", "--epochs", "many"], 2, "--epochs"),
    (["good.txt", "--epoch", "1"], 2, "--epochs"),
    (["good.txt", "--threads", "0"], 2, "threads"),
    (["good.txt", "--model", "glove"], 2, "--model"),
    ([], 2, "CORPUS"),
    (["good.txt", "-o", "taken.safetensors"], 7, "--force"),
    (["good.txt", "--log-json", "taken.safetensors"], 7, "--force"),
    (["good.txt", "-o", "good.txt", "--force"], 2, "input"),
    (["good.txt", "-o", "m", "--log-json", "m"], 2, "same"),
    (["good.txt", "-o", "absent/m.safetensors"], 8, "absent"),
    (["good.txt", "-o", "hollow"], 8, "directory"),
    (["good.txt", "--cache-dir", "absent"], 8, "absent"),
]


@pytest.mark.parametrize(("arguments", "code", "named"), TRAIN, ids=lambda x: str(x))
def test_training_that_cannot_be_is_refused_in_one_sentence(
    folder: Path, arguments: list[str], code: int, named: str
) -> None:
    before = contents(folder)
    sentence = complaint("train", *arguments, "--quiet", cwd=folder, code=code)
    assert named in sentence
    assert contents(folder) == before


def test_invalid_text_is_located_by_line_and_byte(folder: Path) -> None:
    sentence = complaint("train", "latin.txt", "--quiet", cwd=folder, code=5)
    assert "latin.txt" in sentence
    assert "line 2" in sentence
    assert "13" in sentence


def test_replaced_bytes_are_reported(folder: Path) -> None:
    result = run(
        *("vocab", "latin.txt", "--min-count", "1", "--encoding-errors", "ignore"), cwd=folder
    )
    assert "nave\t1" in result.stdout
    assert "note: " in result.stderr


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))


def test_a_full_disk_leaves_no_file(folder: Path) -> None:
    run("train", "good.txt", *SMALL, "-o", "first", cwd=folder)  # so that all is compiled
    (folder / "first").unlink()
    write_corpus(folder / "short.txt", sentences=20)
    before = contents(folder)
    sentence = complaint(
        *("train", "short.txt", "--quiet", "--dim", "65536", "--epochs", "1"),
        *("--threads", "1", "--min-count", "1"),
        cwd=folder,
        code=9,
        preexec_fn=limit_file_size,
    )
    assert "short.safetensors" in sentence
    assert contents(folder) == before


def damaged(path: Path, name: str, content: bytes) -> Path:
    damaged = path.with_name(name)
    damaged.write_bytes(content)
    return damaged


@pytest.mark.parametrize("command", ["similar", "vector"])
def test_a_model_that_is_truncated_altered_or_none_is_refused(tmp_path: Path, command: str) -> None:
    good = write_model(tmp_path / "good.safetensors")
    content = good.read_bytes()
    for name, bad in [
        ("cut.safetensors", content[: len(content) // 2]),
        ("cut header.safetensors", content[:20]),
        ("altered.safetensors", content.replace(b'"F32"', b'"F64"', 1)),
        ("empty.txt", b""),
        ("prose.txt", b"It was a dark night.\n"),
        ("noise.safetensors", random.Random(1).randbytes(1000)),
    ]:
        assert name in complaint(command, damaged(good, name, bad), "king", code=10)
    assert "absent: no such file" in complaint(command, tmp_path / "absent", "king", code=3)


def test_an_unknown_command_is_refused() -> None:
    assert "trian" in complaint("trian", "corpus.txt", code=2)


def test_an_export_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    before = contents(tmp_path)
    assert "absent" in complaint("export", model, tmp_path / "absent" / "v.txt", code=8)
    assert "--format" in complaint("export", model, tmp_path / "v.txt", "--format", "x", code=2)
    assert "--top" in complaint("export", model, tmp_path / "v.txt", "--top", "0", code=2)
    assert contents(tmp_path) == before


def test_a_test_set_that_is_none_is_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    (tmp_path / "bad.txt").write_text("one two\n")
    sentence = complaint("evaluate", model, "--pairs", tmp_path / "bad.txt", code=4)
    assert "bad.txt, line 1" in sentence
    assert "absent" in complaint("evaluate", model, "--analogies", tmp_path / "absent", code=3)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("train - <&-", 6),
        ("similar m.safetensors <&-", 2),
        ("--version >&-", 0),
        ("similar m.safetensors none 2>&-", 11),
    ],
)
def test_closed_standard_streams_give_no_traceback(tmp_path: Path, command: str, code: int) -> None:
    write_model(tmp_path / "m.safetensors")
    done = subprocess.run(
        f"{shlex.quote(sys.executable)} -m hsw2v {command}",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


def test_an_option_of_an_older_name_is_refused_with_the_new_one() -> None:
    sentence = complaint("train", "text.txt", "--retree-at", 1, code=2)
    assert sentence == "no such option: --retree-at; it is called --rebuild-at now"
