"""The probabilities that a model gives to words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hsw2v.events import Listener, ignore
from hsw2v.model.predictor import Predictor
from hsw2v.model.queries import Queries
from hsw2v.progress import with_progress
from hsw2v.query.answers import Answers, Candidate
from hsw2v.query.scoring import Score

if TYPE_CHECKING:
    from hsw2v.corpus.sources import Source


class Predictions(Queries):
    """What the output layer of a model answers: words in contexts, and sentences."""

    def log_prob(
        self, word: str, context: str | Iterable[str], *, normalize_exactly: bool = False
    ) -> float:
        """Return the log-probability of a word in a context, in nats; `predict` tells of contexts.

        Raises:
            UnknownWordError, UsageError: as `predict`.
        """
        return self._predictor(normalize_exactly).log_prob(word, context)

    def distribution(
        self, context: str | Iterable[str], *, normalize_exactly: bool = False
    ) -> NDArray[np.float64]:
        """Return the probability of every word in a context, `(V,) float64`: it sums to 1.

        Raises:
            UnknownWordError, UsageError: as `predict`.
        """
        return self._predictor(normalize_exactly).distribution(context)

    def predict(
        self, context: str | Iterable[str], k: int = 10, *, normalize_exactly: bool = False
    ) -> Answers[Candidate]:
        """Return the k most probable words in a context with their probabilities, exactly.

        An answer has `word` and `probability`. The context is a list of words, or a text with the
        gap `_` among its words, "the capital of _ is": of that, words that have no vectors are left
        out, and only those count that are within the window the model was trained with. Models of
        negative sampling and of sampled softmax have scores that are not normalised;
        `normalize_exactly` takes the softmax over all words.

        Raises:
            UnknownWordError: a listed word has no vector, or no word of a text has one.
            UsageError: the context is empty, or a text without exactly one gap; k is less than
                1; the model has no output layer, or one whose scores are not normalised.
        """
        found = self._predictor(normalize_exactly).predict(context, k)
        return Answers.of(Candidate, found.words, np.exp(found.log_probs).tolist())

    @with_progress
    def score(
        self,
        source: Source,
        *,
        normalize_exactly: bool = False,
        field: str | None = None,
        format: str = "auto",
        header: bool = True,
        skip_bad_records: bool = False,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Iterator[Score]:
        """Read a source as `hsw2v.train` does, and yield the score of each of its sentences.

        A score has `log_prob` (nats, summed), `words` (how many were scored), `perplexity` (None
        where there are none) and `tokens`. Each word of the vocabulary is scored given its whole
        window, other words left out. Of a sentence of more than 8,192 tokens every piece of as
        many is a sentence of its own. `field`, `format`, `header` and `skip_bad_records` are those
        of this source, whatever the model was trained on.

        Raises:
            UsageError: as `predict`, or the format of the source is not known.
            MissingInputError, CorruptInputError, EncodingError, EmptyCorpusError, OutputError,
            ResourceError: as `hsw2v.train`.
        """
        form = {"field": field, "format": format, "header": header}
        form["skip_bad_records"] = skip_bad_records
        return self._predictor(normalize_exactly).score(source, listener, **form)

    def _predictor(self, normalize_exactly: bool) -> Predictor:
        # The layer is kept, not what asks it: that holds this model, and neither would be freed.
        exactly = bool(normalize_exactly)
        known = self._softmaxes.get(exactly)
        predictor = Predictor(self, normalize_exactly=exactly, softmax=known)
        self._softmaxes[exactly] = predictor.softmax
        return predictor
