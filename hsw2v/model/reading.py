"""Words and vectors as files hold them: tables that grow, and checks that name the line or row."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import all_finite, memory_told
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, EncodingError, ResourceError

Floats = NDArray[np.float32]

_SHOWN = 40
_WHITE = b" \t\n\r\v\f"


class GrowingTable:
    """A table (V, D) float32 that takes memory as rows come, not as a file promises."""

    def __init__(self, count: int | None, dim: int, where: str) -> None:
        self._count, self._dim, self._where = count, dim, where
        self._rows = 0
        if 4 * (count or 1) * dim > sys.maxsize:
            raise self._too_much()
        self._table: Floats = np.empty((0, dim), "<f4")

    def add(self, values: Floats) -> None:
        """Add rows (n, D)."""
        end = self._rows + len(values)
        if end > len(self._table):
            room = max(2 * len(self._table), end)
            self._resize(room if self._count is None else min(self._count, room))
        self._table[self._rows : end] = values
        self._rows = end

    def _resize(self, rows: int) -> None:
        try:
            self._table.resize((rows, self._dim), refcheck=False)
        except (MemoryError, ValueError) as error:
            raise self._too_much() from error

    def _too_much(self) -> ResourceError:
        if self._count is None:
            return ResourceError(
                f"holds more vectors than memory does{memory_told()}",
                where=self._where,
                hint="keep its first lines, of the most frequent words",
            )
        return ResourceError(
            f"promises {self._count} rows of {self._dim} numbers "
            f"({4e-9 * self._count * self._dim:,.1f} GB), more than memory holds{memory_told()}",
            where=self._where,
            hint="check how it begins",
        )

    def whole(self) -> Floats:
        """Return the table, when all rows were added."""
        self._resize(self._rows)
        return self._table.astype(np.float32, copy=False)


def all_words(words: list[bytes]) -> bool:
    """Tell whether these are words: not empty, without white space, UTF-8."""
    joined = b"\n".join(words)
    white = len(joined) - len(joined.translate(None, _WHITE))
    try:
        joined.decode()
    except UnicodeDecodeError:
        return False
    return all(words) and white == len(words) - 1


def check_word(raw: bytes, where: str) -> str:
    """Return a word without white space as a string.

    Raises:
        CorruptInputError, EncodingError: it is none.
    """
    if not raw or raw.split() != [raw]:
        raise CorruptInputError(
            f"the word is empty or holds white space: {shown(raw)}",
            where=where,
            hint="check the file",
        )
    return decoded(raw, where)


def decoded(raw: bytes, where: str) -> str:
    """Return a word as a string.

    Raises:
        EncodingError: it is not UTF-8.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"the word is not UTF-8: {shown(raw)}", where=where, hint="convert the file to UTF-8"
        ) from error


def distinct(
    words: list[bytes], name: str, unit: str, first: int, counts: Iterable[int] | None = None
) -> Vocabulary:
    """Return words in UTF-8 as a vocabulary; without `counts` they are 0.

    Raises:
        CorruptInputError: one is there twice; it names the line or row, of which the first has the
            number `first`.
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


def first_not_finite(vectors: Floats) -> int | None:
    """Return the first row with a number that is not finite, if there is one."""
    return None if all_finite(vectors) else int(np.argmin(np.isfinite(vectors).all(axis=1)))


def not_finite(word: str, where: str) -> CorruptInputError:
    """Return the error that a number is not finite."""
    return CorruptInputError(
        f"the vector of {word!r} holds a number that is not finite",
        where=where,
        hint="leave the row out or mend it",
    )


def shown(raw: bytes) -> str:
    """Return how a line begins, to be shown in an error."""
    beginning = raw[:_SHOWN]
    try:
        # An incremental decoder bears a character that is cut in two.
        text = repr(codecs.getincrementaldecoder("utf-8")().decode(beginning))
    except UnicodeDecodeError:
        text = repr(beginning)[1:]
    return text + (" …" if len(raw) > _SHOWN else "")
