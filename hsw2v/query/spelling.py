"""Words of the vocabulary with a spelling similar to an unknown word's."""

from __future__ import annotations

from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

_COMPARED = 200
_LEAST_RATIO = 0.6
_WORDS_AT_ONCE = 1 << 15

_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[ord("A") : ord("Z") + 1] += 32


def nearest_spellings(
    word: str, blob: NDArray[np.uint8], offsets: NDArray[np.int64], count: int = 3
) -> list[str]:
    """Return up to `count` words of the most similar spelling, best first, ignoring case.

    Word w is the UTF-8 text `blob[offsets[w]:offsets[w + 1]]`, `offsets (V+1,)`. Words that share
    the most letters and pairs of letters are compared by difflib's ratio, which must be at least
    0.6; of equals the lower index, the more frequent word, comes first.
    """
    if len(offsets) < 2 or not word:
        return []
    likely = _sharing_most(np.frombuffer(word.encode(errors="replace"), np.uint8), blob, offsets)
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(word.lower())
    found = []
    for index in likely:
        candidate = blob[offsets[index] : offsets[index + 1]].tobytes().decode()
        matcher.set_seq1(candidate.lower())
        if matcher.quick_ratio() >= _LEAST_RATIO and matcher.ratio() >= _LEAST_RATIO:
            found.append((-matcher.ratio(), int(index), candidate))
    return [candidate for _, _, candidate in sorted(found)[:count]]


def _sharing_most(
    word: NDArray[np.uint8], blob: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the words with the largest share of bytes and byte pairs in common with `word`."""
    lengths = np.diff(offsets)
    near = np.nonzero(np.abs(lengths - len(word)) <= max(2, len(word) // 3))[0]
    if not len(near):
        return near
    score = _shared(_LOWER[word], blob, offsets)[near] / (lengths[near] + len(word))
    if len(near) > _COMPARED:
        best = np.argpartition(-score, _COMPARED)[:_COMPARED]
        near = near[best]
    return near


def _shared(
    word: NDArray[np.uint8], blob: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return how many bytes, and twice how many byte pairs, of each word are in `word`, (V,)."""
    known = np.zeros(256, np.int8)
    known[word] = 1
    pairs = np.zeros(1 << 16, np.int8)
    pairs[_pairs(word)] = 2
    shared = np.empty(len(offsets) - 1, np.int64)
    for begin in range(0, len(shared), _WORDS_AT_ONCE):
        borders = offsets[begin : begin + _WORDS_AT_ONCE + 1]
        # Pairs across two words count too: the comparison removes that noise.
        letters = _LOWER[blob[borders[0] : borders[-1] + 1]]
        hits = known[letters]
        hits[:-1] += pairs[_pairs(letters)]
        totals = np.concatenate(([0], np.cumsum(hits, dtype=np.int64)))
        shared[begin : begin + _WORDS_AT_ONCE] = np.diff(totals[borders - borders[0]])
    return shared


def _pairs(letters: NDArray[np.uint8]) -> NDArray[np.uint16]:
    return letters[:-1].astype(np.uint16) * np.uint16(256) + letters[1:]
