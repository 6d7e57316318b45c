"""The output layers as diagnosis sees them: what they decide, and how often each row is visited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import drawing_odds
from hsw2v.query.probabilities import Floats
from hsw2v.report.decisions import Choice, Decisions, Indexes, Numbers, choose, norms, two_way
from hsw2v.trees.classes import Classes
from hsw2v.trees.shape import class_keep, node_keep
from hsw2v.trees.tree import Paths, Tree

NUMBERS_AT_ONCE = 1 << 20


class Rows(NamedTuple):
    """The R output rows, and how often each is visited: a visit is a window that changes it."""

    depths: NDArray[np.int64]
    """(R,)."""
    visits: Numbers
    """(R,), in an epoch; the mean of what chance does, where rows are drawn."""


class Layer(Protocol):
    """An output layer."""

    @property
    def name(self) -> str:
        """Which one, as the setting `loss` names it."""

    @property
    def at_once(self) -> int:
        """How many predictions are best looked at together."""

    def decide(self, hidden: Floats, targets: Indexes) -> Decisions:
        """Return what is decided when targets (P,) are predicted from hidden rows (P, D)."""

    def rows(self, kept: Numbers) -> Rows:
        """Return the output rows if word w is the target of `kept[w]` windows, (V,)."""


@dataclass(frozen=True, eq=False)
class TreeLayer:
    """Hierarchical softmax: a decision at every node of the path."""

    outputs: Floats
    """(V-1, D)."""
    tree: Tree
    paths: Paths
    node_sample: float
    """The threshold of subsampling decisions, as the setting."""
    name = "hs"

    @cached_property
    def at_once(self) -> int:
        """How many predictions are best looked at together."""
        return _at_once(int(self.paths.lengths.max(initial=0)) * self.outputs.shape[1])

    def decide(self, hidden: Floats, targets: Indexes) -> Decisions:
        """Return the decisions on the paths of targets, from the root down."""
        counts = self.paths.lengths[targets]
        before = np.cumsum(counts) - counts
        depths = np.arange(int(counts.sum())) - before.repeat(counts)
        steps = self.paths.offsets[targets].repeat(counts) + depths
        labels = 1 - self.paths.codes[steps].astype(np.int64)
        return two_way(hidden, self.outputs, counts, self.paths.nodes[steps], labels, depths)

    def rows(self, kept: Numbers) -> Rows:
        """Return the nodes: each is visited for the words below it, if it takes part."""
        depths = np.empty(len(self.tree.children), np.int64)
        for depth, level in enumerate(self.tree.levels):
            depths[level] = depth
        keep = node_keep(self.tree, kept, self.node_sample)
        return Rows(depths, keep * self.tree.node_weights(kept))


@dataclass(frozen=True, eq=False)
class ClassLayer:
    """Classes of words: a choice among the classes, then one among the words of the class."""

    outputs: Floats
    """(C+V, D): classes, then words."""
    classes: Classes
    node_sample: float
    """The threshold of subsampling decisions, as the setting."""
    name = "class"

    @cached_property
    def at_once(self) -> int:
        """How many predictions are best looked at together."""
        return _at_once(max(self.classes.count, int(self.classes.sizes.max())))

    def decide(self, hidden: Floats, targets: Indexes) -> Decisions:
        """Return both choices of each prediction; where there is one outcome there is none."""
        count, of = self.classes.count, self.classes.of[targets]
        everything = np.arange(len(targets))
        made = []
        if count > 1:
            first = choose(hidden, self.outputs[:count], of)
            made.append(_many_way(hidden, everything, 0, first, self.outputs[of]))
        for one in np.unique(of):
            if self.classes.sizes[one] > 1:
                which = np.nonzero(of == one)[0]
                members = self.classes.members[slice(*self.classes.offsets[one : one + 2])]
                words = self.outputs[count + members]
                right = self.classes.places[targets[which]]
                second = choose(hidden[which], words, right)
                made.append(_many_way(hidden, which, 1, second, words[right]))
        return _together(made, hidden)

    def rows(self, kept: Numbers) -> Rows:
        """Return the rows: each choice, if it takes part, visits all of its own."""
        count, of = self.classes.count, self.classes.of
        by_choice = np.append(kept.sum(), np.bincount(of, kept, count))
        by_choice *= class_keep(self.classes, kept, self.node_sample)
        return Rows(
            np.repeat([0, 1], [count, len(of)]),
            np.concatenate((np.full(count, by_choice[0]), by_choice[1:][of])),
        )


@dataclass(frozen=True, eq=False)
class SoftmaxLayer:
    """The softmax over all words: one choice among them; that of sampled softmax, too, exactly."""

    outputs: Floats
    """(V, D)."""
    touched: Numbers
    """(V,), the chance that a window of another target changes a row: 1 unless sampled."""
    name: str = "softmax"

    @property
    def at_once(self) -> int:
        """How many predictions are best looked at together."""
        # All rows are read each time, from memory: that is to be worth it.
        return 16 * _at_once(len(self.outputs))

    def decide(self, hidden: Floats, targets: Indexes) -> Decisions:
        """Return the one choice of each prediction; none where there is one word."""
        if len(self.outputs) == 1:
            return _together([], hidden)
        made = choose(hidden, self.outputs, targets)
        every = np.arange(len(targets))
        return _together([_many_way(hidden, every, 0, made, self.outputs[targets])], hidden)

    def rows(self, kept: Numbers) -> Rows:
        """Return the rows of words."""
        return Rows(np.zeros(len(kept), np.int64), _visits(kept, self.touched))


@dataclass(frozen=True, eq=False)
class NegativeLayer:
    """Negative sampling: yes for the target, no for each of the words drawn."""

    outputs: Floats
    """(V, D)."""
    noise: Numbers
    """(V,), the share of draws that each word has."""
    negative: int
    chance: np.random.Generator
    name = "ns"

    @property
    def at_once(self) -> int:
        """How many predictions are best looked at together."""
        return _at_once((1 + self.negative) * self.outputs.shape[1])

    def decide(self, hidden: Floats, targets: Indexes) -> Decisions:
        """Return the decisions about the target and about the words drawn, each once."""
        rows = np.column_stack((targets, self._draw(len(targets))))
        new = np.ones(rows.shape, np.bool_)
        for place in range(1, rows.shape[1]):
            new[:, place] = (rows[:, :place] != rows[:, place, None]).all(axis=1)
        labels = np.zeros(rows.shape, np.int64)
        labels[:, 0] = 1
        nowhere = np.zeros(int(new.sum()), np.int64)
        return two_way(hidden, self.outputs, new.sum(axis=1), rows[new], labels[new], nowhere)

    def rows(self, kept: Numbers) -> Rows:
        """Return the rows of words: visited as targets, and when they are drawn."""
        touched = _touched(self.noise, self.negative)
        return Rows(np.zeros(len(kept), np.int64), _visits(kept, touched))

    def _draw(self, predictions: int) -> Indexes:
        borders = np.cumsum(self.noise)
        places = self.chance.random((predictions, self.negative)) * borders[-1]
        drawn: Indexes = np.searchsorted(borders[:-1], places, side="right")
        return drawn


def layer_of(
    settings: TrainingConfig,
    outputs: Floats,
    counts: NDArray[np.int64],
    *,
    tree: Tree | None = None,
    classes: Classes | None = None,
    seed: int = 1,
) -> Layer:
    """Return the layer of a model, or of one under training.

    `settings` tell `node_sample`. `outputs` are its rows, (V-1, D) with a tree, (C+V, D) with
    classes, or (V, D); columns that hold zeros do no harm. `counts (V,)` are the vocabulary's,
    `seed` that of the words drawn where there is neither tree nor classes and the loss is no
    softmax.
    """
    if tree is not None:
        assert settings.node_sample is not None
        return TreeLayer(outputs, tree, tree.paths(), settings.node_sample)
    if classes is not None:
        assert settings.node_sample is not None
        return ClassLayer(outputs, classes, settings.node_sample)
    if settings.loss == "softmax":
        return SoftmaxLayer(outputs, np.ones(len(outputs)))
    odds = drawing_odds(counts, settings.ns_exponent)
    noise = odds / odds.sum()
    if settings.loss == "sampled":
        return SoftmaxLayer(outputs, _touched(noise, settings.samples), "sampled")
    return NegativeLayer(outputs, noise, settings.negative, np.random.default_rng(seed))


def _at_once(numbers: int) -> int:
    """Return how many predictions are looked at together, if each takes so many numbers."""
    return max(1, NUMBERS_AT_ONCE // max(1, numbers))


def _many_way(
    hidden: Floats, predictions: Indexes, depth: int, choice: Choice, right: Floats
) -> tuple[Decisions, Floats]:
    """Return the choices of some predictions as decisions of a depth, and their gradients.

    `right (n, D)` are the rows of the right outcomes.
    """
    found = Decisions(
        predictions,
        np.full(len(predictions), depth),
        choice.odds,
        choice.certainties,
        choice.error_norms * norms(hidden[predictions]),
        norms(choice.gradients),
        norms(right),
        np.empty(0),
    )
    return found, choice.gradients


def _together(made: list[tuple[Decisions, Floats]], hidden: Floats) -> Decisions:
    """Join decisions, and add up what each prediction gets of them."""
    gradients = np.zeros(hidden.shape)
    for some, parts in made:
        gradients[some.predictions] += parts
    none = np.empty(0, np.int64), np.empty(0, np.int64), *(np.empty(0),) * 6
    fields = zip(none, *(some for some, _ in made), strict=True)
    joined = Decisions(*(np.concatenate(parts) for parts in fields))
    return joined._replace(hidden_gradients=norms(gradients))


def _touched(noise: Numbers, draws: int) -> Numbers:
    """Return the chance of each word to be among so many draws, (V,)."""
    chances: Numbers = -np.expm1(draws * np.log1p(-np.minimum(noise, 1.0 - 1e-16)))
    return chances


def _visits(kept: Numbers, touched: Numbers) -> Numbers:
    """Return how often each word is a target, or touched by a window of another one."""
    visits: Numbers = kept + (kept.sum() - kept) * touched
    return visits
