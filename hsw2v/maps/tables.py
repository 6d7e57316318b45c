"""A map as a table, a row for each word, and as what the projector of TensorBoard reads.

The columns are word, count, x, y, neighbors and branch_1, branch_2, …, from coarse to fine.
`neighbors` has the rows of the nearest words in this table, counted from 0, as "ids", and one minus
their cosines as "distances", as Embedding Atlas takes them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
import orjson

from hsw2v.corpus import parquet_writing
from hsw2v.files import write_text
from hsw2v.maps.wordmap import WordMap


def columns_of(found: WordMap) -> dict[str, Any]:
    """Return the columns of a map by name, each a list or an array of as many values."""
    columns: dict[str, Any] = {"word": list(found.words)}
    if found.counts is not None:
        columns["count"] = found.counts
    columns["x"], columns["y"] = found.positions.T.copy()
    distances = (1.0 - found.similarities.astype(np.float64)).round(6)
    columns["neighbors"] = [
        {"ids": ids, "distances": far}
        for ids, far in zip(found.neighbours.tolist(), distances.tolist(), strict=True)
    ]
    for level, (of, names) in enumerate(zip(found.branches.T, found.branch_names, strict=True), 1):
        columns[f"branch_{level}"] = [names[branch] for branch in of.tolist()]
    return columns


def _rows(columns: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*columns.values(), strict=True)


def _digits(value: Any) -> str:
    """Return a value as text: of numbers the shortest digits that bring the same bits back."""
    return (
        value
        if isinstance(value, str)
        else orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    )


def write_csv(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write the table as CSV (RFC 4180); neighbors are JSON."""
    columns = columns_of(found)
    rows = ([_digits(value) for value in row] for row in _rows(columns))
    write_text(path, (_csv_line(row) for row in chain([list(columns)], rows)), force=force)


def _csv_line(row: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(row)
    return line.getvalue()


def write_jsonl(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write the table as JSON lines."""
    columns = columns_of(found)
    lines = (
        orjson.dumps(dict(zip(columns, row, strict=True)), option=_JSON).decode()
        for row in _rows(columns)
    )
    write_text(path, lines, force=force)


_JSON = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


def write_parquet(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write the table as Parquet; neighbors are records of two lists."""
    parquet_writing.write_parquet(path, [columns_of(found)], force=force)


def write_projector(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write positions, and words with their columns in a file beside it, as the projector reads."""
    from hsw2v.maps.output import metadata_of

    columns = columns_of(found)
    del columns["x"], columns["y"], columns["neighbors"]
    metadata = (
        "\t".join(map(_digits, row)) + "\n" for row in chain([tuple(columns)], _rows(columns))
    )
    positions = ("\t".join(map(_digits, row)) + "\n" for row in found.positions)
    write_text(path, positions, force=force)
    write_text(metadata_of(path), metadata, force=force)
