"""How the time of a target grows with the number of words, for every output layer."""

from __future__ import annotations

from argparse import Namespace
from contextlib import ExitStack
from functools import cache
from typing import NamedTuple

import numpy as np

from benchmarks.benchmark import ROUNDS, SEED, THREADS, Benchmark, option
from benchmarks.drawings import THEORY, draw_times, least_times, microseconds
from benchmarks.pages import TITLES, Pages, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded, rounds
from benchmarks.texts import SENTENCE, names, zipf_counts
from benchmarks.variants import MODELS
from hsw2v.config import Config
from hsw2v.corpus.stream import encode_sentences
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability
from hsw2v.corpus.words import WordCorpus
from hsw2v.events import EpochEnd, Event
from hsw2v.training.building import first_structure
from hsw2v.training.trainer import Trainer

COUNTED = 10_000_000
"""Tokens of the text that the counts are of; what is trained on is drawn by them."""
PIECES = (998_400, 124_800, 15_600)
"""Tokens of texts to train on: 128, 16 and 2 blocks."""
MOST_EPOCHS = 20


class Amount(NamedTuple):
    """How much is trained in a run."""

    piece: int
    epochs: int


def measure(given: Namespace, record: Record) -> None:
    """Time the epochs of trainings: layers take turns within a number of words."""
    with ExitStack() as stack:
        text_of = cache(lambda words: Text(words, given.seed, stack))

        @cache
        def training(words: int, model: str, layer: str) -> Training:
            return Training(given, text_of(words), model, layer)

        def work(key: Fields) -> Fields | None:
            return training(key["words"], key["model"], key["layer"]).run()

        keys = rounds(given.rounds, words=given.sizes, model=given.models, layer=given.layers)
        record.measure(keys, work)


class Text:
    """A made-up text: counts by Zipf's law, and tokens drawn by them."""

    def __init__(self, words: int, seed: int, stack: ExitStack) -> None:
        tell(f"drawing a text of {words:,} words")
        counts = zipf_counts(words, COUNTED)
        self.vocabulary = Vocabulary.from_words(names(words), counts.tolist())
        self._keep = keep_probability(counts, Config().vocabulary.sample)
        drawn = np.random.default_rng(seed).random(PIECES[0])
        bounds = np.cumsum(counts) / counts.sum()
        self._ids = np.minimum(np.searchsorted(bounds, drawn), words - 1)
        self._stack = stack
        self.piece = cache(self._piece)

    def _piece(self, number: int) -> tuple[WordCorpus, float]:
        """Return one of `PIECES` to train on, and how many targets it has."""
        ids = self._ids[: PIECES[number]]
        rows = ids.reshape(-1, SENTENCE).tolist()
        sentences = ([self.vocabulary.words[one] for one in row] for row in rows)
        encoded = self._stack.enter_context(encode_sentences(sentences, Config().corpus))
        return WordCorpus.of(encoded, self.vocabulary), float(self._keep[ids].sum())


class Training:
    """Trainings of one output layer on one text."""

    def __init__(self, given: Namespace, text: Text, model: str, layer: str) -> None:
        self._text = text
        self._config = Config().replace(
            model=model,
            loss=layer,
            # It costs the same from the first block to the last.
            tree="huffman",
            # What output layers cost in theory is what all of their decisions do.
            node_sample=0.0,
            dim=given.dim,
            threads=given.threads,
        )
        smallest = Amount(len(PIECES) - 1, 1)
        # The first time is that of compiling too, or of loading what was compiled.
        self._seconds(smallest)
        least = self._seconds(smallest)
        self._amount = _about(given.seconds, least) if least <= given.most else None
        if not self._amount:
            tell(f"left out: {layer}, {model}, {len(text.vocabulary):,} words: too slow")

    def run(self) -> Fields | None:
        """Train, and return the targets over all epochs, as drawn, and the seconds of these."""
        if not self._amount:
            return None
        _, targets = self._text.piece(self._amount.piece)
        seconds = self._seconds(self._amount)
        return {"targets": round(targets * self._amount.epochs), "seconds": rounded(seconds)}

    def _seconds(self, amount: Amount) -> float:
        """Return what the epochs of a training take."""
        config = self._config.replace(epochs=amount.epochs).resolved()
        text, _ = self._text.piece(amount.piece)
        events: list[Event] = []
        base = first_structure(config, None, self._text.vocabulary, text, events.append)
        Trainer(config, self._text.vocabulary, base).train(text, events.append)
        return sum(one.seconds for one in events if isinstance(one, EpochEnd))


def _about(seconds: float, least: float) -> Amount:
    """Return what takes about so long, where an epoch of the smallest piece takes `least`."""
    epochs = [least * tokens / PIECES[-1] for tokens in PIECES]
    piece = next((i for i, one in enumerate(epochs) if one <= seconds), len(PIECES) - 1)
    return Amount(piece, max(1, min(MOST_EPOCHS, round(seconds / epochs[piece]))))


def render(record: Record, pages: Pages) -> str:
    """Return a drawing, the times, and how they grow."""
    setting = record.setting
    picture = pages.show(
        "time-per-word",
        "Time of a target against the number of words, for every output layer",
        draw_times,
        record,
    )
    parts = [picture]
    for model in record.values("model"):
        title = f"**{TITLES[model]}: µs a target** ({setting['dim']} dimensions, "
        title += f"{setting['threads']} threads; the least of the turns, and the most)"
        parts += [title, _times(record, model), _growth(record, model)]
    return "\n\n".join(parts)


def _times(record: Record, model: str) -> str:
    def cell(words: int, layer: str) -> str:
        found = [microseconds(run) for run in record.select(words=words, model=model, layer=layer)]
        return f"{min(found):.3g} ({max(found):.3g})" if found else "-"

    sizes = sorted(record.values("words"))
    return table(["V", *THEORY], [[f"{V:,}", *(cell(V, layer) for layer in THEORY)] for V in sizes])


def _growth(record: Record, model: str) -> str:
    """Return a table of the exponents of V that fit what was measured, and what theory says."""
    rows = []
    for layer, (name, growth) in THEORY.items():
        least = least_times(record, model, layer)
        if len(least) > 1:
            sizes = list(least)
            theory = exponent(sizes, [growth(one) for one in sizes])
            measured = exponent(sizes, list(least.values()))
            span = f"{sizes[0]:,} to {sizes[-1]:,}"
            rows.append([layer, span, f"{measured:.2f}", f"{theory:.2f} ({name})"])
    return table(["time grows as V to the power of", "V", "measured", "in theory"], rows)


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the power of the sizes that the values grow with: a straight line of logarithms."""
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)


BENCHMARK = Benchmark(
    "time-per-word",
    "time of a target against V, for every output layer",
    measure,
    render,
    (
        *(ROUNDS, THREADS, SEED),
        option("--sizes", [1_000, 3_000, 10_000, 30_000, 100_000]),
        option("--models", list(MODELS), choices=MODELS),
        option("--layers", list(THEORY), choices=THEORY),
        option("--seconds", 2.0, help="of a run, about (2)"),
        option("--most", 40.0, help="seconds of the least run there is (40)"),
        option("--dim", 100, help="dimensions (100)"),
    ),
    ("threads", "seed", "dim", "seconds"),
)
