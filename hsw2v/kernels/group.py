"""The step of one window in general: a group of output rows that is decided on together.

Two-way decisions have a sigmoid as their link, a choice among all rows of the group a softmax.
Scores, and then gradients, lie in pieces as `link` says. Arguments are addresses: of arrays of
addresses of rows (`hidden`, `target`, which takes the gradient of the hidden rows), and those of a
`Room`. The definition in NumPy is `reference.general.step`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsw2v.jit import compiled
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.link import (
    NOTHING,
    add_and_find_highest,
    add_weighted,
    exponentials,
    scale,
)
from hsw2v.kernels.memory import load_float32, load_int64, store_float32
from hsw2v.kernels.optimizers import SGD, decay_factor, move_row
from hsw2v.kernels.rows import clear_row, decay_rows, move_row_by
from hsw2v.kernels.step import gradients, step
from hsw2v.kernels.tiles import (
    MAX_CONTEXT,
    MAX_OUTPUT,
    TILE_WIDTH,
    score_row,
    score_rows,
    update_rows,
)

PIECE = 4 * MAX_CONTEXT * MAX_OUTPUT
"""Bytes of a piece of scores."""


class Room(NamedTuple):
    """Addresses of what a group of output rows is worked on in."""

    output: int
    biases: int
    scores: int
    row: int


@compiled
def score_tiles(rows, hidden, output, m, chunks, scores):
    """Write the scores of n ≤ MAX_CONTEXT hidden rows with m output rows, in pieces."""
    for i in range(0, rows, 2):
        here = hidden + 8 * i
        for j in range(0, m, TILE_WIDTH):
            width = min(m - j, TILE_WIDTH)
            there = output + 8 * j
            place = scores + (j // MAX_OUTPUT) * PIECE + 4 * (i * MAX_OUTPUT + j % MAX_OUTPUT)
            if i + 1 < rows:
                score_rows(width, here, there, chunks, place)
            else:
                score_row(width, here, there, chunks, place)


@compiled
def _softmax(rows, m, right, rate, biases, scores):
    """Put rate · (y - softmax) in place of scores in pieces, and return the loss in nats."""
    padded = -(-m // LANES) * LANES
    for column in range(m, padded):
        store_float32(biases + 4 * column, NOTHING)
    total = 0.0
    for i in range(rows):
        own = scores + 4 * i * MAX_OUTPUT
        target = own + (right // MAX_OUTPUT) * PIECE + 4 * (right % MAX_OUTPUT)
        highest = NOTHING
        for j in range(0, padded, MAX_OUTPUT):
            chunks = min(padded - j, MAX_OUTPUT) // LANES
            found = add_and_find_highest(own + (j // MAX_OUTPUT) * PIECE, biases + 4 * j, chunks)
            highest = max(highest, found)
        score = load_float32(target)
        mass = np.float32(0.0)
        for j in range(0, padded, MAX_OUTPUT):
            chunks = min(padded - j, MAX_OUTPUT) // LANES
            mass += exponentials(own + (j // MAX_OUTPUT) * PIECE, highest, chunks)
        for j in range(0, padded, MAX_OUTPUT):
            chunks = min(padded - j, MAX_OUTPUT) // LANES
            scale(own + (j // MAX_OUTPUT) * PIECE, -rate / mass, chunks)
        store_float32(target, load_float32(target) + rate)
        total += np.log(np.float64(mass)) + np.float64(highest) - np.float64(score)
    for column in range(m, padded):
        store_float32(biases + 4 * column, np.float32(0.0))
    return total


@compiled
def _move_outputs(rows, hidden, target, output, m, rate, plan, room, state, chunks):
    """Move m output rows by the gradients in `room.scores`, and pass them on to `target`."""
    for j in range(0, m, MAX_OUTPUT):
        count = min(m - j, MAX_OUTPUT)
        there = output + 8 * j
        piece = room.scores + (j // MAX_OUTPUT) * PIECE
        if plan.optimizer == SGD:
            update_rows(rows, hidden, target, there, count, chunks, piece)
            if plan.l2 > 0.0:
                decay_rows(there, count, decay_factor(rate, plan.l2), chunks)
        else:
            for i in range(rows):
                weights = piece + 4 * i * MAX_OUTPUT
                total = load_int64(target + 8 * i)
                add_weighted(total, there, count, weights, 4, chunks)
            for column in range(count):
                clear_row(room.row, chunks)
                weights = piece + 4 * column
                add_weighted(room.row, hidden, rows, weights, 4 * MAX_OUTPUT, chunks)
                row = load_int64(there + 8 * column)
                move_row(plan.optimizer, plan.l2, state, row, room.row, rate, chunks)


@compiled
def decide(n, hidden, target, m, labels, rate, plan, room, state, chunks):
    """Do the step of one window with two-way decisions on m rows."""
    if plan.optimizer == SGD:
        step(hidden, target, n, room.output, m, labels, np.float32(rate), chunks, room.scores)
        if plan.l2 > 0.0:
            decay_rows(room.output, m, decay_factor(rate, plan.l2), chunks)
        return
    for i in range(0, n, MAX_CONTEXT):
        rows = min(n - i, MAX_CONTEXT)
        here = hidden + 8 * i
        for j in range(0, m, MAX_OUTPUT):
            count = min(m - j, MAX_OUTPUT)
            piece = room.scores + (j // MAX_OUTPUT) * PIECE
            there = room.output + 8 * j
            one = np.float32(1.0)
            gradients(here, rows, there, count, labels + 4 * j, one, chunks, piece)
        _move_outputs(rows, here, target + 8 * i, room.output, m, rate, plan, room, state, chunks)


@compiled
def choose(n, hidden, target, m, right, rate, plan, room, state, chunks, learning):
    """Do the step of one window with a choice among m rows; return its loss in nats.

    If it is not learning, nothing moves.
    """
    error_rate = np.float32(rate) if plan.optimizer == SGD else np.float32(1.0)
    total = 0.0
    for i in range(0, n, MAX_CONTEXT):
        rows = min(n - i, MAX_CONTEXT)
        here = hidden + 8 * i
        score_tiles(rows, here, room.output, m, chunks, room.scores)
        total += _softmax(rows, m, right, error_rate, room.biases, room.scores)
        if learning:
            _move_outputs(
                rows, here, target + 8 * i, room.output, m, rate, plan, room, state, chunks
            )
    return total


@compiled
def move_hidden(row, gradient, rate, optimizer, l2, state, chunks):
    """Move a row by a gradient of hidden vectors: with SGD the learning rate is in it already."""
    if optimizer == SGD:
        move_row_by(row, gradient, decay_factor(rate, l2), np.float32(1.0), chunks)
    else:
        move_row(optimizer, l2, state, row, gradient, rate, chunks)
