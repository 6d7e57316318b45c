"""Word vectors alone, in fewer bytes: as a model file, or for NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from hsw2v.errors import UsageError
from hsw2v.files import STDOUT, atomic_write, check_writable, compressing, compression_of
from hsw2v.model.arguments import check_finite
from hsw2v.model.compact import Floats, in_dtype
from hsw2v.model.export import FORMATS, check_words
from hsw2v.model.modelfile import write_vectors
from hsw2v.model.npy import scales_beside, words_beside, write_npy

if TYPE_CHECKING:
    from hsw2v.model.model import Model

_COMPACT = ("npy", "safetensors")

_ROWS_AT_ONCE = 1 << 12


def export_compact(
    model: Model, path: str, vectors: Floats, *, format: str, dtype: str, force: bool
) -> list[str]:
    """Write the first words of a model with these vectors (n, D), and return the files written.

    As npy, float16 is an array as any, and int8 has one of scales (n,) float32 in `.scales.npy`.

    Raises:
        UsageError: the format has no such type, a word does not fit it, or a number does not.
        OutputExistsError, OutputError, DiskFullError
    """
    compression = compression_of(path)
    if format not in _COMPACT:
        raise UsageError(
            f"{FORMATS[format]} has numbers of float32 alone",
            where="standard output" if path == STDOUT else path,
            hint=f"write {dtype} as .npy or .safetensors",
        )
    check_finite(vectors)
    words = model.vocabulary.first(len(vectors))
    if format == "npy":
        return _write_npy(path, words.words, *in_dtype(vectors, dtype), force)
    if compression:
        raise UsageError("is not compressed", where=path, hint="name it .safetensors")
    write_vectors(
        path,
        words,
        None if model.counts is None else words.counts,
        vectors,
        dtype=dtype,
        phrases=model.phrases,
        config=model.config,
        info=model.info,
        force=force,
    )
    return [path]


def _write_npy(
    path: str, words: list[str], numbers: NDArray[Any], scales: Floats | None, force: bool
) -> list[str]:
    check_words(words, "npy")
    arrays = {path: numbers} if scales is None else {path: numbers, scales_beside(path): scales}
    names = words_beside(path)
    for one in (*arrays, names):
        check_writable(one, force=force)
    with atomic_write(names, force=force) as stream, compressing(stream, names) as out:
        out.write("".join(f"{word}\n" for word in words).encode())
    for one, array in arrays.items():
        rows = range(0, len(array), _ROWS_AT_ONCE)
        blocks = (array[start : start + _ROWS_AT_ONCE] for start in rows)
        with atomic_write(one, force=force) as stream, compressing(stream, one) as out:
            write_npy(out, array.shape, blocks, array.dtype.str)
    return [*arrays, names]
