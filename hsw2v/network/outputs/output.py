"""What every output layer says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import UnionType
from typing import Any, ClassVar, Generic, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.errors import UsageError
from hsw2v.network.decisions import Decisions, Indexes, Numbers
from hsw2v.query.probabilities import Floats, Softmax
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import Forest
from hsw2v.trees.tree import Tree

Structure = Tree | Forest | Classes
"""What output rows may stand for parts of."""


class Rows(NamedTuple):
    """The R output rows, and how often each is visited: a visit is a window that changes it."""

    depths: NDArray[np.int64]
    """(R,)."""
    visits: Numbers
    """(R,), in an epoch; the expectation, where rows are drawn at random."""


class Extended(NamedTuple):
    """What an output layer becomes when words join it."""

    structure: Structure | None
    """Its trees or classes, if it has some."""
    rows: NDArray[np.int64]
    """(R,) int64, which of its rows each row was; -1 for new ones."""


class OutputLayer(ABC):
    """An output layer of some words; its output vectors (R, D) are kept apart from it."""

    name: ClassVar[str]
    """What the setting `loss` calls it."""
    settings: ClassVar[tuple[str, ...]]
    """The settings that other output layers may have no use for."""
    refusal: ClassVar[tuple[str, str] | None] = None
    """Why its scores are no probabilities, and what to do, for whoever asks for some."""
    structure: ClassVar[type | UnionType | None] = None
    """The type of `built_of`."""
    built_of: Structure | None = None
    """The trees or the classes that its rows stand for, if any."""
    table_tensor: ClassVar[str] = "outputs"
    """What a model file calls its output vectors."""

    @classmethod
    @abstractmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of words that occur `counts (V,)` times."""

    @classmethod
    @abstractmethod
    def rows_for(cls, training: TrainingConfig, words: int) -> int:
        """Return the most output rows that it has in a training on so many words."""

    @classmethod
    def rebuilt(cls, training: TrainingConfig) -> bool:
        """Tell whether its structure is built from the word vectors during training."""
        return False

    @classmethod
    def used(cls, training: TrainingConfig) -> tuple[str, ...]:
        """Return the settings, of `settings` or of other output layers, that have an effect."""
        rebuilt = cls.rebuilt(training)
        return tuple(one for one in cls.settings if rebuilt or not one.startswith("rebuild_"))

    def probabilities(self, outputs: Floats, *, normalize_exactly: bool) -> Softmax:
        """Return what `softmax` does; if scores are none, only if they are to be normalised.

        Raises:
            UsageError: they are not.
        """
        if self.refusal is not None and not normalize_exactly:
            what, hint = self.refusal
            raise UsageError(what, hint=hint)
        return self.softmax(outputs)

    @property
    @abstractmethod
    def rows(self) -> int:
        """The number of output rows R."""

    @property
    def group(self) -> int:
        """The most output rows that are scored together."""
        return 1

    @property
    def sampled_rows(self) -> slice | None:
        """The rows of words that negative sampling trains, in order; None if it does not."""
        return None

    @abstractmethod
    def untrained_loss(self, weights: Numbers) -> float:
        """Return the mean loss of output vectors of zeros, in nats: all odds are even.

        `weights (V,)` are how often each word is a target.
        """

    @abstractmethod
    def softmax(self, outputs: Floats) -> Softmax:
        """Return its exact softmax, given its output vectors (R, D)."""

    @abstractmethod
    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""

    @abstractmethod
    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return what is decided when targets (P,) are predicted from hidden vectors (P, D)."""

    def prediction_losses(self, made: Decisions, predictions: int) -> Numbers:
        """Return the loss of each prediction, (P,) in nats, given what `decide` returned."""
        return np.bincount(made.predictions, made.losses, predictions).astype(np.float64)

    @abstractmethod
    def visits(self, kept: Numbers) -> Rows:
        """Return the output rows if word w is the target of `kept[w]` windows, (V,)."""

    def frequent(self, kept: Numbers, count: int) -> NDArray[np.bool_]:
        """Return which of the output rows are the `count` visited most often, (R,) bool."""
        visits = self.visits(kept).visits
        found = np.zeros(len(visits), np.bool_)
        found[np.argsort(-visits, kind="stable")[:count]] = True
        return found

    @abstractmethod
    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return what it becomes with V words, of which some are new.

        `counts (V,)` tell how often they occur, `before (V,)` which word of this layer each was;
        -1 for new ones.
        """


T = TypeVar("T", Tree | Forest, Classes)


class BuiltOutput(OutputLayer, Generic[T]):
    """An output layer whose rows stand for parts of trees, or for classes."""

    structure_tensor: ClassVar[str]
    """What a model file calls its trees or classes, an int32 array."""
    built_of: T

    def __init__(self, built_of: T, node_sample: float) -> None:
        """Take a tree, or classes, and the threshold of subsampling decisions, as the setting."""
        self.built_of, self.node_sample = built_of, node_sample

    @classmethod
    def of(cls, training: TrainingConfig, counts: NDArray[np.int64], structure: Any) -> Self:
        """Return the output layer of a tree, or of classes."""
        assert training.node_sample is not None
        return cls(structure, training.node_sample)

    @staticmethod
    def known_first(before: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the words, (V,) int64, as `extended` has them: known ones as they were, then new.

        `before` is that of `extended`.
        """
        return np.argsort(np.where(before < 0, len(before), before), kind="stable")

    @classmethod
    @abstractmethod
    def sizes(cls, words: int, rows: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return how many output rows a model file must have, and the shape of its structure.

        It has so many words and rows, and an array of its trees or classes of that `shape`.
        """

    @classmethod
    @abstractmethod
    def from_tensor(cls, array: NDArray[np.int32], rows: int) -> T:
        """Return the trees or classes of an array, unchecked, given the number of output rows."""

    @staticmethod
    @abstractmethod
    def to_tensor(built_of: T) -> NDArray[np.int32]:
        """Return the array of trees or of classes."""
