"""What a model holds, and where its words are found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import all_finite
from hsw2v.config import known_settings
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import ModelFileError, UnknownWordError
from hsw2v.files import name_of
from hsw2v.model.arguments import Path, listed, unknown
from hsw2v.model.composing import located
from hsw2v.model.missing import why_missing
from hsw2v.model.modelfile import read_contents
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.outputs import (
    OUTPUTS,
    OutputLayer,
    Structure,
    built_output,
    output_layer,
)
from hsw2v.network.outputs.output import BuiltOutput
from hsw2v.query.neighbours import Floats, Indexes, UnitRows, rows_of, unit_rows
from hsw2v.query.normalisation import normalised
from hsw2v.query.probabilities import Softmax
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import Forest
from hsw2v.trees.tree import Tree

_OUTPUT_SETTINGS = ("loss", "node_sample", "negative", "samples", "ns_exponent")
"""Those that an output layer is made of, besides its tree or classes."""


class ModelBase:
    """Words, their vectors, and what they were trained with. Nothing in it changes."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        vectors: Floats | Callable[[], Floats],
        output: Floats | Callable[[], Floats] | None = None,
        tree: Tree | Forest | Callable[[], Tree | Forest] | None = None,
        config: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        *,
        classes: Classes | Callable[[], Classes] | None = None,
        batch_norm: Floats | Callable[[], Floats] | None = None,
        subwords: SubwordVectors | None = None,
        oov: Vocabulary | Callable[[], Vocabulary] | None = None,
        phrases: Phrases | Callable[[], Phrases] | None = None,
        built: type[BuiltOutput[Any]] | None = None,
    ) -> None:
        """Hold `vectors (V, D)` of the words of a vocabulary, as float32.

        `output float32` are the vectors of the output layer: `(V-1, D)` of the inner nodes of
        `tree`, `(N(V-1), D)` of a forest of N trees, or V more with those of the words after them;
        `(C+V, D)` of C `classes`, and then of the words; or `(V, D)` of the words. Rows of
        `batch_norm (4, D) float32` are what hidden vectors are normalised by: scale, shift, running
        mean and running variance. With `subwords`, the vectors of n-grams, words that are not in
        the vocabulary have vectors, too: wherever a word is asked for, it may be any, unless it is
        said otherwise. `oov` returns the types of the text that are no words, with their counts;
        `phrases` are those that were joined in it. `built` is the output layer that the tree or
        classes are of; without it their number of output vectors tells. `config` are the settings
        it was trained with, by section; `info` versions, totals and times. Arrays, tree, classes
        and phrases may be given as functions, which are called when they are first used. The `name`
        of a model is that of its file, if it has one.
        """
        self.vocabulary = vocabulary
        self.config: dict[str, Any] = dict(config or {})
        self.info: dict[str, Any] = dict(info or {})
        self.name = ""
        self._softmaxes: dict[bool, Softmax] = {}
        self._vectors, self._output = _floats(vectors), _floats(output)
        self._structure: Structure | Callable[[], Structure] | None
        self._structure = classes if tree is None else tree
        self._batch_norm = _floats(batch_norm)
        self.subwords = subwords
        self._phrases = phrases
        self._built = built
        self._oov = oov

    @classmethod
    def open(cls, source: Path) -> Self:
        """Open a file that `save` wrote; `hsw2v.load` opens other formats too.

        Raises:
            MissingInputError, ModelFileError
        """
        found = read_contents(os.fspath(source))
        model = cls(
            found.vocabulary,
            found.vectors,
            found.output,
            config=found.config,
            info=found.info,
            batch_norm=found.batch_norm,
            subwords=found.subwords,
            oov=found.oov,
            phrases=found.phrases,
        )
        model._structure = found.structure
        model._built = found.built
        model.dim = found.dim
        model.name = name_of(source)
        return model

    @cached_property
    def vectors(self) -> Floats:
        """Return the word vectors, `(V, D) float32`, read-only."""
        return _read_only(self._vectors() if callable(self._vectors) else self._vectors)

    @cached_property
    def output(self) -> Floats | None:
        """Return the vectors of the output layer, read-only; None where a file has none."""
        output = self._output() if callable(self._output) else self._output
        return None if output is None else _read_only(output)

    @property
    def has_output(self) -> bool:
        """Tell whether there are vectors of an output layer; they are not read."""
        return self._output is not None

    @cached_property
    def structure(self) -> Structure | None:
        """Return the tree, forest or classes of the output layer; None for other models."""
        return self._structure() if callable(self._structure) else self._structure

    @property
    def trees(self) -> tuple[Tree, ...]:
        """Return the trees of hierarchical softmax; none for other models."""
        structure = self.structure
        return structure.trees if isinstance(structure, Tree | Forest) else ()

    @property
    def tree(self) -> Tree | None:
        """Return the tree of hierarchical softmax, the first of several; None for other models."""
        return next(iter(self.trees), None)

    @property
    def classes(self) -> Classes | None:
        """Return the classes of words of loss class; None for other models."""
        return self.structure if isinstance(self.structure, Classes) else None

    @cached_property
    def output_layer(self) -> OutputLayer:
        """Return what the output vectors belong to: that of the tree or classes, or of `loss`."""
        training = known_settings(self.config, _OUTPUT_SETTINGS).training
        counts, structure = self.vocabulary.counts, self.structure
        if structure is None:
            # Without tree and classes `loss` may say what it likes: these are rows of words.
            loss = "ns" if OUTPUTS[training.loss].structure else training.loss
            return output_layer(training, counts, loss=loss)
        built = self._built
        if built is None:
            built = built_output(structure, 0 if self.output is None else len(self.output))
        return built.of(training, counts, structure)

    @cached_property
    def batch_norm(self) -> Floats | None:
        """Return scale, shift, mean and variance of hidden vectors, `(4, D) float32`, or None."""
        found = self._batch_norm() if callable(self._batch_norm) else self._batch_norm
        return None if found is None else _read_only(found)

    @cached_property
    def phrases(self) -> Phrases | None:
        """Return the phrases that were joined in the text it was trained on; None without any."""
        return self._phrases() if callable(self._phrases) else self._phrases

    @property
    def counts(self) -> NDArray[np.int64] | None:
        """Return how often each word occurs, `(V,) int64`; None where a file does not tell."""
        counts = self.vocabulary.counts
        return counts if counts.any() else None

    @cached_property
    def oov(self) -> Vocabulary | None:
        """Return the types of the text that are no words, the most frequent first, or None.

        They are known where the model was trained, and of a file if `oov_counts` was set. `.counts`
        tells how often each occurs, `.words` lists them.
        """
        return self._oov() if callable(self._oov) else self._oov

    @property
    def words(self) -> Sequence[str]:
        """Return the words, the most frequent first."""
        return self.vocabulary.words

    @cached_property
    def dim(self) -> int:
        """Return the number of dimensions D."""
        return int(self.vectors.shape[1])

    @cached_property
    def unit_vectors(self) -> Floats:
        """Return the word vectors scaled to length 1, `(V, D) float32`, read-only."""
        return _read_only(unit_rows(self.vectors))

    @cached_property
    def hidden_vectors(self) -> Floats:
        """Return what the output layer is asked with, `(V, D) float32`, read-only.

        The word vectors, normalised if training did so.

        Raises:
            ModelFileError: normalised vectors are beyond a float32.
        """
        if self.batch_norm is None:
            return self.vectors
        return _read_only(self._normalised(self.vectors))

    def hidden_of(self, words: Iterable[str]) -> Floats:
        """Return rows of `hidden_vectors` of words, `(n, D) float32`, of any that have vectors.

        Raises:
            UnknownWordError: as `vectors_of`.
            ModelFileError: as `hidden_vectors`.
        """
        rows, guests = self._located(words)
        return rows_of(self.hidden_vectors, self._normalised(guests), rows)

    def _normalised(self, vectors: Floats) -> Floats:
        if self.batch_norm is None:
            return vectors
        with np.errstate(over="ignore", invalid="ignore"):
            found = normalised(vectors, self.batch_norm)
        if not all_finite(found):
            raise ModelFileError(
                "the vectors of the model, normalised by its 'batch_norm', are not finite",
                hint="fetch or train the model again",
            )
        return found

    def __len__(self) -> int:
        return len(self.vocabulary)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __getitem__(self, word: str) -> Floats:
        return self.vector(word)

    def __deepcopy__(self, memo: object) -> Self:
        # Nothing in it changes.
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return all that makes the model, read: another process need not have its file."""
        own = ("vocabulary", "config", "info", "name", "subwords", "_built")
        return {name: getattr(self, name) for name in own} | {
            "_softmaxes": {},
            "_vectors": self.vectors,
            "_output": self.output,
            "_structure": self.structure,
            "_batch_norm": self.batch_norm,
            "_phrases": self.phrases,
            "_oov": self.oov,
        }

    def why_missing(self, word: str) -> str:
        """Return why a word is not in the vocabulary; nothing if it is, or if that is not known.

        Such as "occurs 4 times in the text, below --min-count 5": known where `oov` is.
        """
        if word in self:
            return ""
        return why_missing(word, self.oov, self.config, len(self), self.phrases)

    def vector(self, word: str) -> Floats:
        """Return the vector of a word, `(D,) float32`, read-only.

        Of a model with n-grams, a word that is not in the vocabulary has the mean of the vectors
        of its n-grams.

        Raises:
            UnknownWordError: the word is not in the vocabulary, and no n-gram of it has a vector.
        """
        rows, guests = self._located([word])
        vector: Floats = _read_only(guests[0]) if len(guests) else self.vectors[rows[0]]
        return vector

    def vectors_of(self, words: Iterable[str]) -> Floats:
        """Return the vectors of words, `(n, D) float32`: `vector` for many at once.

        Raises:
            UnknownWordError: words have no vectors; it names them all.
            UsageError: it is one string, or something in it is none.
        """
        rows, guests = self._located(words)
        return rows_of(self.vectors, guests, rows)

    def known(self, words: Iterable[str]) -> set[str]:
        """Return which of these words have vectors, of the vocabulary or by their n-grams.

        Raises:
            UsageError: it is one string, or something in it is none.
        """
        words = list(dict.fromkeys(listed(words)))
        found = self.vocabulary.find(words) >= 0
        if self.subwords is not None and not found.all():
            found |= self.subwords.compose(words)[1] > 0
        return {word for word, one in zip(words, found, strict=True) if one}

    def rows(self, words: Iterable[str]) -> Indexes:
        """Return the row of each word of the vocabulary, `(n,) int64`.

        Raises:
            UnknownWordError: words are not in the vocabulary; it names them all.
            UsageError: it is one string, or something in it is none.
        """
        words = listed(words)
        rows = self.vocabulary.find(words)
        if (rows < 0).any():
            missing = [word for word, row in zip(words, rows, strict=True) if row < 0]
            raise self._unknown(list(dict.fromkeys(missing)))
        return rows

    def _unknown(self, missing: list[str], more: str = "") -> UnknownWordError:
        told = self.oov is not None or "versions" not in self.info
        otherwise = "check them" if told else "train with --oov-counts to be told why"
        return unknown(missing, self.vocabulary, self.why_missing, otherwise, more)

    def _located(self, words: Iterable[str]) -> tuple[Indexes, Floats]:
        return located(listed(words), self.vocabulary, self.subwords, self.dim, self._unknown)

    def _asked(self, words: Iterable[str]) -> tuple[UnitRows, Indexes]:
        """Return unit rows to ask with, guests among them, and the row of each word."""
        rows, guests = self._located(words)
        return self._unit_rows.with_guests(guests), rows

    @cached_property
    def _unit_rows(self) -> UnitRows:
        return UnitRows(self.vectors)


def _read_only(array: Floats) -> Floats:
    view = array.view()
    view.flags.writeable = False
    return view


def _floats(table: Any) -> Any:
    """Return a table as float32; None and a function that makes one stay as they are."""
    return table if table is None or callable(table) else np.asarray(table, np.float32)
