"""Arrays in files that are mapped into memory: of tables that are larger than it.

A file has no name. It is gone with the array, or with the process, however that ends.
"""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import sys
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.errors import DiskFullError
from hsw2v.files import explain_folder_error

_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of a file system that cannot give a file its room before it is written."""
_WITHOUT_NUMBER: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}


def mapped_zeros(folder: str, rows: int, width: int, kind: DTypeLike = np.float32) -> NDArray[Any]:
    """Return zeros (rows, width) as `aligned_zeros` does, in a file in a folder.

    The file has its room on the disk then, where the file system can give it: a write to the array
    cannot find the disk full. It begins at a page of memory, and what is less than one is in
    memory.

    Raises:
        OutputError, DiskFullError: the file cannot be written or mapped, or there is no room.
    """
    size = rows * width * np.dtype(kind).itemsize
    if size < mmap.PAGESIZE:
        return aligned_zeros(rows, width, kind)
    return np.frombuffer(_mapped(folder, size), kind).reshape(rows, width)


def _mapped(folder: str, size: int) -> mmap.mmap:
    """Return so many bytes of zeros in a file without a name."""
    try:
        with tempfile.TemporaryFile(buffering=0, dir=folder) as file:
            _make_room(file.fileno(), size)
            # The file stays open as long as it is mapped: no number of it is needed.
            found = mmap.mmap(file.fileno(), size, **_WITHOUT_NUMBER)
            if hasattr(mmap, "MADV_RANDOM"):
                # Pages around a row are of no use: where memory is short, reading them along takes
                # hundreds of times as long, and the memory of those that are.
                found.madvise(mmap.MADV_RANDOM)
            return found
    except OSError as error:
        raise explain_folder_error(error, folder, "the tables", "--tables") from error


def _make_room(file: int, size: int) -> None:
    """Give a file its size, and its room on the disk where that can be had beforehand."""
    if sys.platform != "win32" and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
            return
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    os.truncate(file, size)


def read_in_order(array: NDArray[Any]) -> None:
    """Tell the system that an array is read from front to back now, if it is mapped."""
    owner: Any = array
    while isinstance(owner, np.ndarray | memoryview):
        owner = owner.obj if isinstance(owner, memoryview) else owner.base
    if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_NORMAL"):
        owner.madvise(mmap.MADV_NORMAL)


def check_folder(folder: str) -> None:
    """Find out, before any work, whether files in a folder can be mapped into memory.

    Raises:
        OutputError, DiskFullError: they cannot: it is not there, or not to be written.
    """
    _mapped(folder, mmap.PAGESIZE).close()


def free_in(folder: str | os.PathLike[str] | None) -> int | None:
    """Return the bytes that are free in a folder; None without one, or where that is not told."""
    try:
        return None if folder is None else shutil.disk_usage(folder).free
    except OSError:
        return None


def no_room(needed: str, free: int, folder: str, hint: str) -> DiskFullError:
    """Return the error that a folder has no room for what is `needed`, a sentence."""
    return DiskFullError(
        f"{needed}, and {free / 1e9:,.1f} GB are free",
        where=folder,
        hint=f"{hint}, or choose another folder with --tables",
    )
