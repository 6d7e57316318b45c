"""Records to plain text: each becomes a line, or several if its text has line feeds.

    stored bytes ──▶ records ──field──▶ values ──▶ text, cut into pieces as that of a plain file

A module for each format finds values (`jsonlines.py`, `delimited.py`, `parquet.py`); what a value
is as text is said here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, NamedTuple, cast

from hsw2v.config import CorpusConfig
from hsw2v.corpus.arrow import ArrowColumn
from hsw2v.corpus.delimited import table_values
from hsw2v.corpus.formats import WITH_COLUMNS, format_of, listed
from hsw2v.corpus.jsonlines import json_values
from hsw2v.corpus.parquet import ParquetColumn
from hsw2v.corpus.parts import Part
from hsw2v.corpus.stored import BLOCK, Stored, position
from hsw2v.corpus.values import LONGEST_RECORD, NOT_PLAIN, Values, kind_of, too_deep, too_long
from hsw2v.errors import CorruptInputError, EncodingError, Hsw2vError
from hsw2v.files import explain_folder_error


class Records(NamedTuple):
    """The records of a part of a source."""

    text: RecordText
    position: Callable[[], int]
    """Returns the bytes of the source that are read, as stored."""


@contextmanager
def open_records(
    part: Part,
    raw: BinaryIO,
    stream: BinaryIO,
    config: CorpusConfig,
    longest: int,
    *,
    one_line: bool = False,
) -> Iterator[Records]:
    """Read the records of a part of a source, given as stored and decompressed.

    Each is a line of the text if `one_line` is set, a bad one that is left out an empty line.

    Raises:
        UsageError: the format is not known, or pyarrow is not installed.
        CorruptInputError: the source is of another format, or has no such column.
        OutputError, DiskFullError: a copy that is needed cannot be written.
    """
    source, format, field = part.source, format_of(part.source, config), config.field
    assert field is not None

    def text_of(found: Iterable[Values]) -> RecordText:
        return RecordText(source, found, config, longest, one_line=one_line)

    if format in WITH_COLUMNS:
        with _seekable(source, raw, stream, config.cache_dir) as file:
            strict = config.encoding_errors == "strict"
            column: ParquetColumn | ArrowColumn
            if format == "parquet":
                column = ParquetColumn(file, source, field, part.begin, part.end, strict=strict)
            else:
                column = ArrowColumn(file, source, field, strict=strict)

            def passed() -> int:
                return column.position if file is raw else position(raw, column.position)

            yield Records(text_of(column.values()), passed)
        return
    stored = Stored(part, raw, stream)
    if format == "jsonl":
        found = json_values(stored.blocks(), field, part.begin)
    else:
        found = table_values(stored.blocks(), field, source, format, header=config.header)
    yield Records(text_of(found), lambda: position(raw, part.begin + stored.read))


@contextmanager
def _seekable(
    source: str, raw: BinaryIO, stream: BinaryIO, folder: str | None
) -> Iterator[BinaryIO]:
    """Yield a stream that can seek: of one that cannot a copy, in a file without a name."""
    if stream is raw and raw.seekable():
        yield raw
        return
    where = folder or tempfile.gettempdir()
    with ExitStack() as context:
        try:
            copy = context.enter_context(tempfile.TemporaryFile(dir=where))
            stored, buffer = Stored(Part(source), raw, stream), memoryview(bytearray(BLOCK))
            while filled := stored.fill(buffer):
                copy.write(buffer[:filled])
            copy.seek(0)
        except OSError as error:
            if isinstance(error, Hsw2vError):
                raise
            raise explain_folder_error(
                error, where, "a copy of the source", "--cache-dir"
            ) from error
        yield cast(BinaryIO, copy)


class RecordText:
    """The text of the records of a source, to read like a file.

    A record ends with a line feed, whether its text does or not.
    """

    def __init__(
        self,
        source: str,
        found: Iterable[Values],
        config: CorpusConfig,
        longest: int,
        *,
        one_line: bool = False,
    ) -> None:
        """Read values of a source; no token may have more than `longest` bytes.

        With `one_line` there is exactly one line for each value.
        """
        self._source, self._config, self._longest = source, config, longest
        self._one_line = one_line
        self._texts = (self._text(some) for some in found)
        self._rest = memoryview(b"")
        self._skipped = 0

    def fill(self, view: memoryview) -> int:
        """Fill a view with text, and return the bytes filled: fewer only at the end.

        Raises:
            CorruptInputError, EncodingError: a record is bad, and bad ones are not skipped.
        """
        filled = 0
        while filled < len(view):
            if not self._rest:
                self._rest = memoryview(next(self._texts, b""))
                if not self._rest:
                    break
            some = self._rest[: len(view) - filled]
            view[filled : filled + len(some)] = some
            self._rest = self._rest[len(some) :]
            filled += len(some)
        return filled

    def peek(self) -> None:
        """Read the first records, for their errors."""
        next(self._texts, None)

    def skipped(self) -> int:
        """Return the number of bad records since this was asked last."""
        found, self._skipped = self._skipped, 0
        return found

    def _text(self, some: Values) -> bytes:
        try:
            text = b"" if self._one_line else some.text()
            if text and len(text) <= self._longest:
                return text + b"\n"
        except NOT_PLAIN:
            pass
        found = []
        for number, value in enumerate(some.each()):
            try:
                encoded = self._encoded(value)
                if self._one_line:
                    encoded = encoded.replace(b"\n", b" ")
                found.append(encoded + b"\n")
            except Hsw2vError as error:
                if not self._config.skip_bad_records:
                    raise self._explained(error, some.place(number)) from error
                self._skipped += 1
                if self._one_line:
                    found.append(b"\n")
        # Nothing would be the end.
        return b"".join(found) or (b" " if self._one_line else b"\n")

    def _explained(self, error: Hsw2vError, place: str) -> Hsw2vError:
        skip = "--skip-bad-records leaves such records out"
        hint = f"{error.hint}; {skip}" if error.hint else skip
        return type(error)(error.what, where=f"{self._source}, {place}", hint=hint)

    def _encoded(self, value: object) -> bytes:
        try:
            text = flat(value)
        except RecursionError:
            raise too_deep() from None
        try:
            encoded = text.encode()
        except UnicodeEncodeError as error:
            if self._config.encoding_errors == "strict":
                bytewise = "\udc80" <= text[error.start] <= "\udcff"
                raise EncodingError(
                    f"the text {'is not valid UTF-8' if bytewise else 'has half a surrogate pair'}",
                    hint="use --encoding-errors replace|ignore",
                ) from error
            encoded = _invalid(text)
        if len(encoded) > LONGEST_RECORD:
            raise too_long()
        if len(encoded) > self._longest and _has_longer_token(encoded, self._longest):
            raise CorruptInputError(
                f"the text holds more than {self._longest:,} bytes without white space"
            )
        return encoded


def _invalid(text: str) -> bytes:
    """Return a text with surrogates as bytes that are not valid, for others to replace."""
    try:
        # Those that stand for bytes that could not be decoded.
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _has_longer_token(text: bytes, longest: int) -> bool:
    """Tell whether a text has a token of more than so many bytes."""
    half = longest // 2
    halves = (text[at : at + half] for at in range(0, len(text) - half + 1, half))
    # Such a token has a whole half without white space, of which there seldom is any.
    if all(one.split(None, 1) != [one] for one in halves):
        return False
    return any(len(one.encode()) > longest for one in text.decode(errors="replace").split())


def flat(value: object) -> str:
    """Return a value as text: a string, or a list of strings or of lists.

    Strings of a list without white space are the tokens of one sentence; else each is a sentence.

    Raises:
        Hsw2vError: it is something else, or the error that it is.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, Hsw2vError):
        raise value
    if isinstance(value, list):
        parts = [flat(one) for one in value]
        tokens = all(isinstance(one, str) for one in value)
        tokens = tokens and all(len(one.split()) <= 1 for one in parts)
        return (" " if tokens else "\n").join(parts)
    hint = "name another field with --field"
    if isinstance(value, dict) and value:
        hint = f"name a field within it, as --field NAME.FIELD ({listed(value)})"
    raise CorruptInputError(f"the text is {kind_of(value)}, not a string", hint=hint)
