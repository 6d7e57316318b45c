"""Corpora in Arrow files: streams, as Hugging Face datasets keep them, and files, as Feather is."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pytest
from some_records import Read, arrow, arrow_of, jsonl, plain, read, write, wrong

from hsw2v import errors
from hsw2v.config import CorpusConfig
from hsw2v.corpus import arrow as arrow_module
from hsw2v.corpus.parts import divided
from hsw2v.events import CorpusProgress, Event

TEXTS = ["one line of words", "", "two lines\nof a record", "é ü 日本\u2028語", " spaces "] * 20


@pytest.fixture
def expected(tmp_path: Path) -> Read:
    return read(write(tmp_path / "plain.txt", plain(TEXTS)))


def feather(compression: str) -> Callable[[pa.Table], bytes]:
    def written(columns: pa.Table) -> bytes:
        stream = io.BytesIO()
        pyarrow.feather.write_feather(columns, stream, compression, chunksize=9)
        return stream.getvalue()

    return written


WRITERS: dict[str, Callable[[pa.Table], bytes]] = {
    "a.arrow": arrow_of,
    "b.arrow": lambda columns: arrow_of(columns, 1000, pa.ipc.new_file),
    "a.arrows": arrow_of,
    "a.ipc.gz": lambda columns: arrow_of(columns, 9, pa.ipc.new_file),
    "a.feather": feather("lz4"),
    "b.feather": feather("zstd"),
    "c.feather": feather("uncompressed"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("field", ["text", "coded", "more.b", "large", "view", "bytes"])
def test_both_formats_are_read_whatever_the_type_of_text(
    name: str, field: str, expected: Read, tmp_path: Path
) -> None:
    columns = pa.table(
        {
            "id": range(len(TEXTS)),
            "text": pa.array(TEXTS),
            "coded": pa.array(TEXTS).dictionary_encode(),
            "more": pa.array([{"n": 1, "b": one} for one in TEXTS]),
            "large": pa.array(TEXTS, pa.large_string()),
            "view": pa.array(TEXTS).cast(pa.string_view()),
            "bytes": pa.array([one.encode() for one in TEXTS]),
        }
    )
    path = write(tmp_path / name, WRITERS[name](columns))
    assert read(path, field=field) == expected


def test_a_large_batch_is_taken_apart(
    expected: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_module, "BATCH", 100)
    path = write(tmp_path / "a.arrow", arrow(TEXTS, 1000))
    assert read(path, field="text") == expected
    texts = [*TEXTS[:50], None, "x"]
    path = write(tmp_path / "b.arrow", arrow_of(pa.table({"text": texts}), 40))
    assert wrong(path).startswith(f"{path}, row 51: the text is null, not a string; ")
    assert read(path, field="text", skip_bad_records=True)[1][-1] == "x"


def test_text_that_is_not_utf8_has_its_row(tmp_path: Path) -> None:
    column = pa.array([b"good", b"b\xffd"]).view(pa.string())
    path = write(tmp_path / "a.arrow", arrow_of(pa.table({"text": column})))
    said = wrong(path, error=errors.EncodingError)
    assert said.startswith(f"{path}, row 2: the text is not valid UTF-8")
    assert read(path, field="text", encoding_errors="replace")[1] == ["good", "b\ufffdd"]


def test_columns_that_are_none_are_told_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.arrow", arrow(["x"]))
    for field, what in (
        ("txt", "there is no column 'txt'; its columns: id, text, more, large, coded, bytes"),
        ("id", "the column 'id' is int64, not text; its columns of text: text, large,"),
        ("more", "the column 'more' is struct<b: string>, not text; its fields: more.b"),
    ):
        assert what in wrong(path, field=field)


def test_other_files_are_told_of(tmp_path: Path) -> None:
    for content in (b"", b"ARROW1", b"\xff\xff\xff\xff", b"words of a text\n", jsonl(["x"])):
        path = write(tmp_path / "a.arrow", content)
        assert f"{path}: is no Arrow file, or is damaged (" in wrong(path)
        assert wrong(path).endswith("write the file again, or name its format with --format")
    first = write(tmp_path / "a.txt", b"FEA1" + b"\0" * 60)
    assert "a Feather file of version 1, not text" in wrong(first, field=None)


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_damaged_files(new: Any, tmp_path: Path) -> None:
    whole = arrow_of(pa.table({"n": range(len(TEXTS)), "text": TEXTS}), 30, new)
    for end in (9, 100, len(whole) // 2, len(whole) - 20):
        path = write(tmp_path / "a.arrow", whole[:end])
        if new is pa.ipc.new_file or end < len(whole) - 20:
            assert "is damaged (" in wrong(path)
    for place in range(0, len(whole) - 12, 97):
        damaged = whole[:place] + bytes(255 - one for one in whole[place : place + 4])
        path = write(tmp_path / "a.arrow", damaged + whole[place + 4 :])
        # A few bytes of text may differ, and be text.
        with contextlib.suppress(errors.CorruptInputError, errors.EncodingError):
            read(path, field="text")


def test_what_memory_does_not_hold_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(_: Any) -> None:
        raise pa.ArrowMemoryError("malloc of size 9 failed")

    path = write(tmp_path / "a.arrow", arrow(["x"]))
    monkeypatch.setattr(arrow_module, "_check", failing)
    said = wrong(path, error=errors.ResourceError)
    assert "there is no memory for some rows of it (malloc of size 9 failed)" in said


def test_a_copy_of_a_pipe_is_in_the_folder_that_is_given(
    expected: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write(arrow(TEXTS, 1000))
    with os.fdopen(reader, "rb") as stdin:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        assert read("-", field="text", format="arrow", cache_dir=str(tmp_path)) == expected


def test_a_worker_reads_a_whole_file(tmp_path: Path) -> None:
    names = [str(write(tmp_path / f"{n}.arrow", arrow(TEXTS))) for n in range(3)]
    parts = divided(names, 2, CorpusConfig(field="text"))
    assert [part for some in parts for part in some] == [(name, 0, None) for name in names]
    assert all(parts)


def test_progress_is_in_bytes_as_stored(tmp_path: Path) -> None:
    heard: list[Event] = []
    path = write(tmp_path / "a.arrow", arrow(TEXTS))
    read(path, field="text", listener=heard.append)
    last = [one for one in heard if isinstance(one, CorpusProgress)][-1]
    assert last.bytes_read == last.bytes_total == path.stat().st_size


def test_without_pyarrow_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.arrow", arrow(["x"]))
    monkeypatch.setitem(sys.modules, "pyarrow.ipc", None)
    said = wrong(path, error=errors.UsageError)
    assert "Arrow needs pyarrow" in said
    assert "pip install 'hsw2v[parquet]'" in said
