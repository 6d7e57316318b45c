"""word2vec's own formats, text and binary, read strictly: nothing is skipped or guessed.

Both begin with a line of the number of words and of dimensions. A row of the text format is a
word and its numbers, separated by blanks (fastText's .vec is the same); a row of the binary
format is a word, a blank, little-endian float32 numbers, and perhaps a newline.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice, repeat

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.arrays import all_finite
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, EncodingError, ModelFileError, ResourceError

Floats = NDArray[np.float32]

_HEADER = re.compile(rb"\s*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]*\r?\n")
_LONGEST_HEADER = 100
_ROWS = 1000
_SHOWN = 40
_WHITE = b" \t\n\r\v\f"
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))


def is_text(beginning: bytes) -> bool:
    """Tell from how a file begins whether its rows are text rather than binary."""
    header = _HEADER.match(beginning)
    rows = beginning[header.end() if header else 0 :]
    fields = rows.partition(b"\n")[0].split()
    if header and len(fields) == int(header[2]) + 1 and _numbers(fields[1:]) is not None:
        return True
    # Otherwise it is a text with a mistake, if it is no binary file: those hold control bytes.
    return len(rows.translate(None, _CONTROLS)) == len(rows)


@np.errstate(over="ignore")
def read_text(pieces: Iterator[bytes], name: str) -> tuple[Vocabulary, Floats]:
    """Read word2vec text from pieces of a file; returns the words and `(V, D) float32`.

    Counts are not known, and 0.

    Raises:
        CorruptInputError: the file differs from its header, or a row from the format; it names
            the line.
    """
    lines = _lines(pieces)
    count, dim = check_header(next(lines, b""), name)
    words: list[bytes] = []
    vectors = Table(count, dim, f"{name}, line 1")
    while batch := list(islice(lines, _ROWS)):
        start = len(words)
        rows, extra = batch[: count - start], batch[count - start :]
        if rows:
            found, values = _text_rows(rows, dim, name, start + 2)
            vectors.add(values)
            words += found
        if extra:
            raise CorruptInputError(
                f"goes on after its {count} words, with {_shown(extra[0])}",
                where=f"{name}, line {count + 2}",
                hint="the first line must hold the number of words",
            )
    _check_count(len(words), count, name, "line")
    return distinct(words, name, "line", 2), vectors.whole()


def read_binary(pieces: Iterator[bytes], name: str) -> tuple[Vocabulary, Floats]:
    """Read word2vec binary from pieces of a file; returns the words and `(V, D) float32`.

    Counts are not known, and 0.

    Raises:
        CorruptInputError: the file differs from its header, or a row from the format; it names
            the row.
    """
    buffer = _more(pieces, _LONGEST_HEADER)
    count, dim = check_header(buffer, name)
    words: list[bytes] = []
    table = Table(count, dim, f"{name}, line 1")
    place, size = buffer.index(b"\n") + 1, 4 * dim
    while len(words) < count:
        ends = _word_ends(buffer, place, size, min(_ROWS, count - len(words)))
        if not ends:
            # Twice as many, so that a long row is not copied for every piece of it.
            more = _more(pieces, len(buffer) - place)
            if not more:
                _check_count(len(words), count, name, "row")
            buffer, place = buffer[place:] + more, 0
            continue
        starts = [place, *(end + 1 + size for end in ends)]
        found = [buffer[a:b].removeprefix(b"\n") for a, b in zip(starts, ends, strict=False)]
        if not _all_words(found):
            for row, word in enumerate(found, len(words) + 1):
                _check_word(word, f"{name}, row {row}")
        words += found
        # As many bytes from every place: of them, those that follow the words.
        numbers = np.ndarray((len(buffer) - size + 1, size), np.uint8, buffer, strides=(1, 1))
        table.add(numbers[np.array(ends) + 1].view("<f4"))
        place = starts[-1]
    rest = buffer[place:] + next(pieces, b"")
    if rest not in (b"", b"\n"):
        raise CorruptInputError(
            f"goes on after its {count} words",
            where=f"{name}, row {count + 1}",
            hint="the first line must hold the number of words and of dimensions",
        )
    vectors = table.whole()
    if not all_finite(vectors):
        row = int(np.argmin(np.isfinite(vectors).all(axis=1)))
        raise _not_finite(words[row].decode(), f"{name}, row {row + 1}")
    return distinct(words, name, "row", 1), vectors


def _word_ends(buffer: bytes, place: int, size: int, most: int) -> list[int]:
    """Return where the words of the rows from `place` on end, of whole rows and at most so many."""
    ends: list[int] = []
    last = len(buffer) - size
    while len(ends) < most and 0 <= (end := buffer.find(b" ", place)) < last:
        ends.append(end)
        place = end + 1 + size
    return ends


def _more(pieces: Iterator[bytes], size: int) -> bytes:
    """Return pieces of so many bytes or more together, and at least one; fewer at the end."""
    found, length = [next(pieces, b"")], 0
    while (length := length + len(found[-1])) < size and found[-1]:
        found.append(next(pieces, b""))
    return b"".join(found)


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield lines without their ends; a last line without one counts, if it is not empty."""
    rest: list[bytes] = []
    for piece in pieces:
        *lines, last = piece.split(b"\n")
        if lines:
            yield b"".join((*rest, lines[0]))
            yield from lines[1:]
            rest = []
        rest.append(last)
    if last := b"".join(rest):
        yield last


def check_header(beginning: bytes, name: str) -> tuple[int, int]:
    """Return the number of words and of dimensions that the first line of a file tells.

    Raises:
        ModelFileError: it tells neither.
    """
    line = beginning[:_LONGEST_HEADER].partition(b"\n")[0]
    found = _HEADER.fullmatch(line.removeprefix(b"\xef\xbb\xbf") + b"\n")
    if not found or not int(found[1]) or not int(found[2]):
        raise ModelFileError(
            "does not begin with the number of words and of dimensions, "
            f"but with {_shown(line)}, and is no model of hsw2v either",
            where=f"{name}, line 1",
            hint="name a model, or word2vec text or binary vectors",
        )
    return int(found[1]), int(found[2])


class Table:
    """A table (V, D) float32 that takes memory as rows come, not as the first line promises."""

    def __init__(self, count: int, dim: int, name: str) -> None:
        self._count, self._dim, self._name = count, dim, name
        self._rows = 0
        if 4 * count * dim > sys.maxsize:
            raise self._too_much()
        self._table: Floats = np.empty((0, dim), "<f4")

    def add(self, values: Floats) -> None:
        """Add rows (n, D)."""
        end = self._rows + len(values)
        if end > len(self._table):
            room = min(self._count, max(2 * len(self._table), end))
            try:
                self._table.resize((room, self._dim), refcheck=False)
            except (MemoryError, ValueError) as error:
                raise self._too_much() from error
        self._table[self._rows : end] = values
        self._rows = end

    def _too_much(self) -> ResourceError:
        return ResourceError(
            f"promises {self._count} rows of {self._dim} numbers, more than memory holds",
            where=self._name,
            hint="check how it begins",
        )

    def whole(self) -> Floats:
        """Return the table, all rows of which were added."""
        return self._table.astype(np.float32, copy=False)


def _text_rows(lines: list[bytes], dim: int, name: str, line: int) -> tuple[list[bytes], Floats]:
    """Read rows that begin at a line: all at once, or one by one where that shows a mistake."""
    split = [row.partition(b" ") for row in lines]
    numbers = [rest.rstrip() for _, _, rest in split]
    if all(row.count(b" ") == dim - 1 for row in numbers):
        words = [word for word, _, _ in split]
        values = _regular_numbers(numbers)
        if _all_words(words) and values is not None:
            return words, values.reshape(-1, dim)
    rows = [_text_row(row, dim, f"{name}, line {line + at}") for at, row in enumerate(lines)]
    return [word for word, _ in rows], np.array([values for _, values in rows], np.float32)


def _all_words(words: list[bytes]) -> bool:
    """Tell whether these are words: not empty, without white space, UTF-8."""
    joined = b"\n".join(words)
    white = len(joined) - len(joined.translate(None, _WHITE))
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return all(words) and white == len(words) - 1


def _regular_numbers(rows: list[bytes]) -> Floats | None:
    """Read blank-separated numbers as a JSON array, which is faster than one by one.

    Not every way of writing a number is JSON: None then, and for anything out of order.
    """
    joined = b" ".join(rows)
    if joined.translate(None, b"0123456789+-.eE "):
        return None
    joined = joined.replace(b" ", b",")
    try:
        values = np.array(orjson.loads(b"[" + joined + b"]"), np.float32)
    except (ValueError, OverflowError):
        return None
    return values if np.isfinite(values).all() else None


def _text_row(row: bytes, dim: int, where: str) -> tuple[bytes, list[float]]:
    fields = row.split()
    if len(fields) != dim + 1 or row[:1].isspace():
        raise CorruptInputError(
            f"is not a word and {dim} numbers, but {len(fields)} fields: {_shown(row)}",
            where=where,
            hint="words hold no white space, and every row as many numbers as line 1 says",
        )
    word = _check_word(fields[0], where)
    values = _numbers(fields[1:])
    if values is None:
        raise CorruptInputError(
            f"the vector of {word!r} holds something that is no number: {_shown(row)}",
            where=where,
            hint="check the file",
        )
    if not np.isfinite(np.array(values, np.float32)).all():
        raise _not_finite(word, where)
    return fields[0], values


def _numbers(fields: list[bytes]) -> list[float] | None:
    try:
        values = [float(field) for field in fields]
    except ValueError:
        return None
    # Python alone reads 1_000 as a number.
    return None if any(b"_" in field for field in fields) else values


def _check_word(raw: bytes, where: str) -> str:
    """Return a word as a string, having checked it."""
    if not raw or raw.split() != [raw]:
        raise CorruptInputError(
            f"the word is empty or holds white space: {_shown(raw)}",
            where=where,
            hint="check the file",
        )
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the word is not UTF-8: {_shown(raw)}", where=where, hint="convert the file to UTF-8"
        ) from error


def _check_count(found: int, count: int, name: str, unit: str) -> None:
    if found < count:
        raise CorruptInputError(
            f"ends after {found} of the {count} words that its first line promises",
            where=f"{name}, {unit} {found + (1 if unit == 'line' else 0)}",
            hint="the file is truncated, or its first line wrong",
        )


def distinct(
    words: list[bytes], name: str, unit: str, first: int, counts: Iterable[int] | None = None
) -> Vocabulary:
    """Return a vocabulary of words in UTF-8; the first stands in the unit of this number.

    Raises:
        CorruptInputError: a word is there twice.
    """
    found = Vocabulary.from_encoded(words, repeat(0, len(words)) if counts is None else counts)
    if found.repeated() is not None:
        seen: dict[bytes, int] = {}
        for row, word in enumerate(words):
            if seen.setdefault(word, row) != row:
                raise CorruptInputError(
                    f"the word {word.decode()!r} stands there a second time (first at {unit} "
                    f"{seen[word] + first})",
                    where=f"{name}, {unit} {row + first}",
                    hint="leave one of them",
                )
    return found


def _not_finite(word: str, where: str) -> CorruptInputError:
    return CorruptInputError(
        f"the vector of {word!r} holds a number that is not finite",
        where=where,
        hint="leave the row out or mend it",
    )


def _shown(raw: bytes) -> str:
    beginning = raw[:_SHOWN]
    try:
        # An incremental decoder bears a character that is cut in two.
        shown = repr(codecs.getincrementaldecoder("utf-8")().decode(beginning))
    except UnicodeDecodeError:
        shown = repr(beginning)[1:]
    return shown + (" …" if len(raw) > _SHOWN else "")
