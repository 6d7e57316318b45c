"""The only door to numba: one decorator for compiled functions, and where their code is kept.

Numba's disk cache looks at the file of a compiled function, not at the functions it calls in
other files. The cache therefore lies in a folder named by a digest of every compiled source of
the package: change any of them and all are compiled anew, never mixed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

__all__ = ["cache_folder", "cgutils", "compiled", "inlined", "intrinsic", "types"]

F = TypeVar("F", bound=Callable[..., Any])

FASTMATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
"""Without nnan and ninf: a check for NaN must stay alive."""

_PACKAGE = Path(__file__).parent
_COMPILED_SOURCES = ("jit.py", "corpus/tokens.py", "kernels/**/*.py", "trees/*.py")


def cache_folder() -> Path:
    """Return the folder for compiled code: `$NUMBA_CACHE_DIR`, else one under the user's cache."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    base = Path(chosen) if chosen else Path(root).expanduser() / "hsw2v"
    digest = hashlib.sha256(numba.__version__.encode())
    for pattern in _COMPILED_SOURCES:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.read_bytes())
    return base / digest.hexdigest()[:16]


_CACHE_FOLDER = cache_folder()


def _decorate(function: F, **options: Any) -> F:
    """Compile on first call, without the interpreter's lock, cached in our own folder."""
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(_CACHE_FOLDER)
    try:
        decorate = numba.njit(nogil=True, cache=True, fastmath=FASTMATH, **options)
        return decorate(function)  # type: ignore[no-any-return]
    finally:
        settings.CACHE_DIR = before


def compiled(function: F) -> F:
    """Compile a function that Python calls."""
    return _decorate(function)


def inlined(function: F) -> F:
    """Compile a small function that only compiled functions call, into its callers."""
    return _decorate(function, inline="never", forceinline=True)
