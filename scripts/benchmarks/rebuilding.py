"""How long it takes to rebuild the semantic tree, from vectors that are made up."""

from __future__ import annotations

import time
from argparse import Namespace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.benchmark import ROUNDS, SEED, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.records import Fields, Record, rounds
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.trees.semantic import semantic
from hsw2v.trees.shape import cost

DIM, CENTRES, ROWS_OF_A_PIECE = 100, 1000, 1 << 16


def measure(given: Namespace, record: Record) -> None:
    """Build trees of different numbers of words, by different numbers of threads."""
    vectors_of = cache(lambda words: some_vectors(words, given.seed))
    semantic(some_vectors(3, given.seed), np.ones(3))

    def work(key: Fields) -> Fields:
        vectors, weights = vectors_of(key["words"]), 1.0 / np.arange(1, key["words"] + 1)
        begun, processor = time.perf_counter(), time.process_time()
        tree = semantic(vectors, weights, key["threads"])
        seconds, processor = time.perf_counter() - begun, time.process_time() - processor
        found = cost(tree.lengths, weights)
        return {
            "seconds": seconds,
            "processor": processor,
            "mean": float(found.mean),
            "entropy": float(found.entropy),
        }

    record.measure(rounds(given.rounds, words=given.sizes, threads=given.threads), work)


def some_vectors(words: int, seed: int) -> NDArray[np.float32]:
    """Return vectors (V, P) float32 of words around centres, as those under training lie."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((CENTRES, DIM), np.float32)
    vectors = aligned_zeros(words, padded(DIM))
    for start in range(0, words, ROWS_OF_A_PIECE):
        part = vectors[start : start + ROWS_OF_A_PIECE, :DIM]
        part[:] = centres[rng.integers(0, CENTRES, len(part))]
        part += rng.standard_normal(part.shape, np.float32)
    return vectors


def render(record: Record, pages: Pages) -> str:
    """Return a table of the time to build a tree."""
    rows = []
    for (words, threads), runs in record.groups("words", "threads").items():
        paths = f"{runs[0]['mean']:.2f} ({runs[0]['entropy']:.2f})"
        times = [spread((run[name] for run in runs), 2) for name in ("seconds", "processor")]
        rows.append([f"{words:,}", str(threads), *times, paths])
    header = ["V", "threads", "seconds", "processor s", "decisions a word (entropy)"]
    return table(header, rows)


BENCHMARK = Benchmark(
    "rebuilding",
    "time to build a semantic tree",
    measure,
    render,
    (ROUNDS, SEED, option("--threads", [1, 2]), option("--sizes", [83_391, 1_000_000, 2_500_000])),
    ("seed",),
)
