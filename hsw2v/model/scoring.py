"""The scores of an encoded text: block after block, a sentence at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hsw2v.events import Listener, Pace, ScoringProgress
from hsw2v.query.neighbours import Indexes
from hsw2v.query.probabilities import Logs
from hsw2v.query.scoring import Score

if TYPE_CHECKING:
    from hsw2v.corpus.words import WordCorpus

LogsOf = Callable[[Indexes, Indexes], Iterator[Logs]]
"""From words (N,) and the numbers of their sentences (N,) to log-probabilities, some at a time."""


def scores_of(text: WordCorpus, logs_of: LogsOf, listener: Listener) -> Iterator[Score]:
    """Yield the score of every sentence, or of every block's part of it; close the text at last."""
    with text.encoded as encoded:
        report = _Report(listener, encoded.tokens, len(encoded.ids))
        for begin, end in zip(encoded.blocks[:-1], encoded.blocks[1:], strict=True):
            yield from _block_scores(text, int(begin), int(end), logs_of, report)
            encoded.forget()


class _Report:
    """Tells how far a text is scored, now and then."""

    def __init__(self, listener: Listener, tokens: int, ids: int) -> None:
        self._listener, self._tokens, self._ids = listener, tokens, ids
        self._pace = Pace()
        listener(ScoringProgress(0, tokens, 0.0))

    def tick(self, ids: int) -> None:
        """Tell that so many ids are done, unless something was told just now."""
        if self._pace.due():
            tokens = round(self._tokens * ids / self._ids)
            self._listener(ScoringProgress(tokens, self._tokens, self._pace.seconds))


def _block_scores(
    text: WordCorpus, begin: int, end: int, logs_of: LogsOf, report: _Report
) -> Iterator[Score]:
    ids = text.encoded.ids[begin:end]
    words = text.remap[ids].astype(np.int64)
    is_end = ids == 0
    sentences = np.cumsum(is_end) - is_end
    places = np.nonzero(words >= 0)[0]
    logs = np.empty(len(places))
    done = 0
    for some in logs_of(words[places], sentences[places]):
        logs[done : done + len(some)] = some
        done += len(some)
        report.tick(begin + int(places[done - 1]))
    scored = ~np.isnan(logs)
    count = int(sentences[-1]) + 1
    sums = np.bincount(sentences[places][scored], logs[scored], count).tolist()
    counts = np.bincount(sentences[places][scored], minlength=count).tolist()
    names = text.encoded.types.words
    ends = np.append(np.nonzero(is_end)[0], len(ids))[:count].tolist()
    first = 0
    for last, log_prob, scored_words in zip(ends, sums, counts, strict=True):
        if tokens := tuple(names[one - 1] for one in ids[first:last].tolist()):
            yield Score(log_prob, scored_words, tokens)
        first = last + 1
