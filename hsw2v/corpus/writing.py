"""An encoded corpus as text again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.background import Background, Pool
from hsw2v.corpus.counting import Tick
from hsw2v.corpus.encoded import Ids
from hsw2v.corpus.joining import Joined, Joining, room
from hsw2v.corpus.pairs import PAD, write_words
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.files import writing

_ROOM = 1 << 20
"""Bytes that are written at once, but for a longer word."""


def pass_over(joining: Joining, tick: Tick) -> None:
    """Write nothing: what is joined is counted."""
    for part in joining.parts():
        tick(part.done, part.total)


def write_joined(
    joining: Joining, tick: Tick, path: str | os.PathLike[str], *, force: bool = False
) -> None:
    """Write the sentences that are joined, one a line, with spaces between words.

    By `files.writing`; joining, spelling and writing are done by a thread each.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    with writing(path, force=force) as out, Background() as background:
        joined = Pool((room() for _ in range(2)), background)
        spelled = Pool((np.empty(_ROOM, np.uint8) for _ in range(2)), background)
        parts = background.ahead(joining.parts(joined.take))
        texts = _texts(joining.types, _given_back(parts, joined), spelled.take)
        for text in background.ahead(texts):
            out.write(text.room[: text.size].data)
            spelled.give_back(text.room)
            tick(text.done, text.total)


def _given_back(parts: Iterable[Joined], pool: Pool[Ids]) -> Iterator[Joined]:
    """Yield parts, and give their rooms back afterwards."""
    for part in parts:
        yield part
        pool.give_back(part.room)


class _Text(NamedTuple):
    """A piece of text."""

    room: NDArray[np.uint8]
    size: int
    """Bytes of the room that are text."""
    done: int
    total: int
    """As in `Joined`."""


def _texts(
    types: Vocabulary, parts: Iterable[Joined], take: Callable[[], NDArray[np.uint8]]
) -> Iterator[_Text]:
    """Yield the text of parts, in rooms that are taken."""
    former, blob = 0, np.concatenate((types.blob, np.zeros(PAD, np.uint8)))
    for part in parts:
        begin, ids = 0, part.ids
        while begin < len(ids):
            out = take()
            end, size = write_words(ids, begin, blob, types.offsets, former, out)
            while end == begin:
                # A word that is longer than the room.
                out = np.empty(2 * len(out), np.uint8)
                end, size = write_words(ids, begin, blob, types.offsets, former, out)
            former, begin = int(ids[end - 1]), end
            yield _Text(out, size, part.done, part.total)
    if former:
        out = take()
        out[0] = ord("\n")
        yield _Text(out, 1, part.done, part.total)
