"""What a long piece of work tells those who watch it.

Work never prints: it calls a `Listener` with one of these events, and the command line (or a
notebook, or nobody) shows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened during a long piece of work."""


@dataclass(frozen=True)
class CorpusProgress(Event):
    """How far the reading of the corpus is."""

    bytes_read: int
    """Bytes of input read so far, as stored (compressed bytes of compressed files)."""
    bytes_total: int | None
    """Bytes of all inputs as stored; None where a source does not tell its size."""
    tokens: int
    types: int
    seconds: float


@dataclass(frozen=True)
class VocabularyReady(Event):
    """The corpus is read and its vocabulary is made."""

    words: int
    types: int
    tokens: int
    sentences: int
    tokens_in_vocabulary: int
    seconds: float


@dataclass(frozen=True)
class Resumed(Event):
    """A training that was interrupted goes on."""

    epoch: int
    """The epoch it is in, from 1."""
    block: int
    """Blocks of it that are done."""
    checkpoint: str


@dataclass(frozen=True)
class CheckpointWritten(Event):
    """The training was kept, so that `resume` can go on from here."""

    checkpoint: str
    seconds: float
    """What that took: the threads have waited."""


@dataclass(frozen=True)
class TreeProgress(Event):
    """How far the building of a tree is, or of classes."""

    tree: str
    """Which one, as the setting `tree` or `classes` names it."""
    stage: str
    """What is being done, for people."""
    done: int
    total: int
    """Steps of this stage."""
    objective: float | None
    """What the stage makes better (for brown: log-likelihood a bigram, in nats), if anything."""
    seconds: float


@dataclass(frozen=True)
class TreeReady(Event):
    """The tree that training goes on with is there."""

    tree: str
    """Which one, as the setting `tree` names it."""
    mean_length: float
    """Decisions a target: path lengths weighted by counts after subsampling."""
    trained_length: float
    """Those of them that take part in training (`node_sample`), in the mean."""
    longest: int
    entropy: float
    """The least that `mean_length` can be, in bits."""
    objective: float | None
    """What its building improved (for brown: log-likelihood a bigram, in nats), if anything."""
    seconds: float


@dataclass(frozen=True)
class ClassesReady(Event):
    """The classes of words that training goes on with are there."""

    classes: str
    """How they were made, as the setting `classes` names it."""
    count: int
    mean_rows: float
    """Output rows a target, weighted by counts after subsampling."""
    trained_rows: float
    """Those of them that take part in training (`node_sample`), in the mean."""
    largest: int
    """Words of the largest class."""
    objective: float | None
    """What their making made better (for exchange: log-likelihood a bigram, in nats), if any."""
    seconds: float


@dataclass(frozen=True)
class TrainingProgress(Event):
    """How far training is."""

    epoch: int
    """The epoch under way, counted from 1."""
    epochs: int
    tokens: int
    """Tokens of the corpus passed so far, over all epochs."""
    tokens_total: int
    tokens_per_second: float
    lr: float
    output: str
    """The output layer, as the setting `loss` names it: what the loss is of."""
    loss: float | None
    """Mean negative log-likelihood a prediction, in nats, since the last event; None before any."""
    seconds: float
    seconds_left: float


@dataclass(frozen=True)
class EpochEnd(Event):
    """An epoch is over."""

    epoch: int
    epochs: int
    output: str
    """The output layer at the end of the epoch, as the setting `loss` names it."""
    loss: float | None
    """Its mean negative log-likelihood a prediction, in nats: over the epoch, or over what is left
    of it after another output layer or tree took over."""
    heldout_loss: float | None
    heldout_perplexity: float | None
    """exp of it; None also where that is beyond a float."""
    tokens: int
    seconds: float
    """Of training, without what was measured."""


@dataclass(frozen=True)
class ScoringProgress(Event):
    """How far the scoring of a text is."""

    tokens: int
    tokens_total: int
    seconds: float


@dataclass(frozen=True)
class DiagnosisProgress(Event):
    """How far a diagnosis is."""

    windows: int
    """Windows looked at so far."""
    windows_total: int
    seconds: float


@dataclass(frozen=True)
class GradientsRecorded(Event):
    """Errors and gradients at windows of a block, before it is trained on."""

    epoch: int
    """The epoch under way, counted from 1."""
    block: int
    """The block of the corpus, counted from 0."""
    tokens: int
    """Tokens of the corpus passed so far, over all epochs."""
    output: str
    """The output layer, as the setting `loss` names it."""
    by_depth: list[dict[str, Any]]
    """As `Diagnosis.to_dict()` has them, and so the rest."""
    by_decile: list[dict[str, Any]]
    totals: dict[str, Any]


@dataclass(frozen=True)
class Preparing(Event):
    """What the runs of an experiment need is made ready; the first time that means compiling."""

    settings: int
    """For so many settings."""


@dataclass(frozen=True)
class RunBegin(Event):
    """A run of an experiment begins: a training with one of its settings and one of its seeds."""

    run: int
    """Counted from 1, those included that were known before."""
    runs: int
    setting: str
    """Its name."""
    seed: int


@dataclass(frozen=True)
class RunEnd(Event):
    """A run of an experiment is over, and its figures are kept."""

    run: int
    runs: int
    setting: str
    seed: int
    seconds: float | None
    """Of training."""
    heldout_loss: float | None
    quality: dict[str, float | None]
    """Correlation with each set of pairs, and accuracy on each set of analogies."""
    problem: str
    """Why there are no figures; empty if there are."""


@dataclass(frozen=True)
class Notice(Event):
    """A sentence that the user should see once (replaced bytes, dropped types, …)."""

    message: str


@dataclass(frozen=True)
class HeldoutProgress(Event):
    """How far the measuring of a held-out loss is."""

    blocks: int
    blocks_total: int
    seconds: float


class Pace:
    """A clock for those who tell how far they are: not at every step, but now and then."""

    SECONDS = 0.25

    def __init__(self) -> None:
        """Begin now."""
        self._begun = self._told = time.perf_counter()

    def due(self) -> bool:
        """Tell whether nothing was told for a while; if so, it counts as told now."""
        now = time.perf_counter()
        if now - self._told < self.SECONDS:
            return False
        self._told = now
        return True

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.perf_counter() - self._begun

    def stand(self, seconds: float) -> None:
        """Leave some seconds that just went by out of the time."""
        self._begun += seconds


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""
