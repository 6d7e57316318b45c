"""Finding phrases in an encoded corpus, and joining them: the corpus of the joined text.

Scores are those of Mikolov et al. 2013, "Distributed representations of words and phrases and their
compositionality", section 4, and Bouma 2009, "Normalized (pointwise) mutual information in
collocation extraction"; connector words, and what is counted, are gensim's.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.counting import Slots, count_pairs, no_slots, runs_of
from hsw2v.corpus.encoded import IDS_AT_ONCE, EncodedCorpus, IdWriter, borders_of
from hsw2v.corpus.pairs import BEGINS, CONNECTOR, ENDS, KEY, LONGEST_RUN, SCAN, VALUE, join, put
from hsw2v.corpus.phrases import Phrase, Phrases, connectors_of
from hsw2v.corpus.table import with_others
from hsw2v.corpus.tokens import HALF, ROW
from hsw2v.corpus.vocabulary import Vocabulary, taken
from hsw2v.events import Listener, Pace, PhrasesProgress, PhrasesReady, ignore

Marks = NDArray[np.bool_]
_ALMOST = 1e-9
"""Logarithms of NumPy and of the C library differ by less."""


def join_phrases(
    encoded: EncodedCorpus,
    config: CorpusConfig,
    known: Phrases | None = None,
    listener: Listener = ignore,
) -> EncodedCorpus:
    """Find the phrases of a corpus, or take those that are `known`, and join them in it.

    The corpus is closed. The result is what encoding the joined text would give: its types are
    those that occur in it, in order of arrival.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: connector words cannot be read.
        OutputError, DiskFullError: the ids cannot be written to `config.cache_dir`.
        ResourceError: there are too many runs of connector words.
    """
    told = _Told(listener, config.phrases if known is None else len(known.passes))
    try:
        apart(partial(_warm_up, config.cache_dir))
        made = Phrases((), config.delimiter, connectors_of(config)) if known is None else known
        passes = []
        for number in range(told.passes):
            told.number = number + 1
            is_connector = _marked(encoded.types, made.connectors)
            if known is None:
                pairs = _find(encoded, is_connector, config, told)
            else:
                pairs = _pairs_of(known.passes[number], encoded.types)
            passes.append(pairs.phrases)
            if pairs.phrases:
                words = [made.joined(one) for one in pairs.phrases]
                encoded = _joined(encoded, is_connector, pairs.ids, words, config.cache_dir, told)
        if known is None:
            made = dataclasses.replace(made, passes=tuple(passes))
            told.ready(made, encoded)
        return dataclasses.replace(encoded, phrases=made)
    except BaseException:
        encoded.close()
        raise


class _Pairs(NamedTuple):
    """Phrases that occur in a corpus."""

    phrases: tuple[Phrase, ...]
    ids: list[tuple[int, ...]]
    """The provisional ids of the words of each."""


class _Told:
    """Tells how far the work is."""

    def __init__(self, listener: Listener, passes: int) -> None:
        self._listener, self._pace = listener, Pace()
        self.passes = passes
        self.number = 1

    def tick(self, stage: str, done: int, total: int) -> None:
        """Tell how far a stage is, unless something was told just now."""
        if self._pace.due():
            at = stage, self.number, self.passes, done, total
            self._listener(PhrasesProgress(*at, self._pace.seconds))

    def ready(self, phrases: Phrases, encoded: EncodedCorpus) -> None:
        """Tell what came out."""
        many = [len(some) for some in phrases.passes]
        left = encoded.tokens, len(encoded.types)
        self._listener(PhrasesReady(many, *left, self._pace.seconds))


def _marked(types: Vocabulary, words: frozenset[str]) -> Marks:
    """Return which ids are those of certain words, (T+1,) bool."""
    marks = np.zeros(len(types) + 1, np.bool_)
    found = types.find(sorted(words))
    marks[found[found >= 0] + 1] = True
    return marks


def _find(encoded: EncodedCorpus, is_connector: Marks, config: CorpusConfig, told: _Told) -> _Pairs:
    """Find the phrases of a corpus, in order of their first words' arrival, then of the second."""
    runs = runs_of(encoded, is_connector)
    tick = partial(told.tick, "counting pairs")
    least = config.phrase_min_count
    pairs = count_pairs(encoded, is_connector, runs, least, tick=tick)
    counts = encoded.types.counts
    different = int(np.count_nonzero(~is_connector[1:])) + pairs.distinct
    first, second = (pairs.keys >> HALF).astype(np.int64), (pairs.keys & ROW).astype(np.int64)
    both = counts[first - 1], counts[second - 1]
    if config.phrase_scoring == "npmi":
        chosen, scores = _npmi(pairs.counts, *both, int(counts.sum()), config.score_threshold)
    else:
        scores = (pairs.counts - least) / (both[0].astype(float) * both[1]) * different
        chosen = np.nonzero(scores > config.score_threshold)[0]
        scores = scores[chosen]
    between = _Runs(runs)
    ids = [
        (one, *between.ids(run), other)
        for one, run, other in zip(
            *(some[chosen].tolist() for some in (first, pairs.runs, second)), strict=True
        )
    ]
    return _Pairs(_spelled(ids, encoded.types, pairs.counts[chosen], scores), ids)


def _npmi(
    counts: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    tokens: int,
    threshold: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which pairs exceed a threshold, and their scores, to the bit those of math.log."""
    pair, one, other = counts / tokens, first / tokens, second / tokens
    ratio = pair / (one * other)
    near = np.nonzero(np.log(ratio) / -np.log(pair) > threshold - _ALMOST)[0]
    logs = zip(map(math.log, ratio[near].tolist()), map(math.log, pair[near].tolist()), strict=True)
    scores = np.fromiter((above / -below for above, below in logs), np.float64, len(near))
    exceeds = scores > threshold
    return near[exceeds], scores[exceeds]


class _Runs:
    """The connector words of numbered runs."""

    def __init__(self, runs: Slots) -> None:
        used = runs[runs[:, KEY] != 0]
        self._former = np.zeros(len(used) + 1, np.int64)
        self._last = np.zeros(len(used) + 1, np.int64)
        numbers = used[:, VALUE].astype(np.int64)
        self._former[numbers] = used[:, KEY] >> HALF
        self._last[numbers] = used[:, KEY] & ROW

    def ids(self, run: int) -> tuple[int, ...]:
        """Return the ids of the words of a run."""
        found: list[int] = []
        while run:
            found.append(int(self._last[run]))
            run = int(self._former[run])
        return tuple(reversed(found))


def _spelled(
    ids: Sequence[tuple[int, ...]],
    types: Vocabulary,
    counts: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> tuple[Phrase, ...]:
    flat = np.fromiter((word for some in ids for word in some), np.int64)
    different, places = np.unique(flat, return_inverse=True)
    spelled = types.spelled((different - 1).tolist())
    words = [spelled[place] for place in places.tolist()]
    borders = pairwise(accumulate(map(len, ids), initial=0))
    return tuple(
        Phrase(tuple(words[begin:end]), count, score)
        for (begin, end), count, score in zip(
            borders, counts.tolist(), scores.tolist(), strict=True
        )
    )


def _pairs_of(phrases: Sequence[Phrase], types: Vocabulary) -> _Pairs:
    """Return those of some phrases whose words are all among the types of a corpus."""
    different = sorted({word for one in phrases for word in one.words})
    found = dict(zip(different, (types.find(different) + 1).tolist(), strict=True))
    both = [(one, tuple(found[word] for word in one.words)) for one in phrases]
    kept = [(one, ids) for one, ids in both if all(ids)]
    return _Pairs(tuple(one for one, _ in kept), [ids for _, ids in kept])


def _joined(
    encoded: EncodedCorpus,
    is_connector: Marks,
    pairs: Sequence[tuple[int, ...]],
    words: Sequence[str],
    folder: str | None,
    told: _Told,
) -> EncodedCorpus:
    """Join pairs in a corpus, which is closed; each becomes one of the words."""
    all_words = Vocabulary.from_words(words, [0] * len(words))
    types, ids_of_words = with_others(encoded.types, all_words)
    runs, slots = _tables(pairs, ids_of_words)
    roles = np.where(is_connector, CONNECTOR, 0).astype(np.uint8)
    roles[[ids[0] for ids in pairs]] |= BEGINS
    roles[[ids[-1] for ids in pairs]] |= ENDS
    number, counts = np.zeros(len(types) + 1, np.int32), np.zeros(len(types) + 1, np.int64)
    counts[1 : len(roles)] = encoded.types.counts
    scan, some = np.zeros(SCAN, np.int64), np.empty(IDS_AT_ONCE + LONGEST_RUN + 1, np.int32)
    ids, arrived = encoded.ids, 0
    with encoded, IdWriter(folder) as out:
        for begin in range(0, len(ids), IDS_AT_ONCE):
            end = min(begin + IDS_AT_ONCE, len(ids))
            given, arrived = join(
                *(ids, begin, end, roles, runs, slots),
                *(number, arrived, counts, scan, some),
            )
            out.write(some[:given])
            encoded.forget()
            told.tick("joining", end, len(ids))
        stored = out.finish()
    assert stored is not None
    present = np.nonzero(number)[0]
    present = present[np.argsort(number[present])]
    kept, counts = taken(types, present - 1), counts[present]
    return dataclasses.replace(
        encoded,
        stored=stored,
        types=Vocabulary(kept.blob, kept.offsets, counts),
        tokens=encoded.tokens - int(encoded.types.counts.sum() - counts.sum()),
        blocks=borders_of(stored),
    )


def _tables(pairs: Sequence[tuple[int, ...]], values: NDArray[np.int32]) -> tuple[Slots, Slots]:
    """Return the table of the runs in pairs, and that of pairs with their values."""
    numbers: dict[tuple[int, ...], int] = {(): 0}
    for ids in pairs:
        for length in range(2, len(ids)):
            numbers.setdefault(ids[1:length], len(numbers))
    longer = [run for run in numbers if run]
    return (
        _table([(numbers[run[:-1]], run[-1], 0) for run in longer], list(map(numbers.get, longer))),
        _table([(ids[0], ids[-1], numbers[ids[1:-1]]) for ids in pairs], values),
    )


def _table(entries: Sequence[tuple[int, int, int]], values: object) -> Slots:
    """Return the table of the halves of keys, and runs, with values."""
    slots = no_slots(2 << len(entries).bit_length())
    columns = np.array(entries, np.uint64).reshape(-1, 3)
    first, second, runs = np.ascontiguousarray(columns.T)
    put(slots, first << HALF | second, runs, np.asarray(values, np.int64))
    return slots


def _warm_up(folder: str | None) -> None:
    """Call once all compiled code that the caller's thread runs."""
    told = _Told(ignore, 1)
    marks = np.array([False, False, True, False])
    types = Vocabulary.from_words(["a", "b", "c"], [1, 1, 1])
    with IdWriter(folder) as out:
        out.write(np.array([1, 2, 3, 0], np.int32))
        stored = out.finish()
    assert stored is not None
    tiny = EncodedCorpus(stored, "", types, 3, 1, 0, 0, 0, borders_of(stored))
    count_pairs(tiny, marks, runs_of(tiny, marks), 1)
    _joined(tiny, marks, [(1, 2, 3)], ["a b c"], folder, told).close()
