"""A binary tree over classes, by agglomerative merging.

Merging classes i and j lowers the log-likelihood of the class-bigram model (see `exchange`): the
average mutual information of neighbouring classes, times the number of bigrams (Brown et al. 1992,
section 3). With f(n) = n log n and t(x, y) = f(x + y) - f(x) - f(y) the loss is

    t(N(i, ·), N(j, ·)) - Σ_k t(N(i, k), N(j, k))    over all other classes k,
    the same of the columns: N(·, i), N(·, j), N(k, i), N(k, j), and
    f(N(i, i)) + f(N(i, j)) + f(N(j, i)) + f(N(j, j)) - f(N(i, i) + N(i, j) + N(j, i) + N(j, j))

The losses of all pairs are updated after each merge, in O(C²): O(C³) in all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.trees.exchange import n_log_n
from hsw2v.trees.tree import Tree


def merge(
    pairs: NDArray[np.integer],
    weights: NDArray[np.float64],
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Tree:
    """Merge C classes to a binary tree over them, whose leaf c is class c.

    `pairs (C, C)` are the counts of class bigrams, `weights (C,) float64` those of the classes.
    Each step merges the pair whose loss times its weight is least. Brown's criterion, the loss
    alone, makes chains: a heavy class absorbs the others one by one, and paths are a seventh longer
    than Huffman's. Huffman's criterion is the weight alone.

    `tick` is called with the merges that are done, and their total.
    """
    counts = np.array(pairs, np.float64)
    terms = n_log_n(counts)
    weights = np.array(weights, np.float64)
    size = len(counts)
    live = np.arange(size)
    losses = np.zeros((size, size))
    for i in live:
        _lose(counts, terms, losses, live, i, live[:i])
        tick(0, size - 1)
    nodes = ~np.arange(size, dtype=np.int32)
    children = np.empty((size - 1, 2), np.int32)
    for node in reversed(range(size - 1)):
        a, b = _least(losses, weights, live)
        children[node] = nodes[a], nodes[b]
        nodes[a] = node
        weights[a] += weights[b]
        live = live[live != b]
        others = live[live != a]
        _add_likeness(counts, terms, losses, others, a, 1.0)
        _add_likeness(counts, terms, losses, others, b, 1.0)
        counts[a] += counts[b]
        counts[:, a] += counts[:, b]
        terms[a], terms[:, a] = n_log_n(counts[a]), n_log_n(counts[:, a])
        _add_likeness(counts, terms, losses, others, a, -1.0)
        _lose(counts, terms, losses, live, a, others)
        tick(size - 1 - node, size - 1)
    return Tree(children)


@inlined
def _f(count):
    return count * math.log(count) if count > 0 else 0.0


@inlined
def _t(one, other, term, other_term):
    """Return t of two counts whose f are given; 0 if one of them is 0."""
    return _f(one + other) - term - other_term if one > 0 and other > 0 else 0.0


@inlined
def _likeness(counts, terms, i, j, k):
    """Return the part of class k in the loss of merging i and j, with its sign changed."""
    before = _t(counts[i, k], counts[j, k], terms[i, k], terms[j, k])
    return before + _t(counts[k, i], counts[k, j], terms[k, i], terms[k, j])


@compiled
def _loss(counts, terms, live, i, j):
    """Return the loss of merging i and j."""
    loss = 0.0
    row_i = row_j = column_i = column_j = 0.0
    for k in live:
        if k != i and k != j:
            loss -= _likeness(counts, terms, i, j, k)
        row_i += counts[i, k]
        row_j += counts[j, k]
        column_i += counts[k, i]
        column_j += counts[k, j]
    loss += _t(row_i, row_j, _f(row_i), _f(row_j))
    loss += _t(column_i, column_j, _f(column_i), _f(column_j))
    inside = counts[i, i] + counts[i, j] + counts[j, i] + counts[j, j]
    return loss + terms[i, i] + terms[i, j] + terms[j, i] + terms[j, j] - _f(inside)


@compiled
def _lose(counts, terms, losses, live, i, others):
    """Fill in the losses of class i with others, below the diagonal."""
    for j in others:
        losses[max(i, j), min(i, j)] = _loss(counts, terms, live, i, j)


@compiled
def _add_likeness(counts, terms, losses, live, k, sign):
    """Add `sign` times `_likeness` by class k to the losses of all pairs of other classes."""
    for i in live:
        for j in live:
            if j >= i:
                break
            losses[i, j] += sign * _likeness(counts, terms, i, j, k)


@compiled
def _least(losses, weights, live):
    """Return the pair a < b of the least loss times weight, the first among equals."""
    least = np.inf
    a = b = -1
    for i in live:
        for j in live:
            if j >= i:
                break
            cost = losses[i, j] * (weights[i] + weights[j])
            if cost < least:
                least = cost
                a, b = j, i
    return a, b
