"""A small model whose words have n-grams, of numbers drawn by rng."""

from __future__ import annotations

from typing import Any

import numpy as np
from some_models import some_model

import hsw2v
from hsw2v.corpus.subwords import Subwords
from hsw2v.model.subwords import SubwordVectors

WORDS = ["das", "</s>", "und", "größe", "東京", "New York", *(f"wort{one}" for one in range(300))]
OTHERS = ["größer", "wort", "wörtlich", "東京都", "Yorkshire"]
"""Not in the vocabulary, but some of their n-grams are."""
NOWHERE = "xq"
"""No n-gram of it is one of a word."""


def some_subwords(
    words: list[str] = WORDS,
    dim: int = 7,
    *,
    whole_words: int = 3,
    loss: str = "ns",
    **settings: Any,
) -> hsw2v.Model:
    """Return a model with vectors of the n-grams of its words, but for those of the first."""
    rng = np.random.default_rng(5)
    model = some_model(loss, words, dim=dim, **settings)
    ngrams = Subwords(3, 5, 500_000)
    buckets = np.unique(ngrams.ngrams_of(words[whole_words:]).buckets)
    vectors = rng.normal(size=(len(buckets), dim)).astype(np.float32)
    return hsw2v.Model(
        model.vocabulary,
        model.vectors,
        model.output,
        model.tree,
        model.config,
        model.info,
        classes=model.classes,
        batch_norm=model.batch_norm,
        subwords=SubwordVectors(ngrams, buckets, vectors, whole_words=whole_words),
    )
