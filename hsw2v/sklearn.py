"""An estimator of scikit-learn: texts as means of word vectors. The door to its base classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config, CorpusConfig, known_settings
from hsw2v.errors import UsageError, missing_extra
from hsw2v.model import Model, load
from hsw2v.model.context import tokens_of
from hsw2v.model.sentences import SMOOTHING
from hsw2v.query.sentences import first_component, second_moment, sif_weights, without
from hsw2v.training.api import train

try:
    from scipy.sparse import csr_matrix
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:
    raise missing_extra("hsw2v.sklearn needs scikit-learn 1.6", "sklearn", error) from error

WEIGHTS = ("mean", "idf", "sif")
_OF_TEXT = ("tokens", "lowercase")

Floats = NDArray[np.float32]
Tokens = list[str]


class Word2VecVectorizer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Make vectors of documents, means of the vectors of their words.

    A document is a text or a list of tokens. A table, such as an array (n, m) or a DataFrame, is n
    documents of m tokens each: columns are categories. `fit` trains on the documents, each of them
    a sentence, or takes `model`, a `hsw2v.Model` or the path of its file, as it is. Words without a
    vector are left out; a document without any is all zeros.

    Parameters:
        model: vectors to use; by default they are trained.
        weights: of words in the mean. "mean": all alike. "idf": inverse document frequency in the
            documents of `fit`, as `TfidfTransformer` has it. "sif": a / (a + p) with a = 0.001 and
            p the probability of the word in the text of the model, and without the first singular
            vector of the documents of `fit` (Arora, Liang & Ma 2017).
        tokenizer: called with a text, returns its tokens. By default texts are split as `settings`
            say, `tokens` and `lowercase`, or else as the text that `model` was trained on.
        dim, window, min_count, epochs, seed, threads: of training, as in `hsw2v.train`. One thread
            gives the same vectors each time.
        settings: other settings of training by name, such as {"model": "cbow"}.

    After `fit`, `model_` is the model, and `idf_ (V,) float64` the weights of its words, with
    "idf"; `component_ (D,) float32` the singular vector, with "sif".

    Raises:
        UsageError: a parameter cannot be used, or X is something else; it is a `ValueError`.
        And what `hsw2v.train` and `hsw2v.load` raise.
    """

    def __init__(
        self,
        *,
        model: Any = None,
        weights: str = "mean",
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        dim: int = 100,
        window: int = 5,
        min_count: int = 5,
        epochs: int | None = None,
        seed: int = 1,
        threads: int | None = 1,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.model = model
        self.weights = weights
        self.tokenizer = tokenizer
        self.dim = dim
        self.window = window
        self.min_count = min_count
        self.epochs = epochs
        self.seed = seed
        self.threads = threads
        self.settings = settings

    def fit(self, X: Any, y: Any = None) -> Word2VecVectorizer:
        """Train on documents, or learn their weights for the model that is given."""
        self._fit(X)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Floats:
        """Return what `fit` and then `transform` return; X is read once."""
        return self._transformed(self._fit(X))

    def transform(self, X: Any) -> Floats:
        """Return the vectors of documents, (n, D) float32."""
        check_is_fitted(self, "model_")
        return self._transformed(self._joined(self._documents(X, fitting=False)))

    @property
    def _n_features_out(self) -> int:
        return int(self.model_.dim)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _fit(self, X: Any) -> list[Tokens]:
        """Return the documents fitted to."""
        if self.weights not in WEIGHTS:
            raise UsageError(
                f"weights is {self.weights!r}", hint="it must be one of " + ", ".join(WEIGHTS)
            )
        config, model = self._config(), self.model
        if model is not None and not isinstance(model, Model):
            model = load(model)
        if self.weights == "sif" and model is not None and model.counts is None:
            raise UsageError("the model has no counts of its words", hint="take weights idf")
        self._texts = self._corpus_config(model)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
        documents = self._documents(X, fitting=True)
        if model is None:
            # They are lists of tokens by now.
            model = train(documents, config=config.replace(tokens="space", lowercase=False))
        self.model_ = model
        documents = self._joined(documents)
        self._fit_weights(documents)
        return documents

    def _config(self) -> Config:
        own = ("dim", "window", "min_count", "epochs", "seed", "threads")
        others = dict(self.settings or {})
        if both := [name for name in own if name in others]:
            raise UsageError(
                f"settings has {both[0]!r}, which is a parameter", hint=f"give {both[0]} alone"
            )
        return Config().replace(**{name: getattr(self, name) for name in own}, **others)

    def _corpus_config(self, model: Model | None) -> CorpusConfig:
        """Return how texts are split: as settings say, or as the text of the model was."""
        usual = Config() if model is None else known_settings(model.config, _OF_TEXT)
        given = {name: one for name, one in (self.settings or {}).items() if name in _OF_TEXT}
        return usual.replace(**given).corpus

    def _documents(self, X: Any, *, fitting: bool) -> list[Tokens]:
        """Return documents as lists of tokens."""
        if isinstance(X, str) or not (isinstance(X, Iterable) or hasattr(X, "__array__")):
            raise UsageError(
                f"X is {type(X).__name__}", hint="give a list of texts, or of lists of tokens"
            )
        if _is_table(X):
            table = validate_data(self, X, dtype=None, reset=fitting)
            return [list(map(str, row)) for row in table.tolist()]
        split = self.tokenizer or partial(tokens_of, config=self._texts)
        return [_tokens(one, split) for one in X]

    def _joined(self, documents: list[Tokens]) -> list[Tokens]:
        """Return documents with the phrases of the model joined."""
        phrases = self.model_.phrases
        return documents if phrases is None else list(map(phrases.join, documents))

    def _transformed(self, documents: list[Tokens]) -> Floats:
        means = self._means(documents)
        if self.weights == "sif":
            means = without(means, self.component_)
        return means.astype(np.float32)

    def _means(self, documents: list[Tokens]) -> NDArray[np.float64]:
        """Return the weighted mean of each document, (n, D); zeros where no word has a vector."""
        words, counts = _counted(documents, self.model_)
        weights = self._weights_of(words)
        sums = counts @ (weights[:, None] * self.model_.vectors_of(words))
        totals = counts @ (weights if self.weights == "idf" else np.ones(len(words)))
        means: NDArray[np.float64] = sums / np.where(totals > 0, totals, 1.0)[:, None]
        return means

    def _weights_of(self, words: list[str]) -> NDArray[np.float64]:
        """Return the weight of each word, (k,); one that is not in the vocabulary counts as 0."""
        rows = self.model_.vocabulary.find(words)
        if self.weights == "idf":
            found: NDArray[np.float64] = np.append(self.idf_, self._idf_of_none)[rows]
            return found
        if self.weights == "sif":
            counts = np.append(self.model_.vocabulary.counts, 0)
            found = sif_weights(counts, SMOOTHING)[rows]
            return found
        return np.ones(len(words))

    def _fit_weights(self, documents: list[Tokens]) -> None:
        """Learn what the weights depend on."""
        if self.weights == "idf":
            words, counts = _counted(documents, self.model_)
            rows = self.model_.vocabulary.find(words)
            frequencies = np.zeros(len(self.model_))
            frequencies[rows[rows >= 0]] = np.diff(counts.tocsc().indptr)[rows >= 0]
            self._idf_of_none = np.log1p(len(documents)) + 1.0
            self.idf_ = self._idf_of_none - np.log1p(frequencies)
        elif self.weights == "sif":
            self.component_ = first_component(second_moment(self._means(documents)))


def _counted(documents: list[Tokens], model: Model) -> tuple[list[str], Any]:
    """Return the words with vectors, k, and how often each is in each document, (n, k) sparse."""
    known = model.known(token for one in documents for token in one)
    words = list(dict.fromkeys(token for one in documents for token in one if token in known))
    number = dict(zip(words, range(len(words)), strict=True))
    ids = [[number[token] for token in one if token in known] for one in documents]
    ends = np.cumsum([0, *map(len, ids)])
    columns = np.fromiter(chain.from_iterable(ids), np.int64, int(ends[-1]))
    counts = csr_matrix((np.ones(len(columns)), columns, ends), (len(documents), len(words)))
    counts.sum_duplicates()
    return words, counts


def _is_table(X: Any) -> bool:
    """Tell whether X is an array, a data frame or the like, or rows of floats, and no documents."""
    if isinstance(X, list | tuple):
        row = X[0] if X else ()
        return isinstance(row, list | tuple) and bool(row) and isinstance(row[0], float)
    if not (hasattr(X, "shape") or hasattr(X, "__array__")):
        return False
    dimensions = len(X.shape) if hasattr(X, "shape") else np.asarray(X).ndim
    # One column of numbers is no list of texts.
    return dimensions != 1 or np.asarray(X[:0]).dtype.kind in "biufc"


def _tokens(document: Any, split: Callable[[str], Iterable[str]]) -> Tokens:
    if isinstance(document, str):
        return list(split(document))
    if not isinstance(document, Iterable):
        raise UsageError(
            f"the document {document!r} is none", hint="give texts, or lists of tokens"
        )
    tokens = list(document)
    return [one if isinstance(one, str) else str(one) for one in tokens]
