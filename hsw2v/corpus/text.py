"""UTF-8 text in place: white space, validity, letter case and punctuation.

A text is an array `data (n,) uint8` whose first `size` bytes are followed by at least `PAD` spaces,
so that it may be read past its end.
"""

from __future__ import annotations

import functools
import sys
import unicodedata

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vectors import load
from hsw2v.jit import compiled, inlined

PAD = 128
"""Spaces that must follow a text."""


@inlined
def white_width(data: NDArray[np.uint8], at: int) -> int:
    """Return the bytes of the white space beyond ASCII at a position; 0 if there is none."""
    first, second, third = data[at], data[at + 1], data[at + 2]
    if first == 0xC2:
        return 2 if second == 0x85 or second == 0xA0 else 0
    if first == 0xE1:
        return 3 if second == 0x9A and third == 0x80 else 0
    if first == 0xE2:
        if second == 0x80:
            spaces = 0x80 <= third <= 0x8A
            return 3 if spaces or third == 0xA8 or third == 0xA9 or third == 0xAF else 0
        return 3 if second == 0x81 and third == 0x9F else 0
    return 3 if first == 0xE3 and second == 0x80 and third == 0x80 else 0


@compiled
def last_break(data: NDArray[np.uint8], size: int) -> int:
    """Return where the text after the last white space begins; 0 if there is none."""
    for end in range(size, 0, -1):
        last = data[end - 1]
        if last == 0x20 or 0x09 <= last <= 0x0D or 0x1C <= last <= 0x1F:
            return end
        if 0x80 <= last < 0xC0:
            for width in (2, 3):
                if end >= width and white_width(data, end - width) == width:
                    return end
    return 0


@inlined
def _continues(byte: int) -> bool:
    return byte & 0xC0 == 0x80


@inlined
def character_width(data: NDArray[np.uint8], at: int) -> int:
    """Return the bytes of the UTF-8 character at a position; 0 if it is not valid.

    Overlong forms, surrogates and code points above U+10FFFF are not (Unicode 16, table 3-7).
    """
    first, second = data[at], data[at + 1]
    if first < 0x80:
        return 1
    if first < 0xC2 or first > 0xF4 or not _continues(second):
        return 0
    if first < 0xE0:
        return 2
    third = data[at + 2]
    if not _continues(third):
        return 0
    if first < 0xF0:
        wrong = (first == 0xE0 and second < 0xA0) or (first == 0xED and second > 0x9F)
        return 0 if wrong else 3
    wrong = (first == 0xF0 and second < 0x90) or (first == 0xF4 and second > 0x8F)
    return 4 if not wrong and _continues(data[at + 3]) else 0


@compiled
def first_invalid(data: NDArray[np.uint8], size: int) -> int:
    """Return the position of the first byte that is not valid UTF-8; -1 if all is valid."""
    high = np.uint64(0x8080808080808080)
    at = 0
    while at < size:
        if load(data, at) & high == 0:
            at += 8
            continue
        width = character_width(data, at)
        if width == 0:
            return at
        at += width
    return -1


@compiled
def lower_ascii(data: NDArray[np.uint8], size: int) -> None:
    """Lower-case the letters A to Z in place."""
    for i in range(size):
        letter = data[i]
        data[i] = letter + np.uint8(32) if 65 <= letter <= 90 else letter


@functools.cache
def word_characters() -> NDArray[np.bool_]:
    """Return which characters belong to words, (1114112,) bool: letters, marks and numbers."""
    kinds = (unicodedata.category(chr(code))[0] for code in range(sys.maxunicode + 1))
    return np.fromiter((kind in "LMN" for kind in kinds), np.bool_, sys.maxunicode + 1)


@inlined
def _character(data: NDArray[np.uint8], at: int) -> tuple[int, int]:
    """Return the code point of a valid character, and its length in bytes."""
    first = int(data[at])
    if first < 0x80:
        return first, 1
    second = int(data[at + 1]) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, 2
    third = int(data[at + 2]) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, 3
    return (first & 0x07) << 18 | second << 12 | third << 6 | int(data[at + 3]) & 0x3F, 4


@compiled
def blank_punctuation(data: NDArray[np.uint8], size: int, in_words: NDArray[np.bool_]) -> None:
    """Replace everything but words and line feeds by spaces, in valid UTF-8.

    A word is a run of characters for which `in_words` holds; a single apostrophe (' or U+2019)
    between two of them belongs to it.
    """
    inside = False
    at = 0
    while at < size:
        code, width = _character(data, at)
        if in_words[code]:
            inside = True
        else:
            apostrophe = code == 0x27 or code == 0x2019
            if apostrophe and inside and in_words[_character(data, at + width)[0]]:
                pass
            elif code != 0x0A:
                data[at : at + width] = 0x20
            inside = False
        at += width
