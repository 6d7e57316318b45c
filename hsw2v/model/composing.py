"""Words that a vocabulary lacks, composed of their n-grams: guests behind the rows of its words."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from itertools import count

import numpy as np

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UnknownWordError
from hsw2v.model.subwords import SubwordVectors
from hsw2v.query.evaluation import Evaluation, evaluate_analogies, evaluate_pairs, find
from hsw2v.query.neighbours import Floats, Indexes, UnitRows
from hsw2v.query.testsets import AnalogyQuestions, WordPairs

_NO_ROW = ", and without an n-gram that has a vector"


def located(
    words: Sequence[str],
    vocabulary: Vocabulary,
    subwords: SubwordVectors | None,
    dim: int,
    unknown: Callable[[list[str], str], UnknownWordError],
) -> tuple[Indexes, Floats]:
    """Return the row of each word, (n,) int64, and the vectors (m, D) float32 of guests.

    These are the words that are not in the vocabulary, composed of their n-grams; the first is
    row V. `unknown` returns the error that some words have none, and more of why.

    Raises:
        UnknownWordError: words are not in the vocabulary, nor can be composed; it names them all.
    """
    rows = vocabulary.find(words)
    absent = list(dict.fromkeys(words[place] for place in np.flatnonzero(rows < 0).tolist()))
    if not absent:
        return rows, np.empty((0, dim), np.float32)
    if subwords is None:
        raise unknown(absent, "")
    guests, ngrams = subwords.compose(absent)
    if not ngrams.all():
        missing = [word for word, found in zip(absent, ngrams, strict=True) if not found]
        raise unknown(missing, _NO_ROW)
    number = dict(zip(absent, count(len(vocabulary))))
    rows[rows < 0] = [number[word] for word in words if word in number]
    return rows, guests


def evaluated(
    unit: UnitRows,
    vocabulary: Vocabulary,
    subwords: SubwordVectors | None,
    pairs: Sequence[WordPairs],
    analogies: Sequence[AnalogyQuestions],
    restrict: int,
) -> Evaluation:
    """Evaluate `unit (V, D)` on test sets, with words that it lacks composed where they can be."""
    index: Mapping[str, int] = vocabulary.index
    if subwords is not None:
        words = [word for test in pairs for *pair, _ in test.pairs for word in pair]
        for questions in analogies:
            words += [word for _, some in questions.sections for one in some for word in one]
        absent = list(dict.fromkeys(word for word in words if find(word, index) is None))
        guests = _guests(absent, subwords)
        unit = unit.with_guests(np.array(list(guests.values()), np.float32))
        index = ChainMap(dict(zip(guests, count(len(vocabulary)))), vocabulary.index)
    return Evaluation(
        tuple(evaluate_pairs(unit, index, test) for test in pairs),
        tuple(evaluate_analogies(unit, index, test, restrict) for test in analogies),
    )


def _guests(words: Sequence[str], subwords: SubwordVectors) -> dict[str, Floats]:
    """Return vectors of words, or of their lower case where more of its n-grams have a row."""
    forms = [subwords.compose(some) for some in (words, [word.lower() for word in words])]
    found = {}
    for word, *both in zip(words, *(zip(*form, strict=True) for form in forms), strict=True):
        vector, ngrams = max(both, key=lambda one: one[1])
        if ngrams:
            found[word] = vector
    return found
