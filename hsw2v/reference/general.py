"""Training on a block in general: the definition of `kernels.general.train_batches`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.reference.normalisation import Norm, backward, normalise
from hsw2v.reference.optimizers import State, move_row
from hsw2v.reference.steps import (
    LOSS_KEY,
    MAX_CONTEXT,
    NODE_KEY,
    NOISE_KEY,
    Floats,
    Hybrid,
    Layer,
    Plan,
    draw,
    drawn_word,
    move_in_turn,
    near,
    plain_step,
    sigmoid,
)
from hsw2v.reference.subwords import Composing

BATCH = 256
"""Kept words that are normalised together at least."""
SHARED_BY = 64
"""Windows, one after the other, that sampled softmax draws words for together."""


@dataclass
class Group:
    """Output rows that are decided on together."""

    rows: NDArray[np.int64]
    """(m,) numbers of distinct output rows."""
    labels: Floats
    """(m,)."""
    biases: Floats | None = None
    """(m,), what is added to scores before a softmax; None for decisions row by row."""
    learning: bool = True
    """Whether its rows move; they count in the loss anyway."""

    def probabilities(self, scores: Floats) -> Floats:
        """Return the probability of each label 1 for scores (n, m)."""
        if self.biases is None:
            return sigmoid(scores)
        return softmax(scores + self.biases)

    def loss(self, scores: Floats) -> float:
        """Return the negative log-likelihood of a choice for scores (n, m), in nats."""
        assert self.biases is not None
        scores = scores + self.biases
        highest = scores.max(axis=1)
        mass = np.exp(scores - highest[:, None]).sum(axis=1)
        return float((np.log(mass) + highest - scores @ self.labels).sum())


def softmax(scores: Floats) -> Floats:
    """Return exp(s) over its sum, for each row of scores (n, m)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def groups_of(
    layer: Layer, hidden: Floats, word: int, key: int, counter: int
) -> tuple[list[Group], float]:
    """Return the groups of output rows that a layer decides on for a word.

    And the loss of its two-way decisions, from hidden rows (n, D).
    """
    if isinstance(layer, Classed | Sampled):
        return layer.groups(word, key, counter), 0.0
    rows, labels = layer.rows(word, key, counter)
    lost = layer.loss(hidden, rows, labels)
    part = layer.taking_part(rows, key, counter)
    groups = [part]
    if isinstance(layer, Hybrid):
        groups = [part & (rows < layer.nodes), part & (rows >= layer.nodes)]
    return [Group(rows[some], labels[some]) for some in groups], lost


@dataclass
class Classed(Layer):
    """Classes of words (Goodman 2001): the choice of the class, then of the word in its class.

    The first rows of `outputs (C + V, D)` are those of the classes.
    """

    classes: NDArray[np.int32]
    """(V,), the class of each word."""
    keep: Floats | None = None
    """(1+C,), the probability of the choice of the class, and then of that among the words of each,
    to take part in a window; the first is not above the others."""

    def groups(self, word: int, key: int, counter: int) -> list[Group]:
        """Return all classes, and the words of the word's class."""
        count = len(self.outputs) - len(self.classes)
        own = self.classes[word]
        members = np.flatnonzero(self.classes == own)
        found = [
            Group(np.arange(count), np.arange(count) == own, np.zeros(count)),
            Group(count + members, members == word, np.zeros(len(members))),
        ]
        if self.keep is not None:
            drawn = (draw(key ^ NODE_KEY, counter) >> 32) / 2**32
            for group, keep in zip(found, self.keep[[0, 1 + own]], strict=True):
                group.learning = bool(drawn < keep)
        return found


@dataclass
class Sampled(Layer):
    """Sampled softmax (Jean et al. 2015): the target, and words drawn for many windows."""

    columns: NDArray[np.uint32]
    """(V, 2), those of the alias table."""
    corrections: Floats
    """(V,), minus the logarithm of how many of the draws are this word in the mean."""
    samples: int

    def drawn(self, key: int, batch: int) -> dict[int, int]:
        """Return the words drawn for a batch of windows, and how often each was."""
        times: dict[int, int] = {}
        for place in range(self.samples):
            found = drawn_word(self.columns, draw(key, batch * self.samples + place))
            times[found] = times.get(found, 0) + 1
        return times

    def groups(self, word: int, key: int, counter: int) -> list[Group]:
        """Return the target and the words drawn, each once; one drawn twice counts twice."""
        times = self.drawn(key, counter // SHARED_BY)
        others = [one for one in times if one != word]
        rows = np.array([word, *others])
        counts = np.array([1, *(times[one] for one in others)])
        labels = np.arange(len(rows)) == 0
        return [Group(rows, labels, self.corrections[rows] + np.log(counts))]


@dataclass
class Training:
    """How rows move, and the optimizer state."""

    optimizer: str
    l2: float
    vectors: State
    outputs: State
    norm: Norm | None
    parameters: State
    """Of the norm's parameters."""


def step(
    hidden: Floats, outputs: Floats, groups: list[Group], rate: float, training: Training
) -> tuple[Floats, float]:
    """Do the step of one window in place; return the gradient of hidden (n, D), and its loss.

    The loss is that of choices.

    With sgd the gradient has the learning rate in it, and is taken of the output rows as the
    hidden rows before have moved them (`steps.update`); else all is taken from before.
    """
    gradient, loss = np.zeros_like(hidden), 0.0
    for group in groups:
        if group.biases is None and training.optimizer == "sgd":
            rows = outputs[group.rows]
            gradient += plain_step(hidden, rows, group.labels, rate)
            outputs[group.rows] = rows * max(0.0, 1.0 - rate * training.l2)
            continue
        for first in range(0, len(hidden), MAX_CONTEXT):
            some = slice(first, first + MAX_CONTEXT)
            rows = outputs[group.rows]
            scores = hidden[some] @ rows.T
            if group.biases is not None:
                loss += group.loss(scores)
            error = group.labels - group.probabilities(scores)
            if not group.learning:
                continue
            if training.optimizer == "sgd":
                gradient[some] += move_in_turn(rate * error, hidden[some], rows)
                rows *= max(0.0, 1.0 - rate * training.l2)
                outputs[group.rows] = rows
            else:
                gradient[some] += error @ rows
                slopes = error.T @ hidden[some]
                for row, slope in zip(group.rows, slopes, strict=True):
                    move_row(
                        training.optimizer, training.l2, training.outputs, outputs, row, slope, rate
                    )
    return gradient, loss


def train_batches(
    ids: NDArray[np.int32],
    key: int,
    plan: Plan,
    vectors: Floats,
    layer: Layer,
    training: Training,
    composing: Composing | None = None,
) -> tuple[float, int, int]:
    """Train on one block in place; return the sampled loss, its predictions, the words kept.

    With `composing`, whose own rows are `vectors`, words have n-grams.
    """
    windows, vectors = near(ids, plan, key, vectors, composing)
    count = len(windows)
    batches = max(1, count // BATCH) if training.norm else count
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    lossy = draw(key ^ LOSS_KEY, 0) % plan.loss_every
    total, predictions = 0.0, 0
    for batch in range(batches):
        begin, end = batch * count // batches, (batch + 1) * count // batches
        if composing:
            composing.move_on(begin - plan.window, end + plan.window)
        some = [number for number in range(begin, end) if windows[number][1]]
        if not some:
            continue
        rate = plan.first_rate + slope * begin
        contexts = [windows[number][1] for number in some]
        hidden = [vectors[context] for context in contexts]
        if plan.cbow:
            hidden = [rows.mean(axis=0, keepdims=True) for rows in hidden]
        borders = np.cumsum([len(rows) for rows in hidden])[:-1]
        if training.norm:
            whole = np.concatenate(hidden)
            weights = np.ones(len(whole))
            normalised, normal, statistics, of_batch = normalise(
                training.norm, whole, weights, True
            )
            hidden = np.split(normalised, borders)
        gradients = []
        for number, rows in zip(some, hidden, strict=True):
            word = windows[number][0]
            groups, decided = groups_of(layer, rows, word, key ^ NOISE_KEY, number)
            gradient, lost = step(rows, layer.outputs, groups, rate, training)
            gradients.append(gradient)
            if number % plan.loss_every == lossy:
                total += decided + lost
                predictions += len(rows)
        if training.norm:
            whole, slopes = backward(
                training.norm, normal, weights, statistics, of_batch, np.concatenate(gradients)
            )
            gradients = np.split(whole, borders)
            slopes /= len(whole)
            for one in range(2):
                parameters = training.norm.parameters
                _move(training, 0.0, training.parameters, parameters, one, slopes[one], rate)
        for context, gradient in zip(contexts, gradients, strict=True):
            # Of a mean, each word takes the whole gradient.
            for place, row in enumerate(context):
                one = gradient[0 if plan.cbow else place]
                word = windows[row][0] if composing else row
                state = training.vectors
                _move(training, training.l2, state, vectors, row, one, rate, word)
    if composing:
        composing.end()
    return total, predictions, count


def _move(
    training: Training,
    l2: float,
    state: State,
    table: Floats,
    row: int,
    gradient: Floats,
    rate: float,
    state_row: int | None = None,
) -> None:
    if training.optimizer == "sgd":
        table[row] = table[row] * max(0.0, 1.0 - rate * l2) + gradient
    else:
        move_row(training.optimizer, l2, state, table, row, gradient, rate, state_row)
