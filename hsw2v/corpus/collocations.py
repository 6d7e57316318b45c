"""Finding phrases in an encoded corpus, and joining them: the corpus of the joined text.

Scores are those of Mikolov et al. 2013, "Distributed representations of words and phrases and their
compositionality", section 4, and Bouma 2009, "Normalized (pointwise) mutual information in
collocation extraction"; connector words, and what is counted, are gensim's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.counting import Tick, count_pairs, runs_of
from hsw2v.corpus.encoded import EncodedCorpus, IdWriter, borders_of
from hsw2v.corpus.joining import Joining, Pairs, pairs_of
from hsw2v.corpus.phrases import Phrase, Phrases, connectors_of
from hsw2v.corpus.tokens import HALF, ROW
from hsw2v.corpus.vocabulary import Vocabulary, taken
from hsw2v.events import Listener, Pace, PhrasesProgress, PhrasesReady, ignore

Marks = NDArray[np.bool_]
Write = Callable[[Joining, Tick], None]
"""What takes a corpus with its pairs joined, and tells how far it is."""

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
    try:
        with _Passes(config, known, listener) as passes:
            for _ in range(passes.count):
                encoded = passes.next(encoded).encoded(config.cache_dir, passes.tick)
            return replace(encoded, phrases=passes.phrases(encoded.tokens, len(encoded.types)))
    except BaseException:
        encoded.close()
        raise


def find_and_write(
    encoded: EncodedCorpus, config: CorpusConfig, write: Write, listener: Listener = ignore
) -> Phrases:
    """Find the phrases of a corpus, and `write` it with them joined, as `join_phrases` joins them.

    The corpus is closed.

    Raises:
        What `join_phrases` and `write` raise.
    """
    try:
        with _Passes(config, None, listener) as passes:
            for _ in range(passes.count - 1):
                encoded = passes.next(encoded).encoded(config.cache_dir, passes.tick)
            joining = passes.next(encoded)
            write(joining, passes.tick)
            return passes.phrases(joining.tokens, int(np.count_nonzero(joining.counts)))
    finally:
        encoded.close()


class _Passes:
    """Finds and joins phrases, pass by pass. A context: it makes their strings in a thread."""

    def __init__(self, config: CorpusConfig, known: Phrases | None, listener: Listener) -> None:
        self.count = config.phrases if known is None else len(known.passes)
        self._config, self._known = config, known
        if known is None:
            self._joins = Phrases((), config.delimiter, connectors_of(config))
        else:
            self._joins = known
        apart(partial(_warm_up, config.cache_dir, connectors=bool(self._joins.connectors)))
        self._found: list[Future[tuple[Phrase, ...]]] = []
        self._told = _Told(listener, self.count)
        self.tick = self._told.of("joining")
        self._beside = ThreadPoolExecutor(1)

    def next(self, encoded: EncodedCorpus) -> Joining:
        """Find the pairs of the next pass in the result of the one before."""
        number = self._told.number = self._told.number + 1
        is_connector = _marked(encoded.types, self._joins.connectors)
        if self._known is None:
            pairs, counts, scores = _find(encoded, is_connector, self._config, self._told)
            spelled = partial(_spelled, pairs.words(), encoded.types, counts, scores)
            self._found.append(self._beside.submit(spelled))
        else:
            pairs = pairs_of(self._known.passes[number - 1], encoded.types)
        return Joining(encoded, is_connector, pairs, self._joins.delimiter)

    def phrases(self, tokens: int, types: int) -> Phrases:
        """Return those of all passes; tell of them, if they were not known, and of what is left."""
        if self._known is not None:
            return self._known
        found = replace(self._joins, passes=tuple(one.result() for one in self._found))
        self._told.ready(found, tokens, types)
        return found

    def __enter__(self) -> _Passes:
        return self

    def __exit__(self, *_: object) -> None:
        self._beside.shutdown(wait=False, cancel_futures=True)


class _Told:
    """Tells how far the work is."""

    def __init__(self, listener: Listener, passes: int) -> None:
        self._listener, self._pace = listener, Pace()
        self._passes = passes
        self.number = 0
        """Of the pass, from 1."""

    def of(self, stage: str) -> Tick:
        """Return what tells how far a stage is, unless something was told just now."""

        def tick(done: int, total: int) -> None:
            if self._pace.due():
                at = stage, self.number, self._passes, done, total
                self._listener(PhrasesProgress(*at, self._pace.seconds))

        return tick

    def ready(self, phrases: Phrases, tokens: int, types: int) -> None:
        """Tell what came out."""
        many = [len(some) for some in phrases.passes]
        self._listener(PhrasesReady(many, tokens, types, self._pace.seconds))


def _marked(types: Vocabulary, words: frozenset[str]) -> Marks:
    """Return which ids are those of certain words, (T+1,) bool."""
    marks = np.zeros(len(types) + 1, np.bool_)
    found = types.find(sorted(words))
    marks[found[found >= 0] + 1] = True
    return marks


def _find(
    encoded: EncodedCorpus, is_connector: Marks, config: CorpusConfig, told: _Told
) -> tuple[Pairs, NDArray[np.int64], NDArray[np.float64]]:
    """Find the phrases of a corpus, in order of their first words' arrival, then of the second.

    Returns their counts and scores, too.
    """
    runs = runs_of(encoded, is_connector, told.of("connector words"))
    least, counts = config.phrase_min_count, encoded.types.counts
    pairs = count_pairs(encoded, is_connector, runs, least, tick=told.of("counting pairs"))
    different = int(np.count_nonzero(~is_connector[1:])) + pairs.distinct
    first, second = _halves(pairs.keys)
    both = counts[first - 1], counts[second - 1]
    if config.phrase_scoring == "npmi":
        chosen, scores = _npmi(pairs.counts, *both, int(counts.sum()), config.score_threshold)
    else:
        scores = (pairs.counts - least) / (both[0].astype(float) * both[1]) * different
        chosen = np.nonzero(scores > config.score_threshold)[0]
        scores = scores[chosen]
    order = np.lexsort((pairs.runs[chosen], pairs.keys[chosen]))
    chosen, scores = chosen[order], scores[order]
    between = pairs.runs[chosen].astype(np.int64)
    found = Pairs(first[chosen], second[chosen], between, runs)
    return found, pairs.counts[chosen], scores


def _halves(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return (keys >> HALF).astype(np.int64), (keys & ROW).astype(np.int64)


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


def _spelled(
    words: NDArray[np.int64],
    types: Vocabulary,
    counts: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> tuple[Phrase, ...]:
    """Return the phrases of words (n, k), 0 where there is none."""
    lengths = np.count_nonzero(words, 1)
    different, places = np.unique(words[words != 0], return_inverse=True)
    # A word has one string in all phrases.
    strings = taken(types, different - 1).words
    every = map(strings.__getitem__, places.tolist())
    some = (tuple(islice(every, length)) for length in lengths.tolist())
    return tuple(map(Phrase, some, counts.tolist(), scores.tolist()))


def _warm_up(folder: str | None, *, connectors: bool) -> None:
    """Call once all compiled code that the caller's thread runs."""
    marks = np.array([False, False, connectors, False])
    types = Vocabulary.from_words(["a", "b", "c"], [1, 1, 1])
    with IdWriter(folder) as out:
        out.write(np.array([1, 2, 3, 0], np.int32))
        stored = out.finish()
    assert stored is not None
    tiny = EncodedCorpus(stored, "", types, 3, 1, 0, 0, 0, borders_of(stored))
    runs = runs_of(tiny, marks)
    count_pairs(tiny, marks, runs, 1)
    one = np.ones(1, np.int64)
    Joining(tiny, marks, Pairs(one, 3 * one, 0 * one, runs), "_").encoded(folder).close()
