"""How long the semantic tree takes to grow, from vectors that are made up."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import Spread, tell
from benchmarks.page import table
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.trees.semantic import semantic
from hsw2v.trees.shape import cost

DIM = 100
CENTRES = 1000
ROWS_AT_ONCE = 1 << 16


def growing(sizes: Sequence[int], threads: Sequence[int], runs: int, seed: int) -> str:
    """Return a table of the time to grow a tree of so many words, by so many threads."""
    semantic(some_vectors(3, seed), np.ones(3))
    rows = []
    for size in sizes:
        vectors, weights = some_vectors(size, seed), 1.0 / np.arange(1, size + 1)
        for count in threads:
            taken = []
            for _ in range(runs):
                begun = time.perf_counter()
                tree = semantic(vectors, weights, count)
                taken.append(time.perf_counter() - begun)
                tell(f"{size:,} words, {count} threads: {taken[-1]:.2f} s")
            found = cost(tree.lengths, weights)
            paths = f"{found.mean:.2f} ({found.entropy:.2f})"
            rows.append([f"{size:,}", str(count), Spread.of(taken).shown(2), paths])
    return table(["V", "threads", "seconds", "decisions a word (entropy)"], rows)


def some_vectors(words: int, seed: int) -> NDArray[np.float32]:
    """Return vectors (V, P) float32 of words around centres, as those under training lie."""
    chance = np.random.default_rng(seed)
    centres = chance.standard_normal((CENTRES, DIM), np.float32)
    vectors = aligned_zeros(words, padded(DIM))
    for start in range(0, words, ROWS_AT_ONCE):
        part = vectors[start : start + ROWS_AT_ONCE, :DIM]
        part[:] = centres[chance.integers(0, CENTRES, len(part))]
        part += chance.standard_normal(part.shape, np.float32)
    return vectors
