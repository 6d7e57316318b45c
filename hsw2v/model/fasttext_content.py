"""The bytes of fastText's .bin files, in their order."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np

from hsw2v.errors import CorruptInputError, ModelFileError

ENTRY = struct.Struct("<qb")
"""What follows a word of the dictionary: its count and its kind."""
BYTES_AT_ONCE = 1 << 22
AGAIN = "fetch or train the model again"

_LONGEST_WORD = 1 << 16


def broken(what: str, name: str) -> ModelFileError:
    """Return the error that a file is not as fastText writes it."""
    return ModelFileError(f"is no whole fastText file: {what}", where=name, hint=AGAIN)


class Content:
    """The bytes of a file, in order."""

    def __init__(self, pieces: Iterator[bytes], name: str) -> None:
        self._pieces, self.name = pieces, name
        self._buffer, self._place = b"", 0

    def broken(self, what: str) -> ModelFileError:
        """Return the error that the file is not as fastText writes it."""
        return broken(what, self.name)

    def unpack(self, form: struct.Struct) -> tuple[Any, ...]:
        """Return the next values of a form."""
        return form.unpack(self.take(form.size))

    def take(self, size: int) -> bytes:
        """Return the next bytes, so many."""
        found = [self._buffer[self._place : self._place + size]]
        missing = size - len(found[0])
        self._place += len(found[0])
        while missing:
            self._buffer = self._next()
            found.append(self._buffer[:missing])
            self._place = len(found[-1])
            missing -= self._place
        return b"".join(found)

    def skip(self, size: int) -> bool:
        """Pass over bytes, and tell whether any of them is not 0."""
        found = False
        while size:
            some = np.frombuffer(self.take(min(size, BYTES_AT_ONCE)), np.uint8)
            found = found or bool(some.any())
            size -= len(some)
        return found

    def entries(self, count: int) -> Iterator[tuple[bytes, int, int]]:
        """Yield the entries of a dictionary: a word that ends in NUL, its count, its kind."""
        buffer, place = self._buffer, self._place
        while count:
            end = buffer.find(b"\0", place)
            if end < 0 or end + 1 + ENTRY.size > len(buffer):
                if len(buffer) - place > _LONGEST_WORD:
                    raise self.broken("a word of its dictionary has no end")
                buffer, place = buffer[place:] + self._next(), 0
                continue
            if end == place:
                raise self.broken("a word of its dictionary is empty")
            yield buffer[place:end], *ENTRY.unpack_from(buffer, end + 1)
            place = end + 1 + ENTRY.size
            count -= 1
        self._buffer, self._place = buffer, place

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._place < len(self._buffer) or next(self._pieces, b""):
            raise CorruptInputError("goes on after its end", where=self.name, hint=AGAIN)

    def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece:
            raise CorruptInputError(
                "ends too early, as a fastText file that is truncated", where=self.name, hint=AGAIN
            )
        return piece
