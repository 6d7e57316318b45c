"""Corpora of records: the same ids as their text in a plain file, and whatever is wrong in them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from some_records import FORMATS, Read, jsonl, parquet, parquet_of, plain, read, table, write, wrong

from hsw2v import errors
from hsw2v.config import CorpusConfig
from hsw2v.corpus import delimited, jsonlines, records, stored, values
from hsw2v.corpus import parquet as columns
from hsw2v.corpus.parts import divided
from hsw2v.corpus.stream import encode_parts, encode_sentences
from hsw2v.events import CorpusProgress, Event, Notice
from hsw2v.training.reader import encode_apart

TEXTS = [
    "one line of words",
    "",
    "two lines\nof a record\n\nwith one that is blank",
    'a "quoted" word, commas,\tand a tab',
    "carriage\r\nreturns",
    "é ü 日本\u2028語 \u00a0 naïve\x85end",
    "NUL \x00 and more",
    " spaces  around ",
] * 4


def notices(*sources: Path | str, **given: Any) -> list[str]:
    heard: list[Event] = []
    read(*sources, listener=heard.append, **given)
    return [one.message for one in heard if isinstance(one, Notice)]


@pytest.fixture
def expected(tmp_path: Path) -> Read:
    return read(write(tmp_path / "plain.txt", plain(TEXTS)))


# The same ids.


@pytest.mark.parametrize("format", FORMATS)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=30))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_ids_are_those_of_the_plain_text(format: str, texts: list[str], tmp_path: Path) -> None:
    # What begins a plain file is taken for a byte order mark.
    texts = ["first", *texts]
    found = read(write(tmp_path / f"a.{format}", FORMATS[format](texts)), field="text")
    assert found == read(write(tmp_path / "a.txt", plain(texts)))


@pytest.mark.parametrize("compression", ["", ".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("format", FORMATS)
def test_they_do_not_depend_on_compression_or_pieces(
    format: str, compression: str, expected: Read, tmp_path: Path
) -> None:
    path = write(tmp_path / f"a.{format}{compression}", FORMATS[format](TEXTS))
    assert read(path, field="text") == expected
    assert read(path, field="text", piece_bytes=3) == expected


def test_nor_on_blocks(expected: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "BLOCK", 5)
    monkeypatch.setattr(delimited, "ROWS", 2)
    monkeypatch.setattr(columns, "BATCH", 10)
    for format, content in FORMATS.items():
        assert read(write(tmp_path / f"a.{format}", content(TEXTS)), field="text") == expected


@pytest.mark.parametrize("format", FORMATS)
def test_pipes_have_a_format(
    format: str, expected: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = FORMATS[format](TEXTS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read("-", field="text", format=format) == expected
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert read(pipe, field="text", format=format) == expected
    writer.join()


def test_many_files_in_several_formats_are_one_corpus(expected: Read, tmp_path: Path) -> None:
    half = len(TEXTS) // 2
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.jsonl.gz", jsonl(TEXTS[:half]))
    write(tmp_path / "in" / "b.parquet", parquet(TEXTS[half:]))
    write(tmp_path / "in" / "c.csv", table([]))
    write(tmp_path / "in" / "d.ndjson", b"")
    assert read(tmp_path / "in", field="text") == expected


@pytest.mark.parametrize("field", ["more.b", "large", "coded", "bytes"])
def test_columns_of_every_type_of_text(field: str, expected: Read, tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.parquet", parquet(TEXTS)), field=field) == expected
    if field == "more.b":
        assert read(write(tmp_path / "a.jsonl", jsonl(TEXTS)), field=field) == expected


def test_a_name_may_have_a_dot(tmp_path: Path) -> None:
    line = write(tmp_path / "a.jsonl", b'{"a.b": "x y", "a": {"b": "z"}}\n')
    assert read(line, field="a.b")[1] == ["x", "y"]
    flat = pa.table({"a.b": ["x y"], "a": [{"b": "z"}]})
    assert read(write(tmp_path / "a.parquet", parquet_of(flat)), field="a.b")[1] == ["x", "y"]


LISTS = (
    (["two", "tokens"], "two tokens"),
    (["a sentence", "another one"], "a sentence\nanother one"),
    ([["two", "tokens"], ["three", "more", "tokens"]], "two tokens\nthree more tokens"),
    ([], ""),
)


def test_lists_are_tokens_or_sentences(tmp_path: Path) -> None:
    expected = read(write(tmp_path / "a.txt", plain([text for _, text in LISTS])))
    lines = b"".join(orjson.dumps({"text": one}) + b"\n" for one, _ in LISTS)
    assert read(write(tmp_path / "a.jsonl", lines), field="text") == expected
    for number, (one, text) in enumerate(LISTS[:3]):
        path = write(tmp_path / f"{number}.parquet", parquet_of(pa.table({"text": [one, one]})))
        expected = read(write(tmp_path / "b.txt", plain([text, text])))
        assert read(path, field="text") == expected


def test_tokens_are_split_as_those_of_a_text(tmp_path: Path) -> None:
    texts = ["Hello, World! It's", "ÜBER alles; (naïve)"]
    given = {"tokens": "words", "lowercase": True}
    expected = read(write(tmp_path / "a.txt", plain(texts)), **given)
    for format, content in FORMATS.items():
        path = write(tmp_path / f"a.{format}", content(texts))
        assert read(path, field="text", **given) == expected


# Readers of parts.


@pytest.mark.parametrize("readers", [1, 2, 3, 7])
@pytest.mark.parametrize("format", FORMATS)
def test_several_readers_come_to_the_same(
    format: str, readers: int, expected: Read, tmp_path: Path
) -> None:
    path = write(tmp_path / f"a.{format}", FORMATS[format](TEXTS))
    config = CorpusConfig(field="text")
    parts = divided([str(path)], readers, config)
    with encode_apart(parts, config, lambda _: None) as found:
        assert (found.ids.tolist(), found.types.words) == expected
    there = [part for some in parts for part in some]
    assert (len(there) > 1) == (readers > 1 and format not in ("arrow", "csv", "tsv"))


def test_what_is_bad_in_a_part_has_its_byte(tmp_path: Path) -> None:
    lines = [b'{"text": "good"}\n'] * 20 + [b"bad\n"] + [b'{"text": "good"}\n'] * 5
    path = write(tmp_path / "a.jsonl", b"".join(lines))
    config = CorpusConfig(field="text")
    first, second = divided([str(path)], 2, config)
    encode_parts(first, config).close()
    with pytest.raises(errors.CorruptInputError, match=rf"a.jsonl, byte {20 * 17}: is not JSON"):
        encode_parts(second, config)
    lenient = CorpusConfig(field="text", skip_bad_records=True)
    heard: list[Event] = []
    with encode_apart(divided([str(path)], 3, lenient), lenient, heard.append) as found:
        assert found.tokens == 25
        assert found.skipped_records == 1
    assert Notice("1 bad record was left out") in heard


def test_progress_is_in_bytes_as_stored(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.csv.gz", "a.parquet", "a.parquet.zst"):
        content = FORMATS[name.split(".")[1]](TEXTS)
        heard: list[Event] = []
        read(path := write(tmp_path / name, content), field="text", listener=heard.append)
        last = [one for one in heard if isinstance(one, CorpusProgress)][-1]
        assert last.bytes_read == last.bytes_total == path.stat().st_size


# What is bad: where it is, and what to do.

BAD_LINES = {
    b"{": "is not JSON (unexpected end of data)",
    b'{"text": "a"} {"text": "b"}': "is not JSON (",
    b'{"text": "a\tb"}': "is not JSON (",
    b"[1, 2]": "the record is a list, not an object",
    b"null": "the record is null, not an object",
    b'{"id": 1, "url": "x"}': "there is no field 'text'; its fields: id, url",
    b'{"text": null}': "the text is null, not a string",
    b'{"text": 3}': "the text is a number, not a string",
    b'{"text": true}': "the text is true or false, not a string",
    b'{"text": {"a": "b"}}': "the text is an object, not a string",
    b'{"text": ["a", 1]}': "the text is a number, not a string",
    b"[" * 100_000: "is not JSON (",
    b'{"text": "' + b"x" * (1 << 20) + b'x"}': "more than 1,048,576 bytes without white space",
}


@pytest.mark.parametrize("line", BAD_LINES, ids=lambda line: line[:24].decode())
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_bad_line_is_told_or_skipped(line: bytes, end: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl.gz", b'{"text": "x"}\n\n' * 2 + line + end)
    message = wrong(path)
    assert message.startswith(f"{path}, line 5: ")
    assert BAD_LINES[line] in message
    assert "line 5" not in message.removeprefix(f"{path}, line 5")
    assert notices(path, field="text", skip_bad_records=True) == ["1 bad record was left out"]
    assert read(path, field="text", skip_bad_records=True)[1] == ["x"]


def test_what_python_writes_as_json_is_read(tmp_path: Path) -> None:
    lines = [
        json.dumps({"score": float("nan"), "text": "näh"}),
        '{"text": "new", "text": "last", "n": ' + "9" * 400 + "}",
        '{"text": "\\u0041\\ud83d\\ude00"}',
    ]
    path = write(tmp_path / "a.jsonl", b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert read(path, field="text")[1] == ["näh", "last", "A😀"]


def test_text_that_is_not_unicode(tmp_path: Path) -> None:
    half = write(tmp_path / "half.jsonl", b'{"text": "good"}\n{"text": "a\\ud800b c"}\n')
    raw = write(tmp_path / "raw.jsonl", b'{"text": "good"}\n{"text": "a\xffb c"}\n')
    rows = write(tmp_path / "raw.csv", b"id,text\n1,good\n2,a\xffb c\n")
    column = pa.array([b"good", b"a\xffb c"]).view(pa.string())
    group = write(tmp_path / "raw.parquet", parquet_of(pa.table({"text": column})))
    for path, place, what in (
        (half, "line 2", "the text has half a surrogate pair"),
        (raw, "line 2", "the text is not valid UTF-8"),
        (rows, "line 3", "the text is not valid UTF-8"),
        (group, "row 2", "the text is not valid UTF-8"),
    ):
        message = wrong(path, error=errors.EncodingError)
        assert message.startswith(f"{path}, {place}: {what}; ")
        assert "--encoding-errors" in message
        skipped = read(path, field="text", skip_bad_records=True)
        assert skipped[1] == ["good"]
        ignored = read(path, field="text", encoding_errors="ignore")
        assert ignored[1] == ["good", "ab", "c"]
        replaced = read(path, field="text", encoding_errors="replace")[1]
        assert replaced == ["good", "a\ufffdb" if path != half else "a\ufffd\ufffd\ufffdb", "c"]


def test_invalid_bytes_elsewhere_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"text": "good", "url": "a\xff"}\n')
    assert read(path, field="text")[1] == ["good"]


BAD_ROWS = {
    b"1": "the row is not CSV (it has 1 fields, the header 2)",
    b"1,a,b": "the row is not CSV (it has 3 fields, the header 2)",
    b'1,"a"b': "the row is not CSV (',' expected after '\"')",
    b'1,"never\nclosed': "the row is not CSV (unexpected end of data)",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=lambda row: row.decode())
def test_a_bad_row_is_told_or_skipped(row: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'id,text\n1,"x\ny"\n\n2,z\n' + row)
    message = wrong(path)
    assert message.startswith(f"{path}, line 6: {BAD_ROWS[row]}; ")
    found = read(path, field="text", skip_bad_records=True)
    assert found[1] == ["x", "y", "z"]


def test_a_table_has_its_column_once(tmp_path: Path) -> None:
    for content, what in (
        (b"id,content\n1,x\n", "there is no column 'text'; its columns: id, content"),
        (b"text,text\n1,x\n", "there is more than one column 'text'"),
        (b'id,"text\n1,x\n', "the first row is not well formed"),
    ):
        path = write(tmp_path / "a.csv", content)
        assert what in wrong(path)
        assert what in wrong(path, skip_bad_records=True)
    path = write(tmp_path / "a.tsv", b"id\ttext\n1\tx\n")
    assert "its columns: id\ttext" in wrong(path, format="csv")


def test_bad_columns_are_told_of_by_the_schema(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", parquet(["x"]))
    for field, what in (
        ("txt", "there is no column 'txt'; its columns: id, text, more, large, coded, bytes"),
        ("id", "the column 'id' is int64, not text; its columns of text: text, large,"),
        ("more", "the column 'more' is struct<b: string>, not text; its fields: more.b"),
        ("more.c", "there is no column 'more.c'; its columns: b"),
        ("text.c", "there is no column 'text.c'; its columns: id,"),
    ):
        assert what in wrong(path, field=field)
        assert what in wrong(path, field=field, skip_bad_records=True)
    twice = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    path = write(tmp_path / "b.parquet", parquet_of(twice))
    assert "there is more than one column 'text'; its columns: text, text" in wrong(path)


def test_rows_that_are_null_have_their_number(tmp_path: Path) -> None:
    texts = ["a"] * 10 + [None, "b"]
    content = parquet_of(pa.table({"text": pa.array(texts, pa.string())}), 4)
    path = write(tmp_path / "a.parquet", content)
    assert wrong(path).startswith(f"{path}, row 11: the text is null, not a string; ")
    assert notices(path, field="text", skip_bad_records=True) == ["1 bad record was left out"]
    nested = pa.table({"a": pa.array([{"b": "x"}, None], pa.struct({"b": pa.string()}))})
    path = write(tmp_path / "b.parquet", parquet_of(nested))
    assert wrong(path, field="a.b").startswith(f"{path}, row 2: the text is null")


def test_damaged_parquet(tmp_path: Path) -> None:
    whole = parquet(TEXTS * 20, 1000)
    for content in (b"", whole[:-20], whole[: len(whole) // 2], b"PAR1" + b"x" * 50 + b"PAR1"):
        path = write(tmp_path / "a.parquet", content)
        assert f"{path}: is no Parquet file, or is damaged (" in wrong(path)
    for place in range(4, 400, 36):
        damaged = whole[:place] + bytes(255 - one for one in whole[place : place + 12])
        path = write(tmp_path / "a.parquet", damaged + whole[place + 12 :])
        # A few bytes of text may differ, and be text.
        with contextlib.suppress(errors.CorruptInputError):
            read(path, field="text")


def test_only_the_column_is_read(tmp_path: Path) -> None:
    noise = pa.array([os.urandom(50_000).hex() for _ in range(40)])
    content = parquet_of(pa.table({"noise": noise, "text": ["a b"] * 40}), 10)

    class Counting(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            Counting.total += len(found)
            return found

    column = columns.ParquetColumn(Counting(content), "a.parquet", "text")
    assert sum(len(some.text().split()) for some in column.values()) == 80
    assert Counting.total < len(content) / 10


@given(text=st.text("ab \n\u3000", max_size=60), longest=st.integers(2, 12))
def test_long_tokens_are_found(text: str, longest: int) -> None:
    expected = any(len(one.encode()) > longest for one in text.split())
    assert records._has_longer_token(text.encode(), longest) == expected


def test_records_of_many_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["short", "many words " * 300_000, "end"]
    expected = read(write(tmp_path / "a.txt", plain(texts)))
    for format, content in FORMATS.items():
        path = write(tmp_path / f"a.{format}", content(texts))
        assert read(path, field="text") == expected
    for module in (values, stored, records, jsonlines, delimited):
        monkeypatch.setattr(module, "LONGEST_RECORD", 1 << 20)
    for format, content in FORMATS.items():
        path = write(tmp_path / f"a.{format}", content(texts))
        if format in ("jsonl", "parquet"):
            message = wrong(path)
            assert f"{path}, {'row' if format == 'parquet' else 'line'} 2: " in message
            assert "the record has more than" in message
            assert read(path, field="text", skip_bad_records=True)[1] == ["short", "end"]


# Before the work.


def test_the_format_is_known_before_the_work(tmp_path: Path) -> None:
    good = write(tmp_path / "a.jsonl", jsonl(["x"]))
    text = write(tmp_path / "b.txt", b"x")
    usage = {"error": errors.UsageError}
    for message, sources, how in (
        ("b.txt: is not named as records, which --field is for; say what", [good, text], {}),
        ("standard input: is not named as records", [good, "-"], {}),
        ("https://host/a.txt?b=…: is not named as records", ["https://host/a.txt?b=c.jsonl"], {}),
        ("format csv has records, and no field", [good], {"field": None, "format": "csv"}),
        ("a plain text has no fields", [good], {"format": "text"}),
        ("the name of the field is empty", [good], {"field": ""}),
    ):
        assert message in wrong(*sources, **usage, **how)
    with pytest.raises(errors.UsageError, match="field is for files of records"):
        encode_sentences([["a"]], CorpusConfig(field="text"))


def test_the_first_records_of_all_files_are_read_before_the_work(tmp_path: Path) -> None:
    heard: list[Event] = []
    good = write(tmp_path / "a.jsonl", jsonl(["x"] * 1000))
    for name, content in (
        ("b.jsonl", b'{"content": "x"}\n'),
        ("b.csv.gz", b"content\nx\n"),
        ("b.parquet", parquet_of(pa.table({"content": ["x"]}))),
        ("b.jsonl", b"\x1f\x8b\x08 not unpacked"),
        ("b.csv", parquet(["x"])),
    ):
        bad = write(tmp_path / name, content)
        with pytest.raises(errors.CorruptInputError, match=rf"{bad}.*"):
            read(good, bad, field="text", listener=heard.append)
    assert not heard


def test_no_good_record_is_no_corpus(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b"{}\n{}\n")
    with pytest.raises(errors.EmptyCorpusError, match="no tokens: 2 bad records were left out"):
        read(path, field="text", skip_bad_records=True)


def test_without_pyarrow_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.parquet", parquet(["x"]))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "pip install 'hsw2v[parquet]'" in wrong(path, error=errors.UsageError)


# What looks like records and is read as text.

SENTENCES = ["It was a dark night, and so on.", "The rain fell in torrents.", "Yes."] * 4


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl.gz", jsonl(SENTENCES), "JSON lines; --field NAME trains"),
        ("a.txt", jsonl(SENTENCES), "trains on one field (fields: id, text, more)"),
        ("a", jsonl(["long " * 50_000]), "JSON lines; --format jsonl --field NAME"),
        ("a.json", json.dumps([{"a": "b"}] * 3).encode(), "a JSON array; jq -c '.[]'"),
        ("a.json", json.dumps([{"a": "b"}], indent=2).encode(), "a JSON array; jq -c '.[]'"),
        ("a.json", json.dumps({"a": "b"}, indent=2).encode(), "looks like JSON; jq -c"),
        ("a.csv", table(SENTENCES), "CSV; --field NAME trains on one column"),
        ("a.tsv", table(SENTENCES, "\t"), "(columns: id, text)"),
        ("a.txt", b"n,id,text\n" + b"1,2,some words of text\n" * 5, "CSV; --format csv"),
    ],
)
def test_what_looks_like_records_is_told(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    path = write(tmp_path / name, content)
    (message,) = notices(path)
    assert message.startswith(f"{path} looks like ")
    assert told in message
    assert notices(path, path) == [message]
    assert notices(path, format="text") == []
    with encode_apart(divided([str(path)], 2), CorpusConfig(), lambda _: None) as found:
        assert found.looks == message


@pytest.mark.parametrize(
    "text",
    [
        "Apples, pears, plums\nred, green, and a blue one\nred, green, and a blue one\n" * 4,
        "a,b,c\nd,e,f\ng,h,i\nj,k,l\nm,n,o\n",
        "0\t1\t0.5\n1\t2\t0.25\n2\t3\t1\n3\t4\t1\n",
        "source\ttarget\tweight\n1\t2\t3\n1\t2\t3\n1\t2\t3\n1\t2\t3\n",
        "/m/01\t/people/person\t/m/02\n" * 9,
        "Alice\tlikes\tBob\nBob\tknows\tAlice\nCarol\tlikes\tBob\nDave\tlikes\tEve\n",
        "{ x } is a set\n[ 1 , 2 ] is a list\n",
        "[Music]\nHello there, and welcome, all of you\n",
        '"quoted, text", he said, and left\n' * 6,
        "id text label\n1 2 3\n",
        "a , b , c\nd , e , f f f f\nd , e , f f f f\nd , e , f f f f\n",
    ],
)
def test_what_is_text_is_not(text: str, tmp_path: Path) -> None:
    assert notices(write(tmp_path / "a.txt", text.encode())) == []


def test_binary_records_read_as_text_say_what_to_do(tmp_path: Path) -> None:
    for content, what, format in (
        (parquet(["x"]), "a Parquet file", "parquet"),
        (b"ARROW1\x00\x00" + b"x" * 20, "an Arrow file", "arrow"),
        (b"\xff\xff\xff\xff\x90\x00\x00\x00", "an Arrow stream", "arrow"),
    ):
        said = wrong(write(tmp_path / "a.bin", content), field=None)
        hint = f"or its column of texts with --format {format} --field COLUMN"
        assert f"is {what}, not text; name a plain text, {hint}" in said
