"""The exchange algorithm: each word moves to the class with the highest class-bigram likelihood.

The model (Brown et al. 1992, section 3) of a word w after a word v, with classes h and g:

    P(w | v) = P(h | g) P(w | h) = N(g, h) / N(g, ·) · N(·, w) / N(·, h)

The objective is its log-likelihood of the text. With f(n) = n log n it is

    Σ_gh f(N(g, h)) - Σ_g f(N(g, ·)) - Σ_h f(N(·, h)) + Σ_w f(N(·, w))

(Martin, Liermann & Ney 1998). Moving a word changes only the counts of two classes with
the classes of its neighbours, so the cost does not depend on the length of the text.

Threads find the best class of each word of a batch in parallel (after Uszkoreit & Brants 2008);
then the words move one by one, if the likelihood still rises. So it never falls, and the result
does not depend on the threads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.trees.bigrams import Bigrams

SWEEPS = 10
"""The most times that every word may move."""
SETTLED = 0.01
"""A sweep that moves a smaller share of the words is the last."""
_LEAST_BATCH, _MOST_BATCH = 32, 4096
_BATCHES = 16
_TABLE = 1 << 16
_LEAST_RISE = 1e-3
"""The least gain of a move, in nats of the whole text: above rounding errors of sums up to 10⁹."""


class ClassCounts(NamedTuple):
    """The counts of class bigrams, both ways, and the terms of the objective."""

    pairs: NDArray[np.int32]
    """(2, C, C) int32: [0, g, h] is N(g, h), [1, h, g] is N(g, h) too."""
    terms: NDArray[np.float64]
    """(2, C, C) float64: f of the pairs."""
    totals: NDArray[np.int64]
    """(2, C) int64: N(·, g), then N(g, ·)."""
    words: NDArray[np.int64]
    """(2, V) int64: N(·, w), then N(w, ·)."""
    table: NDArray[np.float64]
    """f of small counts."""


def exchange(
    bigrams: Bigrams,
    classes: NDArray[np.int32],
    count: int,
    *,
    sweeps: int = SWEEPS,
    threads: int = 1,
    tick: Callable[[int, int, float], None] = lambda done, total, objective: None,
) -> NDArray[np.float64]:
    """Move words between `count` classes, in place, and return the objective after each sweep.

    `classes (V,) int32` are the first classes; words are in order of falling counts. Ends after
    `sweeps`, or a sweep that moves less than a share `SETTLED` of the words. The objective is in
    nats a bigram; its first value is that of the classes as given. `tick` is called with the words
    that are done, their total, and the objective after the last whole sweep.
    """
    state = class_counts(bigrams, classes, count)
    words = len(classes)
    proposals = np.empty(words, np.int32)
    objectives = [objective(state)]
    with ThreadPoolExecutor(threads) as pool:
        for sweep in range(sweeps):
            moved = 0
            for begin, end in _batches(words):
                borders = np.linspace(begin, end, 4 * threads + 1).astype(np.int64).tolist()

                def find(first: int, last: int) -> None:
                    propose(bigrams, classes, state, first, last, proposals)

                list(pool.map(find, borders[:-1], borders[1:]))
                moved += move(bigrams, classes, state, begin, end, proposals)
                tick(sweep * words + end, sweeps * words, objectives[-1])
            objectives.append(objective(state))
            if moved < SETTLED * words:
                break
    return np.array(objectives)


def first_classes(words: int, count: int) -> NDArray[np.int32]:
    """Return first classes (V,) int32: one for each most frequent word, the last for all others."""
    return np.minimum(np.arange(words), count - 1).astype(np.int32)


def _batches(words: int) -> list[tuple[int, int]]:
    """Return borders of batches: a sixteenth of the words before, within bounds.

    Frequent words, which depend most on each other, move in small batches.
    """
    borders = [0]
    while borders[-1] < words:
        size = min(max(borders[-1] // _BATCHES, _LEAST_BATCH), _MOST_BATCH)
        borders.append(min(borders[-1] + size, words))
    return list(itertools.pairwise(borders))


def class_counts(bigrams: Bigrams, classes: NDArray[np.int32], count: int) -> ClassCounts:
    """Count the class bigrams of classes (V,) int32 below `count`."""
    pairs = np.zeros((2, count, count), np.int32)
    words = np.zeros((2, len(classes)), np.int64)
    _count_pairs(bigrams.leaders, classes, pairs[1], words[0])
    _count_pairs(bigrams.followers, classes, pairs[0], words[1])
    table = n_log_n(np.arange(_TABLE))
    totals = np.stack([pairs[1].sum(1, dtype=np.int64), pairs[0].sum(1, dtype=np.int64)])
    return ClassCounts(pairs, n_log_n(pairs), totals, words, table)


def n_log_n(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """Return f(n) = n log n of whole numbers of any shape; f(0) is 0."""
    terms: NDArray[np.float64] = counts * np.log(np.maximum(counts, 1))
    return terms


def objective(state: ClassCounts) -> float:
    """Return the mean log-likelihood of a word given the word before it, in nats."""
    bigrams = max(int(state.totals[0].sum()), 1)
    likelihood = state.terms[0].sum() - n_log_n(state.totals).sum() + n_log_n(state.words[0]).sum()
    return float(likelihood / bigrams)


@compiled
def _count_pairs(rows, classes, pairs, words):
    for word in range(len(classes)):
        for i in range(rows.offsets[word], rows.offsets[word + 1]):
            pairs[classes[word], classes[rows.columns[i]]] += rows.counts[i]
            words[word] += rows.counts[i]


@inlined
def _term(count, table):
    return table[count] if count < len(table) else count * math.log(count)


@compiled
def _look(rows, word, classes, near, found):
    """Count the classes beside a word in `near (C,)`, and list them in `found (C,)`.

    Returns the number of classes, and how often the word is beside itself, which is left out.
    """
    classes_found = 0
    own = 0
    for i in range(rows.offsets[word], rows.offsets[word + 1]):
        if rows.columns[i] == word:
            own = rows.counts[i]
            continue
        one = classes[rows.columns[i]]
        if near[one] == 0:
            found[classes_found] = one
            classes_found += 1
        near[one] += rows.counts[i]
    return classes_found, own


@compiled
def _around(bigrams, word, classes, near, found):
    """Do `_look` before and after a word; return the numbers of classes, and its own count."""
    before, _ = _look(bigrams.leaders, word, classes, near[0], found[0])
    after, own = _look(bigrams.followers, word, classes, near[1], found[1])
    return (before, after), own


@compiled
def _forget(near, found, counts):
    for side in range(2):
        for i in range(counts[side]):
            near[side, found[side, i]] = 0


@compiled
def propose(bigrams, classes, state, first, last, proposals):
    """Find the best class of each word from `first` to `last` while all others stay."""
    size = state.pairs.shape[1]
    near = np.zeros((2, size), np.int64)
    found = np.empty((2, size), np.int64)
    gain = np.empty(size)
    for word in range(first, last):
        proposals[word] = classes[word]
        counts, own = _around(bigrams, word, classes, near, found)
        if counts[0] + counts[1] + own:
            _gains(state, word, classes[word], near, found, counts, own, gain)
            best = classes[word]
            for one in range(size):
                if gain[one] > gain[best]:
                    best = one
            proposals[word] = best
        _forget(near, found, counts)


@compiled
def _gains(state, word, home, near, found, counts, own, gain):
    """Fill in the gain of the objective if a word, taken out of `home`, is put in each class."""
    pairs, terms, table = state.pairs, state.terms, state.table
    size = len(gain)
    for one in range(size):
        gain[one] = 0.0
    stay = 0.0
    without = np.empty(size, np.int64)
    for side in range(2):
        # The counts of home with each class, as they are without the word.
        for one in range(size):
            without[one] = pairs[side, home, one] - near[1 - side, one]
        for i in range(counts[side]):
            other = found[side, i]
            count = near[side, other]
            if other == home:
                for one in range(size):
                    if one != home:
                        before = without[one]
                        gain[one] += _term(before + count, table) - _term(before, table)
            else:
                _add_row(pairs[side, other], terms[side, other], count, table, gain)
                # Counts of a class with itself are added below.
                before = pairs[side, other, other]
                gain[other] -= _term(before + count, table) - terms[side, other, other]
                stay += terms[side, other, home]
                stay -= _term(pairs[side, other, home] - count, table)
        count = state.words[side, word]
        for one in range(size):
            before = state.totals[side, one]
            gain[one] -= _term(before + count, table) - _term(before, table)
        before = state.totals[side, home]
        stay -= _term(before, table) - _term(before - count, table)
    for one in range(size):
        count = near[0, one] + near[1, one] + own
        if count:
            before = pairs[0, one, one]
            gain[one] += _term(before + count, table) - terms[0, one, one]
    before = pairs[0, home, home]
    stay += terms[0, home, home]
    stay -= _term(before - near[0, home] - near[1, home] - own, table)
    gain[home] = stay


@compiled
def _add_row(pairs, terms, count, table, gain):
    """Add f(N + count) - f(N) of a row of counts N to the gains: most of the time is spent here."""
    most = 0
    for one in range(len(gain)):
        most = max(most, pairs[one])
    if most + count < len(table):
        for one in range(len(gain)):
            gain[one] += table[pairs[one] + count] - terms[one]
    else:
        for one in range(len(gain)):
            gain[one] += _term(pairs[one] + count, table) - terms[one]


@compiled
def move(bigrams, classes, state, first, last, proposals):
    """Move words from `first` to `last` as proposed if the objective rises; return their number."""
    size = state.pairs.shape[1]
    near = np.zeros((2, size), np.int64)
    found = np.empty((2, size), np.int64)
    moved = 0
    for word in range(first, last):
        home, goal = classes[word], proposals[word]
        if home == goal:
            continue
        counts, own = _around(bigrams, word, classes, near, found)
        rise = _shift(state, word, home, -1, near, found, counts, own)
        rise += _shift(state, word, goal, 1, near, found, counts, own)
        if rise > _LEAST_RISE:
            classes[word] = goal
            moved += 1
        else:
            _shift(state, word, goal, -1, near, found, counts, own)
            _shift(state, word, home, 1, near, found, counts, own)
        _forget(near, found, counts)
    return moved


@compiled
def _shift(state, word, one, sign, near, found, counts, own):
    """Put a word in a class (sign 1), or take it out (-1); return the gain of the objective."""
    gain = 0.0
    for side in range(2):
        for i in range(counts[side]):
            other = found[side, i]
            if other != one:
                gain += _change(state, side, other, one, sign * near[side, other])
        before = state.totals[side, one]
        after = before + sign * state.words[side, word]
        gain -= _term(after, state.table) - _term(before, state.table)
        state.totals[side, one] = after
    return gain + _change(state, 0, one, one, sign * (near[0, one] + near[1, one] + own))


@inlined
def _change(state, side, other, one, more):
    before = state.terms[side, other, one]
    count = state.pairs[side, other, one] + more
    after = _term(count, state.table)
    state.pairs[side, other, one] = count
    state.pairs[1 - side, one, other] = count
    state.terms[side, other, one] = after
    state.terms[1 - side, one, other] = after
    return after - before
