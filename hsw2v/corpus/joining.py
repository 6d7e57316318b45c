"""Joining pairs of words in an encoded corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.counting import Slots, Tick, no_slots
from hsw2v.corpus.encoded import IDS_AT_ONCE, EncodedCorpus, Ids, IdWriter, borders_of
from hsw2v.corpus.pairs import (
    BEGINS,
    CONNECTOR,
    FIRST,
    KEY,
    LONGEST_RUN,
    PLACE,
    SCAN,
    VALUE,
    join,
    put,
    renumber,
)
from hsw2v.corpus.phrases import Phrase
from hsw2v.corpus.table import with_others
from hsw2v.corpus.tokens import HALF, ROW
from hsw2v.corpus.vocabulary import Vocabulary, concatenated, taken

_SLOTS_A_NUMBER = 8
"""Of the filter of a table: 16 to 32 bits a pair."""


class Pairs(NamedTuple):
    """Pairs that are joined, n of them: provisional ids, and numbers of runs by their table."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    between: NDArray[np.int64]
    runs: Slots

    def words(self) -> NDArray[np.int64]:
        """Return the ids of all their words, (n, k) in order; 0 where there is no word between."""
        used = self.runs[self.runs[:, KEY] != 0]
        former, last = np.zeros((2, len(used) + 1), np.int64)
        numbers = used[:, VALUE].astype(np.int64)
        former[numbers], last[numbers] = used[:, KEY] >> HALF, used[:, KEY] & ROW
        columns, run = [self.second], self.between
        while run.any():
            columns.append(last[run])
            run = former[run]
        return np.stack([self.first, *reversed(columns)], 1)


def pairs_of(phrases: Sequence[Phrase], types: Vocabulary) -> Pairs:
    """Return the pairs of those phrases whose words are all among the types of a corpus."""
    different = sorted({word for one in phrases for word in one.words})
    found = dict(zip(different, (types.find(different) + 1).tolist(), strict=True))
    every = (tuple(found[word] for word in one.words) for one in phrases)
    ids = [one for one in every if all(one)]
    numbers: dict[tuple[int, ...], int] = {(): 0}
    for one in ids:
        for length in range(2, len(one)):
            numbers.setdefault(one[1:length], len(numbers))
    longer = _columns((numbers[run[:-1]], run[-1], 0) for run in numbers if run)
    runs, _ = _table(longer, np.arange(1, len(numbers)))
    first, second, between = _columns((one[0], one[-1], numbers[one[1:-1]]) for one in ids)
    return Pairs(first, second, between, runs)


def _columns(rows: Iterable[tuple[int, int, int]]) -> tuple[NDArray[np.int64], ...]:
    return tuple(np.array(list(rows), np.int64).reshape(-1, 3).T)


class Joined(NamedTuple):
    """Some of the ids of a corpus with pairs joined."""

    room: Ids
    size: int
    """How many of the room's first are such ids."""
    done: int
    """The ids of the corpus that were looked at, of a `total`."""
    total: int

    @property
    def ids(self) -> Ids:
        """(n,) int32."""
        return self.room[: self.size]


def room() -> Ids:
    """Return room for what is joined at once."""
    return np.empty(IDS_AT_ONCE + LONGEST_RUN + 2, np.int32)


class Joining:
    """A corpus in which pairs are to be joined, once; the corpus is closed by whoever has it."""

    def __init__(
        self,
        encoded: EncodedCorpus,
        is_connector: NDArray[np.bool_],
        pairs: Pairs,
        delimiter: str,
    ) -> None:
        self._encoded, self._runs = encoded, pairs.runs
        self._any = len(pairs.first) > 0
        words = _joined_words(pairs.words(), encoded.types, delimiter)
        self.types, values = with_others(encoded.types, words)
        """Those of the corpus, and after them those that pairs become."""
        self._slots, self._bits = _table(pairs[:3], values)
        self._roles = np.where(is_connector, CONNECTOR, 0).astype(np.uint8)
        self._roles[pairs.first] |= BEGINS
        self.counts = np.zeros(len(self.types) + 1, np.int64)
        """(T'+1,) int64: how often each type occurs, as soon as all is joined."""
        self.counts[1 : len(self._roles)] = encoded.types.counts

    @property
    def tokens(self) -> int:
        """Tokens that are left, as `EncodedCorpus` counts them, as soon as all is joined."""
        joined = int(self._encoded.types.counts.sum() - self.counts.sum())
        return self._encoded.tokens - joined

    def parts(self, take: Callable[[], Ids] | None = None) -> Iterator[Joined]:
        """Join, and yield what comes of it, each in a `room` that is taken; by default the same."""
        take = take or partial(lambda same: same, room())
        ids, scan, out, waiting = self._encoded.ids, np.zeros(SCAN, np.int64), take(), 0
        how = self._roles, self._runs, self._slots, self._bits, self.counts, scan
        for begin in range(0, len(ids), IDS_AT_ONCE):
            end = min(begin + IDS_AT_ONCE, len(ids))
            given = join(ids, begin, end, *how, out, waiting)
            self._encoded.forget()
            size = int(scan[PLACE]) if scan[FIRST] and end < len(ids) else given
            rest = out[size:given].copy()
            yield Joined(out, size, end, len(ids))
            if end < len(ids):
                out, waiting, scan[PLACE] = take(), len(rest), 0
                out[:waiting] = rest

    def encoded(self, folder: str | None, tick: Tick = lambda done, total: None) -> EncodedCorpus:
        """Return the corpus that comes of it; the one before is closed."""
        if not self._any:
            return self._encoded
        number, arrived = np.zeros(len(self.types) + 1, np.int32), 0
        with self._encoded, IdWriter(folder) as out:
            for part in self.parts():
                arrived = renumber(part.ids, number, arrived)
                out.write(part.ids)
                tick(part.done, part.total)
            stored = out.finish()
        assert stored is not None
        present = np.nonzero(number)[0]
        present = present[np.argsort(number[present])]
        kept = taken(self.types, present - 1)
        return replace(
            self._encoded,
            stored=stored,
            types=Vocabulary(kept.blob, kept.offsets, self.counts[present]),
            tokens=self.tokens,
            blocks=borders_of(stored),
        )


def _joined_words(words: NDArray[np.int64], types: Vocabulary, delimiter: str) -> Vocabulary:
    """Return what words (n, k) are joined to, n words; their counts are of no use."""
    # The delimiter is a type, too: it comes after every word but the last.
    between = Vocabulary.from_words([delimiter], [0])
    both = concatenated(types, between)
    ids = np.zeros((len(words), 2 * words.shape[1] - 1), np.int64)
    ids[:, ::2] = words
    ids[:, 1::2] = np.where(words[:, :-1] != 0, len(types) + 1, 0)
    pieces = taken(both, ids[ids != 0] - 1)
    ends = np.cumsum(np.count_nonzero(ids, 1))
    offsets = pieces.offsets[np.concatenate((np.zeros(1, np.int64), ends))]
    return Vocabulary(pieces.blob, offsets, np.zeros(len(words), np.int64))


def _table(
    pairs: Sequence[NDArray[np.int64]], values: NDArray[np.integer[Any]]
) -> tuple[Slots, NDArray[np.uint64]]:
    """Return the table of pairs, by their halves and runs, with their values; and its filter."""
    first, second, between = (some.astype(np.uint64) for some in pairs)
    slots = no_slots(2 << len(first).bit_length())
    bits = np.zeros(max(len(slots) // _SLOTS_A_NUMBER, 2), np.uint64)
    put(slots, first << HALF | second, between, values.astype(np.int64), bits)
    return slots, bits
