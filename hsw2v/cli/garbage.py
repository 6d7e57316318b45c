"""When Python searches for garbage in cycles: hardly ever before the work begins."""

from __future__ import annotations

import gc

_AT_START = 200_000
"""Objects between two searches."""
_usual = gc.get_threshold()


def search_rarely() -> None:
    """Search rarely: what is imported stays, and to look at it takes a tenth of the start."""
    gc.set_threshold(_AT_START)


def search_as_usual() -> None:
    """Search as often as Python does, but no longer in what is there now; once is enough.

    Arrays of a corpus may hang on what is garbage.
    """
    if gc.get_threshold()[0] == _AT_START:
        gc.freeze()
        gc.set_threshold(*_usual)
