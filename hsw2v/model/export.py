"""Words and vectors written for other programs: word2vec text and binary, npy."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.errors import UsageError
from hsw2v.files import STDOUT, compression_of, extension_of, writing
from hsw2v.model.arguments import check_finite
from hsw2v.model.npy import words_beside, write_npy

EXTENSIONS = {
    "": "text",
    ".txt": "text",
    ".vec": "text",
    ".bin": "binary",
    ".npy": "npy",
    ".safetensors": "safetensors",
}
FORMATS = {
    "text": "word2vec text",
    "binary": "word2vec binary",
    "npy": "a NumPy array beside its words",
    "fasttext": "a model of fastText",
    "safetensors": "a model file of word vectors alone",
}
"""What each format is, for people."""

_ROWS = 4096
_WHITE_SPACE = frozenset(" \t\n\r\v\f")

Floats = NDArray[np.float32]


def export_vectors(
    path: str,
    words: Sequence[str],
    vectors: Floats,
    *,
    format: str | None = None,
    force: bool = False,
) -> list[str]:
    """Write words and `vectors (V, D) float32` in a format, and return the files written.

    The formats are those of `FORMATS`; by default the extension tells which (text without one). An
    extension .gz, .bz2, .xz or .zst compresses. npy is two files: the array under `path`, and
    beside it `.words.txt` with a word a line. The path `-` is standard output.

    Raises:
        UsageError: the format or the extension is unknown, a word does not fit it, or a number is
            not finite.
        OutputExistsError, OutputError, DiskFullError
    """
    format = format_for(path, format)
    check_finite(vectors)
    check_words(words, format)
    if format == "npy":
        words_path = words_beside(path)
        with writing(words_path, force=force) as out_words, writing(path, force=force) as out:
            out_words.write("".join(f"{word}\n" for word in words).encode())
            _write_npy(out, vectors)
        return [path, words_path]
    write: Callable[[BinaryIO, Sequence[str], Floats], None]
    write = _write_text if format == "text" else _write_binary
    with writing(path, force=force) as out:
        out.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        write(out, words, vectors)
    return [path]


def format_for(path: str, format: str | None = None) -> str:
    """Return a format that is given, or that the extension of a path tells.

    Raises:
        UsageError: the format or the extension is unknown, or the format is not for standard
            output.
    """
    if format is None:
        format = _format_of(path)
    elif format not in FORMATS:
        raise UsageError(
            f"unknown format {format!r}", hint="it must be one of " + ", ".join(FORMATS)
        )
    if path == STDOUT and format not in ("text", "binary"):
        raise UsageError(
            f"the format {format!r} is not for standard output", hint="name a file to write"
        )
    return format


def check_model_name(path: str | os.PathLike[str]) -> None:
    """Make sure that a model file is not named like vectors for other programs, or compressed.

    Raises:
        UsageError: it is.
    """
    name = os.fspath(path)
    extension, packed = extension_of(name), compression_of(name)
    format = EXTENSIONS.get(extension, "") if extension else ""
    if format in ("", "safetensors") and not packed:
        return
    # The name may be in capitals.
    plain = name[: len(name) - len(packed)]
    stem = plain[: len(plain) - len(extension)] if format else plain
    model = stem if stem.endswith(".safetensors") else f"{stem}.safetensors"
    hint = f"name it {model}"
    if format not in ("", "safetensors"):
        hint += f", and then: hsw2v export {model} {name}"
    what = "a compressed file" if packed else FORMATS[format]
    raise UsageError(
        f"is named as {what}, and a model file is to be written", where=name, hint=hint
    )


def _format_of(path: str) -> str:
    extension = extension_of(path)
    if extension not in EXTENSIONS:
        known = ", ".join(f"{one} ({FORMATS[format]})" for one, format in EXTENSIONS.items() if one)
        others = "; hsw2v map writes the .tsv files of the TensorBoard projector"
        raise UsageError(
            f"its extension {extension} tells no format",
            where=path,
            hint=f"name it {known}, or give the format (--format, format=)"
            + (others if extension == ".tsv" else ""),
        )
    return EXTENSIONS[extension]


def _write_text(out: BinaryIO, words: Sequence[str], vectors: Floats) -> None:
    """Write `word n n … n` a line, each n the shortest decimal that reads back bit-equal."""
    for start in range(0, len(words), _ROWS):
        # One JSON array of arrays: [[1.0,2.0],[3.0,4.0]].
        block = np.ascontiguousarray(vectors[start : start + _ROWS])
        numbers = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2]
        rows = numbers.replace(b",", b" ").split(b"] [")
        names = "\n".join(words[start : start + _ROWS]).encode().split(b"\n")
        lines = [b"%b %b\n" % pair for pair in zip(names, rows, strict=True)]
        out.write(b"".join(lines))


def _write_binary(out: BinaryIO, words: Sequence[str], vectors: Floats) -> None:
    """Write `word `, the little-endian floats, and a newline, as word2vec.c does."""
    for start in range(0, len(words), _ROWS):
        block = np.ascontiguousarray(vectors[start : start + _ROWS], dtype="<f4")
        out.write(
            b"".join(
                b"%b %b\n" % (word.encode(), row.tobytes())
                for word, row in zip(words[start : start + _ROWS], block, strict=True)
            )
        )


def _write_npy(out: BinaryIO, vectors: Floats) -> None:
    rows = range(0, len(vectors), _ROWS)
    write_npy(out, vectors.shape, (vectors[start : start + _ROWS] for start in rows))


def check_words(words: Sequence[str], format: str) -> None:
    """Make sure that words can be written in a format.

    Raises:
        UsageError: one cannot.
    """
    forbidden = frozenset("\n\r") if format == "npy" else _WHITE_SPACE
    for word in words:
        if not word or not forbidden.isdisjoint(word):
            raise UsageError(
                f"the word {word!r} cannot be written in the format {format!r}",
                hint="a word list holds one word a line"
                if format == "npy"
                else "its words hold no white space: export to npy",
            )
