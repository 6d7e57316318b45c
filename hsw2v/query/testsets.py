"""Readers of test sets: word pairs with ratings, and analogy questions."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hsw2v.errors import CorruptInputError
from hsw2v.files import read_text, readable

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class WordPairs:
    """Pairs of words, each with a rating of how similar or related they are."""

    name: str
    pairs: tuple[tuple[str, str, float], ...]


@dataclass(frozen=True)
class AnalogyQuestions:
    """Questions a, b, c, d (a is to b as c is to d) in named sections."""

    name: str
    sections: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]


def read_pairs(path: str) -> WordPairs:
    """Read lines of two words and a number, as in WordSim-353, SimLex-999 or MEN.

    Columns are separated by tabs, semicolons, commas or white space; more columns may follow.
    Empty lines, comments (`#`) and a header (a first line whose third column is not a number) are
    skipped; lines end in LF, CRLF or CR.

    Raises:
        MissingInputError: the file cannot be read.
        CorruptInputError: another line is not of that form, or there are no pairs.
    """
    pairs: list[tuple[str, str, float]] = []
    first = True
    for number, line in _lines(path):
        fields = _columns(line)
        rating = _number(fields[2]) if len(fields) >= 3 else None
        if rating is not None and all(fields[:2]):
            pairs.append((fields[0], fields[1], rating))
        elif not (first and len(fields) >= 3):
            raise CorruptInputError(
                f"is not two words and a number: {line[:60]!r}",
                where=f"{path}, line {number}",
                hint="word pairs are lines such as 'tiger<tab>cat<tab>7.35'",
            )
        first = False
    if not pairs:
        raise CorruptInputError("holds no word pairs", where=path, hint="check the file")
    return WordPairs(Path(readable(path)).name, tuple(pairs))


def read_analogies(path: str) -> AnalogyQuestions:
    """Read lines of four words under lines `: section`, as in questions-words.txt.

    Empty lines and comments (`#`) are skipped; lines end in LF, CRLF or CR. Questions before the
    first section get one named "questions".

    Raises:
        MissingInputError: the file cannot be read.
        CorruptInputError: a line is not of that form, or there are no questions.
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    current = "questions"
    for number, line in _lines(path):
        if line.startswith(":"):
            current = line[1:].strip() or "questions"
            continue
        words = line.split()
        if len(words) != 4:
            raise CorruptInputError(
                f"is not four words: {line[:60]!r}",
                where=f"{path}, line {number}",
                hint="analogies are lines such as 'Athens Greece Oslo Norway'",
            )
        sections.setdefault(current, []).append((words[0], words[1], words[2], words[3]))
    if not sections:
        raise CorruptInputError("holds no questions", where=path, hint="check the file")
    return AnalogyQuestions(
        Path(readable(path)).name, tuple((name, tuple(lines)) for name, lines in sections.items())
    )


def _lines(path: str) -> Iterator[tuple[int, str]]:
    """Yield the number and text of every line that is neither empty nor a comment."""
    for number, line in enumerate(_LINE_END.split(read_text(path)), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield number, stripped


def _columns(line: str) -> list[str]:
    for separator in ("\t", ";", ","):
        if line.count(separator) >= 2:
            return [field.strip() for field in line.split(separator)]
    return line.split()


def _number(field: str) -> float | None:
    try:
        value = float(field)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
