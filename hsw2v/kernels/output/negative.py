"""Negative sampling: the rows are the target and drawn words, labelled 1, 0, 0, …"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import compiled, inlined
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.memory import load_int32, load_int64, load_uint64, store_int64
from hsw2v.kernels.random import below, draw, high_half, low_half
from hsw2v.kernels.tiles import prefetch_row


class NoiseDistribution(NamedTuple):
    """An alias table (Walker 1977; Vose 1991) over words, and how many are drawn from it."""

    accept: NDArray[np.uint64]
    """(V,) uint64: a column gives its own word when 32 random bits are below this."""
    alias: NDArray[np.int32]
    """(V,) int32: the word a column gives otherwise."""
    negative: int
    """Words drawn for a window."""
    labels: NDArray[np.float32]
    """(1 + negative + LANES,) float32: 1, 0, 0, …"""


def noise_distribution(weights: NDArray[np.float64], negative: int) -> NoiseDistribution:
    """Return the distribution proportional to weights (V,), of which `negative` words are drawn."""
    accept, alias = alias_table(weights)
    labels = np.zeros(1 + negative + LANES, np.float32)
    labels[0] = 1.0
    return NoiseDistribution(accept, alias, negative, labels)


@compiled
def alias_table(
    weights: NDArray[np.float64],
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Return `accept` and `alias` of an alias table for weights (V,) float64."""
    size = len(weights)
    shares = weights * (size / weights.sum())
    accept = np.full(size, np.uint64(1) << np.uint64(32), np.uint64)
    alias = np.arange(size).astype(np.int32)
    small = np.empty(size, np.int64)
    large = np.empty(size, np.int64)
    smalls = 0
    larges = 0
    for word in range(size):
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
        accept[poor] = np.uint64(shares[poor] * 4294967296.0)
        alias[poor] = rich
        shares[rich] -= 1.0 - shares[poor]
        if shares[rich] < 1.0:
            larges -= 1
            small[smalls] = rich
            smalls += 1
    return accept, alias


class NoiseRows(NamedTuple):
    """Where everything is that `sampled_rows` needs: addresses, and what the rows measure."""

    accept: int
    alias: int
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
    return NoiseRows(
        noise.accept.ctypes.data,
        noise.alias.ctypes.data,
        noise.labels.ctypes.data,
        outputs.ctypes.data,
        len(noise.alias),
        noise.negative,
        outputs.shape[1] * outputs.itemsize,
    )


@inlined
def drawn_word(table, bits):
    """Return the word that 64 random bits draw from an alias table, given by its addresses."""
    column = below(high_half(bits), table.words)
    # Both are loaded: no processor would predict a branch.
    alias = np.int64(load_int32(table.alias + 4 * column))
    accepted = low_half(bits) < load_uint64(table.accept + 8 * column)
    return np.int64(column) if accepted else alias


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
def prefetch_sampled(noise, word, key, counter):
    """Ask for the rows that `sampled_rows` will give for these arguments."""
    chunks = noise.stride // (4 * LANES)
    prefetch_row(noise.outputs + word * noise.stride, chunks)
    for place in range(noise.negative):
        prefetch_row(_drawn_row(noise, draw(key, counter * noise.negative + place)), chunks)
