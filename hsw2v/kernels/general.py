"""Training on a block in general: any output layer, any optimizer, with batch normalisation.

`block.train_block` is the same for what most people want, and faster. Here

    H = hidden rows of a batch of windows, perhaps normalised
    for each window, for each group of output rows:
        E = y - sigmoid(H Rᵀ), or y - softmax(H Rᵀ + biases)
        R moves by Eᵀ H, and E R goes to the gradient of H
    the word vectors move by the gradient of H, carried back through the normalisation

A batch is one window, or with batch normalisation `BATCH` of them or more. Plain steps (SGD) move
R for one hidden row after the other, as in `step.step`; the other optimizers once for them all.
The definition in NumPy is `reference.general.train_batches`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.arguments import (
    BATCH,
    CLASSES,
    HIERARCHICAL,
    HYBRID,
    LOSS_KEY,
    NEGATIVE,
    NOISE_KEY,
    SAMPLED,
)
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.group import Room, choose, decide, move_hidden
from hsw2v.kernels.memory import load_int32, load_int64
from hsw2v.kernels.normalisation import backward, normalise
from hsw2v.kernels.optimizers import state_of_row, state_rows
from hsw2v.kernels.output.classes import (
    choices,
    class_rows,
    rows_of_classes,
    rows_of_members,
)
from hsw2v.kernels.output.hierarchical import (
    copy_top,
    leave_out_skipped,
    merge_top,
    paths_loss,
    prefetch_ahead,
    prefetch_nodes,
    rows_of_paths,
    tree_rows,
)
from hsw2v.kernels.output.negative import noise_rows, prefetch_sampled, sampled_rows
from hsw2v.kernels.output.sampled import (
    SHARED_BY,
    draw_words,
    rows_of_drawn,
    sampled_softmax_rows,
)
from hsw2v.kernels.random import draw
from hsw2v.kernels.rows import clear_row, copy_row
from hsw2v.kernels.step import loss
from hsw2v.kernels.subwords import move_on, ring_of
from hsw2v.kernels.tiles import mean_row, prefetch_row
from hsw2v.kernels.windows import context_rows, find_windows


class Addresses(NamedTuple):
    """Where the arrays of a block are, and what the rows measure."""

    kept: int
    places: int
    """Of the numbers of the rows of the words kept, in the table at `base`."""
    bounds: int
    context: int
    hidden: int
    """Of the addresses of hidden rows."""
    gradient: int
    """Of those of their gradients."""
    base: int
    """The table of word vectors, or the ring of those that are composed."""
    stride: int
    """Bytes of a row."""
    chunks: int
    """SIMD vectors of a row."""


@inlined
def _prefetch_next(output, trees, noise, kept, centre, count, key):
    """Ask for the output rows of the next window."""
    if centre + 1 < count:
        word = np.int64(load_int32(kept + 4 * (centre + 1)))
        if output != NEGATIVE:
            prefetch_nodes(trees, word)
        if output != HIERARCHICAL:
            prefetch_sampled(noise, word, key, centre + 1)


@inlined
def _hidden_rows_of(bounds, centre, cbow):
    """Return how many hidden rows the window of a kept word has."""
    n = np.int64(load_int32(bounds + 8 * centre + 4)) - load_int32(bounds + 8 * centre) - 1
    return min(n, 1) if cbow else n


@inlined
def _gather(begin, end, count, window, cbow, at, state, has_squares, has_means):
    """Fill in the hidden rows of the windows of some kept words, and return how many there are."""
    rows = 0
    for centre in range(begin, end):
        if centre + 1 + window < count:
            entering = np.int64(load_int32(at.kept + 4 * (centre + 1 + window)))
            row = state.table + entering * at.stride
            prefetch_row(row, at.chunks)
            if has_squares:
                prefetch_row(row + state.squares, at.chunks)
            if has_means:
                prefetch_row(row + state.means, at.chunks)
        first = np.int64(load_int32(at.bounds + 8 * centre))
        last = np.int64(load_int32(at.bounds + 8 * centre + 4))
        n = context_rows(at.base, at.stride, at.places, first, last, centre, at.context)
        if cbow and n > 0:
            mean_row(at.context, n, at.chunks, load_int64(at.hidden + 8 * rows))
            rows += 1
        elif n > 0:
            for i in range(n):
                hidden = load_int64(at.hidden + 8 * (rows + i))
                copy_row(hidden, load_int64(at.context + 8 * i), at.chunks)
            rows += n
    return rows


@inlined
def _scatter(begin, end, at, rate, plan, state):
    """Move the word vectors of these windows by the gradients of their hidden rows."""
    done = 0
    for centre in range(begin, end):
        first = np.int64(load_int32(at.bounds + 8 * centre))
        last = np.int64(load_int32(at.bounds + 8 * centre + 4))
        n = context_rows(at.base, at.stride, at.places, first, last, centre, at.context)
        for i in range(n):
            place = first + i if first + i < centre else first + i + 1
            word = np.int64(load_int32(at.kept + 4 * place))
            by_row = load_int64(at.gradient + 8 * (done if plan.cbow else done + i))
            row = load_int64(at.context + 8 * i)
            own = state_of_row(state, word, row)
            move_hidden(row, by_row, rate, plan.optimizer, plan.l2, own, at.chunks)
        done += min(n, 1) if plan.cbow else n


@compiled
def train_batches(
    ids, key, plan, windowing, tables, layer, scratch, composing=None
) -> tuple[float, int, int]:
    """Train on one block of provisional ids (B,) int32, changing the tables in place.

    Arguments and results are as those of `block.train_block`.
    """
    count = find_windows(ids, windowing, key, scratch.kept, scratch.bounds)
    trees = tree_rows(layer.paths, layer.top, tables.outputs)
    copy_top(layer.top, trees, tables.outputs)
    noise = noise_rows(layer.noise, tables.outputs)
    classes = class_rows(layer.classes, tables.outputs)
    sampling = sampled_softmax_rows(layer.proposal, scratch.drawn, tables.outputs)
    vector_state = state_rows(tables.vector_state, tables.vectors)
    output_state = state_rows(tables.output_state, tables.outputs)
    # What an optimizer remembers of a row lies in rows like it, at the same places.
    squares_trees = tree_rows(layer.paths, layer.top, tables.output_state.squares)
    squares_noise = noise_rows(layer.noise, tables.output_state.squares)
    means_trees = tree_rows(layer.paths, layer.top, tables.output_state.means)
    means_noise = noise_rows(layer.noise, tables.output_state.means)
    has_squares = len(tables.output_state.squares) > 0
    has_means = len(tables.output_state.means) > 0
    chosen = layer.kind == HIERARCHICAL or layer.kind == NEGATIVE or layer.kind == HYBRID
    scale_and_shift = state_rows(tables.norm.state, tables.norm.parameters)
    room = Room(
        scratch.output.ctypes.data,
        scratch.biases.ctypes.data,
        scratch.scores.ctypes.data,
        scratch.row.ctypes.data,
    )
    noise_key = key ^ NOISE_KEY
    base = tables.vectors.ctypes.data
    stride = tables.vectors.shape[1] * tables.vectors.itemsize
    chunks = tables.vectors.shape[1] // LANES
    kept = scratch.kept.ctypes.data
    bounds = scratch.bounds.ctypes.data
    hidden = scratch.hidden_rows.ctypes.data
    gradient = scratch.gradient_rows.ctypes.data
    context = scratch.context.ctypes.data
    places: Any = kept
    if composing is not None:
        ring = ring_of(composing, tables.vectors, kept, count)
        base = ring.composed
        places = ring.places
        left: Any = np.int64(0)
        entered: Any = np.int64(0)
    at = Addresses(kept, places, bounds, context, hidden, gradient, base, stride, chunks)
    window = windowing.window
    stop = scratch.stop.ctypes.data
    own_labels = scratch.labels.ctypes.data
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    lossy: Any = np.int64(draw(key ^ LOSS_KEY, 0) % np.uint64(plan.loss_every))
    drawn_for: Any = np.int64(-1)
    drawn: Any = np.int64(0)
    total = 0.0
    predictions = 0
    batches = max(1, count // BATCH) if plan.batch_norm else count
    for batch in range(batches):
        if load_int32(stop):
            break
        begin = batch * count // batches
        end = (batch + 1) * count // batches
        rate = plan.first_rate + slope * begin
        if composing is not None:
            first, last = max(begin - window, 0), min(end + window, count)
            left, entered = move_on(ring, left, entered, first, last)
        rows = _gather(
            begin, end, count, window, plan.cbow, at, vector_state, has_squares, has_means
        )
        if rows == 0:
            continue
        of_batch = False
        if plan.batch_norm:
            of_batch = normalise(
                tables.norm,
                scratch.hidden[:rows],
                scratch.normalised[:rows],
                scratch.weights[:rows],
                scratch.statistics,
                True,
            )
        for row in range(rows):
            clear_row(load_int64(gradient + 8 * row), chunks)
        done = 0
        for centre in range(begin, end):
            if chosen:
                if layer.kind != NEGATIVE:
                    prefetch_ahead(trees, kept, centre, count)
                _prefetch_next(layer.kind, trees, noise, kept, centre, count, noise_key)
                if has_squares:
                    _prefetch_next(
                        layer.kind, squares_trees, squares_noise, kept, centre, count, noise_key
                    )
                if has_means:
                    _prefetch_next(
                        layer.kind, means_trees, means_noise, kept, centre, count, noise_key
                    )
            n = _hidden_rows_of(bounds, centre, plan.cbow)
            if n == 0:
                continue
            sampled = centre % plan.loss_every == lossy
            word = np.int64(load_int32(kept + 4 * centre))
            here = hidden + 8 * done
            there = gradient + 8 * done
            done += n
            if layer.kind == CLASSES:
                of_class, of_word = choices(classes, word, noise_key, centre)
                # A loss is that of both choices, whichever of them are trained.
                lost = 0.0
                if of_class or sampled:
                    m, right = rows_of_classes(classes, word, room.output)
                    lost += choose(
                        n, here, there, m, right, rate, plan, room, output_state, chunks, of_class
                    )
                if of_word or sampled:
                    m, right = rows_of_members(classes, word, room.output)
                    lost += choose(
                        n, here, there, m, right, rate, plan, room, output_state, chunks, of_word
                    )
            elif layer.kind == SAMPLED:
                group = centre // SHARED_BY
                if group != drawn_for:
                    drawn = draw_words(sampling, noise_key, group)
                    drawn_for = group
                m = rows_of_drawn(sampling, drawn, word, room.output, room.biases)
                first = np.int64(0)
                lost = choose(
                    n, here, there, m, first, rate, plan, room, output_state, chunks, True
                )
            else:
                lost = 0.0
                rows_at, labels = room.output, own_labels
                if layer.kind != NEGATIVE:
                    # A loss is that of whole paths, whatever part of them is trained.
                    m = rows_of_paths(
                        trees, word, noise_key, centre, sampled, rows_at, labels, False
                    )
                    if sampled:
                        lost = paths_loss(
                            trees, word, here, n, rows_at, labels, chunks, room.scores
                        )
                        m = leave_out_skipped(trees, word, noise_key, centre, rows_at, labels, m)
                    decide(n, here, there, m, labels, rate, plan, room, output_state, chunks)
                if layer.kind != HIERARCHICAL:
                    m, labels = sampled_rows(noise, word, noise_key, centre, rows_at, False)
                    # Beside a tree, drawn words have no part in the loss, which is that of
                    # probabilities.
                    if sampled and layer.kind == NEGATIVE:
                        lost = loss(here, n, rows_at, m, labels, chunks, room.scores)
                    decide(n, here, there, m, labels, rate, plan, room, output_state, chunks)
            if sampled:
                total += lost
                predictions += n
        if plan.batch_norm:
            backward(
                tables.norm,
                scratch.normalised[:rows],
                scratch.weights[:rows],
                scratch.statistics,
                of_batch,
                scratch.gradient[:rows],
                scratch.slopes,
            )
            # All rows of the batch share scale and shift: sums of their gradients would overshoot.
            for one in range(2):
                for d in range(scratch.slopes.shape[1]):
                    scratch.slopes[one, d] /= np.float32(rows)
                row = scale_and_shift.table + one * stride
                by_row = scratch.slopes.ctypes.data + one * stride
                move_hidden(row, by_row, rate, plan.optimizer, 0.0, scale_and_shift, chunks)
        _scatter(begin, end, at, rate, plan, vector_state)
    if composing is not None:
        move_on(ring, left, entered, count, count)
    merge_top(trees)
    return total, predictions, count
