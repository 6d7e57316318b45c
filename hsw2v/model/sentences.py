"""Vectors of sentences: weighted means of the vectors of their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from hsw2v.config import known_settings
from hsw2v.errors import UsageError
from hsw2v.events import Listener, Pace, VectorsProgress, ignore
from hsw2v.model.arguments import vector_of
from hsw2v.query.neighbours import Floats, Indexes
from hsw2v.query.sentences import (
    first_component,
    second_moment,
    sif_weights,
    weighted_means,
    without,
)

if TYPE_CHECKING:
    from hsw2v.model.model import Model

WEIGHTINGS = ("mean", "sif")
SMOOTHING = 1e-3
CORPUS = ("tokens", "lowercase", "encoding_errors")
"""The settings of a model that texts are split by."""

_SENTENCES_AT_ONCE = 1 << 12


class SentenceVectors(NamedTuple):
    """Sentences as vectors."""

    vectors: Floats
    """(n, D) float32, zeros of a sentence without a known word."""
    words: Indexes
    """(n,) int64, how many known words each has."""
    component: Floats | None
    """(D,) float32, of length 1: what was removed from all of them; of `sif` alone."""


@dataclass(frozen=True)
class Weighting:
    """How sentences become vectors, checked."""

    name: str = "mean"
    smoothing: float = SMOOTHING
    component: Floats | None = None
    """(D,) of length 1, to be removed in place of that of the sentences."""

    @classmethod
    def of(cls, model: Model, name: str, smoothing: float, component: Any) -> Weighting:
        """Return a weighting of sentences, if a model has what it takes.

        Raises:
            UsageError: there is no such weighting, a number is out of bounds, or the model does
                not tell how often words occur.
        """
        if name not in WEIGHTINGS:
            hint = "it must be one of " + ", ".join(WEIGHTINGS)
            raise UsageError(f"unknown weighting {name!r}", hint=hint)
        if not 0 < smoothing < float("inf"):
            raise UsageError(f"smoothing is {smoothing}", hint="it must be above 0, such as 0.001")
        if name == "mean" and component is not None:
            raise UsageError("a component is removed by sif alone", hint="give weighting sif")
        if name == "sif" and model.counts is None:
            raise UsageError(
                "sif takes the counts of words, which this file of vectors does not tell",
                hint="use a model file of hsw2v, or the weighting mean",
            )
        if component is not None:
            component = vector_of(component, model.dim, "component")
            length = float(np.linalg.norm(component))
            if not length:
                raise UsageError("the component is zeros", hint="give that of other sentences")
            component = component / np.float32(length)
        return cls(name, smoothing, component)


def sentence_vectors(
    model: Model,
    texts: Iterable[str | Sequence[str]],
    *,
    weighting: str = "mean",
    smoothing: float = SMOOTHING,
    component: Any = None,
    listener: Listener = ignore,
) -> SentenceVectors:
    """Return the vectors of texts: what `Model.sentence_vectors` tells."""
    from hsw2v.corpus.lines import tokens_of

    if isinstance(texts, str):
        raise UsageError(f"{texts[:60]!r} is one text", hint="give a list of texts")
    if not isinstance(texts, Iterable):
        raise UsageError(f"{texts!r} is no list of texts", hint="give a list of texts")
    how = Weighting.of(model, weighting, smoothing, component)
    averages = Averages(model, how)
    config = known_settings(model.config, CORPUS).corpus
    remaining, pace, done = iter(texts), Pace(), 0
    found = [(np.empty((0, model.dim), np.float32), np.empty(0, np.int64))]
    while some := list(islice(remaining, _SENTENCES_AT_ONCE)):
        lines: list[Sequence[str]]
        if all(isinstance(one, str) for one in some):
            lines = [line for part in tokens_of(cast(list[str], some), config) for line in part[0]]
        else:
            lines = [_listed(one) for one in some]
        found.append(averages.of(lines))
        done += len(lines)
        if pace.due():
            listener(VectorsProgress("sentences", done, None, pace.seconds))
    vectors, words = (np.concatenate(one) for one in zip(*found, strict=True))
    if how.name == "sif":
        removed = how.component
        if removed is None and len(vectors):
            removed = first_component(second_moment(vectors))
        if removed is not None:
            vectors = without(vectors, removed)
        return SentenceVectors(vectors, words, removed)
    return SentenceVectors(vectors, words, None)


class Averages:
    """Makes vectors of sentences that are lists of words."""

    def __init__(self, model: Model, how: Weighting) -> None:
        self._model, self._index = model, model.vocabulary.index
        self._weights = np.ones(len(model))
        if how.name == "sif":
            self._weights = sif_weights(model.vocabulary.counts, how.smoothing)

    def of(self, lines: Sequence[Sequence[str]]) -> tuple[Floats, Indexes]:
        """Return vectors (n, D) float32, and how many known words each has, (n,) int64."""
        if (phrases := self._model.phrases) is not None:
            lines = [phrases.join(line) for line in lines]
        index = self._index
        numbers = (index.get(word, -1) for line in lines for word in line)
        lengths = np.fromiter(map(len, lines), np.int64, len(lines))
        rows = np.fromiter(numbers, np.int64, int(lengths.sum()))
        guests = self._guests(lines, rows)
        known = rows >= 0
        counts = np.bincount(np.repeat(np.arange(len(lines)), lengths)[known], minlength=len(lines))
        rows = rows[known]
        # A word that is composed of its n-grams is rarer than any of the vocabulary.
        weights = np.concatenate((self._weights, np.ones(len(guests))))[rows]
        return weighted_means(self._model.vectors, guests, rows, weights, counts), counts

    def _guests(self, lines: Sequence[Sequence[str]], rows: Indexes) -> Floats:
        """Return vectors of words without rows, composed of n-grams, and put their rows in."""
        model = self._model
        absent = np.flatnonzero(rows < 0)
        if model.subwords is None or not len(absent):
            return np.empty((0, model.dim), np.float32)
        words = [word for line in lines for word in line]
        places = dict.fromkeys(words[place] for place in absent.tolist())
        vectors, ngrams = model.subwords.compose(list(places))
        found = np.flatnonzero(ngrams)
        numbers = np.full(len(places), -1)
        numbers[found] = len(model) + np.arange(len(found))
        number = dict(zip(places, numbers.tolist(), strict=True))
        rows[absent] = [number[words[place]] for place in absent.tolist()]
        return vectors[found]


def _listed(sentence: object) -> Sequence[str]:
    if isinstance(sentence, str) or not isinstance(sentence, Iterable):
        raise UsageError(
            "texts and lists of words are mixed", hint="give either strings or lists of strings"
        )
    words = list(sentence)
    if not all(isinstance(word, str) for word in words):
        raise UsageError("a sentence holds what is no word", hint="words are strings")
    return words
