"""Two models in one space: of other times, dialects or languages."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.events import Listener, Notice, Pace, VectorsProgress, ignore
from hsw2v.files import read_text
from hsw2v.model.arguments import Path, check_model, check_positive
from hsw2v.model.subwords import SubwordVectors
from hsw2v.progress import with_progress
from hsw2v.query.alignment import Rotation, cosines_of, rotated, rotation_between
from hsw2v.query.neighbours import Indexes
from hsw2v.trees.classes import Classes

if TYPE_CHECKING:
    from hsw2v.model.model import Model


class Change(NamedTuple):
    """A word of two models, and how near its two vectors are."""

    word: str
    similarity: float
    """The cosine of its vectors; low where it changed much."""
    counts: tuple[int | None, int | None]
    """How often it occurs in either text; None where a file does not tell."""
    before: tuple[str, ...]
    """Its neighbours in the first model."""
    after: tuple[str, ...]
    """Its neighbours in the second."""


@dataclass(frozen=True, eq=False, repr=False)
class Alignment:
    """A model that was rotated into the space of another."""

    reference: Model
    model: Model
    """The model rotated: its probabilities and its cosines are what they were."""
    rotation: Rotation
    """(D, D) float64, orthogonal: the vectors of `model` are those of before, times this."""
    pairs: Indexes
    """(n, 2) int64, rows of words in the reference and in the model that the rotation is fitted to:
    those that both have, or those of the dictionary."""

    def __repr__(self) -> str:
        pairs, similarity = len(self.pairs), self.similarity
        return f"<hsw2v.Alignment: {pairs:,} pairs, mean cosine {similarity:.4f}>"

    @property
    def similarity(self) -> float:
        """Return the mean cosine of the pairs."""
        return float(self._cosines.mean())

    @property
    def _cosines(self) -> NDArray[np.float64]:
        first, second = self.pairs.T
        return cosines_of(self.reference.vectors[first], self.model.vectors[second])

    def changes(self, k: int = 20, *, min_count: int = 100, neighbours: int = 5) -> list[Change]:
        """Return the k pairs whose vectors are least alike, the least first.

        Of words that occur at least `min_count` times in both texts, if that is known: the vectors
        of rare words differ by chance. Neighbours are those in each model by itself.

        Raises:
            UsageError: k or `neighbours` is less than 1.
        """
        check_positive("k", k)
        check_positive("neighbours", neighbours)
        pairs, cosines = self.pairs, self._cosines
        counts = [one.counts for one in (self.reference, self.model)]
        frequent = np.ones(len(pairs), np.bool_)
        for known, rows in zip(counts, pairs.T, strict=True):
            if known is not None:
                frequent &= known[rows] >= min_count
        pairs, cosines = pairs[frequent], cosines[frequent]
        least = np.argsort(cosines, kind="stable")[:k]
        sides = (self.reference, self.model)
        names = [
            one.vocabulary.spelled(rows.tolist())
            for one, rows in zip(sides, pairs[least].T, strict=True)
        ]
        near = [
            [tuple(word for word, _ in some) for some in one.similar_batch(words, neighbours)]
            for one, words in zip(sides, names, strict=True)
        ]
        told = [
            [None if known is None else int(known[row]) for row in rows]
            for known, rows in zip(counts, pairs[least].T, strict=True)
        ]
        return [
            Change(*one)
            for one in zip(
                names[0],
                cosines[least].tolist(),
                zip(*told, strict=True),
                *near,
                strict=True,
            )
        ]


@with_progress
def align(
    reference: Model,
    model: Model,
    *,
    dictionary: Path | None = None,
    listener: Listener = ignore,
    progress: bool = False,
) -> Alignment:
    """Rotate a model into the space of another, so that vectors of both can be compared.

    The rotation is the orthogonal matrix that brings the words that both have nearest together,
    all scaled to length 1 (Procrustes: Schönemann 1966; of times, Hamilton, Leskovec & Jurafsky
    2016). With a `dictionary`, a file with a word of the reference and one of the model a line, it
    is fitted to these pairs (of languages, Smith et al. 2017). Output vectors and those of n-grams
    are rotated, too: probabilities stay what they were. A model with batch normalisation, which is
    not the same after a rotation, keeps its word vectors alone.

    Raises:
        UsageError: one is no model; they have other dimensions, or no words in common.
        MissingInputError, CorruptInputError, EncodingError: the dictionary cannot be read.
    """
    for one in (reference, model):
        check_model(one)
    if reference.dim != model.dim:
        raise UsageError(
            f"the models have {reference.dim} and {model.dim} dimensions: no rotation takes the "
            "one into the other",
            hint="train both with the same --dim",
        )
    if dictionary is None:
        pairs = shared_words(reference.vocabulary, model.vocabulary)
        what = "words in common"
    else:
        pairs = read_dictionary(os.fspath(dictionary), reference.vocabulary, model.vocabulary)
        what = "pairs of the dictionary"
    if not len(pairs):
        named = "have no words in common" if dictionary is None else "have no pair of it"
        hint = "give a dictionary of pairs of words" if dictionary is None else "check its columns"
        raise UsageError(f"the models {named}", where=str(dictionary or ""), hint=hint)
    if len(pairs) < reference.dim:
        listener(
            Notice(
                f"{len(pairs):,} {what} do not determine a rotation in {reference.dim} dimensions: "
                "it fits them, and no others"
            )
        )
    first, second = pairs.T
    rotation = rotation_between(model.vectors[second], reference.vectors[first])
    if model.batch_norm is not None and model.has_output:
        listener(
            Notice(
                "batch normalisation is not the same after a rotation: only the word vectors are "
                "kept, and there are no probabilities"
            )
        )
    info = {"aligned_to": {"model": reference.name, "pairs": len(pairs)}}
    return Alignment(reference, _rotated_model(model, rotation, info, listener), rotation, pairs)


def shared_words(first: Vocabulary, second: Vocabulary) -> Indexes:
    """Return the rows of words that two vocabularies have, (n, 2) int64, in order of the first."""
    rows = second.find(first.words)
    known = np.flatnonzero(rows >= 0)
    return np.stack((known, rows[known]), axis=1)


def read_dictionary(path: str, first: Vocabulary, second: Vocabulary) -> Indexes:
    """Read lines of a word of one vocabulary and a word of another; return rows, (n, 2) int64.

    Words are apart by a tab, or by white space. Empty lines, and pairs with a word that is in
    neither, are left out.

    Raises:
        CorruptInputError: a line has not two words.
        MissingInputError, EncodingError: the file cannot be read.
    """
    words: list[list[str]] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        fields = line.strip("\r\n").split("\t") if "\t" in line else line.split()
        if len(fields) != 2 or not all(fields):
            raise CorruptInputError(
                f"is not two words: {line[:60]!r}",
                where=f"{path}, line {number}",
                hint="a line is a word of the first model, a tab, and one of the second",
            )
        words.append(fields)
    left, right = ([pair[side] for pair in words] for side in (0, 1))
    pairs = np.stack((first.find(left), second.find(right)), axis=1).reshape(-1, 2)
    known: Indexes = pairs[(pairs >= 0).all(axis=1)]
    return known


def _rotated_model(
    model: Model, rotation: Rotation, info: dict[str, Any], listener: Listener
) -> Model:
    """Return a model with all of its vectors rotated."""
    from hsw2v.model.model import Model as Kind

    pace, done = Pace(), 0

    def tick(rows: int) -> None:
        nonlocal done
        done += rows
        if pace.due():
            listener(VectorsProgress("rotating", done, None, pace.seconds))

    subwords = model.subwords
    if subwords is not None:
        subwords = SubwordVectors(
            subwords.settings,
            subwords.buckets,
            rotated(subwords.vectors, rotation, tick),
            whole_words=subwords.whole_words,
        )
    rest: dict[str, Any] = {}
    if model.batch_norm is None and model.output is not None:
        kind = "classes" if isinstance(model.structure, Classes) else "tree"
        rest = {"output": rotated(model.output, rotation, tick), kind: model.structure}
    oov: Callable[[], Vocabulary] | None = None
    if (known := model.oov) is not None:
        oov = lambda: known  # noqa: E731
    found = Kind(
        model.vocabulary,
        rotated(model.vectors, rotation, tick),
        config=model.config,
        info={**model.info, **info},
        subwords=subwords,
        oov=oov,
        phrases=model.phrases,
        **rest,
    )
    found.name = model.name
    return found
