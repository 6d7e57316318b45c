"""How the time of a target grows with the number of words, for every output layer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.laboratory import rounded, save
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measuring import tell
from benchmarks.zipf_text import SENTENCE, zipf_counts
from hsw2v.config import Config
from hsw2v.corpus.stream import EncodedCorpus, encode_sentences
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability
from hsw2v.corpus.words import WordCorpus
from hsw2v.events import EpochEnd, Event
from hsw2v.training.building import first_structure
from hsw2v.training.trainer import Trainer

LAYERS = ("hs", "class", "ns", "sampled", "softmax")
MODELS = ("skipgram", "cbow")
COUNTED = 10_000_000
"""Tokens of the text that the counts are of; what is trained on is drawn by them."""
PIECES = (998_400, 124_800, 15_600)
"""Tokens of texts to train on: 128, 16 and 2 blocks."""
MOST_EPOCHS = 20


class Key(NamedTuple):
    """What a run is known by."""

    model: str
    layer: str
    words: int
    turn: int


@dataclass(frozen=True)
class Run:
    """One training, measured."""

    model: str
    layer: str
    words: int
    turn: int
    targets: int
    """Words that were kept, over all epochs, as chance would have it."""
    seconds: float
    """Of the epochs, wall clock."""

    @property
    def key(self) -> Key:
        """What the run is known by."""
        return Key(self.model, self.layer, self.words, self.turn)

    @property
    def each(self) -> float:
        """The microseconds of a target."""
        return self.seconds / self.targets * 1e6


@dataclass(frozen=True)
class Setting:
    """What all runs share."""

    machine: str
    versions: str
    command: str
    threads: int
    dim: int
    seconds: float
    """What a run is to take, where it can be that short."""


@dataclass(frozen=True)
class Record:
    """All that was found."""

    setting: Setting
    runs: list[Run]

    def save(self, path: Path) -> None:
        """Write the record."""
        save(asdict(self), path)

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record as `save` wrote it."""
        found = json.loads(path.read_text(encoding="utf-8"))
        return cls(Setting(**found["setting"]), [Run(**one) for one in found["runs"]])

    def each(self, model: str, layer: str) -> dict[int, list[float]]:
        """Return the microseconds of a target, by number of words, those of every turn."""
        found: dict[int, list[float]] = {}
        for one in self.runs:
            if (one.model, one.layer) == (model, layer):
                found.setdefault(one.words, []).append(one.each)
        return dict(sorted(found.items()))


@dataclass(frozen=True)
class Plan:
    """Which runs are wanted."""

    models: Sequence[str]
    layers: Sequence[str]
    sizes: Sequence[int]
    turns: int
    seed: int
    most_seconds: float
    """Of the shortest run that there can be: what takes longer is left out."""


def describe(command: str, threads: int, dim: int, seconds: float) -> Setting:
    """Return a setting on this machine."""
    versions = describe_versions(["hsw2v", "numpy", "numba"])
    return Setting(describe_machine(), versions, command, threads, dim, seconds)


def measure(setting: Setting, plan: Plan, path: Path) -> Record:
    """Do the runs that a file does not hold yet, and keep their figures there as they come.

    Layers take turns within a number of words, and all of them are measured before the next turn.
    """
    record = Record.load(path) if path.exists() else Record(setting, [])
    known = {one.key for one in record.runs}
    with ExitStack() as texts:
        made: dict[int, Text] = {}
        chosen: dict[tuple[str, str, int], Amount | None] = {}
        for turn in range(1, plan.turns + 1):
            for words in plan.sizes:
                for model, layer in _pairs(plan):
                    key = Key(model, layer, words, turn)
                    if key in known:
                        continue
                    if words not in made:
                        made[words] = texts.enter_context(Text(words, plan.seed))
                    training = Training(setting, made[words], model, layer)
                    if key[:3] not in chosen:
                        chosen[key[:3]] = training.amount(setting.seconds, plan.most_seconds)
                    if amount := chosen[key[:3]]:
                        run = training.run(turn, amount)
                        tell(f"{layer}, {model}, {words:,} words: {run.each:.3f} µs a target")
                        record.runs.append(run)
                        record.save(path)
                    elif turn == 1:
                        tell(f"left out: {layer}, {model}, {words:,} words: too slow")
    return record


def _pairs(plan: Plan) -> Iterator[tuple[str, str]]:
    return ((model, layer) for model in plan.models for layer in plan.layers)


class Text:
    """A made-up text: counts by Zipf's law, and tokens drawn by them."""

    def __init__(self, words: int, seed: int) -> None:
        tell(f"drawing a text of {words:,} words")
        names = [f"w{rank}" for rank in range(words)]
        counts = zipf_counts(words, COUNTED)
        self.vocabulary = Vocabulary.from_words(names, counts.tolist())
        self.keep = keep_probability(counts, Config().vocabulary.sample)
        drawn = np.random.default_rng(seed).random(PIECES[0])
        bounds = np.cumsum(counts) / counts.sum()
        self._names = names
        self._ids = np.minimum(np.searchsorted(bounds, drawn), words - 1)
        self._pieces: dict[int, EncodedCorpus] = {}

    def __enter__(self) -> Text:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let the tokens go."""
        for encoded in self._pieces.values():
            encoded.close()

    def piece(self, number: int) -> tuple[WordCorpus, float]:
        """Return one of `PIECES` to train on, and how many targets it has."""
        ids = self._ids[: PIECES[number]]
        if number not in self._pieces:
            sentences = ids.reshape(-1, SENTENCE).tolist()
            words = ([self._names[one] for one in sentence] for sentence in sentences)
            self._pieces[number] = encode_sentences(words, Config().corpus)
        text = WordCorpus.of(self._pieces[number], self.vocabulary)
        return text, float(self.keep[ids].sum())


class Amount(NamedTuple):
    """How much is trained in a run."""

    piece: int
    epochs: int


class Training:
    """Trainings of one output layer on one text."""

    def __init__(self, setting: Setting, text: Text, model: str, layer: str) -> None:
        self._text, self._model, self._layer = text, model, layer
        self._config = Config().replace(
            model=model,
            loss=layer,
            # It costs the same from the first block to the last.
            tree="huffman",
            # What output layers cost in theory is what all of their decisions do.
            node_sample=0.0,
            dim=setting.dim,
            threads=setting.threads,
        )

    def amount(self, seconds: float, most: float) -> Amount | None:
        """Return what takes about so many seconds; None if the least takes more than `most`."""
        smallest = len(PIECES) - 1
        # The first time is that of compiling too, or of loading what was compiled.
        self._seconds(Amount(smallest, 1))
        least = self._seconds(Amount(smallest, 1))
        if least > most:
            return None
        for piece, tokens in enumerate(PIECES):
            epoch = least * tokens / PIECES[smallest]
            if epoch <= seconds or piece == smallest:
                return Amount(piece, max(1, min(MOST_EPOCHS, round(seconds / epoch))))
        raise AssertionError

    def run(self, turn: int, amount: Amount) -> Run:
        """Train, and measure it."""
        _, targets = self._text.piece(amount.piece)
        return Run(
            self._model,
            self._layer,
            len(self._text.vocabulary),
            turn,
            round(targets * amount.epochs),
            rounded(self._seconds(amount)),
        )

    def _seconds(self, amount: Amount) -> float:
        """Return what the epochs of a training take."""
        config = self._config.replace(epochs=amount.epochs).resolved()
        text, _ = self._text.piece(amount.piece)
        ends: list[EpochEnd] = []

        def listen(event: Event) -> None:
            if isinstance(event, EpochEnd):
                ends.append(event)

        base = first_structure(config, None, self._text.vocabulary, text, listen)
        Trainer(config, self._text.vocabulary, base).train(text, listen)
        return sum(one.seconds for one in ends)
