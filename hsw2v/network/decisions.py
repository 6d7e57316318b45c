"""What is decided at predictions, and the gradients that come of it: arrays in, arrays out.

A decision between outcomes of probability p ends in y, which is 1 for the right one and 0 for the
others. Its loss is -log p of the right one, and the gradient of that by the scores is p - y. The
gradient that reaches an output row is |p - y| times the hidden vector, and what the hidden vector
gets is the sum of (p - y) times the output rows. All gradients here are without the learning rate.
No gradient passes from one decision of a path to another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.probabilities import Floats, log_sigmoid

Indexes = NDArray[np.integer]
Numbers = NDArray[np.float64]


class Decisions(NamedTuple):
    """K decisions of P predictions, all as float64 but for the first two."""

    predictions: Indexes
    """(K,), the prediction that each is a part of."""
    depths: Indexes
    """(K,), how many decisions of the prediction come before it."""
    odds: Numbers
    """(K,), the logarithm of p / (1 - p), p the probability of the right outcome."""
    certainties: Numbers
    """(K,), the same of the most probable outcome, right or wrong."""
    output_gradients: Numbers
    """(K,), the norm of the gradient that reaches the output rows: |p - y| ‖h‖."""
    hidden_parts: Numbers
    """(K,), the norm of what the decision adds to the gradient of the hidden vector."""
    output_norms: Numbers
    """(K,), the norm of the output row: a node of a tree, or the row of the right outcome."""
    hidden_gradients: Numbers
    """(P,), the norm of the gradient that reaches the hidden vector, from all decisions."""

    @property
    def errors(self) -> Numbers:
        """|y - p| of the right outcome, (K,): 1 - p."""
        return errors(self.odds)

    @property
    def losses(self) -> Numbers:
        """-log p of the right outcome, (K,), in nats."""
        return -log_sigmoid(self.odds)


NUMBERS_AT_ONCE = 1 << 20


def at_once(numbers: int) -> int:
    """Return how many predictions are looked at together, if each takes so many numbers."""
    return max(1, NUMBERS_AT_ONCE // max(1, numbers))


def errors(odds: Numbers) -> Numbers:
    """Return 1 - p for the logarithms of p / (1 - p)."""
    found: Numbers = np.exp(log_sigmoid(-odds))
    return found


def norms(rows: Floats) -> Numbers:
    """Return the length of each row of (n, D), (n,) float64."""
    found: Numbers = np.sqrt(np.einsum("nd,nd->n", rows, rows, dtype=np.float64))
    return found


def two_way(
    hidden: Floats,
    outputs: Floats,
    counts: Indexes,
    rows: Indexes,
    labels: Indexes,
    depths: Indexes,
) -> Decisions:
    """Return decisions between yes and no: those of a path in a tree, or of negative sampling.

    Prediction i, from `hidden (P, D)`, has the next `counts[i]` of the K decisions: `rows (K,)` of
    `outputs` whose score, through a sigmoid, is the probability of label 1, and `labels (K,)`, 1
    or 0 (Morin & Bengio 2005; Mikolov et al. 2013). Every prediction has one, or none has.
    """
    predictions = np.repeat(np.arange(len(hidden)), counts)
    given = outputs[rows]
    sign = np.where(labels > 0, 1.0, -1.0).astype(hidden.dtype)
    odds = (sign * np.einsum("kd,kd->k", hidden[predictions], given)).astype(np.float64)
    error, lengths = errors(odds), norms(given)
    given *= (sign * error).astype(hidden.dtype)[:, None]
    gradients = np.zeros_like(hidden)
    if len(given):
        gradients = np.add.reduceat(given, np.cumsum(counts) - counts)
    return Decisions(
        predictions,
        depths,
        odds,
        abs(odds),
        error * norms(hidden)[predictions],
        error * lengths,
        lengths,
        norms(gradients),
    )


class Choice(NamedTuple):
    """One choice among many outcomes for each of P predictions."""

    odds: Numbers
    """(P,), as in `Decisions`."""
    certainties: Numbers
    """(P,), likewise."""
    error_norms: Numbers
    """(P,), the length of the vector p - y."""
    gradients: Floats
    """(P, D), of the hidden vectors, of the sign in which they are to move."""


def choose(hidden: Floats, outputs: Floats, right: Indexes) -> Choice:
    """Return the choice of row `right[i]` of `outputs (R, D)` by a softmax over all its rows.

    R is at least 2.
    """
    scores = hidden @ outputs.T
    at = np.arange(len(right)), right
    won = scores[at].astype(np.float64)
    scores[at] = -np.inf
    highest = scores.max(axis=1)
    others = np.exp(np.subtract(scores, highest[:, None], out=scores), out=scores)
    total = others.sum(axis=1, dtype=np.float64)
    odds = won - highest - np.log(total)
    error = errors(odds)
    squares = np.einsum("pr,pr->p", others, others, dtype=np.float64)
    mean_other = (others @ outputs) / total[:, None]
    return Choice(
        odds,
        np.maximum(odds, _odds_of_best_other(odds, total)),
        error * np.sqrt(1.0 + squares / total**2),
        error[:, None] * (outputs[right] - mean_other),
    )


def _odds_of_best_other(odds: Numbers, total: Numbers) -> Numbers:
    """Return the log-odds of the most probable wrong outcome, (P,).

    `odds` are those of the right one; all wrong ones have `total` times the best one's probability.
    """
    beside = total * errors(-odds) + (total - 1.0) * errors(odds)
    found: Numbers = log_sigmoid(-odds) - np.log(np.maximum(beside, np.finfo(np.float64).tiny))
    return found


def many_way(
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


def joined(made: list[tuple[Decisions, Floats]], hidden: Floats) -> Decisions:
    """Join decisions, and add up what each prediction gets of them."""
    gradients = np.zeros(hidden.shape)
    for some, parts in made:
        gradients[some.predictions] += parts
    none = np.empty(0, np.int64), np.empty(0, np.int64), *(np.empty(0),) * 6
    fields = zip(none, *(some for some, _ in made), strict=True)
    together = Decisions(*(np.concatenate(parts) for parts in fields))
    return together._replace(hidden_gradients=norms(gradients))
