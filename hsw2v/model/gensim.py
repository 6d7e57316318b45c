"""Models as gensim's vectors, and back: the only door to gensim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import all_finite
from hsw2v.config.subwords import LONGEST
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import ResourceError, UsageError, missing_extra
from hsw2v.model.model import Model
from hsw2v.model.subwords import SubwordVectors, own_rows

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

Floats = NDArray[np.float32]


class _Gensim(NamedTuple):
    """The classes of gensim that are of use here."""

    KeyedVectors: Any
    FastTextKeyedVectors: Any


def to_gensim(model: Model) -> KeyedVectors:
    """Return a model as gensim's `KeyedVectors`; with n-grams as its `FastTextKeyedVectors`.

    Raises:
        UsageError: gensim is not installed.
        ResourceError: the table of all buckets of n-grams, which gensim has, is beyond memory.
    """
    gensim = _gensim()
    if model.subwords is None:
        found = gensim.KeyedVectors(model.dim)
    else:
        found = _with_subwords(model, model.subwords)
    found.index_to_key = list(model.words)
    found.key_to_index = dict(model.vocabulary.index)
    found.vectors = np.array(model.vectors)
    if model.counts is not None:
        found.expandos["count"] = np.array(model.counts)
    if model.subwords is not None:
        found.recalc_char_ngram_buckets()
    return found


def _with_subwords(model: Model, subwords: SubwordVectors) -> Any:
    settings = subwords.settings
    made = _gensim().FastTextKeyedVectors(
        model.dim, settings.shortest, settings.longest, settings.buckets
    )
    # gensim's mean of these rows and those of n-grams is the vector that a word has here.
    ngrams = settings.ngrams(model.vocabulary)
    made.vectors_vocab = own_rows(model.vectors, ngrams, subwords)
    try:
        made.vectors_ngrams = np.zeros((settings.buckets, model.dim), np.float32)
    except MemoryError as error:
        raise ResourceError(
            f"gensim has rows of all {settings.buckets:,} n-grams, and they do not fit in memory",
            hint="export to text, which holds the vectors of the words",
        ) from error
    made.vectors_ngrams[subwords.buckets] = subwords.vectors
    return made


def from_gensim(vectors: Any) -> Model:
    """Return vectors of gensim, `KeyedVectors` or a model that has them, as a model.

    Words keep their order, and their counts where they have some. `FastTextKeyedVectors` keep their
    n-grams. Numbers are copied.

    Raises:
        UsageError: it is something else, or empty; its keys are no words; a number in it is not
            finite.
    """
    found = getattr(vectors, "wv", vectors)
    gensim = _gensim()
    if not isinstance(found, gensim.KeyedVectors):
        raise UsageError(
            f"these are no vectors of gensim, but {type(vectors).__name__}",
            hint="give KeyedVectors, or a model of gensim that has some",
        )
    words = list(found.index_to_key)
    if not words:
        raise UsageError("there are no words", hint="give vectors of some")
    if other := [one for one in words if not isinstance(one, str) or not one]:
        raise UsageError(f"the key {other[0]!r} is no word", hint="keys have to be strings")
    counts = found.expandos.get("count", np.zeros(len(words), np.int64))
    subwords = _subwords(found) if isinstance(found, gensim.FastTextKeyedVectors) else None
    return Model(
        Vocabulary.from_words(words, map(int, counts[: len(words)])),
        _copy(found.vectors[: len(words)]),
        subwords=subwords,
    )


def _subwords(found: Any) -> SubwordVectors | None:
    if not 1 <= found.min_n <= found.max_n <= LONGEST or not found.bucket:
        return None
    return SubwordVectors(
        Subwords(found.min_n, found.max_n, found.bucket),
        np.arange(found.bucket, dtype=np.int32),
        _copy(found.vectors_ngrams),
    )


def _copy(table: Any) -> Floats:
    with np.errstate(over="ignore"):
        copy: Floats = np.array(table, np.float32)
    if not all_finite(copy):
        raise UsageError("a vector holds a number that is not finite", hint="check the vectors")
    return copy


def _gensim() -> Any:
    try:
        from gensim.models import KeyedVectors
        from gensim.models.fasttext import FastTextKeyedVectors
    except ImportError as error:
        raise missing_extra("this needs gensim", "gensim", error) from error
    return _Gensim(KeyedVectors, FastTextKeyedVectors)
