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

import llvmlite.binding
import numba
from llvmlite import ir
from numba import extending
from numba.core import cgutils as _cgutils

__all__ = [
    "HAS_AVX512",
    "IS_X86",
    "cache_folder",
    "cgutils",
    "compiled",
    "inlined",
    "intrinsic",
    "ir",
    "types",
]

types: Any = numba.types
cgutils: Any = _cgutils

F = TypeVar("F", bound=Callable[..., Any])

FASTMATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
"""Without nnan and ninf: a check for NaN must stay alive."""

_PACKAGE = Path(__file__).parent
_COMPILED_SOURCES = (
    "jit.py",
    "corpus/vectors.py",
    "corpus/text.py",
    "corpus/tokens.py",
    "kernels/**/*.py",
    "trees/*.py",
)


def _features() -> set[str]:
    """Return the vector features of the processor that code is compiled for."""
    settings: Any = numba.config
    asked = settings.CPU_FEATURES
    found = asked or llvmlite.binding.get_host_cpu_features().flatten()
    return {feature[1:] for feature in found.split(",") if feature.startswith("+")}


HAS_AVX512 = "avx512f" in _features()
IS_X86 = "sse2" in _features()


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


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a compiled function of one that builds its code."""
    return extending.intrinsic(function)


def compiled(function: F) -> F:
    """Compile a function that Python calls."""
    return _decorate(function)


def inlined(function: F) -> F:
    """Compile a small function that only compiled functions call, into its callers."""
    return _decorate(function, inline="always")
