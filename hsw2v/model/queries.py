"""The questions that word vectors answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hsw2v.errors import UsageError
from hsw2v.events import LabelsProgress, Listener, Pace, ignore
from hsw2v.model.arguments import Path, check_positive, listed, paths_of, vector_of, words_in
from hsw2v.model.arithmetic import near_each, near_mean, never_answers
from hsw2v.model.base import ModelBase
from hsw2v.model.composing import evaluated
from hsw2v.progress import with_progress
from hsw2v.query.analogies import METHODS, analogies, odd_one_out
from hsw2v.query.answers import Answers, Neighbour
from hsw2v.query.evaluation import Evaluation
from hsw2v.query.labels import LabelsResult, LabelTask, WordLabels, check_protocol, read_labels
from hsw2v.query.neighbours import Floats, Indexes, nearest, unit_rows
from hsw2v.query.testsets import AnalogyQuestions, WordPairs, read_analogies, read_pairs

if TYPE_CHECKING:
    from hsw2v.model.indexing import Index


class Queries(ModelBase):
    """Neighbours, analogies and evaluation of the vectors of words."""

    def similar(
        self,
        query: str | Iterable[str] | ArrayLike,
        k: int = 10,
        *,
        minus: Iterable[str] = (),
        among: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        index: Index | None = None,
    ) -> Answers[Neighbour]:
        """Return the k words nearest to a query by cosine, best first: `word` and `similarity`.

        The query is a word, a list of words (the mean of their unit vectors) or a vector `(D,)`.
        The unit vectors of the words of `minus` are subtracted: `similar(["king", "woman"],
        minus=["man"])`. Words of the query and of `minus` are not among the answers, nor are those
        of `exclude`; with `among`, answers are words of that list alone. Words of these two lists
        that are not in the vocabulary are no answers anyway. An `index` of the model answers
        faster, misses a few, and knows neither `among` nor `exclude`.

        Raises:
            UnknownWordError: words have no vectors.
            UsageError: the query is empty, or a vector of another length or with a number that
                is not finite; the words cancel out; no word of `among` is in the vocabulary; k is
                less than 1; the index is that of other vectors.
        """
        check_positive("k", k)
        nearest = self._nearest(index)
        words = words_in(query)
        minus, hidden = listed(minus), never_answers(self.vocabulary, among, exclude)
        if words is not None:
            if not words:
                raise UsageError("no words to find neighbours of", hint="give at least one")
            unit, rows = self._asked([*words, *minus])
            plus, less = np.split(rows, [len(words)])
            return self._answers(*near_mean(nearest, unit, plus, less, k, hidden))[0]
        vector = vector_of(query, self.dim)
        if minus:
            raise UsageError(
                "words are subtracted from words, and the query is a vector",
                hint="subtract their vectors from it",
            )
        return self._answers(*nearest(self._unit_rows, vector[None], k, None, hidden))[0]

    def similar_batch(
        self,
        words: Iterable[str],
        k: int = 10,
        *,
        minus: Iterable[str] = (),
        among: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        index: Index | None = None,
    ) -> list[Answers[Neighbour]]:
        """Return the k nearest words of each word: `similar` for many at once, and much faster.

        Raises:
            UnknownWordError: words have no vectors; it names them all.
            UsageError: the words are one string; k is less than 1; or as `similar`.
        """
        check_positive("k", k)
        nearest = self._nearest(index)
        hidden = never_answers(self.vocabulary, among, exclude)
        words, minus = listed(words), listed(minus)
        unit, rows = self._asked([*words, *minus])
        each, less = np.split(rows, [len(words)])
        return self._answers(*near_each(nearest, unit, each, less, k, hidden))

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of two words.

        Raises:
            UnknownWordError: a word has no vector.
        """
        first, second = unit_rows(self.vectors_of([a, b]))
        return float(first @ second)

    def analogy(
        self,
        a: str,
        b: str,
        c: str,
        k: int = 10,
        method: str = "cosadd",
        *,
        among: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
    ) -> Answers[Neighbour]:
        """Return the k best answers, with scores, to "a is to b as c is to ?".

        Methods are "cosadd" (Mikolov et al. 2013) and "cosmul" (Levy & Goldberg 2014). `among` and
        `exclude` are those of `similar`.

        Raises:
            UnknownWordError: words have no vectors.
            UsageError: there is no such method; no word of `among` is in the vocabulary; k is less
                than 1.
        """
        check_positive("k", k)
        if method not in METHODS:
            raise UsageError(
                f"unknown method {method!r}", hint="it must be one of " + ", ".join(METHODS)
            )
        hidden = never_answers(self.vocabulary, among, exclude)
        unit, rows = self._asked([a, b, c])
        return self._answers(*analogies(unit, rows[None], k, method, hidden))[0]

    def odd_one_out(self, words: Iterable[str]) -> str:
        """Return the word that is least like the mean of them all.

        Raises:
            UnknownWordError: words have no vectors.
            UsageError: there are fewer than three words.
        """
        words = listed(words)
        if len(words) < 3:
            raise UsageError("fewer than three words", hint="give at least three")
        return words[odd_one_out(unit_rows(self.vectors_of(words)))]

    def evaluate(
        self,
        pairs: Path | Iterable[Path] = (),
        analogies: Path | Iterable[Path] = (),
        restrict: int = 30_000,
    ) -> Evaluation:
        """Measure agreement with one or more files of rated word pairs and of analogies.

        Analogies consider only the `restrict` most frequent words (0 for all).

        Raises:
            MissingInputError, CorruptInputError: a file cannot be read, or a line of it.
            UsageError: `restrict` is negative.
        """
        if restrict < 0:
            raise UsageError(f"restrict is {restrict}", hint="it must be at least 0 (for all)")
        ratings = [read_pairs(os.fspath(path)) for path in paths_of(pairs)]
        questions = [read_analogies(os.fspath(path)) for path in paths_of(analogies)]
        return self.evaluate_on(ratings, questions, restrict)

    def evaluate_on(
        self,
        pairs: Sequence[WordPairs],
        analogies: Sequence[AnalogyQuestions],
        restrict: int = 30_000,
    ) -> Evaluation:
        """Do what `evaluate` does, on test sets that were read."""
        unit, vocabulary = self._unit_rows, self.vocabulary
        return evaluated(unit, vocabulary, self.subwords, pairs, analogies, restrict)

    @with_progress
    def evaluate_labels(
        self,
        labels: Path | WordLabels,
        *,
        fractions: Sequence[float] = (0.1, 0.5, 0.9),
        repeats: int = 10,
        seed: int = 1,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> LabelsResult:
        """Tell labels of words from their vectors, with some of them known: DeepWalk's protocol.

        The file has lines of a word and its labels. For each of the fractions, so many of the
        words are drawn, `repeats` times; one-vs-rest logistic regression of their vectors, which
        are not normalised, then gives every other word as many labels as it has. The answer has
        Micro-F1 and Macro-F1, from 0 to 1. Words that are not in the vocabulary are left out.

        Raises:
            UsageError: a fraction is not between 0 and 1; `repeats` is below 1; scikit-learn is not
                installed (`hsw2v[sklearn]`).
            MissingInputError, CorruptInputError, EncodingError: the file cannot be read, or a line
                of it.
            EmptyCorpusError: fewer than two words with labels are in the vocabulary.
        """
        check_protocol(fractions, repeats)
        test = labels if isinstance(labels, WordLabels) else read_labels(os.fspath(labels))
        task = LabelTask(test, self.vocabulary.find(list(test.labels)))
        splits, pace, total = [], Pace(), repeats * len(fractions)
        listener(LabelsProgress(0, total, 0.0))
        for one in task.splits(self.vectors[task.rows], fractions, repeats, seed):
            splits.append(one)
            if pace.due():
                listener(LabelsProgress(len(splits), total, pace.seconds))
        return task.result(splits, repeats)

    def _nearest(self, index: Index | None) -> Callable[..., tuple[Indexes, Floats]]:
        if index is None:
            return nearest
        index.check(self)
        return index.nearest

    def _answers(self, indexes: Indexes, scores: Floats) -> list[Answers[Neighbour]]:
        # What an index did not find is row V, at the end.
        found = (indexes < len(self)).sum(axis=1).tolist()
        return [
            Answers.of(Neighbour, self.vocabulary.spelled(rows[:count]), values[:count])
            for rows, values, count in zip(indexes.tolist(), scores.tolist(), found, strict=True)
        ]
