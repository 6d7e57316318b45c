"""Reading from anywhere, and writing whole files or none."""

from __future__ import annotations

import errno
import gzip
import os
from pathlib import Path

import pytest

from hsw2v.errors import (
    CorruptInputError,
    DiskFullError,
    MissingInputError,
    OutputError,
    OutputExistsError,
)
from hsw2v.files import (
    atomic_write,
    check_writable,
    compression_of,
    expand_sources,
    explain_read_error,
    pieces,
    stored_size,
)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_directories_are_expanded_recursively_sorted_and_without_hidden_files(tmp_path):
    make(tmp_path, "b.txt", "a/2.txt", "a/1.txt", "c/d/e.txt", ".hidden", ".git/config")
    found = [os.path.relpath(path, tmp_path) for path in expand_sources([tmp_path])]
    assert found == ["a/1.txt", "a/2.txt", "b.txt", "c/d/e.txt"]


def test_patterns_are_expanded_sorted_and_files_only(tmp_path):
    make(tmp_path, "b.txt", "a.txt", "c.csv", "d.txt/inside")
    found = [os.path.basename(path) for path in expand_sources([f"{tmp_path}/*.txt"])]
    assert found == ["a.txt", "b.txt"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    make(tmp_path, "a[1].txt", "a1.txt")
    assert expand_sources([tmp_path / "a[1].txt"]) == [str(tmp_path / "a[1].txt")]


def test_addresses_and_standard_input_stand_for_themselves():
    addresses = ["-", "gs://bucket/key*.gz", "s3://bucket/key[1].gz?version=1", "s3://K:S@b/*.gz"]
    assert expand_sources(addresses) == addresses


@pytest.mark.parametrize("name", ["none.txt", "*.none", "empty"])
def test_sources_that_are_not_there_are_errors(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInputError) as caught:
        expand_sources([tmp_path / name])
    assert caught.value.where == str(tmp_path / name)


def test_sources_are_read_as_their_extension_says(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"some text"))
    assert b"".join(pieces(str(path))) == b"some text"
    assert stored_size(str(path)) == path.stat().st_size


def test_compression_is_told_by_the_path_of_an_address():
    assert compression_of("https://host/text.gz?version=1.txt") == ".gz"
    assert compression_of("https://host/text.txt?name=a.gz") == ""
    assert compression_of("TEXT.XZ") == ".xz"


def test_an_address_that_cannot_be_opened_is_an_error():
    with pytest.raises(MissingInputError, match="nothing://here"):
        next(pieces("nothing://here"))


def test_errors_of_reading_are_told_apart():
    truncated = explain_read_error(EOFError("early"), "a.gz")
    assert isinstance(truncated, CorruptInputError)
    assert "truncated" in truncated.what
    failed = explain_read_error(OSError(errno.EIO, "Input/output error"), "a.gz")
    assert isinstance(failed, MissingInputError)
    assert "Input/output error" in failed.what
    assert explain_read_error(truncated, "other") is truncated


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "out"
    with atomic_write(path) as stream:
        stream.write(b"half")
        assert not path.exists()
        stream.write(b"whole")
    assert path.read_bytes() == b"halfwhole"
    assert os.listdir(tmp_path) == ["out"]


def write_and_fail(stream, error):
    stream.write(b"new")
    raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(error), atomic_write(path, force=True) as stream:
        write_and_fail(stream, error)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_an_existing_file_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match="--force"), atomic_write(path):
        pass
    assert path.read_bytes() == b"old"
    with atomic_write(path, force=True) as stream:
        stream.write(b"new")
    assert path.read_bytes() == b"new"


def test_a_full_disk_is_told_as_such(tmp_path):
    with pytest.raises(DiskFullError), atomic_write(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_an_output_that_cannot_be_is_told_before_any_work(tmp_path):
    with pytest.raises(OutputError, match="directory"):
        check_writable(tmp_path)
    with pytest.raises(OutputError, match="none"):
        check_writable(tmp_path / "none" / "out")
    check_writable(tmp_path / "out")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("force", [False, True])
def test_what_is_no_regular_file_is_never_replaced(tmp_path, force):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OutputError, match="not a regular file"), atomic_write(pipe, force=force):
        pass
    assert pipe.is_fifo()


def test_a_symbolic_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "real", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        with atomic_write(link, force=True) as stream:
            stream.write(content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert os.listdir(tmp_path / "there") == ["real"]


def test_a_path_with_a_nul_byte_is_an_error_of_ours():
    with pytest.raises(MissingInputError):
        next(pieces("a\0b"))
    with pytest.raises(OutputError):
        check_writable("a\0b")
