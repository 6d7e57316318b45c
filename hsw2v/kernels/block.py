"""Training on one block of the corpus: trees and negative sampling, by plain steps."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32, load_int64
from hsw2v.kernels.output.hierarchical import (
    copy_top,
    first_level,
    merge_top,
    path_rows,
    prefetch_nodes,
    prefetch_path,
    prefetch_place,
    tree_rows,
)
from hsw2v.kernels.output.negative import noise_rows, prefetch_sampled, sampled_rows
from hsw2v.kernels.random import draw
from hsw2v.kernels.step import loss, step
from hsw2v.kernels.tiles import add_to_rows, mean_row, prefetch_row
from hsw2v.kernels.windows import context_rows, keep_tokens

HIERARCHICAL, NEGATIVE = 0, 1
"""The output layers, as `Plan.output`."""

LOSS_KEY = np.uint64(0x6C6F7373)
NOISE_KEY = np.uint64(0x6E6F6973)


class Plan(NamedTuple):
    """What one call of `train_block` is to do."""

    cbow: bool
    """Predict from the mean of the context instead of from each context word."""
    output: int
    """HIERARCHICAL or NEGATIVE."""
    first_rate: float
    """Learning rate at the first window of the block."""
    last_rate: float
    """Learning rate after its last."""
    loss_every: int
    """The loss is taken of one window in so many, from a random one on."""


class Tables(NamedTuple):
    """What is trained; rows padded with zeros to P floats, aligned to 64 bytes."""

    vectors: NDArray[np.float32]
    """(V, P) float32, word vectors."""
    outputs: NDArray[np.float32]
    """(V-1, P) float32 node vectors, or (V, P) of negative sampling."""


@inlined
def _output_rows(output, tree, noise, word, first, key, counter, rows):
    if output == HIERARCHICAL:
        return path_rows(tree, word, first, rows)
    return sampled_rows(noise, word, key, counter, rows)


@inlined
def prefetch_ahead(output, tree, noise, kept, centre, count, key):
    """Ask for what the next windows will be the first to touch, in order of dependence."""
    if output == HIERARCHICAL:
        if centre + 6 < count:
            prefetch_place(tree, np.int64(load_int32(kept + 4 * (centre + 6))))
        if centre + 3 < count:
            prefetch_path(tree, np.int64(load_int32(kept + 4 * (centre + 3))))
    prefetch_next(output, tree, noise, kept, centre, count, key)


@inlined
def prefetch_next(output, tree, noise, kept, centre, count, key):
    """Ask for the output rows of the next window."""
    if centre + 1 < count:
        word = np.int64(load_int32(kept + 4 * (centre + 1)))
        if output == HIERARCHICAL:
            prefetch_nodes(tree, word)
        else:
            prefetch_sampled(noise, word, key, centre + 1)


@compiled
def train_block(
    ids, key, plan, windowing, tables, paths, top, noise, scratch
) -> tuple[float, int, int]:
    """Train on one block of provisional ids (B,) int32, changing the tables in place.

    All random numbers come from `key` (uint64). Threads may work on blocks of the same tables at
    once without locks: Hogwild (Niu, Recht, Ré & Wright 2011).

    Returns the sampled loss in nats (float64), the predictions it is the sum of, and the number
    of words that were kept.
    """
    count, sentences = keep_tokens(ids, windowing, key, scratch.kept, scratch.reach, scratch.ends)
    copy_top(top, tables.outputs)
    tree = tree_rows(paths, top, tables.outputs)
    sampling = noise_rows(noise, tables.outputs)
    noise_key = key ^ NOISE_KEY
    base = tables.vectors.ctypes.data
    stride = tables.vectors.shape[1] * tables.vectors.itemsize
    chunks = tables.vectors.shape[1] // LANES
    kept = scratch.kept.ctypes.data
    reaches = scratch.reach.ctypes.data
    ends = scratch.ends.ctypes.data
    stop = scratch.stop.ctypes.data
    context = scratch.context.ctypes.data
    output = scratch.output.ctypes.data
    gradient = scratch.gradient.ctypes.data
    mean_rows = scratch.mean_rows.ctypes.data
    mean = load_int64(mean_rows)
    mean_gradient = load_int64(mean_rows + 8)
    cbow = plan.cbow
    layer = plan.output
    loss_every = plan.loss_every
    window = windowing.window
    first_rate = plan.first_rate
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    next_loss: Any = np.int64(draw(key ^ LOSS_KEY, 0) % np.uint64(loss_every))
    total = 0.0
    predictions = 0
    start: Any = 0
    for sentence in range(sentences):
        end = np.int64(load_int32(ends + 4 * sentence))
        for centre in range(start, end):
            if load_int32(stop):
                break
            sampled = centre == next_loss
            if sampled:
                next_loss += loss_every
            if centre + 1 + window < count:
                entering = np.int64(load_int32(kept + 4 * (centre + 1 + window)))
                prefetch_row(base + entering * stride, chunks)
            reach = np.int64(load_int32(reaches + 4 * centre))
            first = max(start, centre - reach)
            last = min(end, centre + reach + 1)
            n = context_rows(base, stride, kept, first, last, centre, context)
            if n == 0:
                continue
            word = np.int64(load_int32(kept + 4 * centre))
            # A loss is that of the whole path, whatever part of it is trained.
            skipped: Any = np.int64(0)
            if layer == HIERARCHICAL:
                skipped = first_level(tree, word, noise_key, centre)
            first_row = 0 if sampled else skipped
            m, labels = _output_rows(
                layer, tree, sampling, word, first_row, noise_key, centre, output
            )
            prefetch_ahead(layer, tree, sampling, kept, centre, count, noise_key)
            hidden = context
            target = context
            rows = n
            if cbow:
                mean_row(context, n, chunks, mean)
                hidden = mean_rows
                target = mean_rows + 8
                rows = 1
            if sampled:
                total += loss(hidden, rows, output, m, labels, chunks, gradient)
                predictions += rows
            ahead = skipped - first_row
            if m == ahead:
                continue
            there = output + 8 * ahead
            rate = np.float32(first_rate + slope * centre)
            step(hidden, target, rows, there, m - ahead, labels + 4 * ahead, rate, chunks, gradient)
            if cbow:
                add_to_rows(context, n, chunks, mean_gradient)
        start = end
    merge_top(tree)
    return total, predictions, count
