"""How fast the nearest words are found, and how many of them: exactly, and by indexes."""

from __future__ import annotations

import tempfile
import time
from argparse import Namespace
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

import hsw2v
from benchmarks.benchmark import SEED, Benchmark, option
from benchmarks.machine import version_of
from benchmarks.pages import Pages, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded
from hsw2v.query.index import CONNECTIVITY, EXPANSION_ADD
from hsw2v.query.neighbours import UnitRows, nearest

K = 10
EXPANSIONS = (32, 64, 128, 256)
"""Of search."""
ASKED_OF_GENSIM = 200
"""It takes a query at a time."""
Search = Callable[[Any], Any]


class Task:
    """A model, words that are asked for, and their nearest words."""

    def __init__(self, path: str, queries: int, seed: int) -> None:
        self.model = hsw2v.load(path)
        rng = np.random.default_rng(seed)
        self.rows = rng.choice(len(self.model), min(queries, len(self.model)), replace=False)
        self.queries = self.model.vectors[self.rows]
        self.unit = UnitRows(self.model.vectors)

    @cached_property
    def exact(self) -> Any:
        """Their nearest words, and not themselves."""
        return nearest(self.unit, self.queries, K, self.rows[:, None])[0]

    def recall(self, found: Any) -> float:
        """Return the share of the nearest words that are found."""
        shared = (found[:, :, None] == self.exact[:, None, :]).any(axis=2).sum()
        return float(shared / self.exact.size)

    def without_themselves(self, keys: Any) -> Any:
        """Return K of K + 1 rows (Q, K + 1) that are found, not those asked for."""
        same = keys == self.rows[:, None]
        same[~same.any(axis=1), -1] = True
        return keys[~same].reshape(-1, K)


def _exact(task: Task) -> tuple[Fields, Search]:
    return {}, lambda expansion: nearest(task.unit, task.queries, K, task.rows[:, None])[0]


def _ours(task: Task) -> tuple[Fields, Search]:
    index, figures = _timed(lambda: task.model.build_index())
    with tempfile.TemporaryDirectory() as folder:
        index.save(f"{folder}/index")
        figures["bytes"] = Path(f"{folder}/index").stat().st_size

    def search(expansion: int) -> Any:
        index._rows._index.expansion_search = expansion
        return index.nearest(task.unit, task.queries, K, task.rows[:, None])[0]

    return figures, search


def _hnswlib(task: Task) -> tuple[Fields, Search]:
    import hnswlib

    rows = task.model.unit_vectors
    index = hnswlib.Index("ip", task.model.dim)
    index.init_index(len(rows), M=CONNECTIVITY, ef_construction=EXPANSION_ADD)
    _, figures = _timed(lambda: index.add_items(rows))
    asked = task.unit[task.rows]

    def search(expansion: int) -> Any:
        index.set_ef(expansion)
        return task.without_themselves(index.knn_query(asked, K + 1)[0].astype(np.int64))

    return figures | {"bytes": index.index_file_size()}, search


def _faiss(task: Task) -> tuple[Fields, Search]:
    import faiss

    index = faiss.IndexHNSWFlat(task.model.dim, CONNECTIVITY, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = EXPANSION_ADD
    _, figures = _timed(lambda: index.add(task.model.unit_vectors))
    asked = task.unit[task.rows]

    def search(expansion: int) -> Any:
        index.hnsw.efSearch = expansion
        return task.without_themselves(index.search(asked, K + 1)[1])

    return figures | {"bytes": faiss.serialize_index(index).nbytes}, search


def _gensim(task: Task) -> tuple[Fields, Search]:
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(task.model.dim)
    keyed.add_vectors(task.model.words, task.model.vectors)
    keyed.fill_norms()
    words = task.model.vocabulary.spelled(task.rows[:ASKED_OF_GENSIM].tolist())

    def search(expansion: int) -> None:
        for word in words:
            keyed.most_similar(word, topn=K)

    return {"queries": len(words)}, search


EXACT, OURS = "exactly, hsw2v", "`hsw2v index`"
PROGRAMS: dict[str, tuple[Callable[[Task], tuple[Fields, Search]], str]] = {
    EXACT: (_exact, "hsw2v"),
    "exactly, gensim": (_gensim, "gensim"),
    OURS: (_ours, "usearch"),
    "hnswlib": (_hnswlib, "hnswlib"),
    "faiss, HNSW": (_faiss, "faiss-cpu"),
}
"""How each is built and asked, and the distribution that it is of."""


def _timed(build: Callable[[], Any]) -> tuple[Any, Fields]:
    seconds, processor = time.perf_counter(), time.process_time()
    found = build()
    seconds, processor = time.perf_counter() - seconds, time.process_time() - processor
    return found, {"build": rounded(seconds), "build_processor": rounded(processor)}


def measure(given: Namespace, record: Record) -> None:
    """Build the indexes of each model in turn, and ask them."""
    known = [name for name, (_, one) in PROGRAMS.items() if version_of(one)]
    for path in given.models:
        keys = [{"model": Path(path).stem, "program": name} for name in known]
        if not record.missing(keys):
            continue
        task = Task(path, given.queries, given.seed)
        tell(f"{path}: {len(task.model):,} words")

        def work(key: Fields, task: Task = task) -> Fields:
            figures, search = PROGRAMS[key["program"]][0](task)
            indexed = "build" in figures
            asked = [
                _asked(task, search, one, figures.get("queries", len(task.rows)), given.rounds)
                for one in (EXPANSIONS if indexed else (0,))
            ]
            size = {"words": len(task.model), "dim": task.model.dim}
            return {**size, **figures, "asked": asked}

        record.measure(keys, work)


def _asked(task: Task, search: Search, expansion: int, queries: int, rounds: int) -> Fields:
    """Return the least time of a query, in microseconds, and the recall."""
    found, least = None, float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        found = search(expansion)
        least = min(least, time.perf_counter() - begun)
    figures = {"expansion": expansion, "microseconds": rounded(1e6 * least / queries)}
    return figures if found is None else figures | {"recall": rounded(task.recall(found))}


def render(record: Record, pages: Pages) -> str:
    """Return a table of each model: time to build, room, time of a query and recall."""
    header = ["way", "expansion", "build, s", "MB", "µs a query", f"recall@{K}"]
    parts = []
    for model, runs in record.groups("model").items():
        rows = [row for run in runs for row in _rows(run)]
        title = f"`{model}`, {runs[0]['words']:,} words of {runs[0]['dim']} dimensions:"
        parts.append(f"{title}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def _rows(run: Fields) -> list[list[str]]:
    built = f"{run['build']:.1f}" if "build" in run else "-"
    room = f"{run['bytes'] / 1e6:.0f}" if "bytes" in run else "-"
    return [
        [
            run["program"],
            str(one["expansion"] or "-"),
            built,
            room,
            f"{one['microseconds']:,.0f}",
            f"{one['recall']:.3f}" if "recall" in one else "1",
        ]
        for one in run["asked"]
    ]


BENCHMARK = Benchmark(
    "index",
    "time and recall of the nearest words, exactly and by indexes",
    measure,
    render,
    (
        ("models", {"nargs": "+", "help": "models of different sizes"}),
        option("--rounds", 3, help="the best of them counts (3)"),
        SEED,
        option("--queries", 2_000, help="words that are asked for in a batch (2,000)"),
    ),
    ("seed", "queries"),
    ("hsw2v", "numpy", "usearch", "hnswlib", "faiss-cpu", "gensim"),
)
