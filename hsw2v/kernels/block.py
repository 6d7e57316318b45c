"""Training on one block of the corpus: trees, negative sampling or both, by plain steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.arguments import HIERARCHICAL, LOSS_KEY, NEGATIVE, NOISE_KEY
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32, load_int64
from hsw2v.kernels.optimizers import decay_factor
from hsw2v.kernels.output.hierarchical import (
    copy_top,
    leave_out_skipped,
    merge_top,
    paths_loss,
    prefetch_ahead,
    rows_of_paths,
    tree_rows,
)
from hsw2v.kernels.output.negative import (
    label_rows,
    noise_rows,
    prefetch_draws,
    sampled_rows,
)
from hsw2v.kernels.random import draw
from hsw2v.kernels.rows import decay_rows
from hsw2v.kernels.step import loss, step
from hsw2v.kernels.subwords import move_on, ring_of
from hsw2v.kernels.tiles import add_to_rows, mean_row, prefetch_row
from hsw2v.kernels.windows import find_windows, leave_out, row_addresses


@inlined
def _find_rows(kind, trees, sampling, kept, centre, count, key, whole, rows, labels):
    """Find the output rows of a window ahead of it, and ask for them and for what later ones need.

    Their addresses are written to `rows`, those of paths first, and the labels of paths to
    `labels`; with `whole`, those of all their nodes. Returns how many there are, and where their
    labels are.
    """
    word = np.int64(load_int32(kept + 4 * centre))
    m: Any = np.int64(0)
    there: Any = labels
    if kind != NEGATIVE:
        prefetch_ahead(trees, kept, centre - 1, count)
        m = rows_of_paths(trees, word, key, centre, whole, rows, labels, True)
    if kind != HIERARCHICAL:
        prefetch_draws(sampling, key, centre + 1)
        drawn, constant = sampled_rows(sampling, word, key, centre, rows + 8 * m, True)
        if kind == NEGATIVE:
            there = constant
        else:
            label_rows(sampling, drawn, labels + 4 * m)
        m += drawn
    return m, there


@compiled
def train_block(
    ids, key, plan, windowing, tables, layer, scratch, composing=None
) -> tuple[float, int, int]:
    """Train on one block of provisional ids (B,) int32, changing the tables in place.

    `plan` is one of plain steps: with SGD and without batch normalisation. All random numbers come
    from `key` (uint64). Threads may work on blocks of the same tables at once without locks:
    Hogwild (Niu, Recht, Ré & Wright 2011). With `composing`, words have n-grams (`subwords`).

    Returns the sampled loss in nats (float64), the predictions it is the sum of, and the number
    of words that were kept.
    """
    count = find_windows(ids, windowing, key, scratch.kept, scratch.bounds)
    trees = tree_rows(layer.paths, layer.top, tables.outputs)
    copy_top(layer.top, trees, tables.outputs)
    sampling = noise_rows(layer.noise, tables.outputs)
    noise_key = key ^ NOISE_KEY
    base = tables.vectors.ctypes.data
    stride = tables.vectors.shape[1] * tables.vectors.itemsize
    chunks = tables.vectors.shape[1] // LANES
    kept = scratch.kept.ctypes.data
    bounds = scratch.bounds.ctypes.data
    stop = scratch.stop.ctypes.data
    word_rows = scratch.rows.ctypes.data
    if composing is not None:
        ring = ring_of(composing, tables.vectors, kept, count)
        row_addresses(ring.composed, stride, ring.places, count, word_rows)
        left: Any = np.int64(0)
        entered: Any = np.int64(0)
    else:
        row_addresses(base, stride, kept, count, word_rows)
    outputs = scratch.output.ctypes.data
    labels_of_paths = scratch.labels.ctypes.data
    output_room = scratch.output.itemsize * scratch.output.shape[1]
    label_room = scratch.labels.itemsize * scratch.labels.shape[1]
    scores = scratch.scores.ctypes.data
    mean_rows = scratch.hidden_rows.ctypes.data
    mean = load_int64(mean_rows)
    # A row of zeros, and so again after each window.
    mean_gradients = scratch.gradient_rows.ctypes.data
    mean_gradient = load_int64(mean_gradients)
    cbow = plan.cbow
    kind = layer.kind
    l2 = plan.l2
    loss_every = plan.loss_every
    window = windowing.window
    first_rate = plan.first_rate
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    next_loss: Any = np.int64(draw(key ^ LOSS_KEY, 0) % np.uint64(loss_every))
    total = 0.0
    predictions = 0
    previous: Any = np.int64(0)
    # Of the next window: its output rows are found during the one before.
    next_m: Any = np.int64(0)
    next_labels: Any = np.int64(0)
    next_sampled = False
    for centre in range(-1, count):
        if load_int32(stop):
            break
        m, labels, sampled = next_m, next_labels, next_sampled
        output = outputs + (centre & 1) * output_room
        ahead = centre + 1
        if ahead < count:
            next_sampled = ahead == next_loss
            if next_sampled:
                next_loss += loss_every
            next_m, next_labels = _find_rows(
                kind,
                trees,
                sampling,
                kept,
                ahead,
                count,
                noise_key,
                # A loss is that of the whole path, whatever part of it is trained.
                next_sampled,
                outputs + (ahead & 1) * output_room,
                labels_of_paths + (ahead & 1) * label_room,
            )
            if ahead + window < count:
                prefetch_row(load_int64(word_rows + 8 * (ahead + window + 1)), chunks)
        if centre < 0:
            continue
        if composing is not None:
            begin = max(centre - window, 0)
            left, entered = move_on(ring, left, entered, begin, min(ahead + window, count))
        previous = leave_out(word_rows, centre, previous)
        first = np.int64(load_int32(bounds + 8 * centre))
        n = np.int64(load_int32(bounds + 8 * centre + 4)) - first - 1
        if n == 0:
            continue
        context = word_rows + 8 * (first + 2)
        hidden = context
        target = context
        rows: Any = n
        if cbow:
            mean_row(context, n, chunks, mean)
            hidden = mean_rows
            target = mean_gradients
            rows = 1
        if sampled:
            if kind == NEGATIVE:
                total += loss(hidden, rows, output, m, labels, chunks, scores)
            else:
                word = np.int64(load_int32(kept + 4 * centre))
                total += paths_loss(trees, word, hidden, rows, output, labels, chunks, scores)
                m = leave_out_skipped(trees, word, noise_key, centre, output, labels, m)
            predictions += rows
        if m == 0:
            continue
        rate = np.float32(first_rate + slope * centre)
        step(hidden, target, rows, output, m, labels, rate, chunks, scores)
        if cbow:
            add_to_rows(context, n, chunks, mean_gradient)
        if l2 > 0.0:
            factor = decay_factor(rate, l2)
            decay_rows(output, m, factor, chunks)
            decay_rows(context, n, factor, chunks)
    if composing is not None:
        move_on(ring, left, entered, count, count)
    merge_top(trees)
    return total, predictions, count
