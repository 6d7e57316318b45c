"""Sampled softmax by plain steps: the definition of `kernels.sampled.train_sampled`.

The errors of all pairs of a few words of the text are those before any row moves. Then the rows of
the words drawn move with the hidden rows, and after them each target with the hidden rows that
predict it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.reference.general import SHARED_BY, Sampled, softmax
from hsw2v.reference.steps import (
    LOSS_KEY,
    MAX_OUTPUT,
    NOISE_KEY,
    Floats,
    Plan,
    bounds_of,
    draw,
    move_in_turn,
)
from hsw2v.reference.subwords import Composing

TOGETHER = 8
"""Words of the text that are learnt from at once."""


@dataclass
class Errors:
    """The errors of a batch with n hidden rows."""

    drawn: Floats
    """(n, m), upon the words drawn, summed over the targets of each hidden row."""
    right: list[tuple[int, list[tuple[int, float]]]]
    """For each target that is predicted, its place in the text: the hidden rows that do, and the
    error upon it."""
    losses: list[float]
    """Likewise, the loss of its pairs in nats."""


def errors(
    hidden: Floats,
    pairs: list[tuple[int, list[int]]],
    words: list[int],
    drawn: dict[int, int],
    layer: Sampled,
) -> Errors:
    """Return the errors of `pairs`, of a target's place in the text `words` and its hidden rows.

    `hidden (n, D)`; `drawn` are the words drawn, and how often each was. A word drawn that is the
    target itself does not count.
    """
    others = np.array(list(drawn))
    times = np.array(list(drawn.values()))
    scores = hidden @ layer.outputs[others].T + layer.corrections[others] + np.log(times)
    found = Errors(np.zeros(scores.shape), [], [])
    for place, rows in pairs:
        target = words[place]
        there = np.flatnonzero(others != target)
        right, lost = [], 0.0
        for row in rows:
            own = hidden[row] @ layer.outputs[target] + layer.corrections[target]
            shares = softmax(np.array([[own, *scores[row, there]]]))[0]
            found.drawn[row, there] -= shares[1:]
            right.append((row, 1.0 - shares[0]))
            lost += np.logaddexp.reduce([0.0, *(scores[row, there] - own)])
        found.right.append((place, right))
        found.losses.append(float(lost))
    return found


def train_block(
    ids: NDArray[np.int32],
    key: int,
    plan: Plan,
    vectors: Floats,
    layer: Sampled,
    composing: Composing | None = None,
) -> tuple[float, int, int]:
    """Train on one block in place; return the sampled loss, its predictions, the words kept.

    With `composing`, whose own rows are `vectors`, words have n-grams.
    """
    words, bounds = bounds_of(ids, plan, key)
    count = len(words)
    # The row of each word of the text, by place.
    row_at = words
    if composing:
        composing.begin(words)
        vectors, row_at = composing.vectors, list(range(count))
    reach = plan.window if plan.cbow else 0
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    lossy = draw(key ^ LOSS_KEY, 0) % plan.loss_every
    contexts = [[*range(first, place), *range(place + 1, last)] for place, first, last in bounds]
    total, predictions = 0.0, 0
    for begin in range(0, count, TOGETHER):
        some = range(begin, min(begin + TOGETHER, count))
        if composing:
            composing.move_on(begin - reach, some.stop + reach)
        if plan.cbow:
            pairs = [(place, [place - begin]) for place in some if contexts[place]]
            of_rows = [[row_at[one] for one in contexts[place]] for place in some]
        else:
            near = (
                (place, [one - begin for one in contexts[place] if one in some])
                for place in range(count)
            )
            pairs = [(place, rows) for place, rows in near if rows]
            of_rows = [[row_at[place]] for place in some]
        if not pairs:
            continue
        # A window without words has no mean, and no pair.
        hidden = np.array([vectors[one or [0]].mean(axis=0) for one in of_rows])
        drawn = layer.drawn(key ^ NOISE_KEY, begin // SHARED_BY)
        found = errors(hidden, pairs, words, drawn, layer)
        for (place, right), lost in zip(found.right, found.losses, strict=True):
            if place % plan.loss_every == lossy:
                total += lost
                predictions += len(right)
        rate = plan.first_rate + slope * begin
        _move(found, hidden, of_rows, words, list(drawn), vectors, layer.outputs, plan, rate)
    if composing:
        composing.end()
    return total, predictions, count


def _move(
    found: Errors,
    hidden: Floats,
    of_rows: list[list[int]],
    words: list[int],
    drawn: list[int],
    vectors: Floats,
    outputs: Floats,
    plan: Plan,
    rate: float,
) -> None:
    factor = max(0.0, 1.0 - rate * plan.l2)
    own = [one[0] for one in of_rows] if not plan.cbow else []
    moved = np.zeros_like(hidden)
    for first in range(0, len(drawn), MAX_OUTPUT):
        piece = slice(first, first + MAX_OUTPUT)
        rows = outputs[drawn[piece]]
        now = hidden if plan.cbow else vectors[own]
        changes = move_in_turn(rate * found.drawn[:, piece], now, rows)
        outputs[drawn[piece]] = rows
        moved += changes
        if not plan.cbow:
            np.add.at(vectors, own, changes)
    outputs[drawn] *= factor
    for place, right in found.right:
        target = words[place]
        before, change = outputs[target].copy(), np.zeros(outputs.shape[1])
        for row, error in right:
            if plan.cbow:
                change += rate * error * hidden[row]
                np.add.at(vectors, of_rows[row], moved[row] + rate * error * before)
                np.multiply.at(vectors, of_rows[row], factor)
            else:
                change += rate * error * vectors[own[row]]
                vectors[own[row]] += rate * error * before
        outputs[target] = (before + change) * factor
    if not plan.cbow:
        predicting = {row for _, right in found.right for row, _ in right}
        np.multiply.at(vectors, [own[row] for row in sorted(predicting)], factor)
