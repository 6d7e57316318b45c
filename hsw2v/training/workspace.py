"""What each thread works in: arrays made once and used for every block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.kernels.output.hierarchical import PrivateTop
from hsw2v.kernels.step import Scratch
from hsw2v.kernels.tiles import MAX_CONTEXT, MAX_OUTPUT
from hsw2v.training.tables import aligned_zeros


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
    longest_path: int,
    negative: int,
    width: int,
    stop: NDArray[np.int32] | None = None,
) -> Scratch:
    """Return what training needs for blocks of at most `block` ids and windows of that size."""
    mean = aligned_zeros(2, width)
    mean_rows = aligned_zeros(1, 2, np.int64)[0]
    mean_rows[:] = mean.ctypes.data + np.arange(2) * mean.strides[0]
    return Scratch(
        kept=aligned_zeros(1, block, np.int32)[0],
        reach=aligned_zeros(1, block, np.int32)[0],
        ends=aligned_zeros(1, block, np.int32)[0],
        context=aligned_zeros(1, 2 * window, np.int64)[0],
        mean=mean,
        mean_rows=mean_rows,
        output=aligned_zeros(1, max(longest_path, 1 + negative), np.int64)[0],
        gradient=aligned_zeros(MAX_CONTEXT, MAX_OUTPUT),
        stop=aligned_zeros(1, 1, np.int32)[0] if stop is None else stop,
    )
