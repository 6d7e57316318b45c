"""Fields within lists of objects, as corpora of dialogues have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from some_records import arrow_of, parquet_of, write

from hsw2v import errors
from hsw2v.config import Config
from hsw2v.corpus.jsonlines import picked
from hsw2v.corpus.stream import encode

DIALOGUES = [
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "How are you ?"}],
    [],
    [{"role": "user", "content": "first line\nsecond line"}],
]


def lines(records: list[Any]) -> bytes:
    return b"".join(orjson.dumps(one) + b"\n" for one in records)


def read(path: Path, **given: Any) -> list[list[str]]:
    """The sentences of a corpus."""
    with encode(path, Config().replace(**given).corpus) as found:
        words = ["\n", *found.types.words]
        text = " ".join(words[one] for one in found.ids.tolist())
    return [line.split() for line in text.split("\n") if line.strip()]


def contents(records: list[Any]) -> dict[str, bytes]:
    columns = pa.table({"id": range(len(records)), "messages": records})
    return {
        "a.jsonl": lines([{"messages": one} for one in records]),
        "a.parquet": parquet_of(columns, 2),
        "a.arrow": arrow_of(columns, 2),
    }


@pytest.mark.parametrize("name", contents(DIALOGUES))
def test_each_object_has_a_sentence(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, contents(DIALOGUES)[name])
    assert read(path, field="messages.content") == [
        ["Hi"],
        ["How", "are", "you", "?"],
        ["first", "line"],
        ["second", "line"],
    ]
    assert read(path, field="messages.role") == [["user"], ["assistant"], ["user"]]
    with pytest.raises(errors.CorruptInputError, match="content"):
        read(path, field="messages")
    with pytest.raises(errors.CorruptInputError, match=r"there is no (field|column) 'messages\.x'"):
        read(path, field="messages.x")


@pytest.mark.parametrize("name", contents(DIALOGUES))
def test_one_that_is_null_is_a_bad_record(name: str, tmp_path: Path) -> None:
    records = [*DIALOGUES, [{"role": "user", "content": None}], None, DIALOGUES[0]]
    path = write(tmp_path / name, contents(records)[name])
    place = "line 4" if name == "a.jsonl" else "row 4"
    with pytest.raises(errors.CorruptInputError, match=f"{place}: the text is null"):
        read(path, field="messages.content")
    found = read(path, field="messages.content", skip_bad_records=True)
    assert found[-2:] == [["Hi"], ["How", "are", "you", "?"]]
    assert len(found) == 6


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_text_of_objects_need_not_be_utf8(name: str, tmp_path: Path) -> None:
    kind = pa.list_(pa.struct({"n": pa.int64(), "b": pa.binary()}))
    records = [[{"n": 1, "b": b"good"}], [{"n": 2, "b": b"b\xffd"}]]
    columns = pa.table({"a": pa.array(records, kind)})
    write_table = parquet_of if name == "a.parquet" else arrow_of
    path = write(tmp_path / name, write_table(columns))
    with pytest.raises(errors.EncodingError, match="row 2: the text is not valid UTF-8"):
        read(path, field="a.b")
    assert read(path, field="a.b", encoding_errors="replace") == [["good"], ["b\ufffdd"]]


def test_lists_may_be_nested_and_within_them_are_tokens() -> None:
    record = {"a": [{"b": ["x", "y"]}, {"b": "z"}], "c": [[{"d": {"e": "1"}}], []], "a.b": "dot"}
    assert picked(record, "a.b") == "dot"
    del record["a.b"]
    assert picked(record, "a.b") == [[["x", "y"]], [["z"][0]]]
    assert picked(record, "c.d.e") == [[[["1"]]], [[]]]


def test_lists_of_tokens_stay_sentences(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", lines([{"a": [{"b": ["x", "y"]}, {"b": "z"}]}]))
    assert read(path, field="a.b") == [["x", "y"], ["z"]]


@pytest.mark.parametrize("field", ["a", "a.b"])
def test_lists_that_are_too_deep_are_told(field: str, tmp_path: Path) -> None:
    inner = b'"x"' if field == "a" else b'{"b": "x"}'
    content = b'{"a": ' + b"[" * 800 + inner + b"]" * 800 + b"}\n"
    path = write(tmp_path / "a.jsonl", content + b'{"a": {"b": "good"}}\n')
    with pytest.raises(errors.CorruptInputError, match="line 1: its lists are nested too deep"):
        read(path, field=field)
