"""Values of a field of records: what the formats of records have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hsw2v.errors import CorruptInputError

LONGEST_RECORD = 1 << 26
"""The most bytes of a record as stored, or of its text: memory is bounded by it."""

Place = Callable[[int], str]
"""From the number of a value, counted from 0, to where it is: a line or a row."""


class Values(Protocol):
    """Some consecutive values of a source, text or an error each, and where they are."""

    place: Place

    def text(self) -> bytes:
        """Return all of them as one text, or raise any of `NOT_PLAIN`."""

    def each(self) -> Iterable[object]:
        """Return the values one by one."""


NOT_PLAIN = (TypeError, UnicodeError)
"""What `text` raises if something is not simply a string."""


class Listed:
    """Values in a list."""

    def __init__(self, values: Sequence[object], place: Place) -> None:
        self._values, self.place = values, place

    def text(self) -> bytes:
        """Return all of them as one text."""
        return "\n".join(self._values).encode()  # type: ignore[arg-type]

    def each(self) -> Iterable[object]:
        """Return the values one by one."""
        return self._values


def kind_of(value: object) -> str:
    """Return what a value of JSON is, for people."""
    if value is None:
        return "null"
    # A truth value is a number, too.
    kinds = {bool: "true or false", int | float: "a number", dict: "an object", list: "a list"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "a string")


def too_long() -> CorruptInputError:
    """Return the error of a record that is too long."""
    return CorruptInputError(f"the record has more than {LONGEST_RECORD:,} bytes")


def too_deep() -> CorruptInputError:
    """Return the error of lists in lists that are too deep to follow."""
    return CorruptInputError("its lists are nested too deep")
