"""Training on one block of the corpus: sampled softmax, by plain steps.

    X = hidden rows of TOGETHER words of the text (n, D): their own word vectors, each for all
        targets around it; in CBOW the means of their windows
    N = rows of the words drawn (m, D), T = rows of the targets
    E = y - softmax of a hidden row's scores with one of its targets and with N, for each such pair
    N moves by X, and X by N, as their errors say, summed over a row's targets
    T moves by X, and X by T, target by target

All errors are those before the batch. So a context word is scored against N once, and not for every
pair, and the products are of matrices. The definition in NumPy is `reference.sampled`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.arguments import LOSS_KEY, NOISE_KEY
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.group import PIECE, score_tiles
from hsw2v.kernels.link import NOTHING, add_and_find_highest, exponentials, scale
from hsw2v.kernels.memory import (
    load_float32,
    load_int32,
    load_int64,
    store_float32,
    store_int64,
)
from hsw2v.kernels.optimizers import decay_factor
from hsw2v.kernels.output.negative import drawn_word
from hsw2v.kernels.output.sampled import (
    SHARED_BY,
    TOGETHER,
    bias_of_drawn,
    draw_words,
    sampled_softmax_rows,
    times_drawn,
)
from hsw2v.kernels.random import draw
from hsw2v.kernels.rows import decay_rows
from hsw2v.kernels.subwords import move_on, ring_of
from hsw2v.kernels.tiles import (
    MAX_OUTPUT,
    TILE_WIDTH,
    add_to_rows,
    mean_row,
    prefetch_row,
    score_row,
    update_rows,
)
from hsw2v.kernels.windows import context_rows, find_windows, row_addresses


class At(NamedTuple):
    """Where everything is that a block needs: addresses, and what the rows measure."""

    kept: int
    places: int
    """Of the numbers of the rows of the words kept, in the table at `base`."""
    bounds: int
    base: int
    """The table of word vectors, or the ring of those that are composed."""
    outputs: int
    stride: int
    """Bytes of a row."""
    chunks: int
    """SIMD vectors of a row."""
    rows: int
    context: int
    hidden: int
    """Of the addresses of means."""
    gradient: int
    """Of those of their gradients, which are zero between batches."""
    drawn: int
    """Of the addresses of the rows of the words drawn."""
    biases: int
    """Of what is added to scores with them."""
    scores: int
    """Of these scores, in pieces, and then of their errors."""
    targets: int
    right: int
    width: int
    """Bytes of a row of `right`."""
    highest: int
    mass: int
    shares: int


@inlined
def _addresses(tables, scratch, base, places):
    """Return where everything is; the rows of the words kept are told by `base` and `places`."""
    batch = scratch.batch
    stride = tables.vectors.shape[1] * tables.vectors.itemsize
    return At(
        scratch.kept.ctypes.data,
        places,
        scratch.bounds.ctypes.data,
        base,
        tables.outputs.ctypes.data,
        stride,
        stride // (4 * LANES),
        scratch.rows.ctypes.data,
        scratch.context.ctypes.data,
        scratch.hidden_rows.ctypes.data,
        scratch.gradient_rows.ctypes.data,
        scratch.output.ctypes.data,
        scratch.biases.ctypes.data,
        scratch.scores.ctypes.data,
        batch.targets.ctypes.data,
        batch.right.ctypes.data,
        batch.right.shape[1] * batch.right.itemsize,
        batch.highest.ctypes.data,
        batch.mass.ctypes.data,
        batch.shares.ctypes.data,
    )


@inlined
def _word(at, place):
    """Return a word that was kept."""
    return np.int64(load_int32(at.kept + 4 * place))


@inlined
def _window(at, place):
    """Return the bounds of the window of a word that was kept."""
    first = np.int64(load_int32(at.bounds + 8 * place))
    return first, np.int64(load_int32(at.bounds + 8 * place + 4))


@inlined
def _pairs(at, centre, begin, end, cbow):
    """Return which hidden rows predict a target: the first, and the one after the last.

    In skip-gram the target's own may be among others, which does not.
    """
    first, last = _window(at, centre)
    if cbow:
        row = centre - begin
        return row, row + min(np.int64(1), last - first - 1)
    first = max(first, begin)
    last = min(last, end)
    if first == centre and last == centre + 1:
        last = first
    return first - begin, last - begin


@inlined
def _score(at, row, column):
    """Return the address of the score of a hidden row with a word drawn."""
    piece = at.scores + column // MAX_OUTPUT * PIECE
    return piece + 4 * (row * MAX_OUTPUT + column % MAX_OUTPUT)


@compiled
def _draw(at, sampling, key, group):
    """Draw the words of a group of windows; return how many are distinct."""
    m = draw_words(sampling, key, group)
    for place in range(m):
        word = np.int64(load_int32(sampling.drawn + 4 * place))
        store_int64(at.drawn + 8 * place, at.outputs + word * at.stride)
        store_float32(at.biases + 4 * place, bias_of_drawn(sampling, place))
    for place in range(m, -(-m // LANES) * LANES):
        store_float32(at.biases + 4 * place, NOTHING)
    return m


@compiled
def _prefetch(at, vectors, sampling, key, first, last, group):
    """Ask for the rows of words from `first` on and before `last`, and of those of a group.

    The words' own rows are in the table at the address `vectors`.
    """
    for place in range(first, last):
        word = _word(at, place)
        prefetch_row(at.outputs + word * at.stride, at.chunks)
        prefetch_row(vectors + word * at.stride, at.chunks)
    if group >= 0:
        for place in range(sampling.samples):
            word = drawn_word(sampling, draw(key, group * sampling.samples + place))
            prefetch_row(at.outputs + word * at.stride, at.chunks)


@compiled
def _mean_rows(at, begin, end):
    """Make the means of windows that have words."""
    for place in range(begin, end):
        first, last = _window(at, place)
        n = context_rows(at.base, at.stride, at.places, first, last, place, at.context)
        if n > 0:
            mean_row(at.context, n, at.chunks, load_int64(at.hidden + 8 * (place - begin)))


@compiled
def _score_drawn(at, hidden, rows, m):
    """Write the scores of hidden rows with the words drawn, and the highest of each row."""
    score_tiles(rows, hidden, at.drawn, m, at.chunks, at.scores)
    for i in range(rows):
        highest = NOTHING
        for j in range(0, m, MAX_OUTPUT):
            chunks = -(-min(m - j, MAX_OUTPUT) // LANES)
            found = add_and_find_highest(_score(at, i, j), at.biases + 4 * j, chunks)
            highest = max(highest, found)
        store_float32(at.highest + 4 * i, highest)


@compiled
def _score_targets(at, hidden, sampling, low, high, begin, end, cbow):
    """Write the scores of all pairs, and raise the highest of their rows to them.

    Returns the number of pairs, targets with themselves among them.
    """
    count = np.int64(0)
    for centre in range(low, high):
        first, last = _pairs(at, centre, begin, end, cbow)
        if first >= last:
            continue
        count += last - first
        word = _word(at, centre)
        target = at.targets + 8 * (centre - low)
        right = at.right + at.width * (centre - low)
        store_int64(target, at.outputs + word * at.stride)
        for j in range(first, last, TILE_WIDTH):
            wide = min(last - j, TILE_WIDTH)
            score_row(wide, target, hidden + 8 * j, at.chunks, right + 4 * j)
        correction = load_float32(sampling.corrections + 4 * word)
        for row in range(first, last):
            score = load_float32(right + 4 * row) + correction
            store_float32(right + 4 * row, score)
            if score > load_float32(at.highest + 4 * row):
                store_float32(at.highest + 4 * row, score)
    return count


@compiled
def _take_exponentials(at, rows, m):
    """Put exponentials in place of the scores with the words drawn, and sum them up."""
    for i in range(rows):
        mass = np.float32(0.0)
        for j in range(0, m, MAX_OUTPUT):
            chunks = -(-min(m - j, MAX_OUTPUT) // LANES)
            mass += exponentials(_score(at, i, j), load_float32(at.highest + 4 * i), chunks)
        store_float32(at.mass + 4 * i, mass)
        store_float32(at.shares + 4 * i, np.float32(0.0))


@compiled
def _errors_of_targets(at, sampling, m, centre, low, begin, end, cbow, rate):
    """Put rate · error in place of the scores of a target's pairs; return their loss and number."""
    first, last = _pairs(at, centre, begin, end, cbow)
    right = at.right + at.width * (centre - low)
    _, times = times_drawn(sampling, _word(at, centre), m)
    lost = 0.0
    count = 0
    for row in range(first, last):
        score = load_float32(right + 4 * row) - load_float32(at.highest + 4 * row)
        store_float32(right + 4 * row, score)
        if cbow or row + begin != centre:
            lost -= np.float64(score)
    for chunk in range(first // LANES, -(-last // LANES)):
        exponentials(right + 4 * LANES * chunk, np.float32(0.0), 1)
    for row in range(first, last):
        place = right + 4 * row
        if not cbow and row + begin == centre:
            # A word does not predict itself.
            store_float32(place, np.float32(0.0))
            continue
        power = load_float32(place)
        # The target among the words drawn does not count. What is left is not below its power but
        # by rounding.
        whole = load_float32(at.mass + 4 * row) + power * (np.float32(1.0) - times)
        whole = max(whole, power)
        share = np.float32(1.0) / whole
        store_float32(at.shares + 4 * row, load_float32(at.shares + 4 * row) + share)
        store_float32(place, rate * (np.float32(1.0) - power * share))
        lost += np.log(np.float64(whole))
        count += 1
    return lost, count


@compiled
def _errors_of_drawn(at, sampling, m, rows, low, high, begin, end, cbow, rate):
    """Put rate · error, summed over a row's targets, in place of exponentials."""
    for i in range(rows):
        factor = -rate * load_float32(at.shares + 4 * i)
        for j in range(0, m, MAX_OUTPUT):
            scale(_score(at, i, j), factor, -(-min(m - j, MAX_OUTPUT) // LANES))
    for centre in range(low, high):
        slot, times = times_drawn(sampling, _word(at, centre), m)
        if times > 0:
            # No error of a pair is upon its own target as a word drawn.
            first, last = _pairs(at, centre, begin, end, cbow)
            right = at.right + at.width * (centre - low)
            for row in range(first, last):
                if cbow or row + begin != centre:
                    place = _score(at, row, slot)
                    own = times * (rate - load_float32(right + 4 * row))
                    store_float32(place, load_float32(place) + own)


@compiled
def _move(at, hidden, m, rows, low, high, begin, end, cbow, factor):
    """Move all rows of a batch; with a factor below 1 those that moved decay by it."""
    moving = at.gradient if cbow else hidden
    for j in range(0, m, MAX_OUTPUT):
        columns = min(m - j, MAX_OUTPUT)
        update_rows(rows, hidden, moving, at.drawn + 8 * j, columns, at.chunks, _score(at, 0, j))
    if factor < 1.0:
        decay_rows(at.drawn, m, factor, at.chunks)
    for centre in range(low, high):
        first, last = _pairs(at, centre, begin, end, cbow)
        if first >= last:
            continue
        target = at.targets + 8 * (centre - low)
        errors = at.right + at.width * (centre - low) + 4 * first
        own = hidden + 8 * first
        if cbow:
            gradient = moving + 8 * first
            update_rows(1, own, gradient, target, 1, at.chunks, errors)
            start, stop = _window(at, centre)
            n = context_rows(at.base, at.stride, at.places, start, stop, centre, at.context)
            add_to_rows(at.context, n, at.chunks, load_int64(gradient))
            if factor < 1.0:
                decay_rows(at.context, n, factor, at.chunks)
        else:
            # The target as the hidden row: the step is the same, and its errors lie in a line.
            update_rows(1, target, target, own, last - first, at.chunks, errors)
        if factor < 1.0:
            decay_rows(target, 1, factor, at.chunks)
    if factor < 1.0 and not cbow:
        for row in range(rows):
            if load_float32(at.shares + 4 * row) > 0.0:
                decay_rows(hidden + 8 * row, 1, factor, at.chunks)


@compiled
def train_sampled(
    ids, key, plan, windowing, tables, layer, scratch, composing=None
) -> tuple[float, int, int]:
    """Train on one block of provisional ids (B,) int32, changing the tables in place.

    `plan` is one of plain steps: with SGD and without batch normalisation. Arguments and results
    are as those of `block.train_block`.
    """
    count = find_windows(ids, windowing, key, scratch.kept, scratch.bounds)
    vectors = tables.vectors.ctypes.data
    base: Any = vectors
    places: Any = scratch.kept.ctypes.data
    if composing is not None:
        ring = ring_of(composing, tables.vectors, places, count)
        base = ring.composed
        places = ring.places
        left: Any = np.int64(0)
        entered: Any = np.int64(0)
    at = _addresses(tables, scratch, base, places)
    row_addresses(at.base, at.stride, at.places, count, at.rows)
    sampling = sampled_softmax_rows(layer.proposal, scratch.drawn, tables.outputs)
    noise_key = key ^ NOISE_KEY
    stop = scratch.stop.ctypes.data
    window = windowing.window
    cbow = plan.cbow
    slope = (plan.last_rate - plan.first_rate) / max(count, 1)
    lossy: Any = np.int64(draw(key ^ LOSS_KEY, 0) % np.uint64(plan.loss_every))
    total = 0.0
    predictions = 0
    m: Any = np.int64(0)
    for begin in range(0, count, TOGETHER):
        if load_int32(stop):
            break
        end = min(begin + TOGETHER, count)
        rows = end - begin
        entering = min(end + window, count)
        following = end // SHARED_BY if end % SHARED_BY == 0 and end < count else -1
        last = min(entering + TOGETHER, count)
        _prefetch(at, vectors, sampling, noise_key, entering, last, following)
        if composing is not None:
            reach = window if cbow else 0
            first, last = max(begin - reach, 0), min(end + reach, count)
            left, entered = move_on(ring, left, entered, first, last)
        if begin % SHARED_BY == 0:
            m = _draw(at, sampling, noise_key, begin // SHARED_BY)
        rate = np.float32(plan.first_rate + slope * begin)
        # The hidden rows, and the targets that they predict.
        hidden = at.rows + 8 * (begin + 1)
        low: Any = max(begin - window, 0)
        high: Any = entering
        if cbow:
            _mean_rows(at, begin, end)
            hidden = at.hidden
            low = begin
            high = end
        _score_drawn(at, hidden, rows, m)
        if _score_targets(at, hidden, sampling, low, high, begin, end, cbow) == 0:
            continue
        _take_exponentials(at, rows, m)
        for centre in range(low, high):
            lost, found = _errors_of_targets(at, sampling, m, centre, low, begin, end, cbow, rate)
            if centre % plan.loss_every == lossy:
                total += lost
                predictions += found
        _errors_of_drawn(at, sampling, m, rows, low, high, begin, end, cbow, rate)
        _move(at, hidden, m, rows, low, high, begin, end, cbow, decay_factor(rate, plan.l2))
    if composing is not None:
        move_on(ring, left, entered, count, count)
    return total, predictions, count
