"""The values of a field of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import orjson

from hsw2v.corpus.formats import ONE_OBJECT_A_LINE, listed
from hsw2v.corpus.stored import whole_lines
from hsw2v.corpus.values import LONGEST_RECORD, Listed, Place, Values, kind_of, too_deep, too_long
from hsw2v.errors import CorruptInputError, Hsw2vError


def json_values(blocks: Iterable[bytes], field: str, begin: int) -> Iterator[Values]:
    """Yield the values of a field of JSON lines; the lines are a source's from some byte on."""
    first, at = 1, begin
    simple = "." not in field
    for text in whole_lines(blocks):
        lines = text.split(b"\n")
        if not lines[-1]:
            lines.pop()
        values: list[object]
        try:
            if len(lines[0]) > LONGEST_RECORD:
                raise TypeError
            if simple:
                values = [orjson.loads(line)[field] for line in lines]
            else:
                values = [picked(orjson.loads(line), field) for line in lines]
        except (orjson.JSONDecodeError, KeyError, TypeError, RecursionError, Hsw2vError):
            values = [_json_value(line, field) for line in lines]
        yield Listed(values, _line_place(lines, first, at, whole=begin == 0))
        first, at = first + len(lines), at + len(text)


def _line_place(lines: Sequence[bytes], first: int, at: int, *, whole: bool) -> Place:
    if whole:
        return lambda number: f"line {first + number}"
    return lambda number: f"byte {at + sum(len(line) + 1 for line in lines[:number])}"


def _json_value(line: bytes, field: str) -> object:
    """Return the value of a field of a line, or its error; a blank line has no text."""
    try:
        return picked(_json_record(line), field) if line.strip() else ""
    except Hsw2vError as error:
        return error
    except RecursionError:
        return too_deep()


def _json_record(line: bytes) -> object:
    """Parse a line as JSON.

    Bytes that are no UTF-8 and single surrogates are passed on, and NaN is a number, as for
    Python's own module.
    """
    if len(line) > LONGEST_RECORD:
        raise too_long()
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    try:
        return json.loads(line.decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        # Where it is in the line is of no use without the line.
        raise CorruptInputError(
            f"is not JSON ({reason.split(': line')[0]})",
            hint=f"give one JSON object a line; {ONE_OBJECT_A_LINE}",
        ) from None


def picked(record: object, field: str, path: str = "") -> object:
    """Return the value of a field of an object; `a.b` may be field b of field a.

    Where a is a list of objects, it is a list of their fields b, each in a list of its own, so that
    it ends a sentence. With a `path`, that of the record, the rest of the field is within it.

    Raises:
        CorruptInputError: there is none.
    """
    if not path and isinstance(record, dict) and field in record:
        return record[field]
    value, rest = record, field[len(path) + 1 :] if path else field
    for name in rest.split("."):
        if not isinstance(value, dict):
            if isinstance(value, list) and path:
                return [[picked(one, field, path)] for one in value]
            what = f"the field '{path}'" if path else "the record"
            raise CorruptInputError(
                f"{what} is {kind_of(value)}, not an object",
                hint=f"give one JSON object a line; {ONE_OBJECT_A_LINE}" if not path else "",
            )
        if name not in value:
            raise CorruptInputError(f"there is no field '{field}'", hint=f"its {listed(value)}")
        value, path = value[name], f"{path}.{name}" if path else name
    return value
