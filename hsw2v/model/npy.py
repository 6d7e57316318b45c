"""Vectors as `hsw2v export` writes them for NumPy: an array, and its words in a file beside it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, Hsw2vError, MissingInputError, ResourceError
from hsw2v.files import compression_of, is_address, read_text
from hsw2v.model.compact import from_int8
from hsw2v.model.reading import Floats, distinct, first_not_finite, not_finite
from hsw2v.model.report import LoadingReport

MAGIC = b"\x93NUMPY"
ARRAY, WORDS, SCALES = ".npy", ".words.txt", ".scales.npy"


def words_beside(array: str) -> str:
    """Return the name of the file of words that belongs to an array."""
    return _bare(array).removesuffix(ARRAY) + WORDS + compression_of(array)


def scales_beside(array: str) -> str:
    """Return the name of the file of scales that belongs to an array of int8."""
    return _bare(array).removesuffix(ARRAY) + SCALES + compression_of(array)


def array_of(source: str) -> str:
    """Return the array that a file of words belongs to, if it is there; else the source."""
    bare = _bare(source)
    if not bare.endswith(WORDS):
        return source
    array = bare.removesuffix(WORDS) + ARRAY + compression_of(source)
    return array if os.path.isfile(array) else source


def write_npy(
    out: BinaryIO, shape: tuple[int, ...], blocks: Iterable[NDArray[Any]], dtype: str = "<f4"
) -> None:
    """Write an array of this shape, given its rows in blocks."""
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(out, header)
    for block in blocks:
        out.write(np.ascontiguousarray(block, dtype=dtype).tobytes())


def read_npy(source: str, report: LoadingReport | None = None) -> tuple[Vocabulary, Floats]:
    """Read an array (V, D) of numbers, and its V words; returns these and `(V, D) float32`.

    Counts are not known, and 0. Nothing is unpickled. A report is told how far that is.

    Raises:
        MissingInputError: the file of words is not there.
        CorruptInputError: the array has another shape or type, a number in it is not finite, or the
            words are not as many, or not distinct.
        ResourceError: the array does not fit in memory.
    """
    names = words_beside(source)
    if not (is_address(names) or os.path.isfile(names)):
        belongs = ""
        if source.endswith((".vectors.npy", ".syn1.npy", ".syn1neg.npy", ".vectors_ngrams.npy")):
            belongs = ", or name the model of gensim that the array belongs to"
        raise MissingInputError(
            f"is an array, and its words are not there: {os.path.basename(names)}",
            where=source,
            hint=f"put them there, one a line, in the order of the rows{belongs}",
        )
    vectors = _vectors(source, report)
    words = _lines(names)
    if len(words) != len(vectors):
        raise CorruptInputError(
            f"has {len(words):,} words, and {os.path.basename(source)} {len(vectors):,} rows",
            where=names,
            hint="name files that belong together",
        )
    vocabulary = distinct(words, names, "line", 1)
    row = first_not_finite(vectors)
    if row is not None:
        raise not_finite(words[row].decode(), f"{source}, row {row + 1}")
    return vocabulary, vectors


def _bare(source: str) -> str:
    return source[: len(source) - len(compression_of(source))]


def array_in(
    source: str, kinds: str, dimensions: int, hint: str, report: LoadingReport | None = None
) -> NDArray[Any]:
    """Read an array of NumPy that has numbers of these kinds, and so many dimensions.

    Raises:
        MissingInputError: it is not there.
        CorruptInputError: it is something else; the hint says what it must have.
        ResourceError: it does not fit in memory.
    """
    stream = io.BufferedReader(_Stream((report or LoadingReport()).pieces(source)))
    try:
        array = np.lib.format.read_array(stream, allow_pickle=False)
    except MemoryError as error:
        raise ResourceError(
            "holds more numbers than memory", where=source, hint="check the file"
        ) from error
    except Hsw2vError:
        raise
    except Exception as error:
        # A pickle, fewer numbers than are told, or a header that NumPy's own parser stumbles over.
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CorruptInputError(
            f"is no array of numbers ({reason.rstrip('. ')})",
            where=source,
            hint="write it by numpy.save, or export it again",
        ) from error
    known = array.dtype.kind in kinds and (array.dtype.kind == "f" or array.dtype == np.int8)
    if array.ndim != dimensions or not known or not array.size:
        raise CorruptInputError(
            f"is an array {list(array.shape)} of {array.dtype}", where=source, hint=hint
        )
    if stream.read(1):
        raise CorruptInputError(
            f"goes on after its {len(array):,} rows", where=source, hint="export it again"
        )
    found: NDArray[Any] = array
    return found


@np.errstate(over="ignore")
def _vectors(source: str, report: LoadingReport | None) -> Floats:
    hint = "it must have a row of floating-point numbers for every word"
    array = array_in(source, "fi", 2, hint, report)
    if array.dtype.kind == "f":
        return np.ascontiguousarray(array, np.float32)
    names = scales_beside(source)
    if not (is_address(names) or os.path.isfile(names)):
        raise MissingInputError(
            f"is an array of int8, and its scales are not there: {os.path.basename(names)}",
            where=source,
            hint="put them there, a number for each row",
        )
    scales = array_in(names, "f", 1, "it must have a number for every row")
    if len(scales) != len(array):
        raise CorruptInputError(
            f"has {len(scales):,} scales, and {os.path.basename(source)} {len(array):,} rows",
            where=names,
            hint="name files that belong together",
        )
    return from_int8(array, scales)


def _lines(source: str) -> list[bytes]:
    lines = read_text(source).split("\n")
    if not lines[-1]:
        lines.pop()
    words = [line.removesuffix("\r") for line in lines]
    if not all(words):
        raise CorruptInputError(
            "there is no word",
            where=f"{source}, line {words.index('') + 1}",
            hint="write one word a line",
        )
    return [word.encode() for word in words]


class _Stream(io.RawIOBase):
    """Pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        self._rest = self._rest or memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
