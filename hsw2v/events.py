"""Events of long work: training, reading, scoring and the like.

Work never prints: it calls a `Listener` with these events, which the command line shows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """Base class of events."""


@dataclass(frozen=True)
class CorpusProgress(Event):
    """How far the reading of the corpus is."""

    bytes_read: int
    """Bytes read so far, as stored (compressed bytes of compressed files)."""
    bytes_total: int | None
    """Bytes of all inputs, as stored; None where the size of one is unknown."""
    tokens: int
    types: int
    seconds: float


@dataclass(frozen=True)
class GraphReady(Event):
    """A graph is read."""

    nodes: int
    edges: int
    directed: bool
    graph_format: str
    """The setting `graph_format`, or what it was taken for."""
    seconds: float


@dataclass(frozen=True)
class WalkProgress(Event):
    """How far the walks over a graph are."""

    walks: int
    walks_total: int
    seconds: float


@dataclass(frozen=True)
class PhrasesProgress(Event):
    """How far the joining of phrases is."""

    stage: str
    """A name for people."""
    number: int
    """The pass under way, counted from 1."""
    passes: int
    done: int
    total: int
    """Ids that this stage looks at."""
    seconds: float


@dataclass(frozen=True)
class PhrasesReady(Event):
    """The phrases of a corpus are found, and joined in it."""

    phrases: list[int]
    """How many each pass has found."""
    tokens: int
    """Tokens that are left."""
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
    """The setting `tree` or `classes`."""
    stage: str
    """A name for people."""
    done: int
    total: int
    """Steps of this stage. Of the semantic tree the number of words V, and `done` is the share of
    the work that is done, times V."""
    objective: float | None
    """Log-likelihood a bigram, in nats, of brown and exchange."""
    seconds: float


@dataclass(frozen=True)
class TreeReady(Event):
    """A tree is built or read, or several are, and training goes on with them."""

    tree: str
    """The setting `tree`."""
    trees: int
    """How many there are."""
    mean_length: float
    """Mean path length, weighted by counts after subsampling, over all trees."""
    trained_length: float
    """The part of it that takes part in training (`node_sample`)."""
    longest: int
    entropy: float
    """The least that `mean_length` can be, in bits."""
    objective: float | None
    """Log-likelihood a bigram, in nats, of brown."""
    seconds: float


@dataclass(frozen=True)
class ClassesReady(Event):
    """Word classes are built, and training goes on with them."""

    classes: str
    """The setting `classes`."""
    count: int
    mean_rows: float
    """Mean number of output rows of a target, weighted by counts after subsampling."""
    trained_rows: float
    """The part of them that takes part in training (`node_sample`)."""
    largest: int
    """Words of the largest class."""
    objective: float | None
    """Log-likelihood a bigram, in nats, of exchange."""
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
    """The output layer that is trained, as the setting `loss` names it."""
    loss: float | None
    """Mean negative log-likelihood of a prediction since the last event, in nats; None before."""
    seconds: float
    """Of training so far, without the building of trees or classes."""
    seconds_left: float


@dataclass(frozen=True)
class EpochEnd(Event):
    """An epoch is over."""

    epoch: int
    epochs: int
    output: str
    """The output layer at the end of the epoch, as the setting `loss` names it."""
    loss: float | None
    """Its mean negative log-likelihood of a prediction, in nats, since the epoch began, or since
    another output layer or tree took over."""
    heldout_loss: float | None
    heldout_perplexity: float | None
    """exp(heldout_loss); None also where that overflows."""
    tokens: int
    seconds: float
    """Of training alone."""


@dataclass(frozen=True)
class ScoringProgress(Event):
    """How far the scoring of a text is."""

    tokens: int
    tokens_total: int
    seconds: float


@dataclass(frozen=True)
class LoadingProgress(Event):
    """How far a file of vectors is loaded, where that takes seconds; it ends with `total` done."""

    stage: str
    """A name for people: reading, or composing words of their n-grams."""
    done: int
    """Bytes as stored, or words."""
    total: int | None
    """None where it is not known."""
    seconds: float


@dataclass(frozen=True)
class LabelsProgress(Event):
    """How far the evaluation on labels is."""

    trials: int
    trials_total: int
    seconds: float


@dataclass(frozen=True)
class VectorsProgress(Event):
    """How far work on many vectors is."""

    stage: str
    """A name for people: sentences, writing, neighbours, index or rotating."""
    done: int
    total: int | None
    """None where it is not known."""
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
    """As in `Diagnosis.to_dict()`, like the next two."""
    by_decile: list[dict[str, Any]]
    totals: dict[str, Any]


@dataclass(frozen=True)
class Preparing(Event):
    """Code for the runs of an experiment is compiled, or loaded."""

    settings: int
    """Number of settings that are compared."""


@dataclass(frozen=True)
class RunBegin(Event):
    """A run of an experiment begins: one of its settings is trained with one of its seeds."""

    run: int
    """Counted from 1, runs of before included."""
    runs: int
    setting: str
    """Its name."""
    seed: int


@dataclass(frozen=True)
class RunEnd(Event):
    """A run of an experiment is over, and its results are kept."""

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
    """Why there are no results; empty if there are."""


@dataclass(frozen=True)
class Notice(Event):
    """A sentence for the user (replaced bytes, dropped types, …)."""

    message: str


@dataclass(frozen=True)
class HeldoutProgress(Event):
    """How far the evaluation of the held-out loss is."""

    blocks: int
    blocks_total: int
    seconds: float


@dataclass(frozen=True)
class MapProgress(Event):
    """How far the positions of the words of a map are."""

    iterations: int
    iterations_total: int
    seconds: float


class Pace:
    """A clock for progress: it says when the next event is due."""

    SECONDS = 0.25

    def __init__(self) -> None:
        self._begun = self._last = time.perf_counter()

    def due(self) -> bool:
        """Tell whether `SECONDS` have passed since it last was, or since the beginning."""
        now = time.perf_counter()
        if now - self._last < self.SECONDS:
            return False
        self._last = now
        return True

    @property
    def seconds(self) -> float:
        """The time since the beginning."""
        return time.perf_counter() - self._begun

    def stand(self, seconds: float) -> None:
        """Leave seconds that have just passed out of the time."""
        self._begun += seconds


Listener = Callable[[Event], None]


def to_each(*listeners: Listener) -> Listener:
    """Return a listener that tells each of these of an event, in their order."""

    def listen(event: Event) -> None:
        for one in listeners:
            one(event)

    return listen


def ignore(event: Event) -> None:
    """Do nothing."""
