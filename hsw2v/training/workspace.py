"""What each thread works in: arrays made once and used for every block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.kernels.arguments import BATCH, Scratch
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.output.hierarchical import PrivateTop
from hsw2v.kernels.output.sampled import TOGETHER, Batch, Drawn
from hsw2v.kernels.subwords import Composing
from hsw2v.kernels.tiles import MAX_CONTEXT, MAX_OUTPUT
from hsw2v.network.subwords import InputRows


def private_top(nodes: int, width: int) -> PrivateTop:
    """Return room for private copies of the first `nodes` node vectors; 0 trains them directly."""
    return PrivateTop(
        aligned_zeros(nodes, width),
        aligned_zeros(nodes, width),
        aligned_zeros(1, nodes, np.int32)[0],
    )


def scratch(
    block: int,
    window: int,
    most_rows: int,
    width: int,
    *,
    cbow: bool = False,
    batch_norm: bool = False,
    samples: int = 0,
    words: int = 0,
    stop: NDArray[np.int32] | None = None,
) -> Scratch:
    """Return what the kernels need for blocks of at most `block` ids.

    `most_rows` is the size of the largest group of output rows; `samples` and `words` are those
    of sampled softmax, or 0.
    """
    windows = min(block, 2 * BATCH) if batch_norm else 1
    if cbow and samples:
        windows = max(windows, TOGETHER)
    count = windows * (1 if cbow else 2 * window)
    hidden, gradient = aligned_zeros(count, width), aligned_zeros(count, width)
    weights = aligned_zeros(1, count)[0]
    weights[:] = 1.0
    pieces = -(-most_rows // MAX_OUTPUT)
    return Scratch(
        kept=aligned_zeros(1, block, np.int32)[0],
        bounds=aligned_zeros(block, 2, np.int32),
        hidden=hidden,
        normalised=aligned_zeros(count if batch_norm else 0, width),
        gradient=gradient,
        weights=weights,
        hidden_rows=_addresses(hidden),
        gradient_rows=_addresses(gradient),
        rows=aligned_zeros(1, block + 2, np.int64)[0],
        context=aligned_zeros(1, 2 * window, np.int64)[0],
        output=aligned_zeros(2, most_rows, np.int64),
        labels=aligned_zeros(2, most_rows + LANES),
        biases=aligned_zeros(1, (pieces + 1) * MAX_OUTPUT)[0],
        scores=aligned_zeros(pieces * MAX_CONTEXT, MAX_OUTPUT),
        row=aligned_zeros(1, width),
        statistics=aligned_zeros(2, width),
        slopes=aligned_zeros(2, width),
        drawn=Drawn(
            words=aligned_zeros(1, samples, np.int32)[0],
            times=aligned_zeros(1, samples, np.int32)[0],
            slots=aligned_zeros(1, words, np.int32)[0],
        ),
        batch=_batch(window, samples),
        stop=aligned_zeros(1, 1, np.int32)[0] if stop is None else stop,
    )


def ring_size(window: int, together: int = 1) -> int:
    """Return how many words are composed at a time, if so many are learnt from at once."""
    return 1 << (together + 2 * window).bit_length()


def composing(inputs: InputRows, table: NDArray[np.float32], block: int, rows: int) -> Composing:
    """Return what a thread composes word vectors of and where, for blocks of at most `block` ids.

    `table (B, P)` has the vectors of n-grams; so many words have `rows` at a time.
    """
    width = table.shape[1]
    return Composing(
        inputs.offsets,
        inputs.ngrams,
        table,
        composed=aligned_zeros(rows, width),
        before=aligned_zeros(rows, width),
        change=aligned_zeros(1, width),
        places=aligned_zeros(1, block, np.int32)[0],
        rows=aligned_zeros(1, inputs.most + 1, np.int64)[0],
        frozen=inputs.frozen,
    )


def _batch(window: int, samples: int) -> Batch:
    """Return what plain steps of sampled softmax need besides, if there are samples."""
    targets = TOGETHER + 2 * window if samples else 0
    highest, mass, shares = aligned_zeros(3, 2 * TOGETHER)
    return Batch(
        targets=aligned_zeros(1, targets, np.int64)[0],
        right=aligned_zeros(targets, 2 * TOGETHER),
        highest=highest,
        mass=mass,
        shares=shares,
    )


def _addresses(table: NDArray[np.float32]) -> NDArray[np.int64]:
    addresses: NDArray[np.int64] = aligned_zeros(1, len(table), np.int64)[0]
    addresses[:] = table.ctypes.data + np.arange(len(table)) * table.strides[0]
    return addresses
