"""The softmax over all words, prediction by prediction: the definition of `training.full`.

All gradients of a batch of windows are sums of those before it; then each row moves once: every
output row, and every word vector that was context.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.reference.general import BATCH, Training, softmax
from hsw2v.reference.normalisation import backward, normalise
from hsw2v.reference.optimizers import move_row
from hsw2v.reference.steps import Floats, Plan, windows_of
from hsw2v.reference.subwords import Composing

STEADY_BATCH, STEADY_TIMES = 64, 16
"""Kept words that are learnt from at once at most, and pairs with one target of theirs."""


@dataclass
class Prediction:
    """A target, and the words whose mean it is predicted from: one alone in skip-gram."""

    target: int
    words: list[int]


@dataclass
class Gradients:
    """The loss of a batch in nats, and what it falls by."""

    loss: float
    vectors: Floats
    """(V, D)."""
    outputs: Floats
    """(V, D)."""
    parameters: Floats
    """(2, D), of the norm; 0 without."""


def predictions_of(windows: list[tuple[int, list[int]]], cbow: bool) -> list[Prediction]:
    """Return the predictions of windows, of a word and its context each."""
    if cbow:
        return [Prediction(word, context) for word, context in windows if context]
    return [Prediction(word, [other]) for word, context in windows for other in context]


def gradients(
    batch: list[Prediction], vectors: Floats, outputs: Floats, training: Training, learning: bool
) -> Gradients:
    """Return the loss of a batch, and its negative gradients."""
    hidden: Floats = np.array([vectors[one.words].mean(axis=0) for one in batch])
    targets = np.array([one.target for one in batch])
    weights = np.ones(len(batch))
    if training.norm:
        hidden, normal, statistics, of_batch = normalise(training.norm, hidden, weights, learning)
    chances = softmax(hidden @ outputs.T)
    right = np.arange(len(batch)), targets
    loss = -np.log(chances[right]).sum()
    error = -chances
    error[right] += 1.0
    by_hidden: Floats = error @ outputs
    by_outputs = error.T @ hidden
    by_parameters: Floats = np.zeros((2, vectors.shape[1]))
    if training.norm:
        by_hidden, by_parameters = backward(
            training.norm, normal, weights, statistics, of_batch, by_hidden
        )
    by_vectors = np.zeros_like(vectors)
    for one, gradient in zip(batch, by_hidden, strict=True):
        # The mean counts as its sum: each word takes the whole gradient.
        for word in one.words:
            by_vectors[word] += gradient
    return Gradients(float(loss), by_vectors, by_outputs, by_parameters)


def train_block_full(
    ids: NDArray[np.int32],
    key: int,
    plan: Plan,
    vectors: Floats,
    outputs: Floats,
    training: Training,
    learning: bool = True,
    composing: Composing | None = None,
) -> tuple[float, int, int]:
    """Train on one block in place; return the loss, its predictions, the words kept.

    With `composing`, whose own rows are `vectors`, words have n-grams: those of a batch are
    composed before it, and give their changes back after it.
    """
    windows = windows_of(ids, plan, key)
    count = len(windows)
    together = BATCH
    if windows and learning and not training.norm:
        share = np.bincount([word for word, _ in windows]).max() / count
        together = min(STEADY_BATCH, max(1, int(STEADY_TIMES / (share * (plan.window + 1)))))
    batches = max(1, count // together)
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    total, predictions = 0.0, 0
    for number in range(batches):
        begin, end = number * count // batches, (number + 1) * count // batches
        batch = predictions_of(windows[begin:end], plan.cbow)
        if not batch:
            continue
        touched = sorted({word for one in batch for word in one.words})
        table = vectors
        if composing:
            table = vectors.copy()
            table[touched] = [composing.compose(word) for word in touched]
        before = table[touched]
        found = gradients(batch, table, outputs, training, learning)
        total += found.loss
        predictions += len(batch)
        if learning:
            rate = plan.first_rate + slope * begin
            _move(found, len(batch), touched, table, outputs, training, rate)
        if composing:
            for word, change in zip(touched, table[touched] - before, strict=True):
                composing.give_back(word, change)
    return total, predictions, count


def _move(
    found: Gradients,
    predictions: int,
    touched: list[int],
    vectors: Floats,
    outputs: Floats,
    training: Training,
    rate: float,
) -> None:
    how, l2 = training.optimizer, training.l2
    for word in touched:
        move_row(how, l2, training.vectors, vectors, word, found.vectors[word], rate)
    for word in range(len(outputs)):
        move_row(how, l2, training.outputs, outputs, word, found.outputs[word], rate)
    if training.norm:
        for one in range(2):
            # All predictions share scale and shift: they move by the mean of their gradients.
            parameters, slope = training.norm.parameters, found.parameters[one] / predictions
            move_row(how, 0.0, training.parameters, parameters, one, slope, rate)
