"""How often the pairs of neighbouring words of an encoded corpus occur, exactly, in bounded memory.

Threads count parts of all pairs, by their hashes. Where the table of one is full, it goes on with
half of its part, and comes back for the other half.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import cores
from hsw2v.corpus.encoded import IDS_AT_ONCE, EncodedCorpus
from hsw2v.corpus.pairs import (
    AHEAD,
    MOST_RUNS,
    SCAN,
    count,
    find_pairs,
    frequent,
    keep_part,
    number_runs,
    put_again,
)
from hsw2v.errors import ResourceError

MOST_SLOTS = 1 << 26
"""Of all tables of counts together, of 16 bytes each."""
_FIRST_SLOTS = 1 << 16
_IDS_A_SLOT = 4
"""Of a table as it begins, which is larger than `_FIRST_SLOTS` for many ids."""
_AT_ONCE = 1 << 15
"""Ids whose pairs are found, and then counted."""
_MOST_THREADS = 8
_POLL_SECONDS = 0.1

Slots = NDArray[np.uint64]
Frequent = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]
"""Keys, runs and counts of pairs."""
Tick = Callable[[int, int], None]


class PairCounts(NamedTuple):
    """Pairs that are frequent, in any order."""

    keys: NDArray[np.uint64]
    """(n,) uint64: the first word in the upper half, the second in the lower."""
    runs: NDArray[np.uint64]
    """(n,) uint64: the numbers of the runs between them."""
    counts: NDArray[np.int64]
    distinct: int
    """All pairs that occur, those that are not frequent among them."""


def no_slots(size: int = 2) -> Slots:
    """Return an empty table."""
    return np.zeros((size, 2), np.uint64)


def enlarged(slots: Slots) -> Slots:
    """Return a table with room for twice as much."""
    larger = no_slots(2 * len(slots))
    put_again(slots, larger)
    return larger


def runs_of(
    encoded: EncodedCorpus,
    is_connector: NDArray[np.bool_],
    tick: Tick = lambda done, total: None,
) -> Slots:
    """Return the table of the runs of connector words of a corpus.

    `tick` is called with the ids that are done, and their total.

    Raises:
        ResourceError: there are too many.
    """
    runs, scan, known = no_slots(), np.zeros(SCAN, np.int64), 0
    if not is_connector.any():
        return runs
    ids = encoded.ids
    for begin in range(0, len(ids), IDS_AT_ONCE):
        at, end = begin, min(begin + IDS_AT_ONCE, len(ids))
        while at < end:
            at, known = number_runs(ids, at, end, is_connector, runs, known, len(runs) // 2, scan)
            if at < end:
                runs = enlarged(runs)
        encoded.forget()
        tick(end, len(ids))
        if known >= MOST_RUNS:
            raise ResourceError(
                f"there are more than {MOST_RUNS:,} runs of connector words",
                where=encoded.source,
                hint="name fewer connector words",
            )
    return runs


def count_pairs(
    encoded: EncodedCorpus,
    is_connector: NDArray[np.bool_],
    runs: Slots,
    least: int,
    *,
    threads: int | None = None,
    most_slots: int = MOST_SLOTS,
    tick: Tick = lambda done, total: None,
) -> PairCounts:
    """Count the pairs of a corpus, and return those that occur `least` times.

    `is_connector (T+1,)` tells which types are connector words, and `runs` numbers theirs. The
    pairs are the same with any number of threads. `tick` is called with the ids that are done, as
    if all threads were one, and their total.
    """
    # More would read all ids again for little.
    most = min(threads or cores(), _MOST_THREADS) if len(encoded.ids) > _AT_ONCE else 1
    bits = most.bit_length() - 1
    parts = [
        _Part(encoded, is_connector, runs, least, bits, part, most_slots >> bits)
        for part in range(1 << bits)
    ]
    _on_threads(parts, tick)
    found = [one for part in parts for one in part.found]
    keys, between, counts = (np.concatenate(some) for some in zip(*found, strict=True))
    return PairCounts(keys, between, counts, sum(part.distinct for part in parts))


def _on_threads(parts: list[_Part], tick: Tick) -> None:
    over = threading.Event()
    with ThreadPoolExecutor(len(parts)) as pool:
        try:
            work = [pool.submit(part.count, over) for part in parts]
            while True:
                done, waiting = wait(work, _POLL_SECONDS, FIRST_EXCEPTION)
                for one in done:
                    one.result()
                share = sum(part.done for part in parts) / sum(part.total for part in parts)
                tick(round(share * parts[0].ids), parts[0].ids)
                if not waiting:
                    return
        finally:
            over.set()


class _Part:
    """The pairs with certain bits in their hashes: those of a thread."""

    def __init__(
        self,
        encoded: EncodedCorpus,
        is_connector: NDArray[np.bool_],
        runs: Slots,
        least: int,
        bits: int,
        part: int,
        most_slots: int,
    ) -> None:
        self._encoded, self._least, self._most_slots = encoded, least, most_slots
        self._how = is_connector, runs
        self._waiting = [(bits, part)]
        self._keys, self._runs, self._mixed = np.zeros((3, _AT_ONCE + AHEAD), np.uint64)
        self.found: list[Frequent] = []
        self.distinct = 0
        self.done = 0
        """Ids that were looked at."""
        self.ids = self.total = len(encoded.ids)

    def count(self, over: threading.Event) -> None:
        """Count all, unless it is over."""
        while self._waiting:
            bits, part = self._waiting.pop()
            first = 1 << ((self.ids >> bits) // _IDS_A_SLOT).bit_length()
            first = min(max(first, _FIRST_SLOTS), self._most_slots)
            table = _Table(bits, part, first, self._most_slots)
            scan = np.zeros(SCAN, np.int64)
            for begin in range(0, self.ids, _AT_ONCE):
                if over.is_set():
                    return
                self._count_in(begin, min(begin + _AT_ONCE, self.ids), scan, table)
            self.found.append(table.frequent(self._least))
            self.distinct += table.used

    def _count_in(self, begin: int, end: int, scan: NDArray[np.int64], table: _Table) -> None:
        pairs = self._keys, self._runs, self._mixed
        ids = self._encoded.ids
        found = find_pairs(ids, begin, end, *self._how, scan, *table.which, *pairs)
        left = table.add(*pairs, found)
        self._waiting += left
        self.total += self.ids * len(left)
        self.done += end - begin
        if end % IDS_AT_ONCE == 0:
            self._encoded.forget()


class _Table:
    """How often pairs occur: those of a part, or of as much of it as there is room for."""

    def __init__(self, bits: int, part: int, first_slots: int, most_slots: int) -> None:
        self._bits, self._part, self._most_slots = bits, part, most_slots
        self._slots = no_slots(first_slots)
        self.used = 0
        """Pairs in it."""

    @property
    def which(self) -> tuple[np.uint64, np.uint64]:
        """The mask of the bits that tell the part, and what they are."""
        return np.uint64((1 << self._bits) - 1), np.uint64(self._part)

    def add(
        self,
        keys: NDArray[np.uint64],
        runs: NDArray[np.uint64],
        mixed: NDArray[np.uint64],
        found: int,
    ) -> list[tuple[int, int]]:
        """Count pairs, and return the parts that were given up for want of room."""
        at, left = 0, list[tuple[int, int]]()
        while True:
            most = len(self._slots) // 8 * 5
            at, self.used = count(
                *(keys, runs, mixed, at, found, *self.which, self._slots, self.used, most)
            )
            if at == found:
                return left
            if 2 * len(self._slots) <= self._most_slots:
                self._slots = enlarged(self._slots)
            else:
                left.append((self._bits + 1, self._part | 1 << self._bits))
                self._bits += 1
                half = no_slots(len(self._slots))
                self.used = keep_part(self._slots, half, *self.which)
                self._slots = half

    def frequent(self, least: int) -> Frequent:
        """Return the pairs that occur so often."""
        # Only what is filled in takes memory.
        keys, runs = np.empty((2, self.used), np.uint64)
        counts = np.empty(self.used, np.int64)
        found = frequent(self._slots, least, keys, runs, counts)
        return keys[:found].copy(), runs[:found].copy(), counts[:found].copy()
