"""What trees are grown by: of the classes of Brown's tree, and the split of the semantic one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def class_bigrams(bigrams: NDArray[np.number], classes: NDArray[np.integer], count: int) -> Floats:
    """Return the counts (C, C) of bigrams of `count` classes, from those of words (V, V)."""
    pairs = np.zeros((count, count))
    np.add.at(pairs, (classes[:, None], classes[None, :]), bigrams)
    return pairs


def class_likelihood(pairs: Floats) -> float:
    """Return the log-likelihood of the class-bigram model in nats, but for a constant.

    Of class bigrams (C, C): Σ N(g, h) log(N(g, h) / (N(g, ·) N(·, h))) (Martin, Liermann & Ney
    1998). The constant is Σ N(·, w) log N(·, w) over words w.
    """
    expected = np.outer(pairs.sum(1), pairs.sum(0))
    there = pairs > 0
    return float((pairs[there] * np.log(pairs[there] / expected[there])).sum())


def exchange_gains(
    bigrams: NDArray[np.number], classes: NDArray[np.integer], count: int, word: int
) -> Floats:
    """Return what the log-likelihood gains when a word goes to each of `count` classes, (C,)."""
    gains = np.empty(count)
    for one in range(count):
        moved = np.where(np.arange(len(classes)) == word, one, classes)
        gains[one] = class_likelihood(class_bigrams(bigrams, moved, count))
    gains -= gains[classes[word]]
    return gains


def merging_loss(pairs: Floats, i: int, j: int) -> float:
    """Return what the log-likelihood loses when classes i and j become one."""
    classes = np.arange(len(pairs))
    classes[i] = j
    return class_likelihood(pairs) - class_likelihood(class_bigrams(pairs, classes, len(pairs)))


def split(
    vectors: Floats, weights: Floats, power_steps: int, refinements: int
) -> NDArray[np.bool_]:
    """Return which of n words go to the second side of a node of the semantic tree, (n,) bool.

    `vectors (n, D)`, `weights (n,)`. Along a direction, the cut is where both sides carry equal
    weight, as nearly as can be. The direction is the leading principal one of the unit vectors (by
    steps of power iteration from the first of them), then that between the means of both sides.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    centred = unit - unit.mean(axis=0)
    direction = centred[0]
    for _ in range(power_steps):
        direction = centred.T @ (centred @ direction)
        direction /= np.linalg.norm(direction)
    second = _beyond_half(unit @ direction, weights)
    for _ in range(refinements):
        direction = unit[second].mean(axis=0) - unit[~second].mean(axis=0)
        second = _beyond_half(unit @ direction, weights)
    return second


def _beyond_half(places: Floats, weights: Floats) -> NDArray[np.bool_]:
    order = np.argsort(places)
    first = np.cumsum(weights[order])[:-1]
    second = np.zeros(len(places), np.bool_)
    second[order[np.argmin(np.abs(first - weights.sum() / 2)) + 1 :]] = True
    return second
