"""Builds word classes by frequency, by k-means of word vectors, or by neighbouring words.

A step of the class layer costs C + n output rows for C classes and the n words of the target's.
√V classes of √V words cost the least, 2 √V (Goodman 2001).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.bigrams import Bigrams, count_bigrams
from hsw2v.trees.classes import Classes
from hsw2v.trees.exchange import exchange, first_classes

ROUNDS = 10
"""Iterations of k-means."""
LARGEST = 2
"""The most words of a class of k-means, as a multiple of the mean class."""
EXCHANGED = 0.75
"""The share of classes that exchange makes; the rest come from splitting these."""
_FIRST_FROM = 16
_SCORES_AT_ONCE = 1 << 22

Tell = Callable[[str, int, int, float | None], None]
"""Is called with a stage, what is done of it, its total, and the objective in nats a bigram."""


def frequency_classes(weights: NDArray[np.float64], count: int) -> Classes:
    """Cut words into at most `count` classes of equal weight, in their order.

    `weights (V,) float64` are how often each word is a target, in order of falling counts (Mikolov
    et al. 2011, "Extensions of recurrent neural network language model", section 4). A word that
    outweighs a class is a class of its own, and the classes after it share the rest.
    """
    words = len(weights)
    count = min(count, words)
    carried = np.cumsum(weights)
    borders = np.zeros(count + 1, np.int64)
    for one in range(count):
        begin, left = borders[one], count - one
        before = carried[begin - 1] if begin else 0.0
        goal = before + (carried[-1] - before) / left
        end = int(np.searchsorted(carried, goal))
        # Before or after the word that passes the goal, whichever is nearer.
        if end < words and carried[end] - goal <= goal - (carried[end - 1] if end else 0.0):
            end += 1
        borders[one + 1] = min(max(end, begin + 1), words - left + 1)
    return Classes(np.repeat(np.arange(count, dtype=np.int32), np.diff(borders)), count)


def kmeans_classes(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    count: int,
    seed: int = 1,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> Classes:
    """Return at most `count` classes by spherical k-means of vectors (Dhillon & Modha 2001).

    `vectors (V, P) float32` are finite, `weights (V,) float64` positive: how often each word is a
    target. A word is in the class whose centre has the greatest cosine to it, and a centre is the
    weighted mean of the unit vectors of its words. The first centres are drawn among the most
    frequent words as in k-means++ (Arthur & Vassilvitskii 2007).

    No class has more than `LARGEST` V / C words: the words of a fuller class that are farthest from
    its centre go to the nearest one that has room. An empty class takes the word that is farthest
    from its own centre.

    `tell` is called with the words that are assigned so far, and their total; what it raises ends
    the work.
    """
    words = len(weights)
    count = min(count, words)
    most = math.ceil(LARGEST * words / count)
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scale = (1.0 / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
    rng = np.random.default_rng(seed)
    centres = _first_centres(vectors, scale, weights, count, rng, lambda: tell(0, ROUNDS * words))
    for turn in range(ROUNDS):

        def tick(done: int, turn: int = turn) -> None:
            tell(turn * words + done, ROUNDS * words)

        of, near = _nearest(vectors, scale, centres, tick)
        _make_room(vectors, scale, centres, most, of, near)
        _fill_empty(of, near, count)
        classes = Classes(of, count)
        centres = _centres(vectors, weights * scale, classes)
    return classes


def _first_centres(
    vectors: NDArray[np.float32],
    scale: NDArray[np.float32],
    weights: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
    tick: Callable[[], None],
) -> NDArray[np.float32]:
    """Return the unit vectors (C, P) of words, drawn as in k-means++ with weights."""
    likely = np.argsort(-weights, kind="stable")[: _FIRST_FROM * count]
    unit = vectors[likely] * scale[likely, None]
    left = weights[likely].astype(np.float64)
    far = np.ones(len(likely))
    chosen = np.empty(count, np.int64)
    for one in range(count):
        reach = np.cumsum(left * far)
        if not reach[-1]:
            # All that are left coincide with a centre.
            reach = np.cumsum(left)
        place = int(np.searchsorted(reach, rng.random() * reach[-1], side="right"))
        chosen[one] = min(place, len(likely) - 1)
        np.minimum(far, np.maximum(1.0 - unit @ unit[chosen[one]], 0.0), out=far)
        left[chosen[one]] = 0.0
        tick()
    return unit[chosen]


def _nearest(
    vectors: NDArray[np.float32],
    scale: NDArray[np.float32],
    centres: NDArray[np.float32],
    tick: Callable[[int], None] = lambda done: None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the centre nearest to each word, (V,) int32, and their cosine, (V,) float32."""
    of = np.empty(len(vectors), np.int32)
    near = np.empty(len(vectors), np.float32)
    step = max(_SCORES_AT_ONCE // len(centres), 1)
    for begin in range(0, len(vectors), step):
        some = slice(begin, begin + step)
        scores = vectors[some] @ centres.T
        of[some] = scores.argmax(axis=1)
        near[some] = scores[np.arange(len(scores)), of[some]] * scale[some]
        tick(begin + len(scores))
    return of, near


def _make_room(
    vectors: NDArray[np.float32],
    scale: NDArray[np.float32],
    centres: NDArray[np.float32],
    most: int,
    of: NDArray[np.int32],
    near: NDArray[np.float32],
) -> None:
    """Move words, in place, out of classes of more than `most` words to the nearest with room."""
    while True:
        sizes = np.bincount(of, minlength=len(centres))
        left = []
        for one in np.nonzero(sizes > most)[0]:
            words = np.nonzero(of == one)[0]
            left.append(words[np.argsort(-near[words], kind="stable")[most:]])
        if not left:
            return
        # A full class stays full, so this ends; some class always has room.
        room = np.nonzero(sizes < most)[0].astype(np.int32)
        moved = np.concatenate(left)
        places, near[moved] = _nearest(vectors[moved], scale[moved], centres[room])
        of[moved] = room[places]


def _fill_empty(of: NDArray[np.int32], near: NDArray[np.float32], count: int) -> None:
    """Give each empty class, in place, the word farthest from its centre that is not alone."""
    sizes = np.bincount(of, minlength=count)
    farthest = iter(np.argsort(near, kind="stable"))
    for one in np.nonzero(sizes == 0)[0]:
        word = next(word for word in farthest if sizes[of[word]] > 1)
        sizes[of[word]] -= 1
        sizes[one] = 1
        of[word] = one


def _centres(
    vectors: NDArray[np.float32], parts: NDArray[np.float64], classes: Classes
) -> NDArray[np.float32]:
    """Return the directions (C, P) of the sums of each class's vectors, times their parts (V,)."""
    sums = np.empty((classes.count, vectors.shape[1]))
    for one in range(classes.count):
        words = classes.words(one)
        sums[one] = parts[words] @ vectors[words]
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    directions: NDArray[np.float32] = np.divide(
        sums, norms, out=np.zeros_like(sums), where=norms > 0
    ).astype(np.float32)
    return directions


class Exchanged(NamedTuple):
    """Classes by exchange, and the counts they are based on."""

    classes: Classes
    bigrams: Bigrams
    objective: float
    """Log-likelihood in nats a bigram."""


def exchanged(
    ids: NDArray[np.int32],
    blocks: NDArray[np.int64],
    remap: NDArray[np.int32],
    words: int,
    count: int,
    *,
    threads: int = 1,
    tell: Tell = lambda stage, done, total, objective: None,
) -> Exchanged:
    """Return at most `count` classes by `exchange` (Martin, Liermann & Ney 1998).

    The text is given as to `count_bigrams`; words are in order of falling counts. `tell` is called
    in the stages "counting" (of ids) and "exchanging" (of words), many times a second, with the
    objective after the last whole sweep; what it raises ends the work.
    """

    def counting(done: int, total: int) -> None:
        tell("counting", done, total, None)

    bigrams = count_bigrams(ids, blocks, remap, words, counting)
    of = first_classes(words, count)
    objectives = exchange(bigrams, of, count, threads=threads, tick=partial(tell, "exchanging"))
    used, numbered = np.unique(of, return_inverse=True)
    classes = Classes(numbered.astype(np.int32), len(used))
    return Exchanged(classes, bigrams, float(objectives[-1]))


def exchange_classes(
    ids: NDArray[np.int32],
    blocks: NDArray[np.int64],
    remap: NDArray[np.int32],
    weights: NDArray[np.float64],
    count: int,
    threads: int = 1,
    tell: Tell = lambda stage, done, total, objective: None,
) -> Classes:
    """Return classes of words with similar neighbours, the costliest of them split.

    `exchanged` makes a share `EXCHANGED` of the classes; it does not regard costs, and puts
    thousands of names in one. `divided` makes the rest. The text and `tell` are those of
    `exchanged`; `weights (V,) float64` are how often each word is a target. The classes do not
    depend on the threads.
    """
    words = len(weights)
    count = min(count, words)
    first = math.ceil(EXCHANGED * count)
    found = exchanged(ids, blocks, remap, words, first, threads=threads, tell=tell)
    return divided(found.classes, weights, count)


def divided(classes: Classes, weights: NDArray[np.float64], count: int) -> Classes:
    """Split classes, frequent words from rare ones, until there are `count`, at most V.

    Each split is the one by which `step_cost` falls the most.
    """
    parts: list[tuple[float, int, int, NDArray[np.int32]]] = []

    def add(words: NDArray[np.int32]) -> None:
        reach, sizes = np.cumsum(weights[words]), np.arange(1, len(words) + 1)
        costs = reach * sizes + (reach[-1] - reach) * (len(words) - sizes)
        first = int(np.argmin(costs[:-1])) + 1 if len(words) > 1 else 0
        change = float(costs[first - 1] - costs[-1]) if first else math.inf
        heapq.heappush(parts, (change, int(words[0]), first, words))

    for one in range(classes.count):
        add(classes.words(one))
    while len(parts) < count:
        _, _, first, words = heapq.heappop(parts)
        add(words[:first])
        add(words[first:])
    of = np.empty(len(classes), np.int32)
    for one, (*_, words) in enumerate(sorted(parts, key=lambda part: part[1])):
        of[words] = one
    return Classes(of, len(parts))
