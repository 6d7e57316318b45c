"""Classes of words: a choice among the classes, then one among the words of the class."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.network.decisions import (
    Decisions,
    Indexes,
    Numbers,
    at_once,
    choose,
    joined,
    many_way,
)
from hsw2v.network.outputs.output import BuiltOutput, Extended, Rows
from hsw2v.query.classes import ClassSoftmax
from hsw2v.query.probabilities import Floats
from hsw2v.trees.classes import Classes
from hsw2v.trees.graft import join
from hsw2v.trees.shape import class_keep


def class_count(training: TrainingConfig, words: int) -> int:
    """Return the number of classes C: √V if it is not set, where a step costs least."""
    return min(training.num_classes or math.isqrt(words - 1) + 1, words)


class ClassOutput(BuiltOutput[Classes]):
    """A row for each of C classes, then one for each word (Goodman 2001)."""

    name = "class"
    settings = ("classes", "num_classes", "rebuild_at", "rebuild_every", "node_sample")
    structure = Classes
    structure_tensor = "classes"

    @classmethod
    def rebuilt(cls, training: TrainingConfig) -> bool:
        """Tell whether the classes are those of like vectors."""
        return training.classes == "kmeans"

    @classmethod
    def rows_for(cls, training: TrainingConfig, words: int) -> int:
        """Return C+V."""
        return words + class_count(training, words)

    @property
    def classes(self) -> Classes:
        """The classes."""
        return self.built_of

    @property
    def rows(self) -> int:
        """The number of classes and words, C+V."""
        return self.classes.count + len(self.classes)

    @property
    def group(self) -> int:
        """The number of classes, or of words of the largest, if these are more."""
        return max(self.classes.count, int(self.classes.sizes.max()))

    def keep(self, weights: Numbers) -> Numbers:
        """Return the probability of each choice to take part in a window, (1+C,).

        `weights (V,)` tell how often each word is a target.
        """
        return class_keep(self.classes, weights, self.node_sample)

    def softmax(self, outputs: Floats) -> ClassSoftmax:
        """Return the probabilities of class and word."""
        return ClassSoftmax(outputs, self.classes)

    def untrained_loss(self, weights: Numbers) -> float:
        """Return the loss of even odds among the classes, and among the words of one, in nats."""
        members = np.log(self.classes.sizes[self.classes.of])
        return math.log(self.classes.count) + float(np.average(members, weights=weights))

    def at_once(self, dim: int) -> int:
        """Return how many predictions `decide` is best asked about."""
        return at_once(self.group)

    def decide(
        self, outputs: Floats, hidden: Floats, targets: Indexes, rng: np.random.Generator
    ) -> Decisions:
        """Return both choices of each prediction; where there is one outcome there is none."""
        count, of = self.classes.count, self.classes.of[targets]
        everything = np.arange(len(targets))
        made = []
        if count > 1:
            first = choose(hidden, outputs[:count], of)
            made.append(many_way(hidden, everything, 0, first, outputs[of]))
        for one in np.unique(of):
            if self.classes.sizes[one] > 1:
                which = np.nonzero(of == one)[0]
                members = self.classes.members[slice(*self.classes.offsets[one : one + 2])]
                words = outputs[count + members]
                right = self.classes.places[targets[which]]
                second = choose(hidden[which], words, right)
                made.append(many_way(hidden, which, 1, second, words[right]))
        return joined(made, hidden)

    def visits(self, kept: Numbers) -> Rows:
        """Return the rows: each choice, if it takes part, visits all of its own."""
        count, of = self.classes.count, self.classes.of
        by_choice = np.append(kept.sum(), np.bincount(of, kept, count)) * self.keep(kept)
        return Rows(
            np.repeat([0, 1], [count, len(of)]),
            np.concatenate((np.full(count, by_choice[0]), by_choice[1:][of])),
        )

    def extended(self, counts: NDArray[np.int64], before: NDArray[np.int64]) -> Extended:
        """Return the same classes with new words in them."""
        words, count = self.known_first(before), self.classes.count
        of = np.empty(len(words), np.int32)
        of[words] = join(self.classes, counts[words]).of
        rows = np.concatenate((np.arange(count), np.where(before < 0, -1, count + before)))
        return Extended(Classes(of, count), rows)

    @classmethod
    def sizes(cls, words: int, rows: int, shape: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
        """Return C+V rows, of at least one class, and the shape (V,)."""
        return max(words + 1, rows), (words,)

    @classmethod
    def from_tensor(cls, array: NDArray[np.int32], rows: int) -> Classes:
        """Return the classes that words are in."""
        return Classes(array, rows - len(array))

    @staticmethod
    def to_tensor(built_of: Classes) -> NDArray[np.int32]:
        """Return the class of each word."""
        return built_of.of
