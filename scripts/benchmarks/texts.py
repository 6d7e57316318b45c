"""Made-up texts, whose words fall off by Zipf's law."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SENTENCE = 20
SENTENCES_OF_A_PIECE = 50_000


def zipf_counts(words: int, tokens: int) -> NDArray[np.int64]:
    """Return counts `(V,)` in inverse proportion to the rank, at least 1, of about `tokens`."""
    shares = 1.0 / np.arange(1, words + 1)
    counts: NDArray[np.int64] = np.round(tokens * shares / shares.sum()).astype(np.int64)
    return np.maximum(1, counts)


def names(words: int) -> list[str]:
    """Return the words by rank."""
    return [f"w{rank}" for rank in range(words)]


def write_text(path: str, counts: NDArray[np.int64], seed: int) -> None:
    """Write every word as often as it counts, in random order, in sentences of equal length."""
    spelled = names(len(counts))
    ids = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    np.random.default_rng(seed).shuffle(ids)
    step = SENTENCE * SENTENCES_OF_A_PIECE
    with open(path, "w", encoding="utf-8") as file:
        for begin in range(0, len(ids), step):
            words = [spelled[one] for one in ids[begin : begin + step].tolist()]
            for first in range(0, len(words), SENTENCE):
                file.write(" ".join(words[first : first + SENTENCE]) + "\n")
