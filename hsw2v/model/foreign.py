"""Formats of word2vec and GloVe, read strictly: nothing is skipped or guessed.

Those of word2vec begin with a line of the number of words and of dimensions. A row of its text
format is a word and its numbers, separated by blanks (fastText's .vec is the same); a row of the
binary format is a word, a blank, little-endian float32 numbers, and perhaps a newline. GloVe's text
has such rows from the first line on, and its words may hold blanks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice

import numpy as np
import orjson

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, ModelFileError
from hsw2v.model.reading import (
    Floats,
    GrowingTable,
    all_words,
    check_word,
    decoded,
    distinct,
    first_not_finite,
    not_finite,
    shown,
)

Row = tuple[bytes, list[float]]

_HEADER = re.compile(rb"\s*([0-9]{1,18})[ \t]+([0-9]{1,18})[ \t]*\r?\n")
_LONGEST_HEADER = 100
_MARK = b"\xef\xbb\xbf"
"""A byte order mark."""
_ROWS = 1000
_FIELDS = 200
"""Of a text, as many as are looked at."""
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r"))


def has_header(beginning: bytes) -> bool:
    """Tell whether a file begins with a line of two whole numbers."""
    return _HEADER.match(beginning.removeprefix(_MARK)) is not None


def is_text(beginning: bytes) -> bool:
    """Tell from how a file begins whether its rows are text rather than binary."""
    header = _HEADER.match(beginning)
    rows = beginning[header.end() if header else 0 :]
    fields = rows.partition(b"\n")[0].split()
    if header and len(fields) == int(header[2]) + 1 and _numbers(fields[1:]) is not None:
        return True
    # Otherwise it is a text with a mistake, if it is no binary file: those hold control bytes.
    return len(rows.translate(None, _CONTROLS)) == len(rows)


def is_glove(beginning: bytes) -> bool:
    """Tell from how a file begins whether its first line is a word and two numbers or more."""
    line = beginning.partition(b"\n")[0].rstrip()
    word, *numbers = line.split(b" ")
    clean = len(line.translate(None, _CONTROLS)) == len(line)
    return clean and word != b"" and len(numbers) > 1 and _numbers(numbers) is not None


def is_prose(beginning: bytes) -> bool:
    """Tell from how a file begins whether it is a text of words, more of them than numbers."""
    fields = beginning.split(None, _FIELDS)[:_FIELDS]
    numbers = sum(_numbers([one]) is not None for one in fields)
    clean = len(beginning.translate(None, _CONTROLS)) == len(beginning)
    return clean and 2 * numbers < len(fields)


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
    vectors = GrowingTable(count, dim, f"{name}, line 1")
    while batch := list(islice(lines, _ROWS)):
        start = len(words)
        rows, extra = batch[: count - start], batch[count - start :]
        if rows:
            found, values = _text_rows(rows, dim, name, start + 2)
            vectors.add(values)
            words += found
        if extra:
            raise CorruptInputError(
                f"goes on after its {count} words, with {shown(extra[0])}",
                where=f"{name}, line {count + 2}",
                hint="the first line must hold the number of words",
            )
    _check_count(len(words), count, name, "line")
    return distinct(words, name, "line", 2), vectors.whole()


@np.errstate(over="ignore")
def read_glove(pieces: Iterator[bytes], name: str) -> tuple[Vocabulary, Floats]:
    """Read GloVe text from pieces of a file; returns the words and `(V, D) float32`.

    D is what the first line has; a word is what stands before the last D numbers of a line. Counts
    are not known, and 0.

    Raises:
        CorruptInputError: a row differs from the format; it names the line.
    """
    lines = _lines(pieces)
    first = next(lines, b"")
    dim = len(first.split()) - 1
    if not is_glove(first):
        raise CorruptInputError(
            f"is not a word and its numbers: {shown(first)}",
            where=f"{name}, line 1",
            hint="the first line tells the number of dimensions",
        )
    words: list[bytes] = []
    vectors = GrowingTable(None, dim, name)
    lines = chain([first], lines)
    while rows := list(islice(lines, _ROWS)):
        found, values = _text_rows(rows, dim, name, len(words) + 1, _glove_row)
        vectors.add(values)
        words += found
    return distinct(words, name, "line", 1), vectors.whole()


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
    table = GrowingTable(count, dim, f"{name}, line 1")
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
        if not all_words(found):
            for row, word in enumerate(found, len(words) + 1):
                check_word(word, f"{name}, row {row}")
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
    wrong = first_not_finite(vectors)
    if wrong is not None:
        raise not_finite(words[wrong].decode(), f"{name}, row {wrong + 1}")
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
    found = _HEADER.fullmatch(line.removeprefix(_MARK) + b"\n")
    if not found or not int(found[1]) or not int(found[2]):
        raise ModelFileError(
            "does not begin with the number of words and of dimensions, "
            f"but with {shown(line)}, and is no model of hsw2v either",
            where=f"{name}, line 1",
            hint="name a model, vectors of word2vec or GloVe, or an array of NumPy",
        )
    return int(found[1]), int(found[2])


def _text_row(row: bytes, dim: int, where: str) -> Row:
    """Read a row of word2vec text."""
    fields = row.split()
    if len(fields) != dim + 1 or row[:1].isspace():
        raise CorruptInputError(
            f"is not a word and {dim} numbers, but {len(fields)} fields: {shown(row)}",
            where=where,
            hint="words hold no white space, and every row as many numbers as line 1 says",
        )
    return fields[0], _row_numbers(check_word(fields[0], where), fields[1:], row, where)


def _glove_row(row: bytes, dim: int, where: str) -> Row:
    """Read a row of GloVe text."""
    word, *fields = row.rstrip().rsplit(b" ", dim)
    _, *others = word.split(b" ")
    # One number more is a mistake, and no word like ". . .", as some files have them.
    if len(fields) != dim or not word or (others and _numbers(others) is not None):
        raise CorruptInputError(
            f"is not a word and {dim} numbers: {shown(row)}",
            where=where,
            hint="every line must have as many numbers as line 1",
        )
    return word, _row_numbers(decoded(word, where), fields, row, where)


def _text_rows(
    lines: list[bytes],
    dim: int,
    name: str,
    line: int,
    read_row: Callable[[bytes, int, str], Row] = _text_row,
) -> tuple[list[bytes], Floats]:
    """Read rows that begin at a line: all at once, or one by one where that shows a mistake."""
    split = [row.partition(b" ") for row in lines]
    numbers = [rest.rstrip() for _, _, rest in split]
    if all(row.count(b" ") == dim - 1 for row in numbers):
        words = [word for word, _, _ in split]
        values = _regular_numbers(numbers)
        if all_words(words) and values is not None:
            return words, values.reshape(-1, dim)
    rows = [read_row(row, dim, f"{name}, line {line + at}") for at, row in enumerate(lines)]
    return [word for word, _ in rows], np.array([values for _, values in rows], np.float32)


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


def _row_numbers(word: str, fields: list[bytes], row: bytes, where: str) -> list[float]:
    values = _numbers(fields)
    if values is None:
        raise CorruptInputError(
            f"the vector of {word!r} holds something that is no number: {shown(row)}",
            where=where,
            hint="check the file",
        )
    if not np.isfinite(np.array(values, np.float32)).all():
        raise not_finite(word, where)
    return values


def _numbers(fields: list[bytes]) -> list[float] | None:
    try:
        values = [float(field) for field in fields]
    except ValueError:
        return None
    # Python alone reads 1_000 as a number.
    return None if any(b"_" in field for field in fields) else values


def _check_count(found: int, count: int, name: str, unit: str) -> None:
    if found < count:
        raise CorruptInputError(
            f"ends after {found} of the {count} words that its first line promises",
            where=f"{name}, {unit} {found + (1 if unit == 'line' else 0)}",
            hint="the file is truncated, or its first line wrong",
        )
