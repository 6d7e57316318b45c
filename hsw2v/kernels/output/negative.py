"""Negative sampling: the rows are the target and drawn words, labelled 1, 0, 0, …"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined, prefetch_line
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import (
    load_float32,
    load_int64,
    load_uint64,
    store_float32,
    store_int64,
)
from hsw2v.kernels.random import below, draw, high_half, low_half
from hsw2v.kernels.tiles import prefetch_row


class NoiseDistribution(NamedTuple):
    """An alias table (Walker 1977; Vose 1991) over words, and how many are drawn from it."""

    columns: NDArray[np.uint32]
    """(V, 2) uint32: a column gives its own word when 32 random bits are below the first number,
    and otherwise the word that is the second. Both come in one cache line."""
    negative: int
    """Words drawn for a window."""
    labels: NDArray[np.float32]
    """(1 + negative + LANES,) float32: 1, 0, 0, …"""
    first: int
    """The output row of the first word."""


def noise_distribution(
    weights: NDArray[np.float64], negative: int, first: int = 0
) -> NoiseDistribution:
    """Return the distribution proportional to weights (V,), of which `negative` words are drawn.

    The rows of words begin at the output row `first`.
    """
    labels = np.zeros(1 + negative + LANES, np.float32)
    labels[0] = 1.0
    return NoiseDistribution(alias_table(weights), negative, labels, first)


@compiled
def alias_table(weights: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Return the columns of an alias table for weights (V,) float64, (V, 2) uint32."""
    size = len(weights)
    shares = weights * (size / weights.sum())
    # A column that gives its own word alone has that for both.
    columns = np.zeros((size, 2), np.uint32)
    small = np.empty(size, np.int64)
    large = np.empty(size, np.int64)
    smalls = 0
    larges = 0
    for word in range(size):
        columns[word, 1] = word
        if shares[word] < 1.0:
            small[smalls] = word
            smalls += 1
        else:
            large[larges] = word
            larges += 1
    while smalls > 0 and larges > 0:
        smalls -= 1
        poor = small[smalls]
        rich = large[larges - 1]
        columns[poor, 0] = np.uint32(np.uint64(shares[poor] * 4294967296.0))
        columns[poor, 1] = rich
        shares[rich] -= 1.0 - shares[poor]
        if shares[rich] < 1.0:
            larges -= 1
            small[smalls] = rich
            smalls += 1
    return columns


class NoiseRows(NamedTuple):
    """Where everything is that `sampled_rows` needs: addresses, and what the rows measure."""

    columns: int
    labels: int
    outputs: int
    words: int
    """The size of the vocabulary, V."""
    negative: int
    stride: int
    """Bytes of a row."""


@inlined
def noise_rows(noise, outputs):
    """Return the addresses of the arrays of negative sampling."""
    stride = outputs.shape[1] * outputs.itemsize
    return NoiseRows(
        noise.columns.ctypes.data,
        noise.labels.ctypes.data,
        outputs.ctypes.data + noise.first * stride,
        len(noise.columns),
        noise.negative,
        stride,
    )


@inlined
def drawn_word(table, bits):
    """Return the word that 64 random bits draw from an alias table, given by its addresses."""
    column = below(high_half(bits), table.words)
    # Chosen without a branch, which no processor would predict.
    found = load_uint64(table.columns + 8 * column)
    return np.int64(column) if low_half(bits) < low_half(found) else np.int64(high_half(found))


@inlined
def _drawn_row(noise, bits):
    """Return the address of the row of a word drawn by 64 random bits."""
    return noise.outputs + drawn_word(noise, bits) * noise.stride


@inlined
def sampled_rows(noise, word, key, counter, rows, ahead):
    """Write the addresses of the rows of a word and of drawn words to the address `rows`.

    If it is done `ahead` of the window, they are asked for.

    A draw that is the target, or was drawn for this window already, is left out: the rows of a
    step are distinct. Returns how many there are, and the address of their labels.
    """
    chunks = noise.stride // (4 * LANES)
    target = noise.outputs + word * noise.stride
    store_int64(rows, target)
    if ahead:
        prefetch_row(target, chunks)
    count = 1
    for place in range(noise.negative):
        address = _drawn_row(noise, draw(key, counter * noise.negative + place))
        if ahead:
            prefetch_row(address, chunks)
        new = True
        for earlier in range(count):
            new = new and load_int64(rows + 8 * earlier) != address
        if new:
            store_int64(rows + 8 * count, address)
            count += 1
    # Signed, as the address of another layer's labels is: numba makes a float of both kinds.
    return count, np.int64(noise.labels)


@inlined
def label_rows(noise, count, labels):
    """Write the labels of the rows that `sampled_rows` gave to the address `labels`."""
    for place in range(count):
        store_float32(labels + 4 * place, load_float32(noise.labels + 4 * place))


@inlined
def prefetch_draws(noise, key, counter):
    """Ask for what the words of a window are drawn by: a window before `sampled_rows`."""
    for place in range(noise.negative):
        column = below(high_half(draw(key, counter * noise.negative + place)), noise.words)
        prefetch_line(noise.columns + 8 * column)


@inlined
def prefetch_sampled(noise, word, key, counter):
    """Ask for the rows that `sampled_rows` will give for these arguments."""
    chunks = noise.stride // (4 * LANES)
    prefetch_row(noise.outputs + word * noise.stride, chunks)
    for place in range(noise.negative):
        prefetch_row(_drawn_row(noise, draw(key, counter * noise.negative + place)), chunks)
