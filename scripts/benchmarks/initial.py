"""What a training on a short text comes to that starts from vectors, by how long these are."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np

import hsw2v
from benchmarks.benchmark import PAIRS, ROUNDS, THREADS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded, rounds
from hsw2v.errors import DivergedError
from hsw2v.events import EpochEnd, Event

AT_RANDOM = 0.0


def parts(corpus: str, before: float, own: float) -> tuple[bytes, bytes]:
    """Return the first and the last megabytes of a text, of whole words."""
    content = Path(corpus).read_bytes()
    first, last = content[: round(before * 1e6)], content[-round(own * 1e6) :]
    return first.rpartition(b" ")[0], last.partition(b" ")[2]


def measure(given: Namespace, record: Record) -> None:
    """Train on a long text, and then on a short one from its vectors, scaled to some lengths."""
    keys = rounds(given.rounds, length=given.lengths)
    if not record.missing(keys):
        return
    with tempfile.TemporaryDirectory() as name:
        before, own, start = (Path(name, one) for one in ("before.txt", "own.txt", "start.npy"))
        texts = parts(given.corpus, given.before_mb, given.own_mb)
        for path, text in zip((before, own), texts, strict=True):
            path.write_bytes(text)
        settings = {"dim": given.dim, "threads": given.threads}
        tell("training the vectors to start from")
        model = hsw2v.train(before, **settings, epochs=given.epochs)
        mean = float(np.linalg.norm(model.vectors, axis=1).mean())

        def work(key: Fields) -> Fields:
            losses: list[float] = []

            def listen(event: Event) -> None:
                losses.extend([event.loss or 0.0] if isinstance(event, EpochEnd) else [])

            if key["length"] != AT_RANDOM:
                scaled = model.vectors * np.float32(key["length"] / mean)
                hsw2v.Model(model.vocabulary, scaled).export(start, force=True)
            init = None if key["length"] == AT_RANDOM else start
            try:
                found = hsw2v.train(
                    own, **settings, epochs=given.epochs, seed=key["round"], init=init,
                    listener=listen,
                )  # fmt: skip
            except DivergedError:
                return {"own": rounded(mean), "losses": None}
            scores = found.evaluate(pairs=given.pairs).pairs
            return {
                "own": rounded(mean),
                "losses": list(map(rounded, losses)),
                **{one.name: rounded(one.spearman) for one in scores},
            }

        record.measure(keys, work)


def render(record: Record, pages: Pages) -> str:
    """Return the table of lengths: correlations, and the losses of the epochs."""
    rows = []
    known = ("round", "length", "own", "losses")
    tests = list(dict.fromkeys(one for run in record.runs for one in run if one not in known))
    for length, runs in record.groups("length").items():
        start = f"vectors of mean length {length:g}" if length != AT_RANDOM else "at random"
        done = [run for run in runs if run["losses"] is not None]
        scores = [spread((run[one] for run in done), 3) for one in tests]
        epochs = zip(*(run["losses"] for run in done), strict=True)
        losses = ", ".join(f"{np.median(one):.2f}" for one in epochs)
        rows.append([start, f"{len(runs) - len(done)} of {len(runs)}", *scores, losses or "-"])
    mean = record.runs[0]["own"]
    return f"The mean length of the vectors as they were trained is {mean:.2f}.\n\n" + table(
        ["start", "diverged", *tests, "losses of the epochs"], rows
    )


BENCHMARK = Benchmark(
    "initial",
    "training on a short text that starts from vectors, by their length",
    measure,
    render,
    (
        ("corpus", {"help": "a text: its first megabytes make vectors, its last are trained on"}),
        option("--before-mb", 42.0, help="megabytes of the one (42)"),
        option("--own-mb", 8.0, help="megabytes of the other (8)"),
        option("--lengths", [0.0, 0.04, 1.0, 5.0, 20.0], help="mean lengths, and 0 for at random"),
        option("--dim", 50),
        option("--epochs", 3, help="of both (3)"),
        PAIRS,
        ROUNDS,
        THREADS,
    ),
    ("corpus", "before_mb", "own_mb", "dim", "epochs", "pairs", "threads"),
)
