"""Words that a caller gives in Python, in place of the name of a file of words."""

from __future__ import annotations

import hashlib
import json
import numbers
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hsw2v.errors import UsageError

_MOST = 2**63 - 1


class GivenWords:
    """Words as the value of a setting, perhaps with a count each; it does not change.

    As a string, which models, logs and checkpoints keep, it tells how many there are, and a digest
    of them: by it a training is known again.
    """

    def __init__(self, words: Iterable[str], counts: Iterable[int] | None = None) -> None:
        self.words = tuple(words)
        self.counts = None if counts is None else tuple(counts)

    def __str__(self) -> str:
        content = json.dumps([self.words, self.counts]).encode()
        digest = hashlib.blake2b(content, digest_size=8).hexdigest()
        return f"{len(self.words):,} word{'s'[: len(self.words) != 1]} given in Python ({digest})"

    def __repr__(self) -> str:
        return f"<{self}>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GivenWords):
            return NotImplemented
        return (self.words, self.counts) == (other.words, other.counts)

    def __hash__(self) -> int:
        return hash((self.words, self.counts))


def given_words(name: str, given: Any, *, counted: bool = False) -> GivenWords | None:
    """Return words that are the value of a setting; None where it is no collection.

    With `counted` it may be a mapping of words to counts.

    Raises:
        UsageError: there are none, or one is no word, or has a count that is none.
    """
    if isinstance(given, GivenWords):
        return given
    if isinstance(given, str | bytes) or not isinstance(given, Collection):
        return None
    if isinstance(given, Mapping) and not counted:
        raise UsageError(f"{name} has counts, which only vocab takes", hint="give a list of words")
    try:
        words = [_word(one, name) for one in given]
    except TypeError:
        # An array without dimensions.
        return None
    if not words:
        raise UsageError(f"{name} has no words", hint="name some, or leave it out")
    if isinstance(given, Mapping):
        counts = zip(words, given.values(), strict=True)
        return GivenWords(words, [_count(word, count, name) for word, count in counts])
    # The order of a set is another one in each process.
    return GivenWords(sorted(words) if isinstance(given, set | frozenset) else words)


def _word(one: Any, name: str) -> str:
    if isinstance(one, numbers.Integral) and not isinstance(one, bool):
        # As in sentences, where it is the token of its digits.
        return str(int(one))
    if not isinstance(one, str) or not one or not is_text(one):
        raise UsageError(
            f"{name} has {_short(one)}, which is no word",
            hint="give strings of valid Unicode, or whole numbers",
        )
    return str(one)


def _count(word: str, count: Any, name: str) -> int:
    whole = isinstance(count, numbers.Integral) and not isinstance(count, bool)
    if not whole or not 0 <= count <= _MOST:
        raise UsageError(
            f"{name} has the count {_short(count)} for {word!r}",
            hint="give whole numbers from 0 to 2^63 - 1",
        )
    return int(count)


def is_text(value: str) -> bool:
    """Tell whether a string is valid Unicode: it has no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:59]}…"
