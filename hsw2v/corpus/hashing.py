"""64-bit hashes of many words at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WORDS_AT_ONCE = 1 << 15
_LONG = 64
"""Bytes beyond which a word is left to Python's hash: a pass for every eight would be no gain."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(9)], np.uint64)
"""What leaves so many bytes of eight, little-endian."""


def word_hashes(blob: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return a hash of each word, (V,) uint64: equal words have equal hashes, within a process.

    Word w is `blob[offsets[w]:offsets[w + 1]]`. Words that differ may have equal hashes, and are
    easily made: whoever uses hashes compares the words.
    """
    padded = np.concatenate((blob, np.zeros(8, np.uint8)))
    # The eight bytes from every place.
    eights: NDArray[np.uint64] = np.ndarray(len(blob) + 1, "<u8", padded, strides=(1,))
    hashes = np.empty(len(offsets) - 1, np.uint64)
    for begin in range(0, len(hashes), _WORDS_AT_ONCE):
        borders = offsets[begin : begin + _WORDS_AT_ONCE + 1]
        hashes[begin : begin + _WORDS_AT_ONCE] = _of_some(eights, borders[:-1], np.diff(borders))
    for word in np.nonzero(np.diff(offsets) > _LONG)[0].tolist():
        hashes[word] = hash(blob[offsets[word] : offsets[word + 1]].tobytes()) & 0xFFFFFFFFFFFFFFFF
    return hashes


def _of_some(
    eights: NDArray[np.uint64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint64]:
    # No word is to be its own length, as "\1" is.
    hashes = lengths.astype(np.uint64) * _FACTOR
    for place in range(0, min(_LONG, int(lengths.max())), 8):
        left = lengths - place
        some = np.nonzero(left > 0)[0]
        bytes_ = eights[starts[some] + place] & _MASKS[np.minimum(left[some], 8)]
        mixed = (hashes[some] ^ bytes_) * _FACTOR
        hashes[some] = mixed ^ (mixed >> _HALF)
    return hashes
