"""How the time of hsw2v grows: with threads, from a cold start, with V, and with D."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks import first_block, training
from benchmarks.benchmark import CORPUS, ROUNDS, SEED, THREADS, Benchmark, option
from benchmarks.pages import Pages, ratios, spread, table
from benchmarks.processes import measure, tell
from benchmarks.programs import (
    AS_OTHERS,
    CASES,
    OURS,
    PROGRAMS,
    SAMPLE,
    Case,
    Job,
    hsw2v_command,
    is_there,
)
from benchmarks.records import Fields, Record, rounds
from benchmarks.texts import write_text, zipf_counts
from benchmarks.training import first_megabyte, read_log
from hsw2v.corpus.vocabulary import kept_counts
from hsw2v.trees.huffman import huffman


def train(corpus: str, threads: int, *more: str, case: Case = CASES["hs-skipgram"]) -> Fields:
    """Train once; return what the command took, and what its epoch did."""
    # Huffman's tree costs the same from the first block to the last.
    job = Job(case, corpus, threads=str(threads), more=("--tree", "huffman", *more))
    figures, log = training.train(job)
    end = log["EpochEnd"]
    return figures | {"epoch": end["seconds"], "tokens": end["tokens"]}


def train_in_turn(record: Record, keys: list[Fields], work: Callable[[Fields], Fields]) -> None:
    """Do the runs that are not known, after a warm-up."""
    if missing := record.missing(keys):
        tell("warming up")
        work(missing[0])
    record.measure(keys, work)


def seconds(runs: Iterable[Fields]) -> str:
    """Return the spread of the time of whole commands."""
    return spread((run["seconds"] for run in runs), 2)


def peak(runs: Iterable[Fields]) -> str:
    """Return the most memory of some runs, in MB."""
    return f"{max(run['peak_bytes'] for run in runs) / 1e6:.0f}"


def per_token(run: Fields) -> float:
    """Return the microseconds of wall-clock time that the epoch took a token."""
    return float(run["epoch"] / run["tokens"] * 1e6)


def measure_threads(given: Namespace, record: Record) -> None:
    """Train every case with different numbers of threads."""
    train_in_turn(
        record,
        rounds(given.rounds, case=list(CASES), threads=given.threads),
        lambda key: train(given.corpus, key["threads"], case=CASES[key["case"]]),
    )


def render_threads(record: Record, pages: Pages) -> str:
    """Return a table of every case; the ratios are to the first number of threads."""
    rows = []
    for (case, count), runs in record.groups("case", "threads").items():
        epochs = [run["epoch"] for run in runs]
        first = record.select(case=case, threads=record.values("threads")[0])
        faster = ratios((run["epoch"] for run in first), epochs)
        name = CASES[case].title
        rows.append([name, str(count), seconds(runs), spread(epochs, 2), faster, peak(runs)])
    header = ["case", "threads", "seconds", "seconds of the epoch", "faster", "peak MB"]
    return table(header, rows)


def measure_cores(given: Namespace, record: Record) -> None:
    """Train with several programs and different numbers of threads, one epoch each."""
    installed = [name for name in given.programs if is_there(name, PROGRAMS[name])]

    def job(key: Fields) -> Job:
        seed, threads = str(key["round"]), str(key["threads"])
        return Job(CASES[key["case"]], given.corpus, "", seed, threads, more=AS_OTHERS)

    keys = rounds(given.rounds, case=given.cases, program=installed, threads=given.threads)
    for key in {key["case"]: key for key in record.missing(keys)}.values():
        tell(f"warming up: {key['case']}")
        training.train(job(key))

    def work(key: Fields) -> Fields:
        figures, log = training.train(job(key), key["program"])
        return figures | ({"epoch": log["EpochEnd"]["seconds"]} if log else {})

    record.measure(keys, work)


def render_cores(record: Record, pages: Pages) -> str:
    """Return a table of every case; the ratios are to each program's first number of threads."""
    first, parts = record.values("threads")[0], []
    header = ["program", "threads", "seconds", "faster", "of the epoch", "faster", "processor time"]
    for case in record.values("case"):
        rows = []
        for (program, count), runs in record.groups("program", "threads", case=case).items():
            alone = record.select(case=case, program=program, threads=first)
            row = [program, str(count), seconds(runs), _faster(alone, runs, "seconds")]
            has_epoch = "epoch" in runs[0]
            row += [spread((run["epoch"] for run in runs), 2) if has_epoch else ""]
            row += [_faster(alone, runs, "epoch") if has_epoch else ""]
            rows.append([*row, spread((run["processor"] for run in runs), 1)])
        parts += [f"**{CASES[case].title}**", table(header, rows)]
    return "\n\n".join(parts)


def _faster(alone: Iterable[Fields], runs: Iterable[Fields], what: str) -> str:
    return ratios((run[what] for run in alone), (run[what] for run in runs))


def measure_start(given: Namespace, record: Record) -> None:
    """Start with an empty cache of compiled code, and again with what that left there."""
    with tempfile.TemporaryDirectory() as folder:
        texts = [first_megabyte(given.corpus, folder), given.corpus]
        paths = {Path(text).name: text for text in texts}

        def work(key: Fields) -> Fields:
            with tempfile.TemporaryDirectory() as cache:
                states = ("empty", "filled")
                return {one: _first_block(paths[key["text"]], given, cache) for one in states}

        record.measure(rounds(given.rounds, text=list(paths)), work)


def _first_block(corpus: str, given: Namespace, cache: str) -> tuple[float, float]:
    """Return the seconds from the start of the process to a trained block, and those of reading."""
    with tempfile.TemporaryDirectory() as folder:
        log = f"{folder}/log.json"
        job = Job(CASES["hs-skipgram"], corpus, threads=str(given.threads))
        job = replace(job, output=f"{folder}/model.safetensors", more=("--log-json", log))
        # Without the interpreter, -m and hsw2v.
        command = [sys.executable, first_block.__file__, *hsw2v_command(job)[3:]]
        seconds = measure(command, {"NUMBA_CACHE_DIR": f"{cache}/compiled"}).seconds
        return seconds, float(read_log(log)["VocabularyReady"]["seconds"])


def render_start(record: Record, pages: Pages) -> str:
    """Return a table of the time to the first trained block."""
    rows = [
        [text, state, *(spread((run[state][i] for run in runs), 2) for i in (0, 1))]
        for text, runs in record.groups("text").items()
        for state in ("empty", "filled")
    ]
    header = ["corpus", "cache of compiled code", "seconds to the first block"]
    return table([*header, "of which to the vocabulary"], rows)


def measure_vocabulary(given: Namespace, record: Record) -> None:
    """Train on made-up texts of different numbers of words."""
    keys = rounds(given.rounds, words=given.sizes)
    with tempfile.TemporaryDirectory() as folder:
        facts = {}
        for words in dict.fromkeys(key["words"] for key in record.missing(keys)):
            tell(f"generating a text of {words:,} words")
            facts[words] = _generate(f"{folder}/{words}.txt", words, given)

        def work(key: Fields) -> Fields:
            text = f"{folder}/{key['words']}.txt"
            return train(text, given.threads, "--min-count", "1") | facts[key["words"]]

        train_in_turn(record, keys, work)


def _generate(path: str, words: int, given: Namespace) -> Fields:
    """Write a text; return what hsw2v will make of it."""
    counts = zipf_counts(words, given.tokens)
    write_text(path, counts, given.seed)
    kept = kept_counts(counts, float(SAMPLE))
    lengths = np.diff(huffman(counts.astype(np.float64)).paths().offsets)
    return {"kept": float(kept.sum()), "path": float(kept @ lengths / kept.sum())}


def render_vocabulary(record: Record, pages: Pages) -> str:
    """Return a table of the time a token against the number of words."""
    rows = []
    for words, runs in record.groups("words").items():
        tokens, kept = runs[0]["tokens"], runs[0]["kept"]
        rows.append(
            [
                f"{words:,}",
                f"{tokens / 1e6:.1f} M",
                f"{kept / tokens:.0%}",
                f"{runs[0]['path']:.1f}",
                seconds(runs),
                spread(map(per_token, runs), 3),
                spread((per_token(run) * tokens / kept for run in runs), 3),
                peak(runs),
            ]
        )
    header = ["V", "tokens", "kept", "nodes a path", "seconds", "µs a token", "µs a kept token"]
    return table([*header, "peak MB"], rows)


def measure_dimensions(given: Namespace, record: Record) -> None:
    """Train with different numbers of dimensions."""
    train_in_turn(
        record,
        rounds(given.rounds, dim=given.dims),
        lambda key: train(given.corpus, given.threads, "--dim", str(key["dim"])),
    )


def render_dimensions(record: Record, pages: Pages) -> str:
    """Return a table of the time a token against the dimensions; the ratios are to the first."""
    groups = record.groups("dim")
    first = next(iter(groups))
    rows = []
    for dim, runs in groups.items():
        times = ratios(map(per_token, runs), map(per_token, groups[first]))
        each = spread(map(per_token, runs), 3)
        rows.append([str(dim), seconds(runs), each, times, peak(runs)])
    header = ["D", "seconds", "µs a token", f"times D = {first}", "peak MB"]
    return table(header, rows)


BENCHMARKS = (
    Benchmark(
        "threads",
        "one thread against two, every case",
        measure_threads,
        render_threads,
        (CORPUS, ROUNDS, option("--threads", [1, 2], help="numbers of threads")),
        ("corpus",),
    ),
    Benchmark(
        "cores",
        "the programs on a machine of many cores",
        measure_cores,
        render_cores,
        (
            *(CORPUS, ROUNDS),
            option("--threads", [1, 2, 4, 8, 16], help="numbers of threads"),
            option("--cases", list(CASES), choices=CASES),
            option("--programs", [OURS, "word2vec", "gensim"], choices=PROGRAMS),
        ),
        ("corpus",),
        ("hsw2v", "word2vec", "gensim", "numpy", "numba"),
    ),
    Benchmark(
        "start",
        "time to the first trained block",
        measure_start,
        render_start,
        (CORPUS, ROUNDS, THREADS),
        ("corpus", "threads"),
    ),
    Benchmark(
        "vocabulary",
        "time of whole commands against V",
        measure_vocabulary,
        render_vocabulary,
        (
            *(ROUNDS, THREADS, SEED),
            option("--sizes", [10_000, 100_000, 1_000_000]),
            option("--tokens", 10_000_000),
        ),
        ("threads", "seed", "tokens"),
    ),
    Benchmark(
        "dimensions",
        "time of whole commands against D",
        measure_dimensions,
        render_dimensions,
        (CORPUS, ROUNDS, THREADS, option("--dims", [50, 100, 200, 300, 500])),
        ("corpus", "threads"),
    ),
)
