"""What vectors of sentences are worth: does the first half of a paragraph find its second?

Of paragraphs that are cut in two, the second halves are ranked by their cosines to each first half.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

import hsw2v
from benchmarks.benchmark import SEED, Benchmark, option
from benchmarks.machine import version_of
from benchmarks.pages import Pages, spread, table
from benchmarks.records import Fields, Record, rounded, rounds
from hsw2v.query.neighbours import unit_rows

UNIT, GENSIM = "mean of unit vectors", "mean, gensim"
WAYS = {
    "mean": {},
    **{f"sif, a = {a:g}": {"weighting": "sif", "smoothing": a} for a in (1e-2, 1e-3, 1e-4)},
}
"""With what `sentence_vectors` is told."""
RANKS = (1, 10)


def halves(path: str, count: int, words: int, seed: int) -> tuple[list[str], list[str]]:
    """Return the two halves, of so many words each, of so many paragraphs of a text."""
    with open(path, encoding="utf-8") as text:
        lines = [line for line in map(str.split, text) if len(line) >= 2 * words]
    order = np.random.default_rng(seed).permutation(len(lines))
    chosen = [lines[one] for one in islice(order, count)]
    return (
        [" ".join(one[:words]) for one in chosen],
        [" ".join(one[words : 2 * words]) for one in chosen],
    )


def vectors_by(model: hsw2v.Model, way: str) -> Callable[[list[str]], Any]:
    """Return what makes vectors of texts."""
    if way == GENSIM:
        from gensim.models import KeyedVectors

        keyed = KeyedVectors(model.dim)
        keyed.add_vectors(model.words, model.vectors)
        return lambda texts: np.array(
            [keyed.get_mean_vector(text.split(), pre_normalize=False) for text in texts]
        )
    if way == UNIT:
        model = hsw2v.Model(model.vocabulary, model.unit_vectors, config=model.config)
    vectors_of = partial(model.sentence_vectors, **WAYS.get(way, {}))
    vectors_of(["warm up"])
    return lambda texts: vectors_of(texts).vectors


def measure(given: Namespace, record: Record) -> None:
    """Rank the second halves in each way, and time it."""
    ways = [*WAYS, UNIT, *([GENSIM] if version_of("gensim") else [])]
    keys = rounds(given.rounds, words=given.lengths, way=ways)
    if not record.missing(keys):
        return
    model = hsw2v.load(given.model)

    def work(key: Fields) -> Fields:
        first, second = halves(given.corpus, given.paragraphs, key["words"], given.seed)
        vectors_of = vectors_by(model, key["way"])
        begun = time.perf_counter()
        vectors = vectors_of(first + second)
        seconds = time.perf_counter() - begun
        found = unit_rows(vectors.astype(np.float32))
        cosines = found[: len(first)] @ found[len(first) :].T
        better = (cosines > np.diagonal(cosines)[:, None]).sum(axis=1)
        shares = {f"first {rank}": rounded(float((better < rank).mean())) for rank in RANKS}
        return {"paragraphs": len(first), "seconds": rounded(seconds), **shares}

    record.measure(keys, work)


def render(record: Record, pages: Pages) -> str:
    """Return a table of each length of the halves."""
    header = ["way", *(f"among the first {rank}" for rank in RANKS), "sentences a second"]
    parts = []
    for words in record.values("words"):
        rows = []
        for way, runs in record.groups("way", words=words).items():
            speeds = [2 * run["paragraphs"] / run["seconds"] for run in runs]
            shares = (f"{runs[0][f'first {rank}']:.3f}" for rank in RANKS)
            rows.append([way, *shares, spread(speeds, 0)])
        count = record.groups("words")[words][0]["paragraphs"]
        parts.append(
            f"{words} words find the next {words} among {count:,}:\n\n{table(header, rows)}"
        )
    return "\n\n".join(parts)


BENCHMARK = Benchmark(
    "sentences",
    "what vectors of sentences are worth, and their speed",
    measure,
    render,
    (
        ("model", {"help": "a model"}),
        ("corpus", {"help": "a text, a paragraph a line"}),
        option("--rounds", 3, help="how often each is timed (3)"),
        SEED,
        option("--paragraphs", 5_000),
        option("--lengths", [10, 20, 40], help="words of a half (10 20 40)"),
    ),
    ("model", "corpus", "seed", "paragraphs"),
    ("hsw2v", "numpy", "gensim"),
)
