"""Arrays for compiled code: rows padded to whole vector registers, and aligned in memory.

And how much memory the machine has for them, and how many threads their products take.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
import threadpoolctl
from numpy.typing import DTypeLike, NDArray

PADDING = 16
"""Floats that rows are padded to multiples of: a cache line, and the widest vector register."""
ALIGNMENT = 128
"""Bytes: two cache lines, since processors fetch them in pairs. Vector registers want 64."""


_ROWS_AT_ONCE = 1 << 16
_LIMITING = threading.Lock()

Part = TypeVar("Part")


def padded(dim: int) -> int:
    """Return the floats that a row of `dim` numbers takes in a table."""
    return -(-dim // PADDING) * PADDING


def aligned_zeros(rows: int, width: int, kind: DTypeLike = np.float32) -> NDArray[Any]:
    """Return zeros (rows, width) that begin at a multiple of ALIGNMENT bytes.

    No other array shares their cache lines, so threads cause no false sharing.
    """
    size = rows * width * np.dtype(kind).itemsize
    memory = np.zeros(-(-size // ALIGNMENT) * ALIGNMENT + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(kind).reshape(rows, width)


def to_bfloat16(numbers: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return the bits of numbers (…) as bfloat16, rounded to the nearest, ties to even."""
    bits = numbers.view(np.uint32)
    even = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = (bits + np.uint32(0x7FFF) + even) >> np.uint32(16)
    return rounded.astype(np.uint16)


def from_bfloat16(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the numbers (…) that have these bits as bfloat16."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)


def all_finite(table: NDArray[np.floating]) -> bool:
    """Tell whether no number of a table (rows, width) is NaN or infinite, in bounded memory."""
    return all(
        np.isfinite(table[start : start + _ROWS_AT_ONCE]).all()
        for start in range(0, len(table), _ROWS_AT_ONCE)
    )


def blas_thread_count() -> int:
    """Return how many threads a matrix product of NumPy takes; 1 where that is not known."""
    libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    return max((one.num_threads for one in libraries), default=1)


def blas_threads(count: int) -> AbstractContextManager[object]:
    """Let matrix products take this many threads, for as long as the context lasts."""
    limit: AbstractContextManager[object] = threadpoolctl.threadpool_limits(count, user_api="blas")
    return limit


def on_threads(work: Callable[[Part], None], parts: Sequence[Part]) -> None:
    """Do some work on each of the parts, on as many threads as a matrix product takes.

    Products within the work then take one thread each. A single part has the caller's thread, and
    its products have all.
    """
    if len(parts) < 2:
        for part in parts:
            work(part)
        return
    # A single question does without what this imports.
    from concurrent.futures import ThreadPoolExecutor

    # The limit is of the whole process: of two at once, one would restore that of the other.
    with _LIMITING:
        threads = blas_thread_count()
        with blas_threads(1), ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, parts):
                pass


def physical_memory() -> int | None:
    """Return the bytes of memory that the machine has; None where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def memory_told() -> str:
    """Return how much memory there is now, as the end of a sentence; or nothing."""
    free = available_memory()
    return "" if free is None else f", of which {free / 1e9:,.1f} GB are free"


def available_memory() -> int | None:
    """Return the bytes of memory that a program can have now, as Linux estimates; else None."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = next(line for line in lines if line.startswith("MemAvailable:"))
        return 1024 * int(found.split()[1])
    except (OSError, StopIteration, ValueError):
        return None
