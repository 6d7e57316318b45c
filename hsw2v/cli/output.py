"""How answers are printed: aligned columns for people, one line of JSON for programs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hsw2v.display import shown

if TYPE_CHECKING:
    from hsw2v.model import Model

NAMED = 10
_LONGEST = 40

WAITING = "waiting for standard input ..."
TYPED = "reading standard input from this terminal; Ctrl-D ends it"


class Terminal(io.TextIOWrapper):
    """Standard output to a terminal: words of a model do not drive it. A pipe has them as is."""

    def write(self, text: str) -> int:
        """Write text as `shown`."""
        return super().write(shown(text))

    @property
    def buffer(self) -> BinaryIO:
        """What takes bytes, written as text."""
        return cast(BinaryIO, _Printed(self))


class _Printed:
    """A stream of bytes that are printed as text."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def write(self, some: bytes | memoryview) -> int:
        """Print text that is not cut within a character."""
        return self._terminal.write(bytes(some).decode(errors="replace"))


def print_json(answer: Any) -> None:
    """Print one JSON document on one line; float32 arrays with their shortest exact digits."""
    import orjson

    try:
        options = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
        print(orjson.dumps(answer, option=options).decode())
    except TypeError:
        # Integers beyond 64 bits: a file may hold any.
        print(json.dumps(answer))


def print_table(rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> None:
    """Print rows in aligned columns; those with the numbers `right` are right-aligned."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def print_answers(
    answers: Sequence[tuple[str, float]], as_json: bool, *, key: str, **facts: Any
) -> None:
    """Print words with similarities, one a line; or as JSON under `key`, beside some facts."""
    if as_json:
        print_json({**facts, key: as_records(answers)})
    else:
        print_table([(word, f"{score:.4f}") for word, score in answers])


def as_records(answers: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    """Return words with similarities as JSON objects."""
    return [{"word": word, "similarity": score} for word, score in answers]


def formatted(value: float | None, form: str) -> str:
    """Return a number in a format, and - for None."""
    return "-" if value is None else format(value, form)


def composed(model: Model, words: Iterable[str], as_json: bool) -> dict[str, Any]:
    """Tell which words are not in the vocabulary, but composed of their n-grams.

    As a fact to print with JSON, if there are any; to people on standard error.
    """
    found = [word for word in dict.fromkeys(words) if word not in model]
    if not found:
        return {}
    if not as_json:
        warn(f"not in the vocabulary, composed of n-grams: {named(found)}")
    return {"composed": found}


def named(words: Sequence[str]) -> str:
    """Return some words as a text, and how many more there are; of a line of a text, its begin."""
    more = f" and {len(words) - NAMED:,} more" if len(words) > NAMED else ""
    short = (one if len(one) <= _LONGEST else f"{one[:_LONGEST]}…" for one in words[:NAMED])
    return ", ".join(map(repr, short)) + more


def warn(sentence: str) -> None:
    """Print a sentence on standard error."""
    print(f"hsw2v: {shown(sentence)}", file=sys.stderr)


def tell_waiting() -> None:
    """Tell that input is typed, where it is: a program that waits looks like one that hangs."""
    if sys.stdin.isatty():
        warn(TYPED)


def say(sentence: str) -> None:
    """Print what was done on standard error."""
    print(shown(sentence), file=sys.stderr)
