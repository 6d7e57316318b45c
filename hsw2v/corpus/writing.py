"""An encoded corpus as text again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.background import Background, Pool
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.pairs import write_words
from hsw2v.files import writing

_AT_ONCE = 1 << 16
_PAD = 8
"""Bytes that compiled code may read or write past the end."""


def write_corpus(
    encoded: EncodedCorpus, path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write the sentences of a corpus, one a line, with spaces between words, by `files.writing`.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    with (
        writing(path, force=force) as out,
        Background() as background,
    ):
        pool = Pool((_Room() for _ in range(2)), background)
        for room in background.ahead(_texts(encoded, pool.take)):
            out.write(room.text[: room.size].data)
            pool.give_back(room)


class _Room:
    """Room for a piece of text, used again and again."""

    def __init__(self) -> None:
        self.text: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.size = 0


def _texts(encoded: EncodedCorpus, take: Callable[[], _Room]) -> Iterator[_Room]:
    """Yield the text of a corpus, a bounded number of words at a time, in rooms that are free."""
    types, former = encoded.types, 0
    blob = np.concatenate((types.blob, np.zeros(_PAD, np.uint8)))
    # As many bytes as each id adds, with what is before or after its word.
    lengths = np.concatenate(([1], np.diff(types.offsets) + 1))
    for part in encoded.parts():
        for begin in range(0, len(part), _AT_ONCE):
            ids, room = part[begin : begin + _AT_ONCE], take()
            most = int(lengths[ids].sum())
            if most + _PAD > len(room.text):
                room.text = np.empty(2 * most + _PAD, np.uint8)
            room.size = write_words(ids, blob, types.offsets, former, room.text)
            yield room
            former = int(ids[-1])
    if former:
        room = take()
        room.text, room.size = np.frombuffer(b"\n", np.uint8), 1
        yield room
