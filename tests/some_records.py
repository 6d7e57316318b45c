"""Texts as corpora of records, in every format."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import smart_open

from hsw2v import errors
from hsw2v.config import Config
from hsw2v.corpus.stream import encode

FIELD = "text"


def plain(texts: Sequence[str]) -> bytes:
    return "".join(f"{one}\n" for one in texts).encode()


def jsonl(texts: Sequence[str]) -> bytes:
    records = ({"id": number, "text": one, "more": {"b": one}} for number, one in enumerate(texts))
    return b"".join(orjson.dumps(one) + b"\n" for one in records)


def table(texts: Sequence[str], delimiter: str = ",") -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter)
    writer.writerow(["id", "text"])
    writer.writerows(enumerate(texts))
    return written.getvalue().encode()


def tsv(texts: Sequence[str]) -> bytes:
    return table(texts, "\t")


def parquet(texts: Sequence[str], rows: int = 7) -> bytes:
    columns = {
        "id": pa.array(range(len(texts))),
        "text": pa.array(texts, pa.string()),
        "more": pa.array([{"b": one, "n": 1} for one in texts], pa.struct({"b": pa.string()})),
        "large": pa.array(texts, pa.large_string()),
        "coded": pa.array(texts, pa.string()).dictionary_encode(),
        "bytes": pa.array([one.encode() for one in texts], pa.binary()),
    }
    return parquet_of(pa.table(columns), rows)


def parquet_of(columns: pa.Table, rows: int = 7) -> bytes:
    written = io.BytesIO()
    pq.write_table(columns, written, row_group_size=rows)
    return written.getvalue()


def arrow(texts: Sequence[str], rows: int = 7) -> bytes:
    """A stream, as Hugging Face datasets keep it."""
    return arrow_of(pq.read_table(io.BytesIO(parquet(texts))), rows)


def arrow_of(
    columns: pa.Table, rows: int = 7, new: Callable[..., Any] = pa.ipc.new_stream
) -> bytes:
    written = io.BytesIO()
    with new(written, columns.schema) as writer:
        writer.write_table(columns, rows)
    return written.getvalue()


FORMATS: dict[str, Callable[[Sequence[str]], bytes]] = {
    "jsonl": jsonl,
    "csv": table,
    "tsv": tsv,
    "parquet": parquet,
    "arrow": arrow,
}


def write(path: Path, content: bytes) -> Path:
    """Write a file, compressed by its extension."""
    with smart_open.open(path, "wb") as stream:
        stream.write(content)
    return path


Read = tuple[list[int], list[str]]
"""The ids of a corpus, and its types."""


def read(*sources: Path | str, listener: Any = lambda _: None, **given: Any) -> Read:
    piece = {"piece_bytes": given.pop("piece_bytes")} if "piece_bytes" in given else {}
    config = Config().replace(**given).corpus
    with encode(list(sources), config, listener=listener, **piece) as found:
        return found.ids.tolist(), found.types.words


def wrong(
    *sources: Path | str, error: type[Exception] = errors.CorruptInputError, **given: Any
) -> str:
    """What is said of a corpus that cannot be read."""
    with pytest.raises(error) as found:
        read(*sources, **{"field": "text", **given})
    assert type(found.value) is error
    return str(found.value)
