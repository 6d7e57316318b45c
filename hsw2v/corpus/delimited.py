"""The values of a column of a table as CSV or TSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from hsw2v.corpus.formats import DELIMITERS, listed, number_of
from hsw2v.corpus.stored import whole_lines
from hsw2v.corpus.values import LONGEST_RECORD, Listed, Values
from hsw2v.errors import CorruptInputError

ROWS = 256
"""Rows at a time."""


def table_values(
    blocks: Iterable[bytes], field: str, source: str, format: str, *, header: bool = True
) -> Iterator[Values]:
    """Yield the values of a column of a table as CSV or TSV.

    Its first row names the columns; without such a `header` the field is the number of one.

    Raises:
        CorruptInputError: there is no such column.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))
    decoded = (text.decode(errors="surrogateescape") for text in whole_lines(blocks))
    lines = itertools.chain.from_iterable(io.StringIO(text, newline="\n") for text in decoded)
    reader = csv.reader(lines, delimiter=DELIMITERS[format], strict=True)
    first = _first(reader, source)
    if first is None:
        return
    column = (_named if header else _numbered)(field, first.row, source)
    width, what = len(first.row), "header" if header else "first row"
    if not header:
        yield Listed([first.row[column]], lambda _: f"line {first.line}")
    ended = False
    while not ended:
        values: list[object] = []
        numbers: list[int] = []
        while len(values) < ROWS:
            numbers.append(reader.line_num + 1)
            try:
                row = next(reader)
            except StopIteration:
                ended = True
                break
            except csv.Error as error:
                values.append(_bad_row(_reason(error), format))
                continue
            if len(row) == width:
                values.append(row[column])
            elif row:
                values.append(_bad_row(f"it has {len(row)} fields, the {what} {width}", format))
            else:
                values.append("")
        if values:
            yield Listed(values, lambda number, numbers=numbers: f"line {numbers[number]}")  # type: ignore[misc]


class _First(NamedTuple):
    row: list[str]
    line: int


def _first(reader: Any, source: str) -> _First | None:
    """Return the first row that is not blank, and the line where it begins."""
    try:
        line = 1
        for row in reader:
            if row:
                return _First(row, line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise CorruptInputError(
            f"the first row is not well formed ({_reason(error)})",
            where=source,
            hint="check the --format",
        ) from error
    return None


def _named(field: str, header: list[str], source: str) -> int:
    if header.count(field) == 1:
        return header.index(field)
    what = "no column" if field not in header else "more than one column"
    found = f"its {listed(header, 'columns')} (the first row names them"
    raise CorruptInputError(
        f"there is {what} '{field}'",
        where=source,
        hint=f"{found}; if it does not, --no-header and --field NUMBER)",
    )


def _numbered(field: str, first: list[str], source: str) -> int:
    number = number_of(field)
    if number is not None and number <= len(first):
        return number - 1
    raise CorruptInputError(
        f"there is no column {field}",
        where=source,
        hint=f"its first row has {len(first)} {listed(first, 'columns')}",
    )


def _reason(error: csv.Error) -> str:
    # What follows is for programmers.
    return str(error).split(" - ")[0]


def _bad_row(reason: str, format: str) -> CorruptInputError:
    return CorruptInputError(
        f"the row is not {format.upper()} ({reason})",
        hint="quote fields that hold a quote, a line feed or the separator",
    )
