"""Whole numbers as tokens, which are their decimal digits; arrays of them are spelled at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.reading import Piece
from hsw2v.jit import compiled

_DIGITS = 20
"""Of the largest number of 64 bits."""
_LONGEST = _DIGITS + 1

Integers = NDArray[np.integer[Any]]


def as_text(token: Any) -> Any:
    """Return a whole number as its digits, and anything else as it is."""
    if type(token) is int:
        return str(token)
    return str(token) if isinstance(token, Integral) and not isinstance(token, bool) else token


def type_of_array(sentence: object) -> str:
    """Return the type of an array of whole numbers in one dimension; '' for anything else."""
    if isinstance(sentence, np.ndarray) and sentence.ndim == 1 and sentence.dtype.kind in "iu":
        return str(sentence.dtype.str)
    return ""


def batches(sentences: Iterable[Integers], size: int) -> Iterator[tuple[Integers, list[int]]]:
    """Yield the numbers of sentences, about `size` at a time, and where in them sentences end."""
    parts: list[Integers] = []
    count, ends = 0, list[int]()
    for sentence in sentences:
        for begin in range(0, max(len(sentence), 1), size):
            parts.append(sentence[begin : begin + size])
            count += len(parts[-1])
            if begin + size >= len(sentence):
                ends.append(count)
            if max(count, len(ends)) >= size:
                yield np.concatenate(parts), ends
                parts, count, ends = [], 0, []
    if parts:
        yield np.concatenate(parts), ends


def fill_with_numbers(piece: Piece, numbers: Integers, ends: list[int]) -> list[int]:
    """Replace the text of a piece by numbers, with a line feed after each sentence.

    Returns the places of these among the tokens.
    """
    negative = numbers < 0
    # The lowest number has no positive of its type.
    sizes = np.where(negative, -(numbers + negative), numbers).astype(np.uint64) + negative
    text = np.empty(_LONGEST * len(numbers) + len(ends), np.uint8)
    borders = np.empty(len(numbers) + len(ends), np.int64)
    filled = spell(sizes, negative, np.array(ends, np.int64), text, borders)
    last = [end + number for number, end in enumerate(ends)]
    piece.fill_with_tokens(text[:filled].data, borders, last)
    return last


@compiled
def spell(
    sizes: NDArray[np.uint64],
    negative: NDArray[np.bool_],
    ends: NDArray[np.int64],
    text: NDArray[np.uint8],
    borders: NDArray[np.int64],
) -> int:
    """Write numbers without a sign (n,), and a minus where they are negative, as digits.

    A line feed comes before number `ends[i]`. Fills in where each token ends, and returns the bytes
    written.
    """
    ten = np.uint64(10)
    at = token = sentence = 0
    for place in range(len(sizes) + 1):
        while sentence < len(ends) and ends[sentence] == place:
            text[at] = 0x0A
            at += 1
            borders[token] = at
            token += 1
            sentence += 1
        if place == len(sizes):
            break
        if negative[place]:
            text[at] = 0x2D
            at += 1
        width, least, rest = 1, ten, sizes[place]
        while width < _DIGITS and rest >= least:
            width += 1
            least *= ten
        for digit in range(at + width - 1, at - 1, -1):
            text[digit] = np.uint8(0x30) + np.uint8(rest % ten)
            rest //= ten
        at += width
        borders[token] = at
        token += 1
    return at
