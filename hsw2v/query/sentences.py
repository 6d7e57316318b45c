"""Vectors of sentences: weighted means of word vectors, and the removal of what all have in common.

Arora, Liang & Ma 2017, "A simple but tough-to-beat baseline for sentence embeddings".
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Floats, Indexes, rows_of, slices

Numbers = NDArray[np.float64]
Precision = TypeVar("Precision", Floats, Numbers)

_WORDS_AT_ONCE = 1 << 14


def sif_weights(counts: Indexes, smoothing: float) -> Numbers:
    """Return a / (a + p) of words that occur `counts (V,)` times, p being their shares of all.

    Smooth inverse frequency; a is the `smoothing`.
    """
    weights: Numbers = smoothing / (smoothing + counts / counts.sum())
    return weights


def weighted_means(
    vectors: Floats, guests: Floats, rows: Indexes, weights: Numbers, lengths: Indexes
) -> Floats:
    """Return the means (n, D) of the vectors of n sentences; zeros of an empty one.

    `rows (T,)` are those of all of their words, of `vectors (V, D)` and of V and on of `guests`,
    with `weights (T,)`; `lengths (n,)` is how many words each has. A sum is divided by these, not
    by the weights, as the paper has it.
    """
    sums = np.zeros((len(lengths), vectors.shape[1]))
    sentences = np.repeat(np.arange(len(lengths)), lengths)
    for some in slices(len(rows), _WORDS_AT_ONCE):
        starts = np.flatnonzero(np.diff(sentences[some], prepend=-1))
        weighted = rows_of(vectors, guests, rows[some]) * weights[some, None]
        sums[sentences[some][starts]] += np.add.reduceat(weighted, starts, axis=0)
    means: Floats = (sums / np.maximum(lengths, 1)[:, None]).astype(np.float32)
    return means


def second_moment(vectors: Floats | Numbers) -> Numbers:
    """Return XᵀX (D, D) of vectors X (n, D), in double precision."""
    wide = vectors.astype(np.float64, copy=False)
    moment: Numbers = wide.T @ wide
    return moment


def first_component(moment: Numbers) -> Floats:
    """Return the first principal component (D,) of vectors with this second moment, not centred.

    Its sign is that of its largest number.
    """
    component: Numbers = np.linalg.eigh(moment)[1][:, -1]
    component *= np.sign(component[np.argmax(np.abs(component))])
    return component.astype(np.float32)


def without(vectors: Precision, component: Floats) -> Precision:
    """Return vectors (n, D) less their projections onto a component (D,) of length 1."""
    rest: Precision = vectors - (vectors @ component)[:, None] * component
    return rest
