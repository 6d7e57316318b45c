"""The hash table of types: gives tokens their provisional ids; enlarged or pruned when full."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.reading import Piece
from hsw2v.corpus.tokens import (
    ARRIVED,
    COUNT,
    HALF,
    PLACE,
    ROW,
    ROWS,
    SENTENCES,
    STATE,
    TAIL,
    intern,
    rehash,
)
from hsw2v.corpus.vocabulary import Vocabulary

_FIRST_SLOTS = 1 << 16
_FIRST_BLOB = 1 << 20
_SLOTS_AT_ONCE = 1 << 18
_WORDS_AT_ONCE = 1 << 18

T = TypeVar("T", bound=np.generic)


class TypeTable:
    """Types in order of arrival, with their counts.

    With `max_types`, the rarer half of the types is dropped whenever the table is full: their
    counts are lost, and a type that comes back is new. Types that are to be `spared` stay, and are
    there besides.
    """

    def __init__(self, max_types: int = 0, spared: Collection[str] = (), *, room: int = 0) -> None:
        """Make an empty table, with room for some types from the beginning."""
        self.max_types = max_types
        self._spared = list(spared)
        self._most_rows = max_types + 1
        """With `max_types`: the end of a sentence, spared types, and so many others."""
        self.dropped = 0
        """Types that were dropped, each as often as it was."""
        self.dropped_count = 0
        """The highest count that a type had when it was dropped."""
        self._slots = _empty_slots(max(_FIRST_SLOTS, 1 << (room // 5 * 8).bit_length()))
        self._offsets = np.zeros(self._most() + 1, np.int64)
        self._blob = np.zeros(_FIRST_BLOB, np.uint8)
        self._state = np.zeros(STATE, np.int64)
        end_of_line = Piece()
        end_of_line.fill(b"\n")
        end_of_line.tokenise()
        self.add(end_of_line, np.empty(1, np.int32))

    @property
    def types(self) -> int:
        """Types in the table."""
        return int(self._state[ROWS]) - 1

    @property
    def sentences(self) -> int:
        """Sentences that have ended."""
        return int(self._state[SENTENCES])

    def add(self, piece: Piece, ids: NDArray[np.int32]) -> int:
        """Fill in the ids of the tokens of a piece, and return their number.

        It is less than that of tokens if there are empty sentences, whose ends are left out.
        """
        done = given = 0
        while True:
            most = self._most()
            done, more = intern(
                piece.data,
                piece.starts,
                piece.ends,
                piece.heads,
                piece.tails,
                done,
                piece.count,
                self._slots,
                min(most, self._most_rows) if self.max_types else most,
                self._offsets,
                self._blob,
                self._state,
                ids[given:],
            )
            given += more
            if done == piece.count:
                return given
            self._make_room(int(piece.ends[done]) - int(piece.starts[done]))

    def vocabulary(self) -> Vocabulary:
        """Return a copy of the types, without the end of a sentence."""
        rows = self.types + 1
        offsets = self._offsets[1 : rows + 1]
        blob = self._blob[offsets[0] : offsets[-1]].copy()
        counts = self._by_row(COUNT)[1:].view(np.int64)
        return Vocabulary(blob, offsets - offsets[0], counts)

    def arrivals(self) -> NDArray[np.int64] | None:
        """Return the provisional ids of the types, rising, after 0, the end of a sentence.

        None if no type was dropped: then they are 0, 1, 2, …
        """
        if not self.dropped:
            return None
        return (self._by_row(PLACE) >> HALF).view(np.int64)

    @property
    def arrived(self) -> int:
        """Types that have ever arrived, with the end of a sentence."""
        return int(self._state[ARRIVED])

    def _most(self) -> int:
        return len(self._slots) // 8 * 5

    def _make_room(self, length: int) -> None:
        rows = int(self._state[ROWS])
        if self.max_types and rows >= self._most_rows:
            self._prune()
        elif rows >= self._most():
            self.enlarge()
        else:
            self._blob = _enlarged(self._blob, 2 * len(self._blob) + length)

    def enlarge(self) -> None:
        """Make room for twice as many types."""
        slots = _empty_slots(2 * len(self._slots))
        rehash(self._slots, slots)
        self._slots = slots
        self._offsets = _enlarged(self._offsets, self._most() + 1)

    def _by_row(self, column: int) -> NDArray[np.uint64]:
        """Return a column of the slots in use, in order of their rows."""
        values = np.empty(int(self._state[ROWS]), np.uint64)
        for begin in range(0, len(self._slots), _SLOTS_AT_ONCE):
            some = self._slots[begin : begin + _SLOTS_AT_ONCE]
            some = some[some[:, TAIL] != 0]
            values[(some[:, PLACE] & ROW).astype(np.int64)] = some[:, column]
        return values

    def _used(self) -> NDArray[np.uint64]:
        """Return the slots in use, in order of their rows."""
        used: NDArray[np.uint64] = self._slots[self._slots[:, TAIL] != 0]
        ordered = np.empty_like(used)
        ordered[(used[:, PLACE] & ROW).astype(np.int64)] = used
        return ordered

    def _prune(self) -> None:
        used = self._used()
        # Of equally rare types the newer one is more frequent: it has had less time.
        newest_first = -used[:0:-1, COUNT].astype(np.int64)
        frequent_first = len(used) - 1 - np.argsort(newest_first, kind="stable")
        spared = self._is_spared()
        lost = frequent_first[~spared[frequent_first]][self.max_types // 2 :]
        self._most_rows = self.max_types + 1 + int(np.count_nonzero(spared))
        self.dropped += len(lost)
        kept = np.ones(len(used), np.bool_)
        if len(lost):
            self.dropped_count = max(self.dropped_count, int(used[lost[0], COUNT]))
            kept[lost] = False
        lengths = np.diff(self._offsets[: len(used) + 1])
        blob = self._blob[: self._offsets[len(used)]][np.repeat(kept, lengths)]
        self._blob[: len(blob)] = blob
        used = used[kept]
        np.cumsum(lengths[kept], out=self._offsets[1 : len(used) + 1])
        used[:, PLACE] = used[:, PLACE] & ~ROW | np.arange(len(used), dtype=np.uint64)
        self._slots[:] = 0
        rehash(used, self._slots)
        self._state[ROWS] = len(used)

    def _is_spared(self) -> NDArray[np.bool_]:
        """Return which rows are to be spared, (rows,) bool; the end of a sentence is not."""
        found = np.zeros(int(self._state[ROWS]), np.bool_)
        if self._spared:
            types = self.vocabulary().find(self._spared)
            found[types[types >= 0] + 1] = True
        return found


def merged(several: Sequence[Vocabulary]) -> Vocabulary:
    """Return the types of several texts, which follow each other, with the counts of all."""
    table = TypeTable()
    found = [_ids_of(one, table) for one in several]
    counts = np.zeros(table.types + 1, np.int64)
    for ids, one in zip(found, several, strict=True):
        # No type is there twice.
        counts[ids] += one.counts
    types = table.vocabulary()
    return Vocabulary(types.blob, types.offsets, counts[1:])


def with_others(types: Vocabulary, others: Vocabulary) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Return types with others after them that are not there yet, and the id of each other.

    Ids count from 1, (n,) int32; counts are of no use.
    """
    table = TypeTable(room=len(types) + len(others))
    _ids_of(types, table)
    ids = _ids_of(others, table)
    return table.vocabulary(), ids


def places(types: Vocabulary, known: Vocabulary) -> NDArray[np.int64]:
    """Return which of the V words that are known each of T types is, (T,) int64; -1 for none."""
    table = TypeTable(room=len(known))
    _ids_of(known, table)
    found = _ids_of(types, table).astype(np.int64) - 1
    found[found >= len(known)] = -1
    return found


def _ids_of(types: Vocabulary, table: TypeTable) -> NDArray[np.int32]:
    """Return the ids of types in a table, (T,) int32, from 1 on; new ones are added."""
    ids, piece = np.empty(len(types), np.int32), Piece()
    for begin in range(0, len(types), _WORDS_AT_ONCE):
        borders = types.offsets[begin : begin + _WORDS_AT_ONCE + 1]
        text = types.blob[borders[0] : borders[-1]]
        piece.fill_with_tokens(text.data, borders[1:] - borders[0])
        table.add(piece, ids[begin:])
    return ids


def _empty_slots(count: int) -> NDArray[np.uint64]:
    # Aligned to cache lines, so that no slot lies on two.
    raw = np.zeros(4 * count + 8, np.uint64)
    begin = -raw.ctypes.data // 8 % 8
    slots: NDArray[np.uint64] = raw[begin : begin + 4 * count].reshape(count, 4)
    return slots


def _enlarged(array: NDArray[T], size: int) -> NDArray[T]:
    larger = np.zeros(size, array.dtype)
    larger[: len(array)] = array
    return larger
