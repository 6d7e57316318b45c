"""Classes of words: the rows are those of all classes, then those of the words of the target's.

Both choices may be subsampled, as the decisions of a tree are: it has two levels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.jit import inlined
from hsw2v.kernels.memory import load_int32, load_int64, load_uint64, store_int64
from hsw2v.kernels.random import NODE_KEY, draw, high_half


class ClassMembers(NamedTuple):
    """Which words are in which class, as `trees.classes.Classes`."""

    of: NDArray[np.int32]
    """(V,) int32, the class of each word."""
    places: NDArray[np.int32]
    """(V,) int32, the place of each word among the members of its class."""
    members: NDArray[np.int32]
    """(V,) int32, the words class after class."""
    offsets: NDArray[np.int64]
    """(C+1,) int64, where each class begins among the members."""
    keep: NDArray[np.uint64]
    """(1+C,) uint64: the choice of the class, and then that among the words of each, take part in
    a window when 32 random bits are below this; both always do if it is empty. The first is not
    above the others."""


class ClassRows(NamedTuple):
    """Where everything is that this output layer needs: addresses, and what the rows measure."""

    of: int
    places: int
    members: int
    offsets: int
    keep: int
    subsampled: bool
    outputs: int
    """The rows of the C classes, then those of the V words."""
    number: int
    """The number of classes C."""
    stride: int
    """Bytes of a row."""


@inlined
def class_rows(classes, outputs):
    """Return the addresses of the arrays of the output layer of classes."""
    return ClassRows(
        classes.of.ctypes.data,
        classes.places.ctypes.data,
        classes.members.ctypes.data,
        classes.offsets.ctypes.data,
        classes.keep.ctypes.data,
        len(classes.keep) > 0,
        outputs.ctypes.data,
        len(classes.offsets) - 1,
        outputs.shape[1] * outputs.itemsize,
    )


@inlined
def choices(classes, word, key, counter):
    """Return which choices take part in a window: of the class, and among the words of it."""
    if not classes.subsampled:
        return True, True
    bits = high_half(draw(key ^ NODE_KEY, counter))
    own = np.int64(load_int32(classes.of + 4 * word))
    return bits < load_uint64(classes.keep), bits < load_uint64(classes.keep + 8 + 8 * own)


@inlined
def rows_of_classes(classes, word, rows):
    """Write the addresses of the rows of all classes to the address `rows`.

    Returns how many there are, and which of them is the class of the word.
    """
    for one in range(classes.number):
        store_int64(rows + 8 * one, classes.outputs + one * classes.stride)
    return classes.number, np.int64(load_int32(classes.of + 4 * word))


@inlined
def rows_of_members(classes, word, rows):
    """Write the addresses of the rows of the words in a word's class to the address `rows`.

    Returns how many there are, and which of them is the word itself.
    """
    own = np.int64(load_int32(classes.of + 4 * word))
    begin = load_int64(classes.offsets + 8 * own)
    size = load_int64(classes.offsets + 8 * own + 8) - begin
    first = classes.outputs + classes.number * classes.stride
    for place in range(size):
        member = np.int64(load_int32(classes.members + 4 * (begin + place)))
        store_int64(rows + 8 * place, first + member * classes.stride)
    return size, np.int64(load_int32(classes.places + 4 * word))
