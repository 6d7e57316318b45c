"""How fast a text is read: the stages on one core, and the whole of `encode`."""

from __future__ import annotations

import time
from argparse import Namespace

import numpy as np

from benchmarks.benchmark import CORPUS, Benchmark, option
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record, rounds
from hsw2v.config import CorpusConfig
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import Piece, prepare, read_pieces
from hsw2v.corpus.stream import encode
from hsw2v.corpus.table import TypeTable

STAGES = ("read", "prepare", "scan", "intern")
BOTH, WHOLE = "scan + intern", "encode"


def measure(given: Namespace, record: Record) -> None:
    """Time the stages, and the whole pass, after a warm-up."""
    config = CorpusConfig(tokens=given.tokens, lowercase=given.lowercase)
    keys = rounds(given.rounds)
    if record.missing(keys):
        time_encode(given.corpus, config)
    record.measure(
        keys,
        lambda key: time_stages(given.corpus, config) | {WHOLE: time_encode(given.corpus, config)},
    )


def time_stages(path: str, config: CorpusConfig) -> Fields:
    """Return the processor time of each stage over a file in seconds, and its size in bytes."""
    table = TypeTable(config.max_types)
    piece = Piece()
    ids = np.empty(0, np.int32)
    spent = dict.fromkeys(STAGES, 0.0)
    size = 0
    before = time.thread_time()

    def passed(stage: str) -> None:
        nonlocal before
        now = time.thread_time()
        spent[stage] += now - before
        before = now

    for _ in read_pieces([Part(path)], lambda: piece):
        size += piece.size
        passed("read")
        prepare(piece, config)
        passed("prepare")
        piece.tokenise()
        passed("scan")
        if len(ids) < piece.count:
            ids = np.empty(piece.count, np.int32)
        table.add(piece, ids)
        passed("intern")
    return spent | {BOTH: spent["scan"] + spent["intern"], "bytes": size}


def time_encode(path: str, config: CorpusConfig) -> float:
    """Return the wall-clock time of the whole pass over a file in seconds."""
    begun = time.perf_counter()
    with encode(path, config):
        return time.perf_counter() - begun


def render(record: Record, pages: Pages) -> str:
    """Return a table of the stages, each the best of its rounds, in MB of the text a second."""
    rows = []
    for name in (*STAGES, BOTH, WHOLE):
        least = min(run[name] for run in record.runs)
        speed = record.runs[0]["bytes"] / 1e6 / max(least, 1e-9)
        clock = "wall clock" if name == WHOLE else "one core"
        rows.append([name, f"{speed:.0f}", f"{least:.3f}", clock])
    return table(["stage", "MB/s", "seconds", "measured as"], rows)


BENCHMARK = Benchmark(
    "tokenizer",
    "MB/s of each stage of reading",
    measure,
    render,
    (
        CORPUS,
        option("--rounds", 5, help="the best of them counts (5)"),
        option("--tokens", "space", choices=("space", "words")),
        option("--lowercase", False, action="store_true"),
    ),
    ("corpus", "tokens", "lowercase"),
)
