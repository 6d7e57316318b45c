"""The trained model: words and their vectors, and the questions they answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsw2v.arrays import all_finite
from hsw2v.config import known_settings
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import ModelFileError, UnknownWordError, UsageError
from hsw2v.events import LabelsProgress, Listener, Pace, ignore
from hsw2v.markup import table
from hsw2v.model.arguments import Path, check_positive, listed, paths_of, unknown, vector_of
from hsw2v.model.arithmetic import near_each, near_mean, never_answers
from hsw2v.model.compact_export import export_compact
from hsw2v.model.composing import evaluated, located
from hsw2v.model.export import export_vectors, format_for
from hsw2v.model.facts import facts
from hsw2v.model.fasttext_export import export_fasttext
from hsw2v.model.missing import why_missing
from hsw2v.model.modelfile import read_contents, write_contents
from hsw2v.model.predictor import Predictor
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.outputs import (
    OUTPUTS,
    OutputLayer,
    Structure,
    built_output,
    output_layer,
)
from hsw2v.network.outputs.output import BuiltOutput
from hsw2v.progress import with_progress
from hsw2v.query.analogies import METHODS, analogies, odd_one_out
from hsw2v.query.answers import Answers, Candidate, Neighbour
from hsw2v.query.evaluation import Evaluation
from hsw2v.query.labels import LabelsResult, LabelTask, check_protocol, read_labels
from hsw2v.query.neighbours import Floats, Indexes, UnitRows, nearest, rows_of, unit_rows
from hsw2v.query.normalisation import normalised
from hsw2v.query.probabilities import Softmax
from hsw2v.query.scoring import Score
from hsw2v.query.testsets import AnalogyQuestions, WordPairs, read_analogies, read_pairs
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import Forest
from hsw2v.trees.tree import Tree

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from hsw2v.corpus.sources import Source
    from hsw2v.maps.wordmap import WordMap
    from hsw2v.model.aligning import Alignment
    from hsw2v.model.indexing import Index
    from hsw2v.model.neighbours import Neighbour as RankedNeighbour
    from hsw2v.model.sentence_files import Written
    from hsw2v.model.sentences import SentenceVectors
    from hsw2v.trees.drawing import Drawing

_OUTPUT_SETTINGS = ("loss", "node_sample", "negative", "samples", "ns_exponent")
"""Those that an output layer is made of, besides its tree or classes."""
_OOV = ("oov_counts",)


class Model:
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
    ) -> None:
        """Hold `vectors (V, D)` of the words of a vocabulary, as float32.

        `output float32` are the vectors of the output layer: `(V-1, D)` of the inner nodes of
        `tree`, `(N(V-1), D)` of a forest of N trees, or V more with those of the words after them;
        `(C+V, D)` of C `classes`, and then of the words; or `(V, D)` of the words. Rows of
        `batch_norm (4, D) float32` are what hidden vectors are normalised by: scale, shift, running
        mean and running variance. With `subwords`, the vectors of n-grams, words that are not in
        the vocabulary have vectors, too: wherever a word is asked for, it may be any, unless it is
        said otherwise. `oov` returns the types of the text that are no words, with their counts;
        `phrases` are those that were joined in it. `config` are the settings it was trained with,
        by section; `info` versions, totals and times. Arrays, tree, classes and phrases may be
        given as functions, which are called when they are first used. The `name` of a model is that
        of its file, if it has one.
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
        self._built: type[BuiltOutput[Any]] | None = None
        self._oov = oov

    @classmethod
    def open(cls, source: Path) -> Model:
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
        model.name = os.path.basename(source)
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

    def __contains__(self, word: object) -> bool:
        return word in self.vocabulary

    def __getitem__(self, word: str) -> Floats:
        return self.vector(word)

    def __repr__(self) -> str:
        return f"<hsw2v.Model: {len(self):,} words, {self.dim} dimensions>"

    def _repr_html_(self) -> str:
        return table(("", self.name or "hsw2v.Model"), facts(self))

    def draw_tree(self, depth: int = 4) -> Drawing:
        """Return a drawing of the top of the tree, which a notebook shows; `svg()` is its text.

        Raises:
            UsageError: the model has no tree, or the depth is not from 1 to 10.
        """
        from hsw2v.trees.drawing import Drawing, check_depth

        check_depth(depth)
        if self.tree is None:
            raise UsageError("the model has no tree", hint="train with loss hs")
        return Drawing(self.tree, self.words, self.counts, depth)

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

    def __deepcopy__(self, memo: object) -> Model:
        # Nothing in it changes.
        return self

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

    def similar(
        self,
        query: str | Sequence[str] | ArrayLike,
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
        words = [query] if isinstance(query, str) else query
        minus, hidden = listed(minus), never_answers(self.vocabulary, among, exclude)
        if isinstance(words, Sequence) and all(isinstance(word, str) for word in words):
            if not words:
                raise UsageError("no words to find neighbours of", hint="give at least one")
            unit, rows = self._asked([*map(str, words), *minus])
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

    def neighbours(
        self,
        k: int = 10,
        *,
        top: int | None = None,
        index: Index | None = None,
        listener: Listener = ignore,
    ) -> Iterator[RankedNeighbour]:
        """Yield the k nearest words of every word, exactly, or as an `index` finds them.

        Each is a named tuple (word, rank, neighbour, similarity). `top` is of so many of the most
        frequent words, questions and answers.

        Raises:
            UsageError: k or `top` is less than 1; the index is that of other vectors.
        """
        from hsw2v.model.neighbours import neighbours

        return neighbours(self, k, top=top, index=index, listener=listener)

    def write_neighbours(
        self,
        path: Path,
        k: int = 10,
        *,
        top: int | None = None,
        index: Index | None = None,
        force: bool = False,
        listener: Listener = ignore,
    ) -> int:
        """Write what `neighbours` yields to a file as .parquet, .tsv or .jsonl; return the rows.

        Some words at a time, in bounded memory. An extension such as .gz compresses text.

        Raises:
            UsageError: as `neighbours`, or an extension that tells no format; pyarrow is not
                installed (`hsw2v[parquet]`).
            OutputExistsError, OutputError, DiskFullError
        """
        from hsw2v.model.neighbours import write_neighbours

        given = {"top": top, "index": index, "force": force, "listener": listener}
        return write_neighbours(self, os.fspath(path), k, **given)  # type: ignore[arg-type]

    def build_index(
        self,
        *,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 128,
        listener: Listener = ignore,
    ) -> Index:
        """Build an index of the words, for models of millions of them: `similar(…, index=index)`.

        It is a graph of near neighbours (HNSW: Malkov & Yashunin 2020) of usearch. More
        `connectivity` and `expansion_add` make a better one, in more time; more `expansion_search`
        finds more of the nearest words, in more time. `save` writes it.

        Raises:
            UsageError: a number is less than 1; usearch is not installed (`hsw2v[index]`).
        """
        from hsw2v.model.indexing import build_index

        return build_index(
            self,
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
            listener=listener,
        )

    def load_index(self, path: Path) -> Index:
        """Open an index that was built of this model and saved.

        Raises:
            MissingInputError, ModelFileError: it is missing, or damaged.
            UsageError: it is that of other vectors; usearch is not installed (`hsw2v[index]`).
        """
        from hsw2v.model.indexing import load_index

        return load_index(self, path)

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

    def align(
        self, other: Model, *, dictionary: Path | None = None, listener: Listener = ignore
    ) -> Alignment:
        """Rotate another model into the space of this one: `hsw2v.align(self, other)`."""
        from hsw2v.model.aligning import align

        return align(self, other, dictionary=dictionary, listener=listener)

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
        labels: Path,
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
        test = read_labels(os.fspath(labels))
        task = LabelTask(test, self.vocabulary.find(list(test.labels)))
        splits, pace, total = [], Pace(), repeats * len(fractions)
        listener(LabelsProgress(0, total, 0.0))
        for one in task.splits(self.vectors[task.rows], fractions, repeats, seed):
            splits.append(one)
            if pace.due():
                listener(LabelsProgress(len(splits), total, pace.seconds))
        return task.result(splits, repeats)

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
        skip_bad_records: bool = False,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Iterator[Score]:
        """Read a source as `hsw2v.train` does, and yield the score of each of its sentences.

        A score has `log_prob` (nats, summed), `words` (how many were scored), `perplexity` (None
        where there are none) and `tokens`. Each word of the vocabulary is scored given its whole
        window, other words left out. Of a sentence of more than 8,192 tokens every piece of as
        many is a sentence of its own. `field`, `format` and `skip_bad_records` are those of this
        source, whatever the model was trained on.

        Raises:
            UsageError: as `predict`, or the format of the source is not known.
            MissingInputError, CorruptInputError, EncodingError, EmptyCorpusError, OutputError,
            ResourceError: as `hsw2v.train`.
        """
        form = {"field": field, "format": format, "skip_bad_records": skip_bad_records}
        return self._predictor(normalize_exactly).score(source, listener, **form)

    def sentence_vectors(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        weighting: str = "mean",
        smoothing: float = 0.001,
        component: ArrayLike | None = None,
    ) -> SentenceVectors:
        """Return the vectors of texts, or of lists of words: means of the vectors of their words.

        Texts are split as the text of the training was. With the `weighting` "sif" (Arora, Liang &
        Ma 2017) a word whose share of that text is p counts `smoothing` / (`smoothing` + p), and
        the first principal component of all the vectors is removed from them; or else a `component
        (D,)`, such as that of other sentences, which these are to be compared with. The answer
        has `vectors (n, D) float32`, `words (n,)`, the numbers of known words, and `component`.

        Raises:
            UsageError: an unknown weighting, a number out of bounds, or for sif a model without
                counts of words; texts are one string.
        """
        from hsw2v.model.sentences import sentence_vectors

        given = {"weighting": weighting, "smoothing": smoothing, "component": component}
        return sentence_vectors(self, texts, **given)  # type: ignore[arg-type]

    def write_sentence_vectors(
        self,
        source: Path,
        output: Path,
        *,
        weighting: str = "mean",
        smoothing: float = 0.001,
        component: ArrayLike | None = None,
        force: bool = False,
        listener: Listener = ignore,
        **settings: Any,
    ) -> Written:
        """Write the vector of every line of a source, or of every record, in bounded memory.

        The source is read as that of the training was; `settings` of the corpus override that:
        `field="text"`, or for vectors of other programs `lowercase=True`, say. The extension of
        the output tells its format: .npy, .txt (numbers apart by blanks) or .parquet. An empty line
        has a vector, too: zeros. The answer tells how many `sentences` there are, and how many are
        `without_words`.

        Raises:
            UsageError: as `sentence_vectors`, an unknown setting, or an extension that tells no
                format.
            MissingInputError, CorruptInputError, EncodingError, EmptyCorpusError: as `hsw2v.train`.
            OutputExistsError, OutputError, DiskFullError
        """
        from hsw2v.model.sentence_files import write_sentence_vectors

        return write_sentence_vectors(
            self,
            os.fspath(source),
            os.fspath(output),
            weighting=weighting,
            smoothing=smoothing,
            component=component,
            force=force,
            listener=listener,
            **settings,
        )

    def save(self, path: Path, *, force: bool = False) -> None:
        """Write the model file; it appears whole or not at all.

        Raises:
            UsageError: a number in it is not finite, or a word is there twice.
            OutputExistsError: it exists already, and `force` is not given.
            OutputError, DiskFullError: it cannot be written.
        """
        write_contents(
            path,
            self.vocabulary,
            self.counts,
            self.vectors,
            self.output,
            self.structure,
            batch_norm=self.batch_norm,
            subwords=self.subwords,
            oov=self.oov if known_settings(self.config, _OOV).vocabulary.oov_counts else None,
            phrases=self.phrases,
            config=self.config,
            info=self.info,
            force=force,
        )

    def export(
        self,
        path: Path,
        *,
        format: str | None = None,
        top: int | None = None,
        normalize: bool = False,
        dtype: str = "float32",
        force: bool = False,
    ) -> list[str]:
        """Write words and vectors for other programs, and return the files written.

        Formats are "text" and "binary" (word2vec's), "npy" (with the words in a file beside it)
        and "fasttext" (a .bin file, with n-grams); by default the extension tells, text or one of
        the former, and an extension such as .gz compresses. `top` writes only so many of the most
        frequent words, `normalize` vectors of length 1, which are none of a mean of n-grams. The
        `dtype` "float16" or "int8" (with a scale for each row) takes a half or a quarter of the
        room, as "npy" or "safetensors", a model file of word vectors alone.

        Raises:
            UsageError: an unknown format, a word that the format cannot hold, or vectors of length
                1 for fastText.
            OutputExistsError: a file exists already, and `force` is not given.
            OutputError, DiskFullError: a file cannot be written.
        """
        if top is not None:
            check_positive("top", top)
        format = format_for(os.fspath(path), format)
        if dtype != "float32" or format == "safetensors":
            vectors = (self.unit_vectors if normalize else self.vectors)[:top]
            return export_compact(
                self, os.fspath(path), vectors, format=format, dtype=dtype, force=force
            )
        if format == "fasttext":
            if normalize:
                raise UsageError(
                    "fastText makes its vectors of n-grams, and not of length 1",
                    hint="leave out normalize, or write another format",
                )
            return export_fasttext(os.fspath(path), self, top=top, force=force)
        vectors = self.unit_vectors if normalize else self.vectors
        return export_vectors(
            os.fspath(path), self.words[:top], vectors[:top], format=format, force=force
        )

    def to_gensim(self) -> KeyedVectors:
        """Return gensim's `KeyedVectors` of the same words, counts and vectors, as copies.

        Of a model with n-grams they are its `FastTextKeyedVectors`, which compose the same vectors
        of other words; they hold a row of every bucket. `hsw2v.from_gensim` goes back.

        Raises:
            UsageError: gensim is not installed (`hsw2v[gensim]`).
            ResourceError: the rows of all buckets do not fit in memory.
        """
        from hsw2v.model.gensim import to_gensim

        return to_gensim(self)

    def map(
        self,
        *,
        words: int = 20_000,
        neighbors: int = 10,
        branches: Sequence[int] = (8, 32, 128),
        seed: int = 1,
        listener: Listener = ignore,
    ) -> WordMap:
        """Return a map of the most frequent words: positions in the plane, neighbours, branches.

        Positions are by t-SNE (openTSNE), the same for the same `seed`; each word has its
        `neighbors` nearest words of the map with their exact cosines, and its branch of the tree
        where that is cut into so many `branches`. Where the tree is none of meaning (huffman,
        balanced), or there is none, a semantic tree of the vectors is built.

        Raises:
            UsageError: fewer than three words, a number out of its bounds, or openTSNE is not
                installed (`hsw2v[map]`).
        """
        from hsw2v.maps.making import make_map

        kind = self.config.get("training", {}).get("tree")
        tree = None if kind in ("huffman", "balanced") else self.tree
        return make_map(
            self.vocabulary,
            self.vectors,
            tree,
            words=words,
            neighbors=neighbors,
            branches=branches,
            seed=seed,
            name=self.name,
            listener=listener,
        )

    def _located(self, words: Iterable[str]) -> tuple[Indexes, Floats]:
        return located(listed(words), self.vocabulary, self.subwords, self.dim, self._unknown)

    def _asked(self, words: Iterable[str]) -> tuple[UnitRows, Indexes]:
        """Return unit rows to ask with, guests among them, and the row of each word."""
        rows, guests = self._located(words)
        return self._unit_rows.with_guests(guests), rows

    @cached_property
    def _unit_rows(self) -> UnitRows:
        return UnitRows(self.vectors)

    def _predictor(self, normalize_exactly: bool) -> Predictor:
        # The layer is kept, not what asks it: that holds this model, and neither would be freed.
        exactly = bool(normalize_exactly)
        known = self._softmaxes.get(exactly)
        predictor = Predictor(self, normalize_exactly=exactly, softmax=known)
        self._softmaxes[exactly] = predictor.softmax
        return predictor

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


def _read_only(array: Floats) -> Floats:
    view = array.view()
    view.flags.writeable = False
    return view


def _floats(table: Any) -> Any:
    """Return a table as float32; None and a function that makes one stay as they are."""
    return table if table is None or callable(table) else np.asarray(table, np.float32)
