"""What a page asks: the fields of a query, checked and bounded."""

from __future__ import annotations

from urllib.parse import parse_qs

from hsw2v.errors import UsageError

MOST_WORDS = 24
MOST_LETTERS = 1000
MOST_ANSWERS = 100
_MOST_FIELDS = 100
_OF_WORDS = ("word", "minus", "a", "b", "c")
_OF_TEXT = ("text", "context")


class Asked:
    """The fields of a query such as `word=king&word=queen&k=5`."""

    def __init__(self, query: str) -> None:
        """Take a query as it stands in an address.

        Raises:
            UsageError: it has too many fields.
        """
        try:
            self._fields = parse_qs(query, errors="replace", max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise UsageError("the question is too long", hint="ask for less") from error

    def words(self, name: str, least: int = 0) -> list[str]:
        """Return the words of a field that may be given several times."""
        words = self._fields.get(name, [])
        if len(words) < least:
            raise UsageError(
                f"there {'is one word' if len(words) == 1 else 'are no words'}"
                if len(words) < 2
                else f"there are {len(words)} words",
                hint=f"give at least {'one' if least == 1 else least}",
            )
        if len(words) > MOST_WORDS:
            raise UsageError(f"there are {len(words)} words", hint=f"give at most {MOST_WORDS}")
        return [_bounded(word) for word in words]

    def every_word(self) -> list[str]:
        """Return the words of all fields that hold any: texts in their words."""
        words = [word for name in _OF_WORDS for word in self._fields.get(name, [])]
        return words + [word for name in _OF_TEXT for word in self.text(name).split()]

    def text(self, name: str) -> str:
        """Return a field; nothing where it is not given."""
        return _bounded(self._fields.get(name, [""])[-1].strip())

    def word(self, name: str) -> str:
        """Return a field that must be given."""
        found = self.text(name)
        if not found:
            raise UsageError(f"{name} is missing", hint="give a word")
        return found

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1 to `most`."""
        given = self.text(name) or str(default)
        if not (given.isascii() and given.isdecimal() and 1 <= int(given) <= most):
            raise UsageError(f"{name} is {given!r}", hint=f"it must be a whole number to {most}")
        return int(given)


def _bounded(text: str) -> str:
    if len(text) > MOST_LETTERS:
        raise UsageError(
            f"a text of {len(text):,} characters", hint=f"give at most {MOST_LETTERS:,}"
        )
    return text
