"""Training on one block of the corpus: the only kernel that the trainer calls."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.output.hierarchical import copy_top, merge_top, path_rows, prefetch_path
from hsw2v.kernels.output.negative import prefetch_sampled, sampled_rows
from hsw2v.kernels.random import draw
from hsw2v.kernels.step import loss, step
from hsw2v.kernels.tiles import LANES, add_to_rows, mean_row, prefetch_row
from hsw2v.kernels.windows import keep_tokens

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
def _context_rows(vectors, kept, first, end, centre, rows):
    base = vectors.ctypes.data
    stride = vectors.shape[1] * vectors.itemsize
    n = 0
    for position in range(first, end):
        if position != centre:
            rows[n] = base + np.int64(kept[position]) * stride
            n += 1
    return n


@inlined
def _output_rows(plan, tables, paths, top, noise, word, key, counter, scratch):
    if plan.output == HIERARCHICAL:
        return path_rows(paths, top, tables.outputs, word, scratch.output)
    return sampled_rows(noise, tables.outputs, word, key, counter, scratch.output)


@inlined
def _prefetch_next(plan, windowing, tables, paths, noise, kept, centre, end, vectors, key):
    """Ask for the rows that the next window will be the first to touch."""
    if centre + 1 < end:
        word = kept[centre + 1]
        if plan.output == HIERARCHICAL:
            prefetch_path(paths, tables.outputs, word, vectors)
        else:
            prefetch_sampled(noise, tables.outputs, word, key, centre + 1, vectors)
    if centre + 1 + windowing.window < end:
        word = kept[centre + 1 + windowing.window]
        stride = tables.vectors.shape[1] * tables.vectors.itemsize
        prefetch_row(tables.vectors.ctypes.data + np.int64(word) * stride, vectors)


@compiled
def train_block(
    ids, key, plan, windowing, tables, paths, top, noise, scratch
) -> tuple[float, int, int]:
    """Train on one block of provisional ids (B,) int32, changing the tables in place.

    All chance comes from `key` (uint64). Threads may work on blocks of the same tables at once
    without locks: Hogwild (Niu, Recht, Ré & Wright 2011).

    Returns the sampled loss in nats (float64), the predictions it is the sum of, and the number
    of words that were kept.
    """
    count, sentences = keep_tokens(ids, windowing, key, scratch.kept, scratch.reach, scratch.ends)
    kept = scratch.kept
    noise_key = key ^ NOISE_KEY
    lossy = draw(key ^ LOSS_KEY, 0) % np.uint64(plan.loss_every)
    next_loss: Any = np.int64(lossy)
    width = tables.vectors.shape[1]
    vectors = width // LANES
    context = scratch.context.ctypes.data
    output = scratch.output.ctypes.data
    mean = scratch.mean_rows[0]
    gradient = scratch.mean_rows[1]
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    total = 0.0
    predictions = 0
    start: Any = 0
    copy_top(top, tables.outputs)
    for sentence in range(sentences):
        end = np.int64(scratch.ends[sentence])
        for centre in range(start, end):
            if scratch.stop[0]:
                break
            reach = np.int64(scratch.reach[centre])
            n = _context_rows(
                tables.vectors,
                kept,
                max(start, centre - reach),
                min(end, centre + reach + 1),
                centre,
                scratch.context,
            )
            sampled = centre == next_loss
            if sampled:
                next_loss += plan.loss_every
            if n == 0:
                continue
            m, labels = _output_rows(
                plan, tables, paths, top, noise, kept[centre], noise_key, centre, scratch
            )
            _prefetch_next(
                plan, windowing, tables, paths, noise, kept, centre, end, vectors, noise_key
            )
            rate = np.float32(plan.first_rate + slope * centre)
            hidden = context
            target = context
            rows = n
            if plan.cbow:
                mean_row(context, n, vectors, mean)
                hidden = scratch.mean_rows.ctypes.data
                target = hidden + 8
                rows = 1
            if sampled:
                total += loss(hidden, rows, output, m, labels, width, scratch)
                predictions += rows
            step(hidden, target, rows, output, m, labels, rate, width, scratch)
            if plan.cbow:
                add_to_rows(context, n, vectors, gradient)
        start = end
    merge_top(top, tables.outputs)
    return total, predictions, count
