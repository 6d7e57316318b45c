"""The probabilities a model gives to words: what `Model` answers, and what was found on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hsw2v.config import known_settings
from hsw2v.errors import ModelFileError, UsageError
from hsw2v.events import Listener, ignore
from hsw2v.model.arguments import check_positive, listed
from hsw2v.model.context import Context, context_of_text
from hsw2v.model.scoring import scores_of
from hsw2v.query.neighbours import Indexes
from hsw2v.query.probabilities import Floats, Logs, Softmax, log_mean
from hsw2v.query.scoring import Score, word_logs

if TYPE_CHECKING:
    from hsw2v.corpus.sources import Source
    from hsw2v.model.base import ModelBase

_SETTINGS = ("tokens", "lowercase", "encoding_errors", "model", "window", "loss")
"""Those of a model that questions depend on."""
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Prediction:
    """The most probable words in a context."""

    words: tuple[str, ...]
    log_probs: tuple[float, ...]
    """Their log-probabilities in nats."""
    context: Context
    visited: int
    """Output vectors that were looked at: of nodes, of classes and words, or of all words."""
    outputs: int
    """Output vectors there are: V-1 with a tree, C+V with C classes, or V."""


class Predictor:
    """Asks a model's output layer for probabilities."""

    def __init__(
        self, model: ModelBase, *, normalize_exactly: bool = False, softmax: Softmax | None = None
    ) -> None:
        """Take a model; one of sampled words only if its scores are to be normalised.

        `softmax` is the output layer of an earlier predictor of the same model, if there was one.

        Raises:
            UsageError: the model has no output layer, or one of scores that are not normalised.
            ModelFileError: products of its vectors may be beyond a float32.
        """
        self._model = model
        self._config = known_settings(model.config, _SETTINGS)
        self._cbow = self._config.training.model == "cbow"
        self.softmax = softmax or _softmax(model, normalize_exactly)

    def context(self, given: str | Iterable[str]) -> Context:
        """Return the context of the gap in a text, or of a list of words.

        Raises:
            UnknownWordError: a listed word has no vector, or no word of a text.
            UsageError: there is no word, or not exactly one gap in a text.
        """
        if isinstance(given, str):
            model = self._model
            context = context_of_text(given, self._config, model.known, model.phrases)
            if context.unknown and not context.words:
                model.vectors_of(context.unknown)
        else:
            context = Context(tuple(listed(given)))
        if not context.words:
            raise UsageError("the context has no words", hint="give at least one")
        return context

    def log_prob(self, word: str, context: str | Iterable[str]) -> float:
        """Return the log-probability of a word in a context, in nats."""
        hidden = self.hidden(self.context(context))
        sources = np.arange(len(hidden))[None]
        logs = self.softmax.log_probs(hidden, sources, self._model.rows([word]))
        return float(log_mean(logs, np.ones(logs.shape, np.bool_))[0])

    def distribution(self, context: str | Iterable[str]) -> Logs:
        """Return the probability of every word in a context, (V,) float64."""
        return np.exp(self.softmax.log_distribution(self.hidden(self.context(context))))

    def predict(self, context: str | Iterable[str], k: int) -> Prediction:
        """Return the k most probable words in a context."""
        check_positive("k", k)
        found = self.context(context)
        best = self.softmax.most_probable(self.hidden(found), k)
        assert self._model.output is not None
        return Prediction(
            tuple(self._model.vocabulary.spelled(best.words.tolist())),
            tuple(best.logs.tolist()),
            found,
            best.visited,
            len(self._model.output),
        )

    def score(self, source: Source, listener: Listener = ignore, **form: Any) -> Iterator[Score]:
        """Read a source of some `form`, and yield the score of each of its sentences."""
        # This compiles the tokeniser, and only this question needs it.
        from hsw2v.corpus.sources import words_of_source

        model, config = self._model, self._config.replace(**form).corpus
        text = words_of_source(source, config, model.vocabulary, listener, model.phrases)

        def logs_of(words: Indexes, sentences: Indexes) -> Iterator[Logs]:
            window = self._config.training.window
            return word_logs(
                self.softmax, self._model.hidden_vectors, words, sentences, window, self._cbow
            )

        return scores_of(text, logs_of, listener)

    def hidden(self, context: Context) -> Floats:
        """Return the hidden vectors of a context's words, (n, D) float64, or in CBOW their mean."""
        hidden: Floats = self._model.hidden_of(context.words).astype(np.float64)
        return hidden.mean(axis=0, keepdims=True) if self._cbow else hidden


def _softmax(model: ModelBase, normalize_exactly: bool) -> Softmax:
    if model.output is None:
        raise UsageError(
            "the model has no probabilities: its file holds the vectors of words only",
            hint="ask the model file that hsw2v train wrote",
        )
    layer, hidden = model.output_layer, model.hidden_vectors
    if model.dim * _largest(hidden) * _largest(model.output) > _LARGEST:
        raise ModelFileError(
            "the vectors of the model are too large: their products may be beyond a float32",
            hint="fetch or train the model again",
        )
    return layer.probabilities(model.output, normalize_exactly=normalize_exactly)


def _largest(table: Floats) -> float:
    """Return the greatest absolute value in a table."""
    return max(float(table.max(initial=0.0)), -float(table.min(initial=0.0)))
