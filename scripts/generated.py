"""Texts that are made up: large, quick to make, and the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

LETTERS = 7
"""Of a word; with the white space after it, a word takes 8 bytes."""
TOPICS = 64
SENTENCE = 20
"""Words of a sentence."""
_AT_ONCE = 50_000
"""Sentences that are drawn at once."""


def spelled(ids: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the words of ids (n,) below 26⁷, (n, 8) uint8, each with a space after it."""
    text = np.full((len(ids), LETTERS + 1), ord(" "), np.uint8)
    rest = ids.astype(np.int64)
    for place in reversed(range(LETTERS)):
        rest, letter = np.divmod(rest, 26)
        text[:, place] = letter + ord("a")
    return text


def zipf(tokens: int, types: int, seed: int = 1) -> Iterator[bytes]:
    """Yield a text by Zipf's law: a word of rank k has a share near 1/(k log types).

    Every second word of a sentence is of the topic of the sentence, so that there is something to
    learn. About half a gigabyte is made in a second.
    """
    words = spelled(np.arange(types)).reshape(-1).view(np.uint64)
    rng = np.random.default_rng(seed)
    for begin in range(0, tokens, _AT_ONCE * SENTENCE):
        count = -(-min(tokens - begin, _AT_ONCE * SENTENCE) // SENTENCE)
        # The logarithm of the rank is uniform.
        drawn = np.exp(rng.random((count, SENTENCE), np.float32) * np.float32(np.log(types)))
        ids = drawn.astype(np.int32) - 1
        topics = rng.integers(0, TOPICS, (count, 1), np.int32)
        ids[:, ::2] = ids[:, ::2] // TOPICS * TOPICS + topics
        text = words[np.minimum(ids, types - 1)].view(np.uint8).reshape(count, -1)
        text[:, -1] = ord("\n")
        yield text.tobytes()


def write_types(stream: BinaryIO, types: int, times: int = 1) -> None:
    """Write a text in which every type occurs so many times, in sentences."""
    per_part = _AT_ONCE * SENTENCE
    for _ in range(times):
        for begin in range(0, types, per_part):
            text = spelled(np.arange(begin, min(begin + per_part, types)))
            text[SENTENCE - 1 :: SENTENCE, -1] = ord("\n")
            stream.write(text.tobytes())


def write_line(stream: BinaryIO, size: int, types: int = 100_000) -> None:
    """Write a text of at least so many bytes that is one line."""
    for part in zipf(size // (LETTERS + 1), types):
        stream.write(part.replace(b"\n", b" "))
