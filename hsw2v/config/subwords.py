"""Which character n-grams of words have vectors."""

from __future__ import annotations

import re

from hsw2v.errors import UsageError

LONGEST = 1_000
"""Characters of an n-gram at most."""
_LENGTHS = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)


def lengths_of(subwords: str) -> tuple[int, int] | None:
    """Return the lengths that "3-6" or "4" names, the least and the largest; None for "".

    Raises:
        UsageError: it is written otherwise.
    """
    if not subwords:
        return None
    if found := _LENGTHS.fullmatch(subwords.strip()):
        shortest, longest = int(found[1]), int(found[2] or found[1])
        if 1 <= shortest <= longest <= LONGEST:
            return shortest, longest
    raise UsageError(
        f"subwords is {subwords[:100]!r}",
        hint="it must be lengths of character n-grams, as 3-6 or 4",
    )
