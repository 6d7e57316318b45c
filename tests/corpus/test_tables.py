"""CSV and TSV: with a header and without, and as other programs write them."""

from __future__ import annotations

import codecs
import csv
import io
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from commandline import complaint, run
from some_records import plain, read, tsv, write, wrong

import hsw2v
from hsw2v import errors
from hsw2v.config import CorpusConfig
from hsw2v.corpus.parts import divided
from hsw2v.events import Event, Notice
from hsw2v.training.reader import encode_apart

TEXTS = ["one line of words", "", "two lines\nof a record", 'a "quoted" word,\tand a tab'] * 200


def notices(path: Path, **given: Any) -> list[str]:
    heard: list[Event] = []
    read(path, listener=heard.append, **given)
    return [one.message for one in heard if isinstance(one, Notice)]


def bare(texts: list[str], delimiter: str = "\t") -> bytes:
    """A table of three columns without a header; the texts are in the second."""
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerows((number, one, "") for number, one in enumerate(texts))
    return written.getvalue().encode()


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.tab.gz", "a.csv.zst"])
def test_columns_have_numbers_without_a_header(name: str, tmp_path: Path) -> None:
    expected = read(write(tmp_path / "plain.txt", plain(TEXTS)))
    path = write(tmp_path / name, bare(TEXTS, "," if "csv" in name else "\t"))
    assert read(path, field="2", header=False) == expected
    assert read(path, field="1", header=False)[1][:3] == ["0", "1", "2"]
    config = CorpusConfig(field="2", header=False)
    with encode_apart(divided([str(path)], 3, config), config, lambda _: None) as found:
        assert (found.ids.tolist(), found.types.words) == expected


def test_a_pipe_has_a_table_without_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = TEXTS[:20]
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as stream:
        stream.write(bare(texts))
    with os.fdopen(reader, "rb") as stdin:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stdin))
        found = read("-", field="2", format="tsv", header=False)
    assert found == read(write(tmp_path / "plain.txt", plain(texts)))


def test_a_header_may_name_a_column_by_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"2,1\nfirst,second\n")
    assert read(path, field="2")[1] == ["first"]
    assert read(path, field="2", header=False)[1] == ["1", "second"]


def test_what_is_no_column_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", bare(["the text of the first row"]))
    bad = {"error": errors.UsageError, "header": False}
    for field in ("text", "0", "-1", "2.5", "²", "1" * 20):
        said = wrong(path, field=field, **bad)
        assert f"field is '{field}', and without a header columns have numbers" in said
    said = wrong(path, field="4", header=False)
    assert said.startswith(
        f"{path}: there is no column 4; its first row has 3 columns: 0, the text"
    )
    said = wrong(path, field="text")
    assert "there is no column 'text'; its columns: 0, the text of the first row" in said
    assert "if it does not, --no-header and --field NUMBER" in said
    # A row that is shown is not shown whole.
    path = write(tmp_path / "b.tsv", bare(["x" * 9_000]))
    assert len(wrong(path, field="text")) < len(str(path)) + 300


def test_rows_have_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'\n1,"x\ny"\n\n2,"z"\n3\n4,"' + b"\xff" + b'"\n')
    said = wrong(path, field="2", header=False)
    assert said.startswith(f"{path}, line 6: the row is not CSV (it has 1 fields, the first row 2")
    lenient = {"header": False, "skip_bad_records": True}
    assert read(path, field="2", **lenient)[1] == ["x", "y", "z"]
    path = write(tmp_path / "b.csv", b"\n\n1,\xff\n")
    said = wrong(path, field="2", header=False, error=errors.EncodingError)
    assert said.startswith(f"{path}, line 3: the text is not valid UTF-8")


def test_other_formats_have_none(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"2": "x"}\n')
    assert read(path, field="2", header=False)[1] == ["x"]
    text = write(tmp_path / "a.txt", b"words\n")
    assert notices(text, header=False) == []
    model: list[str] = []
    hsw2v.train(
        text,
        min_count=1,
        epochs=1,
        dim=2,
        header=False,
        listener=lambda event: model.append(getattr(event, "message", "")),
    )
    assert "header has no effect (no field)" in model


SENTENCES = ["It was a dark night and so on.", "The rain fell in torrents.", "Yes."] * 4


@pytest.mark.parametrize(
    ("name", "delimiter", "told"),
    [
        ("a.tsv", "\t", "TSV without a header; --field NUMBER --no-header trains on one of its 3"),
        ("a.txt", "\t", "TSV without a header; --format tsv --field NUMBER --no-header trains"),
        ("a.csv", ",", "CSV without a header; --field NUMBER --no-header trains on one of its 3"),
        ("b.txt", ",", ""),
    ],
)
def test_a_table_without_a_header_that_is_read_as_text_is_told(
    name: str, delimiter: str, told: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, bare(SENTENCES, delimiter))
    found = notices(path)
    assert [one.split(" looks like ")[1][: len(told)] for one in found] == [told] * bool(told)


def test_the_command_line_counts_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv", bare(["a b", "b c"]))
    options = ("--field", "2", "--no-header", "--min-count", "1")
    assert run("vocab", path, *options).stdout.splitlines() == ["b\t2", "a\t1", "c\t1"]
    said = complaint("vocab", path, "--field", "text", "--no-header", code=2)
    assert "count the columns from 1: --field 2" in said
    (tmp_path / "c.toml").write_text("[corpus]\nfield = '2'\nheader = false\nformat = 'tsv'\n")
    run("train", path, "--config", "c.toml", "--min-count", "1", "--dim", "4", cwd=tmp_path)
    scored = run("score", "a.safetensors", path, *options[:3], "--json", cwd=tmp_path).stdout
    assert scored.count('"sentence"') == 2
    vectors = run("sentences", "a.safetensors", path, *options[:3], cwd=tmp_path).stdout
    assert len(vectors.splitlines()) == 2


# As other programs write them.


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_byte_order_marks_and_ends_of_lines(mark: bytes, end: bytes, tmp_path: Path) -> None:
    for name, lines in (
        ("a.csv", [b"text,n", b"big world,1", b'"x', b'y",2']),
        ("b.csv", [b'"text",n', b"big world,1", b'"x y",2']),
        ("a.tsv", [b"n\ttext", b"1\tbig world", b"2\tx y"]),
        ("a.jsonl", [b'{"text": "big world"}', b"", b'{"text": "x y"}']),
    ):
        path = write(tmp_path / name, mark + end.join(lines) + end)
        assert read(path, field="text")[1] == ["big", "world", "x", "y"]


def test_a_carriage_return_alone_ends_no_row(tmp_path: Path) -> None:
    said = wrong(write(tmp_path / "a.csv", b"text,n\rbig world,1\r"), field="text")
    assert "the first row is not well formed (new-line character seen in unquoted field)" in said


@pytest.mark.parametrize("order", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", "words of a text"), ("a.csv", "text,n\nx,1\n"), ("a.jsonl", '{"text": "x"}\n')],
)
def test_utf_16_is_told(order: str, name: str, content: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, content.encode(order))
    said = wrong(path, field=None if name == "a.txt" else "text")
    assert "is UTF-16 text, not text; convert it first: iconv -f UTF-16" in said
    assert order[7:].upper() in said


def test_tables_that_are_empty_have_no_tokens(tmp_path: Path) -> None:
    for content in (b"", b"\n\n", b"text,n\n", codecs.BOM_UTF8):
        with pytest.raises(errors.EmptyCorpusError):
            read(write(tmp_path / "a.csv", content), field="text")
        if b"text" not in content:
            with pytest.raises(errors.EmptyCorpusError):
                read(write(tmp_path / "a.csv", content), field="1", header=False)


def test_what_follows_compressed_data_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tsv.gz", tsv(TEXTS))
    path.write_bytes(path.read_bytes() + b"and more")
    assert "a.tsv.gz: cannot be decompressed (" in wrong(path, field="text")


def test_a_folder_of_several_formats_is_one_corpus(tmp_path: Path) -> None:
    write(tmp_path / "a.tsv", tsv(TEXTS[:5]))
    write(tmp_path / "b.jsonl", b'{"text": "more"}\n')
    assert read(tmp_path, field="text")[1][-1] == "more"
    write(tmp_path / "README.md", b"about it\n")
    said = wrong(tmp_path, field="text", error=errors.UsageError)
    assert "README.md: is not named as records, which --field is for" in said
