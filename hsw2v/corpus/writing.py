"""An encoded corpus as text again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.background import Background, Pool
from hsw2v.corpus.counting import Tick
from hsw2v.corpus.joining import Joined
from hsw2v.corpus.pairs import PAD, write_words
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.files import writing

_ROOM = 1 << 20
"""Bytes that are written at once, but for a longer word."""


def write_joined(
    types: Vocabulary,
    parts: Iterable[Joined],
    tick: Tick,
    path: str | os.PathLike[str],
    *,
    force: bool = False,
) -> None:
    """Write the sentences of parts of a corpus, one a line, with spaces between words.

    By `files.writing`. `tick` is called with how far the parts are.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    with writing(path, force=force) as out, Background() as background:
        rooms = Pool((np.empty(_ROOM, np.uint8) for _ in range(2)), background)
        for text in background.ahead(_texts(types, parts, rooms.take)):
            out.write(text.room[: text.size].data)
            rooms.give_back(text.room)
            tick(text.done, text.total)


def pass_over(types: Vocabulary, parts: Iterable[Joined], tick: Tick) -> None:
    """Write nothing: the parts are made, and counted."""
    for part in parts:
        tick(part.done, part.total)


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
    """Yield the text of parts, in rooms that are free."""
    former, blob = 0, np.concatenate((types.blob, np.zeros(PAD, np.uint8)))
    for part in parts:
        begin = 0
        while begin < len(part.ids):
            room = take()
            end, size = write_words(part.ids, begin, blob, types.offsets, former, room)
            while end == begin:
                # A word that is longer than the room.
                room = np.empty(2 * len(room), np.uint8)
                end, size = write_words(part.ids, begin, blob, types.offsets, former, room)
            yield _Text(room, size, part.done, part.total)
            former, begin = int(part.ids[end - 1]), end
    if former:
        room = take()
        room[0] = ord("\n")
        yield _Text(room, 1, part.done, part.total)
