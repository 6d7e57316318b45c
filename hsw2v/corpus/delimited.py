"""The values of a column of a table as CSV or TSV."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator

from hsw2v.corpus.formats import DELIMITERS, listed
from hsw2v.corpus.stored import whole_lines
from hsw2v.corpus.values import LONGEST_RECORD, Listed, Values
from hsw2v.errors import CorruptInputError

ROWS = 256
"""Rows at a time."""


def table_values(blocks: Iterable[bytes], field: str, source: str, format: str) -> Iterator[Values]:
    """Yield the values of a column of a table as CSV or TSV, whose first row names the columns.

    Raises:
        CorruptInputError: there is no such column.
    """
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))
    decoded = (text.decode(errors="surrogateescape") for text in whole_lines(blocks))
    lines = itertools.chain.from_iterable(io.StringIO(text, newline="\n") for text in decoded)
    reader = csv.reader(lines, delimiter=DELIMITERS[format], strict=True)
    header = _header(reader, field, source)
    if not header:
        return
    column, width = header.index(field), len(header)
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
                values.append(_bad_row(str(error), format))
                continue
            if len(row) == width:
                values.append(row[column])
            elif row:
                values.append(_bad_row(f"it has {len(row)} fields, the header {width}", format))
            else:
                values.append("")
        if values:
            yield Listed(values, lambda number, numbers=numbers: f"line {numbers[number]}")  # type: ignore[misc]


def _header(reader: Iterator[list[str]], field: str, source: str) -> list[str]:
    try:
        header = next((row for row in reader if row), [])
    except csv.Error as error:
        raise CorruptInputError(
            f"the header is not well formed ({error})", where=source, hint="check the --format"
        ) from error
    if header and header.count(field) != 1:
        what = "no column" if field not in header else "more than one column"
        raise CorruptInputError(
            f"there is {what} '{field}'",
            where=source,
            hint=f"its {listed(header, 'columns')} (the first row names them)",
        )
    return header


def _bad_row(reason: str, format: str) -> CorruptInputError:
    return CorruptInputError(
        f"the row is not {format.upper()} ({reason})",
        hint="quote fields that hold a quote, a line feed or the separator",
    )
