"""Every line of a source, with the tokens that encoding finds."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from hsw2v.config import CorpusConfig
from hsw2v.corpus import lines
from hsw2v.corpus.lines import read_lines, tokens_of
from hsw2v.corpus.stream import encode
from hsw2v.errors import CorruptInputError, EncodingError

TEXTS = [
    *("", "\n", "\n\n", "a", "a\n", "a\n\n", "\na", " \n  a  b \n\t\n c", "a\n ", "a\n."),
    "Ä b\r\nc\u00a0d e\u3000f\n\x0bg",
]


def read(path: Path, **settings: Any) -> list[list[str]]:
    return [one for some in read_lines(str(path), CorpusConfig(**settings)) for one in some.tokens]


@pytest.mark.parametrize("text", TEXTS)
def test_every_line_is_there(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text, "utf-8", newline="")
    # Those that an editor shows, but for the empty one after the last line feed.
    expected = text.split("\n")
    if not expected[-1]:
        expected.pop()
    assert read(path) == [one.split() for one in expected]
    assert len(read(path, tokens="words")) == len(expected)


@pytest.mark.parametrize("settings", [{}, {"lowercase": True}, {"tokens": "words"}])
def test_tokens_are_those_of_encoding(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "t.txt.gz"
    text = "".join(
        f"Don't st-{n}, ÉTÉ _x_ {'y ' * (n % 50)}\u00a0nai\u0308ve\x1cfs\x85gs.\n" + "\n" * (n % 3)
        for n in range(20_000)
    )
    path.write_bytes(gzip.compress(text.encode()))
    config = CorpusConfig(**settings)
    found = read(path, **settings)
    assert len(found) == text.count("\n")
    with encode(path, config) as encoded:
        ids = encoded.ids[encoded.ids > 0].tolist()
        names = encoded.types.words
        assert [one for line in found for one in line] == [names[n - 1] for n in ids]
    some = tokens_of(text.split("\n")[:-1], config)
    assert [line for part in some for line in part.tokens] == found


def test_long_lines_go_through_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PIECE", 16)
    path = tmp_path / "t.txt"
    text = "one two three four five six seven\n\n\neight nine\n" * 5 + "ten" * 20 + " eleven twelve"
    path.write_text(text, "utf-8")
    assert read(path) == [one.split() for one in text.split("\n")]


def test_a_record_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    texts: list[Any] = ["a b", "two\nlines\n", "", ["c", "d"], ["e f", "g"], None, "h"]
    path.write_text("".join(json.dumps({"text": one}) + "\n" for one in texts), "utf-8")
    with pytest.raises(CorruptInputError, match="line 6: the text is null"):
        read(path, field="text")
    found = read(path, field="text", skip_bad_records=True)
    expected = ["a b", "two lines", "", "c d", "e f g", "", "h"]
    assert found == [one.split() for one in expected]
    some = list(read_lines(str(path), CorpusConfig(field="text", skip_bad_records=True)))
    assert sum(one.skipped for one in some) == 1


def test_a_row_of_parquet_is_a_line(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    texts = ["a\nb", "", "c"] * 2000
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"text": texts}), path, row_group_size=700)
    assert read(path, field="text") == [one.split() for one in texts]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(b"good\nb\xffd\n")
    with pytest.raises(EncodingError, match="line 2"):
        read(path)
    (some,) = read_lines(str(path), CorpusConfig(encoding_errors="replace"))
    assert some.tokens == [["good"], ["b\ufffdd"]]
    assert some.replaced == 1
