"""The table of types: it gives tokens their provisional ids, and grows or is pruned when full."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.text import PAD
from hsw2v.corpus.tokens import (
    AHEAD,
    ARRIVED,
    END_OF_LINE,
    ROWS,
    SENTENCES,
    STATE,
    intern,
    rehash,
)
from hsw2v.corpus.vocabulary import Vocabulary

_FIRST_BITS = 16
_FIRST_BLOB = 1 << 20


class TypeTable:
    """Types in order of arrival, with their counts.

    With `max_types`, the rarer half of the types is dropped whenever the table is full: their
    counts are lost, and if they come again they are new.
    """

    def __init__(self, max_types: int = 0) -> None:
        self.max_types = max_types
        self.dropped = 0
        """Types that were dropped, those that came again counted anew."""
        self.dropped_count = 0
        """The highest count that a type had when it was dropped."""
        self._bits = _FIRST_BITS
        self._slots = np.zeros((1 << self._bits, 2), np.uint64)
        self._counts = np.zeros(self._most(), np.int64)
        self._offsets = np.zeros(self._most() + 1, np.int64)
        self._blob = np.zeros(_FIRST_BLOB, np.uint8)
        self._state = np.zeros(STATE, np.int64)
        self._add_end_of_line()

    @property
    def types(self) -> int:
        """Types in the table."""
        return int(self._state[ROWS]) - 1

    @property
    def sentences(self) -> int:
        """Sentences that have ended."""
        return int(self._state[SENTENCES])

    def add(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int32],
        ends: NDArray[np.int32],
        keys: NDArray[np.uint64],
        count: int,
        ids: NDArray[np.int32],
    ) -> int:
        """Fill in the ids of `count` tokens, and return how many they are.

        Fewer than `count` where there are empty sentences, whose ends are left out.
        """
        done = given = 0
        while True:
            most = self._most()
            done, more = intern(
                data,
                starts,
                ends,
                keys,
                done,
                count,
                self._slots,
                64 - self._bits,
                min(most, self.max_types + 1) if self.max_types else most,
                self._counts,
                self._offsets,
                self._blob,
                self._state,
                ids[given:],
            )
            given += more
            if done == count:
                return given
            self._make_room(int(ends[done]) - int(starts[done]))

    def vocabulary(self) -> Vocabulary:
        """Return a copy of the types, without the end of a sentence."""
        rows = self.types + 1
        offsets = self._offsets[1 : rows + 1]
        blob = self._blob[offsets[0] : offsets[-1]].copy()
        return Vocabulary(blob, offsets - offsets[0], self._counts[1:rows].copy())

    def arrivals(self) -> NDArray[np.int64] | None:
        """Return the provisional id that each type was given, rising, end of sentence first.

        None if no type was dropped: then they are 0, 1, 2, …
        """
        if not self.dropped:
            return None
        rows, _ = self._unpacked()
        return (rows[:, 1] >> np.uint64(32)).astype(np.int64)

    def _most(self) -> int:
        return 1 << (self._bits - 1)

    def _add_end_of_line(self) -> None:
        data = np.full(PAD, ord("\n"), np.uint8)
        starts, ends = np.array([0], np.int32), np.array([1], np.int32)
        keys = np.full(1 + AHEAD, END_OF_LINE, np.uint64)
        self.add(data, starts, ends, keys, 1, np.empty(1, np.int32))

    def _make_room(self, length: int) -> None:
        rows = int(self._state[ROWS])
        if self.max_types and rows > self.max_types:
            self._prune()
        elif rows >= self._most():
            self._grow_table()
        else:
            larger = np.zeros(2 * len(self._blob) + length, np.uint8)
            larger[: len(self._blob)] = self._blob
            self._blob = larger

    def _grow_table(self) -> None:
        self._bits += 1
        slots = np.zeros((1 << self._bits, 2), np.uint64)
        rehash(self._slots, slots, 64 - self._bits)
        self._slots = slots
        self._counts = np.concatenate((self._counts, np.zeros_like(self._counts)))
        offsets = np.zeros(self._most() + 1, np.int64)
        offsets[: len(self._offsets)] = self._offsets
        self._offsets = offsets

    def _unpacked(self) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the used slots in order of their rows, and the rows' lengths in bytes."""
        used = self._slots[self._slots[:, 0] != 0]
        rows = used[np.argsort(used[:, 1] & np.uint64(0xFFFFFFFF))]
        return rows, np.diff(self._offsets[: len(rows) + 1])

    def _prune(self) -> None:
        rows, lengths = self._unpacked()
        counts = self._counts[: len(rows)].copy()
        # Of equally rare types the newer one is more frequent: it has had less time.
        frequent_first = len(rows) - 1 - np.argsort(-counts[:0:-1], kind="stable")
        lost = frequent_first[self.max_types // 2 :]
        self.dropped += len(lost)
        self.dropped_count = max(self.dropped_count, int(counts[lost[0]]))
        kept = np.ones(len(rows), np.bool_)
        kept[lost] = False
        blob = self._blob[: self._offsets[len(rows)]][np.repeat(kept, lengths)]
        self._blob[: len(blob)] = blob
        remaining = int(np.count_nonzero(kept))
        np.cumsum(lengths[kept], out=self._offsets[1 : remaining + 1])
        self._counts[:remaining] = counts[kept]
        packed = rows[kept]
        packed[:, 1] &= np.uint64(0xFFFFFFFF << 32)
        packed[:, 1] |= np.arange(remaining, dtype=np.uint64)
        self._slots[:] = 0
        rehash(packed, self._slots, 64 - self._bits)
        self._state[ROWS] = remaining

    @property
    def arrived(self) -> int:
        """Types that have ever arrived, and the end of a sentence."""
        return int(self._state[ARRIVED])
