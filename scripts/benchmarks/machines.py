"""What rounds of workers cost: seconds and bytes of each, and Ray beside threads.

Workers of a round are executed one after the other, as `training/remote.py` has them, so that each
has the machine for itself. From that, and a network that is assumed, follows a model of a cluster.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator
from statistics import mean, median
from typing import Any

import numpy as np

import hsw2v
from benchmarks.benchmark import CORPUS, ROUNDS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded
from hsw2v.config import Config
from hsw2v.corpus.encoded import BLOCK
from hsw2v.corpus.sources import encode_source
from hsw2v.corpus.words import choose_words
from hsw2v.events import EpochEnd, Event, ignore
from hsw2v.training.building import first_structure
from hsw2v.training.remote import Common, Piece, RemoteWorker, own_texts, turns_of
from hsw2v.training.rounds import rounds_within
from hsw2v.training.schedule import own_blocks, training_pass
from hsw2v.training.trainer import Trainer

BANDWIDTH = 10e9 / 8
"""Bytes a second that a machine of the model sends, and receives at the same time."""
MANNERS: dict[str, tuple[int, dict[str, Any]]] = {
    "all rows every 8,192": (1, {}),
    "all rows every 32,768": (4, {}),
    "all rows every 131,072": (16, {}),
    "all rows every 262,144": (32, {}),
    "4,000 rows every 32,768, all every 131,072": (
        4,
        {"combine_rows": 4000, "combine_all_every": 4},
    ),
    "4,000 rows every 32,768, all every 262,144": (
        4,
        {"combine_rows": 4000, "combine_all_every": 8},
    ),
    "the same as bfloat16": (
        4,
        {"combine_rows": 4000, "combine_all_every": 8, "combine_dtype": "bfloat16"},
    ),
}
"""What is combined when: blocks of a round, and settings."""
MANNERS_TOKENS = 262_144
CORES, SCALING = 16, 0.5
"""Threads of a machine of the model, and what each of them is worth beside one alone."""


def _bytes(pieces: list[Piece]) -> int:
    return sum(rows.nbytes + values.nbytes for one in pieces for rows, values in one.values())


def _rounds(given: Namespace, settings: dict[str, Any], workers: int, blocks: int) -> Fields:
    """Return the figures of some rounds, of one worker: medians over them.

    Where not all rows are combined after each, they are means, up to and with the first after which
    all are.
    """
    config = Config().replace(**settings, threads=1, deterministic=True, workers=workers, epochs=1)
    config = config.replace(round=blocks * BLOCK, tree="huffman")
    with encode_source(given.corpus, config.corpus, ignore) as encoded:
        config = config.resolved(encoded.tokens)
        training = config.training
        vocabulary, words = choose_words(encoded, config.vocabulary)
        base = first_structure(config, None, vocabulary, words, ignore)
        trainer = Trainer(config, vocabulary, base)
        network, windowing = trainer.network, trainer._windowing(words)
        borders, made = encoded.blocks, []
        for text in own_texts(encoded.ids, borders, own_blocks(len(borders) - 1, workers)):
            one = RemoteWorker(workers)
            one.own(Common(training, windowing, trainer._weights), text)
            one.begin(network.output, network.parameters, 0)
            made.append(one)
        some = training_pass(encoded.ids, borders, windowing, training, 0)
        found: dict[str, list[float]] = {}
        every = 1 if training.combine_rows is None else training.combine_all_every
        rounds = rounds_within(some, 0, len(borders) - 1, every)
        whole = [one for one in rounds if len(one[0]) == workers]
        most = given.most if every == 1 else every
        for moment, (shares, full) in enumerate(whole[:most]):
            trained: list[Any] = []
            took = []
            for one, turn in zip(made, turns_of(some, shares, full, workers), strict=True):
                begun = time.perf_counter()
                trained.append(one.train(moment, turn))
                took.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            pieces = [
                one.combine(moment, number, *(part[1 + number] for part in trained))
                for number, one in enumerate(made)
            ]
            combining = (time.perf_counter() - begun) / workers
            begun = time.perf_counter()
            for one in made:
                one.take(moment, moment + 1, full, *pieces)
            taking = (time.perf_counter() - begun) / workers
            at = slice(shares[0].positions.start, shares[-1].positions.stop)
            tokens = int(np.diff(borders)[some.order[at]].sum())
            figures = {
                "tokens": tokens / workers,
                "training": median(took),
                "combining": combining,
                "taking": taking,
                "sent": _bytes(list(trained[0][2:])),
                "received": _bytes(pieces[1:]),
            }
            for name, value in figures.items():
                found.setdefault(name, []).append(value)
    middle = median if every == 1 else mean
    return {name: rounded(middle(values), 6) for name, values in found.items()}


def _training(given: Namespace, key: Fields) -> Fields:
    """Return the seconds of the epochs of a training, and of all of it."""
    seconds: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd):
            seconds.append(event.seconds)

    engine, workers = key["engine"], key["workers"]
    more = {"threads": workers} if engine == "threads" else {"engine": engine, "workers": workers}
    begun = time.perf_counter()
    hsw2v.train(given.corpus, epochs=2, tree="huffman", model=key["model"], listener=listen, **more)
    whole = time.perf_counter() - begun
    return {"epochs": rounded(sum(seconds), 4), "seconds": rounded(whole, 4)}


def _keys(given: Namespace) -> Iterator[Fields]:
    for model in ("skipgram", "cbow"):
        for workers in given.workers:
            for blocks in given.blocks:
                yield {"kind": "round", "model": model, "workers": workers, "blocks": blocks}
    for manner in MANNERS:
        for workers in (4, 16):
            yield {"kind": "manner", "manner": manner, "workers": workers}
    for repeat in range(given.rounds):
        for model in ("skipgram", "cbow"):
            for workers in (1, 2):
                for engine in ("threads", "local", "ray"):
                    key = {"kind": "engine", "model": model, "workers": workers, "engine": engine}
                    yield {**key, "repeat": repeat}


def measure(given: Namespace, record: Record) -> None:
    """Find out what rounds cost, and what engines take."""
    for key in record.missing(_keys(given)):
        tell(", ".join(f"{name} {value}" for name, value in key.items()))
        if key["kind"] == "round":
            figures = _rounds(given, {"model": key["model"]}, key["workers"], key["blocks"])
        elif key["kind"] == "manner":
            blocks, settings = MANNERS[key["manner"]]
            figures = _rounds(given, settings, key["workers"], blocks)
        else:
            if key["repeat"] == 0:
                _training(given, key)
            figures = _training(given, key)
        record.put(key, figures)


def render(record: Record, pages: Pages) -> str:
    """Return what rounds cost, the engines side by side, and the model of a cluster."""
    parts = ["**A round, for a worker**", _rounds_table(record)]
    if record.select(kind="manner"):
        told = "**For each 262,144 tokens of a worker, skip-gram**"
        parts += [told, _manners_table(record)]
    if record.select(kind="engine"):
        parts += ["**Two epochs on this machine**", _engines_table(record)]
    return "\n\n".join([*parts, "**A cluster on paper**", _model_table(record)])


def _rounds_table(record: Record) -> str:
    rows = []
    for run in record.select(kind="round"):
        if "tokens" not in run:
            continue
        rows.append(
            [
                *(run["model"], str(run["workers"]), f"{run['tokens']:,.0f}"),
                f"{1e3 * run['training']:.1f}",
                f"{1e3 * run['combining']:.1f}",
                f"{1e3 * run['taking']:.1f}",
                f"{run['sent'] / 1e6:.1f}",
                f"{run['received'] / 1e6:.1f}",
            ]
        )
    header = ["model", "workers", "tokens", "training ms", "combining ms", "taking over ms"]
    return table([*header, "sent MB", "received MB"], rows)


def _manners_table(record: Record) -> str:
    rows = []
    for run in record.select(kind="manner"):
        times = MANNERS_TOKENS / run["tokens"]
        figures = [1e3 * times * run[name] for name in ("training", "combining", "taking")]
        rows.append(
            [
                *(run["manner"], str(run["workers"])),
                *(f"{one:.0f}" for one in figures),
                *(f"{times * run[name] / 1e6:.0f}" for name in ("sent", "received")),
            ]
        )
    header = ["combined", "workers", "training ms", "combining ms", "taking over ms"]
    return table([*header, "sent MB", "received MB"], rows)


def _engines_table(record: Record) -> str:
    rows = []
    for model in ("skipgram", "cbow"):
        for workers in (1, 2):
            plain = 1.0
            for engine in ("threads", "local", "ray"):
                runs = record.select(kind="engine", model=model, workers=workers, engine=engine)
                if not runs:
                    continue
                middle = median(run["epochs"] for run in runs)
                plain = middle if engine == "threads" else plain
                epochs = spread((run["epochs"] for run in runs), 2, median)
                whole = spread((run["seconds"] for run in runs), 2, median)
                rows.append([model, engine, str(workers), epochs, f"{middle / plain:.2f}", whole])
    header = ["model", "engine", "workers or threads", "epochs s", "times", "with reading s"]
    return table(header, rows)


def _fit(record: Record) -> tuple[float, float, float]:
    """Return a and b of bytes = a · tokens^b, of what is received, and tokens a second.

    Rounds that reach most rows of the text's tables say nothing of larger ones.
    """
    runs = record.select(kind="round", model="skipgram")
    runs = [one for one in runs if "tokens" in one and one["workers"] > 1]
    most = max(one["received"] for one in runs)
    runs = [one for one in runs if one["received"] <= most / 2] or runs
    tokens = np.array([one["tokens"] * one["workers"] for one in runs])
    received = np.array([one["received"] for one in runs])
    power, constant = np.polyfit(np.log(tokens), np.log(received), 1)
    longest = [one for one in record.select(kind="round", model="skipgram") if one["workers"] > 1]
    speed = max(one["tokens"] / one["training"] for one in longest if "tokens" in one)
    return float(np.exp(constant)), float(power), speed


def _model_table(record: Record) -> str:
    a, power, speed = _fit(record)
    machine = speed * CORES * SCALING
    rows = []
    for words in (1_000_000, 5_000_000):
        whole = 2.0 * words * 4 * 100
        for machines in (8, 32, 128):
            for tokens in (1_000_000, 10_000_000, 100_000_000):
                sent = min(a * tokens**power, whole)
                received = min(a * (machines * tokens) ** power, whole)
                training = tokens / machine
                # Pieces go out before what is combined comes back.
                network = (sent + received) / BANDWIDTH
                share = training / (training + network)
                half = training / (training + network / 2)
                rows.append(
                    [
                        *(f"{words:,}", str(machines), f"{tokens:,}"),
                        *(f"{training:.2f}", f"{network:.2f}", f"{share:.0%}"),
                        f"{machines * machine * share / 1e6:,.0f}",
                        f"{half:.0%}",
                    ]
                )
    header = ["words", "machines", "tokens a round and machine", "training s", "network s"]
    last = ["efficiency", "million tokens/s", "efficiency with bfloat16"]
    return table([*header, *last], rows)


BENCHMARK = Benchmark(
    "machines",
    "what rounds of workers cost, and Ray beside threads",
    measure,
    render,
    (
        CORPUS,
        option("--workers", [1, 2, 4, 8, 16], metavar="NUMBER"),
        option("--blocks", [1, 8, 32], metavar="NUMBER", help="of a round (1 8 32)"),
        option("--most", 5, help="rounds that are measured (5)"),
        ROUNDS,
    ),
    ("corpus",),
    ("hsw2v", "numpy", "numba", "ray"),
)
