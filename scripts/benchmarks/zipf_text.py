#!/usr/bin/env python3
"""Write a text whose words fall off by Zipf's law, and print what hsw2v will make of it, as JSON.

zipf_text.py FILE --words 100000 --tokens 10000000 --seed 1 --sample 1e-4
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import kept_counts
from hsw2v.trees.huffman import huffman

SENTENCE = 20
SENTENCES_AT_ONCE = 50_000


def zipf_counts(words: int, tokens: int) -> NDArray[np.int64]:
    """Return counts `(V,)` in inverse proportion to the rank, at least 1, of about `tokens`."""
    shares = 1.0 / np.arange(1, words + 1)
    counts: NDArray[np.int64] = np.round(tokens * shares / shares.sum()).astype(np.int64)
    return np.maximum(1, counts)


def write_text(path: str, counts: NDArray[np.int64], seed: int) -> None:
    """Write every word as often as it counts, in random order, in sentences of equal length."""
    names = [f"w{rank}" for rank in range(len(counts))]
    ids = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    np.random.default_rng(seed).shuffle(ids)
    step = SENTENCE * SENTENCES_AT_ONCE
    with open(path, "w", encoding="utf-8") as file:
        for begin in range(0, len(ids), step):
            words = [names[one] for one in ids[begin : begin + step].tolist()]
            for first in range(0, len(words), SENTENCE):
                file.write(" ".join(words[first : first + SENTENCE]) + "\n")


def main() -> None:
    """Write and describe the text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--words", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--sample", type=float, required=True)
    given = parser.parse_args()
    counts = zipf_counts(given.words, given.tokens)
    write_text(given.file, counts, given.seed)
    kept = kept_counts(counts, given.sample)
    lengths = np.diff(huffman(counts.astype(np.float64)).paths().offsets)
    print(
        json.dumps(
            {
                "tokens": int(counts.sum()),
                "kept": float(kept.sum()),
                "path": float(kept @ lengths / kept.sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
