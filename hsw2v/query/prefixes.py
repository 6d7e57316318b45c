"""Words of the vocabulary that begin with what was typed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WORDS_AT_ONCE = 1 << 16


def beginning_with(
    prefix: str, blob: NDArray[np.uint8], offsets: NDArray[np.int64], count: int = 10
) -> list[int]:
    """Return the first words, up to `count` of them, that begin with a prefix, by their ids.

    Word w is the UTF-8 text `blob[offsets[w]:offsets[w + 1]]`, `offsets (V+1,)`. They begin with
    the prefix as it is, in small letters, in capitals, or with a capital. Words are looked at in
    order, a part of them at a time, until so many are found; no strings are made.
    """
    forms = {prefix, prefix.lower(), prefix.upper(), prefix.capitalize()}
    wanted = [np.frombuffer(one.encode(errors="replace"), np.uint8) for one in forms if one]
    found: list[int] = []
    for begin in range(0, len(offsets) - 1, _WORDS_AT_ONCE):
        borders = offsets[begin : begin + _WORDS_AT_ONCE + 1]
        places = [begin + _with(form, blob, borders) for form in wanted]
        found += np.unique(np.concatenate(places)).tolist() if places else []
        if len(found) >= count:
            break
    return found[:count]


def _with(
    form: NDArray[np.uint8], blob: NDArray[np.uint8], borders: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return which of some words begin with these bytes: fewer are left with each of them."""
    left = np.nonzero(np.diff(borders) >= len(form))[0]
    for place, byte in enumerate(form):
        if not len(left):
            break
        left = left[blob[borders[left] + place] == byte]
    return left
