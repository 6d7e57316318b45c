"""Which format a source is in: by the settings, by its name, and by its first bytes."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable

from hsw2v.config import CorpusConfig
from hsw2v.errors import UsageError
from hsw2v.files import extension_of

EXTENSIONS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
}
DELIMITERS = {"csv": ",", "tsv": "\t"}
WITH_COLUMNS = ("parquet", "arrow")
"""Formats whose columns pyarrow reads."""
ONE_OBJECT_A_LINE = "jq -c '.[]' makes JSON lines of an array, jq -c . of other JSON"

_LONGEST = 50
"""Characters of a name that are shown."""
_LINES = 40
"""Lines that tell whether a text is a table."""
_FEWEST_ROWS = 3
_SENTENCE = 3
"""Words that a column of text has in the mean, at least."""
_NAME = re.compile(r"[^\W\d]\w*(?:[ ._-]\w+){0,3}")
_FIELD = re.compile(rb'"((?:[^"\\]|\\.){1,80})"\s*:')
_OBJECT = re.compile(rb'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')
_ARRAY = re.compile(rb'\s*\[\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')


def format_of(source: str, config: CorpusConfig) -> str:
    """Return the format that a source is read in: text, jsonl, parquet, arrow, csv or tsv.

    Raises:
        UsageError: the settings contradict each other, or the extension tells no format.
    """
    if config.field is None:
        if config.format not in ("auto", "text"):
            raise UsageError(
                f"format {config.format} has records, and no field of them is named",
                hint="name the one that is the text with --field",
            )
        return "text"
    if config.format == "text":
        raise UsageError("a plain text has no fields", hint="leave --field or --format text out")
    if not config.field:
        raise UsageError("the name of the field is empty", hint="name one with --field")
    found = _format_of(source, config)
    if found in DELIMITERS and not config.header and number_of(config.field) is None:
        raise UsageError(
            f"field is '{config.field}', and without a header columns have numbers",
            hint="count the columns from 1: --field 2",
        )
    return found


def number_of(field: str) -> int | None:
    """Return the number of a column, from 1 on; None if a field is no number."""
    digits = field.isascii() and field.isdigit() and len(field) < 10
    return int(field) if digits and int(field) else None


def _format_of(source: str, config: CorpusConfig) -> str:
    if config.format != "auto":
        return config.format
    found = EXTENSIONS.get(extension_of(source))
    if found is None:
        raise UsageError(
            "is not named as records, which --field is for",
            where=source,
            hint="say what all sources are with --format jsonl|parquet|arrow|csv|tsv, or name only "
            "those "
            "that end in " + ", ".join(EXTENSIONS),
        )
    return found


def check_formats(sources: Iterable[str], config: CorpusConfig) -> None:
    """Check that the format of each source is known.

    Raises:
        UsageError: that of one is not.
    """
    for source in sources:
        format_of(source, config)


def looks_like(source: str, text: bytes) -> str:
    """Return what a plain text looks like that is none, and what to do; empty if it is one.

    `text` is its beginning.
    """
    first_line = text.split(b"\n", 1)[0]
    line = first_line.strip()
    if _ARRAY.match(text):
        return f"a JSON array; {ONE_OBJECT_A_LINE}, for --field NAME"
    if _OBJECT.match(line) and (line.endswith(b"}") or b"\n" not in text):
        found = listed(_fields(line))
        return f"JSON lines; {_option(source, 'jsonl')} NAME trains on one field ({found})"
    if _OBJECT.match(text) and line == b"{":
        return f"JSON; {ONE_OBJECT_A_LINE}, for --field NAME"
    for name, delimiter in DELIMITERS.items():
        is_named = _is_named(source, name)
        if first_line.count(delimiter.encode()) < (1 if is_named else 2):
            continue
        first, *rows = _rows(text, delimiter) or [[]]
        option, what = _option(source, name), name.upper()
        if _is_header(first) and _has_sentences(rows):
            return f"{what}; {option} NAME trains on one column ({listed(first, 'columns')})"
        # A comma is seldom anything else, unless the name says so.
        if (is_named or name == "tsv") and _has_sentences([first, *rows]):
            option += f" NUMBER --no-header trains on one of its {len(first)} columns"
            return f"{what} without a header; {option}"
    return ""


def _is_named(source: str, format: str) -> bool:
    return EXTENSIONS.get(extension_of(source)) == format


def _option(source: str, format: str) -> str:
    """Return what reads a source of a format, but for the field."""
    return "--field" if _is_named(source, format) else f"--format {format} --field"


def listed(names: Iterable[object], what: str = "fields") -> str:
    """Return a list of fields for people, the first of them if there are many."""
    shown = [one if len(one) <= _LONGEST else f"{one[:_LONGEST]}…" for one in map(str, names)]
    more = ", …" if len(shown) > 12 else ""
    return f"{what}: {', '.join(shown[:12])}{more}"


def _fields(line: bytes) -> list[str]:
    """Return the names of fields in a line of JSON, which may be cut."""
    import orjson

    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        found = dict.fromkeys(_FIELD.findall(line[:4096]))
        return [one.decode(errors="replace") for one in found]
    return [*record]


def _rows(text: bytes, delimiter: str) -> list[list[str]]:
    """Return the first rows of a text that is a table, all of the same length; or none."""
    whole = text[: text.rfind(b"\n") + 1].decode(errors="replace").replace("\r\n", "\n")
    reader = csv.reader(whole.split("\n", _LINES)[:_LINES], delimiter=delimiter)
    try:
        rows = [row for row in reader if row]
    except csv.Error:
        return []
    # The last row may be cut.
    if rows and len(rows[-1]) != len(rows[0]):
        rows.pop()
    return rows if all(len(row) == len(rows[0]) for row in rows) else []


def _is_header(row: list[str]) -> bool:
    return bool(row) and all(map(_NAME.fullmatch, row)) and len({*row}) == len(row)


def _has_sentences(rows: list[list[str]]) -> bool:
    """Tell whether a column of a table has sentences.

    Lists of numbers or of names, such as the edges of a graph, have none; and a sentence has a
    space after its commas, which a header has not.
    """
    if len(rows) < _FEWEST_ROWS:
        return False
    words = [sum(len(one.split()) for one in column) for column in zip(*rows, strict=True)]
    return max(words) >= _SENTENCE * len(rows)
