"""Sampled softmax: the rows are the target and words drawn for many windows together.

A word's score is corrected by the logarithm of how often it is drawn, so that what is learned are
the scores of the softmax over all words (Jean, Cho, Memisevic & Bengio 2015, "On using very large
target vocabulary for neural machine translation", section 3).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined
from hsw2v.kernels.memory import (
    load_float32,
    load_int32,
    store_float32,
    store_int32,
    store_int64,
)
from hsw2v.kernels.output.negative import drawn_word
from hsw2v.kernels.random import draw

SHARED_BY = 64
"""Windows, one after the other, that words are drawn for together."""
TOGETHER = 8
"""Words of the text that plain steps learn from at once: of many more, the sum of their gradients
overshoots. It divides SHARED_BY."""


class Proposal(NamedTuple):
    """What words are drawn by: an alias table, and the correction of scores."""

    columns: NDArray[np.uint32]
    """(V, 2) uint32, as of `negative.NoiseDistribution`."""
    corrections: NDArray[np.float32]
    """(V,) float32: -log of how many of the draws are this word, in the mean."""
    samples: int
    """Words drawn, k."""


class Drawn(NamedTuple):
    """The words drawn for some windows; a thread's own."""

    words: NDArray[np.int32]
    """(k,) int32, those that are distinct."""
    times: NDArray[np.int32]
    """(k,) int32, how often each was drawn."""
    slots: NDArray[np.int32]
    """(V,) int32, where among `words` a word may be: for finding it without looking at all."""


class Batch(NamedTuple):
    """What plain steps need besides; a thread's own. W are the words of a window on one side."""

    targets: NDArray[np.int64]
    """(TOGETHER + 2 W,) int64, addresses of the rows of targets."""
    right: NDArray[np.float32]
    """(TOGETHER + 2 W, 2 TOGETHER) float32: scores of hidden rows with each target, then errors."""
    highest: NDArray[np.float32]
    """(TOGETHER,) float32, the highest score of each hidden row."""
    mass: NDArray[np.float32]
    """(TOGETHER,) float32, the sum of its exponentials with the words drawn."""
    shares: NDArray[np.float32]
    """(TOGETHER,) float32, over its targets the sum of one over all exponentials."""


class SampledRows(NamedTuple):
    """Where everything is that this output layer needs: addresses, and what the rows measure."""

    columns: int
    corrections: int
    outputs: int
    words: int
    """The size of the vocabulary, V."""
    samples: int
    stride: int
    """Bytes of a row."""
    drawn: int
    times: int
    slots: int


@inlined
def sampled_softmax_rows(proposal, drawn, outputs):
    """Return the addresses of the arrays of sampled softmax."""
    return SampledRows(
        proposal.columns.ctypes.data,
        proposal.corrections.ctypes.data,
        outputs.ctypes.data,
        len(proposal.columns),
        proposal.samples,
        outputs.shape[1] * outputs.itemsize,
        drawn.words.ctypes.data,
        drawn.times.ctypes.data,
        drawn.slots.ctypes.data,
    )


@inlined
def draw_words(sampling, key, batch):
    """Draw the words of a batch of windows; return how many are distinct."""
    count = 0
    for place in range(sampling.samples):
        word = drawn_word(sampling, draw(key, batch * sampling.samples + place))
        slot = np.int64(load_int32(sampling.slots + 4 * word))
        if slot < count and np.int64(load_int32(sampling.drawn + 4 * slot)) == word:
            times = sampling.times + 4 * slot
            store_int32(times, np.int32(load_int32(times) + 1))
        else:
            store_int32(sampling.drawn + 4 * count, np.int32(word))
            store_int32(sampling.times + 4 * count, np.int32(1))
            store_int32(sampling.slots + 4 * word, np.int32(count))
            count += 1
    return count


@inlined
def times_drawn(sampling, word, count):
    """Return where among the `count` words drawn a word is, and how often it was drawn, float32.

    Both are 0 if it was not.
    """
    slot = np.int64(load_int32(sampling.slots + 4 * word))
    if slot < count and np.int64(load_int32(sampling.drawn + 4 * slot)) == word:
        return slot, np.float32(load_int32(sampling.times + 4 * slot))
    return np.int64(0), np.float32(0.0)


@inlined
def bias_of_drawn(sampling, place):
    """Return what is added to scores with one of the words drawn; one drawn twice counts twice."""
    word = np.int64(load_int32(sampling.drawn + 4 * place))
    times = np.float32(load_int32(sampling.times + 4 * place))
    return np.float32(load_float32(sampling.corrections + 4 * word) + np.float32(np.log(times)))


@inlined
def rows_of_drawn(sampling, count, word, rows, biases):
    """Write the addresses of the rows of a word and of the drawn ones, and what corrects each.

    `rows` and `biases` are addresses of int64 and of float32. The word comes first; among those
    drawn it is left out. Returns how many rows there are.
    """
    store_int64(rows, sampling.outputs + word * sampling.stride)
    store_float32(biases, load_float32(sampling.corrections + 4 * word))
    found: Any = np.int64(1)
    for place in range(count):
        one = np.int64(load_int32(sampling.drawn + 4 * place))
        if one != word:
            store_int64(rows + 8 * found, sampling.outputs + one * sampling.stride)
            store_float32(biases + 4 * found, bias_of_drawn(sampling, place))
            found += 1
    return found
