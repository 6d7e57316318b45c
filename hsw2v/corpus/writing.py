"""An encoded corpus as text again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.pairs import write_words
from hsw2v.files import atomic_write, compressing

_AT_ONCE = 1 << 16
_PAD = 8
"""Bytes that compiled code may read or write past the end."""


def write_corpus(
    encoded: EncodedCorpus, path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write the sentences of a corpus, one a line, with spaces between words.

    An extension such as .gz compresses.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    with atomic_write(path, force=force) as stream, compressing(stream, os.fspath(path)) as out:
        for text in _texts(encoded):
            out.write(text)


def _texts(encoded: EncodedCorpus) -> Iterator[memoryview]:
    """Yield the bytes of a corpus, a bounded number of words at a time."""
    types, former = encoded.types, 0
    blob = np.concatenate((types.blob, np.zeros(_PAD, np.uint8)))
    # As many bytes as each id adds, with what is before or after its word.
    lengths = np.concatenate(([1], np.diff(types.offsets) + 1))
    text = np.empty(0, np.uint8)
    for part in encoded.parts():
        for begin in range(0, len(part), _AT_ONCE):
            ids = part[begin : begin + _AT_ONCE]
            most = int(lengths[ids].sum())
            if most + _PAD > len(text):
                text = np.empty(2 * most + _PAD, np.uint8)
            yield text[: write_words(ids, blob, types.offsets, former, text)].data
            former = int(ids[-1])
    if former:
        yield memoryview(b"\n")
