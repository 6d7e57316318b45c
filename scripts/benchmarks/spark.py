"""Spark's Word2Vec with more and more partitions: the peer of rounds of workers."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import hsw2v
from benchmarks.benchmark import ANALOGIES, CORPUS, PAIRS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded
from benchmarks.training import Tests, whole


def _keys(given: Namespace) -> Iterator[Fields]:
    for seed in given.seeds:
        for partitions in given.partitions:
            yield {"partitions": partitions, "epochs": given.epochs, "seed": seed}


def measure(given: Namespace, record: Record) -> None:
    """Train with Spark, which must be there with Java, and evaluate its vectors."""
    tests = Tests(given.pairs, given.analogies)
    for key in record.missing(_keys(given)):
        tell(", ".join(f"{name} {value}" for name, value in key.items()))
        with tempfile.TemporaryDirectory() as folder:
            output = f"{folder}/vectors.bin"
            begun = time.perf_counter()
            script = str(Path(__file__).with_name("spark_peer.py"))
            asked = map(str, (given.corpus, output, *key.values()))
            subprocess.run([sys.executable, script, *asked], check=True)
            seconds = time.perf_counter() - begun
            quality = tests.evaluate(hsw2v.load(output))
        record.put(key, {"seconds": rounded(seconds, 4), "quality": quality})


def render(record: Record, pages: Pages) -> str:
    """Return the quality by partitions; seconds are kept, but a training may have company."""
    sets = whole(list(record.runs[0]["quality"]))
    rows = []
    for partitions in sorted({run["partitions"] for run in record.runs}):
        runs = record.select(partitions=partitions)
        cells = [spread((run["quality"][name] for run in runs), 3) for name in sets]
        rows.append([str(partitions), *cells])
    return table(["partitions", *sets], rows)


BENCHMARK = Benchmark(
    "spark",
    "Spark's Word2Vec by partitions (pip install pyspark, and Java)",
    measure,
    render,
    (
        CORPUS,
        PAIRS,
        ANALOGIES,
        option("--partitions", [1, 2, 4, 8, 16], metavar="NUMBER"),
        option("--epochs", 5),
        option("--seeds", [1], metavar="SEED"),
    ),
    ("corpus", "pairs", "analogies"),
    ("hsw2v", "pyspark", "numpy"),
)
