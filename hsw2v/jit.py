"""The only door to numba: the decorators of compiled functions, and where their code is kept.

Numba's disk cache does not see changes in functions of other files that a compiled function calls.
The cache folder is therefore named by a digest of all compiled sources of the package.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
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
    "compiling",
    "emit_prefetch",
    "inlined",
    "intrinsic",
    "ir",
    "prefetch_line",
    "types",
]

types: Any = numba.types
cgutils: Any = _cgutils

F = TypeVar("F", bound=Callable[..., Any])

FASTMATH = {"reassoc", "contract", "arcp", "nsz", "afn"}
"""Without nnan and ninf, which would remove checks for NaN."""

intrinsic: Callable[[Callable[..., Any]], Callable[..., Any]] = extending.intrinsic
"""The decorator of a function that builds the code of a compiled one."""

_PACKAGE = Path(__file__).parent
_USER = os.getuid() if hasattr(os, "getuid") else None
_COMPILED_SOURCES = (
    "jit.py",
    "corpus/integers.py",
    "corpus/vectors.py",
    "corpus/text.py",
    "corpus/tokens.py",
    "corpus/pairs.py",
    "kernels/**/*.py",
    "trees/*.py",
    "graphs/steps.py",
)


def _features() -> set[str]:
    """Return the vector features of the processor that code is compiled for."""
    settings: Any = numba.config
    asked = settings.CPU_FEATURES
    found = asked or llvmlite.binding.get_host_cpu_features().flatten()
    return {feature[1:] for feature in found.split(",") if feature.startswith("+")}


HAS_AVX512 = "avx512f" in _features()
IS_X86 = "sse2" in _features()


def _digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for pattern in _COMPILED_SOURCES:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _homes() -> Iterator[Path]:
    """Yield the folders where compiled code may be kept, the best first."""
    if chosen := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(chosen)
    if root := os.environ.get("XDG_CACHE_HOME"):
        yield Path(root) / "hsw2v"
    with contextlib.suppress(RuntimeError):
        yield Path("~/.cache/hsw2v").expanduser()
    yield Path(tempfile.gettempdir()) / f"hsw2v-{_USER}"


def cache_folder() -> Path | None:
    """Return the folder for compiled code; None where none is writable and owned by the user.

    The first such of `$NUMBA_CACHE_DIR`, `$XDG_CACHE_HOME/hsw2v`, `~/.cache/hsw2v`, and
    one in the system's temporary folder.
    """
    name = _digest()
    for home in _homes():
        folder = home / name
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Whoever can write there decides what runs here.
            if _USER in (None, folder.stat().st_uid):
                with tempfile.TemporaryFile(dir=folder):
                    return folder
    return None


_CACHE_FOLDER = cache_folder()
_compiling: set[tuple[int, Any]] = set()
"""What was not in the cache folder, and is not there yet."""


def compiling() -> bool:
    """Tell whether something is compiled now, or may be: without a cache folder, all is."""
    return _CACHE_FOLDER is None or bool(_compiling)


def compiled(function: F) -> F:
    """Compile a function that Python calls: at its first call, or loaded from the cache folder."""
    settings: Any = numba.config
    before = settings.CACHE_DIR
    settings.CACHE_DIR = str(_CACHE_FOLDER or "")
    try:
        made = _decorate(function, cache=_CACHE_FOLDER is not None)
    finally:
        settings.CACHE_DIR = before
    if _CACHE_FOLDER is not None:
        _make_dispensable(made._cache)  # type: ignore[attr-defined]
    return made


def _make_dispensable(cache: Any) -> None:
    """Let a cache that is damaged be made again, and one that is full be passed over."""
    load, save = cache.load_overload, cache.save_overload

    def load_or_forget(signature: Any, *arguments: Any) -> Any:
        found = None
        try:
            found = load(signature, *arguments)
        except Exception:
            # A file of it is truncated or altered: numba would stop every run with its traceback.
            with contextlib.suppress(Exception):
                cache.flush()
        if found is None:
            _compiling.add((id(cache), signature))
        return found

    def save_if_possible(signature: Any, *arguments: Any) -> None:
        _compiling.discard((id(cache), signature))
        with contextlib.suppress(OSError):
            save(signature, *arguments)

    cache.load_overload, cache.save_overload = load_or_forget, save_if_possible


def inlined(function: F) -> F:
    """Compile a small function that only compiled functions call, into its callers."""
    return _decorate(function, inline="always")


def _decorate(function: F, **options: Any) -> F:
    return numba.njit(nogil=True, fastmath=FASTMATH, **options)(function)  # type: ignore[no-any-return]


def emit_prefetch(builder: Any, pointer: Any, *, to_write: bool = False) -> None:
    """Emit the instruction that prefetches the cache line at a pointer."""
    byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
    ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    near, data = flag(3), flag(1)
    builder.call(ask, [builder.bitcast(pointer, byte), flag(int(to_write)), near, data])


@intrinsic
def prefetch_line(typing: Any, address: Any) -> Any:
    """Ask for the cache line at an address, to be read soon."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        emit_prefetch(builder, builder.inttoptr(arguments[0], ir.IntType(8).as_pointer()))
        return context.get_dummy_value()

    return types.void(types.intp), generate
