"""Vectors of sentences: of texts in memory, or of a file, in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig, known_settings
from hsw2v.errors import EmptyCorpusError, UsageError
from hsw2v.events import Listener, Notice, Pace, VectorsProgress, ignore
from hsw2v.files import (
    atomic_write,
    check_writable,
    compressing,
    compression_of,
    expand_sources,
    explain_write_error,
)
from hsw2v.model.arguments import vector_of
from hsw2v.model.npy import array_in, write_npy
from hsw2v.query.neighbours import Floats, Indexes, slices
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
EXTENSIONS = (".npy", ".txt", ".parquet")

_SENTENCES_AT_ONCE = 1 << 12
_FEW = 100
"""Sentences whose first principal component is rather theirs than that of a language."""
_CORPUS = ("tokens", "lowercase", "encoding_errors")


class SentenceVectors(NamedTuple):
    """Sentences as vectors."""

    vectors: Floats
    """(n, D) float32, zeros of a sentence without a known word."""
    words: Indexes
    """(n,) int64, how many known words each has."""
    component: Floats | None
    """(D,) float32, of length 1: what was removed from all of them; of `sif` alone."""


class Written(NamedTuple):
    """What was written of a file of sentences."""

    sentences: int
    without_words: int
    """Those without a known word, whose vectors are zeros."""
    component: Floats | None
    """As that of `SentenceVectors`."""


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
            component = vector_of(component, model.dim)
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
) -> SentenceVectors:
    """Return the vectors of texts: what `Model.sentence_vectors` tells."""
    from hsw2v.corpus.lines import tokens_of

    if isinstance(texts, str):
        raise UsageError(f"{texts[:60]!r} is one text", hint="give a list of texts")
    how = Weighting.of(model, weighting, smoothing, component)
    averages = _Averages(model, how)
    config = known_settings(model.config, _CORPUS).corpus
    remaining = iter(texts)
    found = [(np.empty((0, model.dim), np.float32), np.empty(0, np.int64))]
    while some := list(islice(remaining, _SENTENCES_AT_ONCE)):
        lines: list[Sequence[str]]
        if all(isinstance(one, str) for one in some):
            lines = [line for part in tokens_of(cast(list[str], some), config) for line in part[0]]
        else:
            lines = [_listed(one) for one in some]
        found.append(averages.of(lines))
    vectors, words = (np.concatenate(one) for one in zip(*found, strict=True))
    if how.name == "sif":
        removed = how.component
        if removed is None and len(vectors):
            removed = first_component(second_moment(vectors))
        if removed is not None:
            vectors = without(vectors, removed)
        return SentenceVectors(vectors, words, removed)
    return SentenceVectors(vectors, words, None)


def write_sentence_vectors(
    model: Model,
    source: str,
    output: str | BinaryIO,
    *,
    weighting: str = "mean",
    smoothing: float = SMOOTHING,
    component: Any = None,
    force: bool = False,
    listener: Listener = ignore,
    **settings: Any,
) -> Written:
    """Write the vectors of the lines of a source: what `Model.write_sentence_vectors` tells."""
    if isinstance(output, str):
        check_output(output, force=force)
    how = Weighting.of(model, weighting, smoothing, component)
    config = known_settings(model.config, _CORPUS).replace(**settings).corpus
    expand_sources([source])
    pace = Pace()
    with _spool() as spool:
        words = _averaged(model, how, source, config, spool, listener, pace)
        spooled = (spool, len(words), model.dim)
        removed = how.component
        if how.name == "sif" and removed is None:
            if len(words) < _FEW:
                told = f"of {len(words)} sentence{'s' if len(words) > 1 else ''} alone"
                listener(Notice(f"the first principal component {told} is removed"))
            removed = first_component(sum(map(second_moment, _blocks(*spooled))))  # type: ignore[arg-type]
        blocks = _told(_blocks(*spooled), len(words), listener)
        _write(output, blocks, words, model.dim, removed, force)
    empty = int(np.count_nonzero(words == 0))
    if empty:
        listener(
            Notice(
                f"{empty:,} of {len(words):,} sentences have no known word: their vectors are zeros"
            )
        )
    return Written(len(words), empty, removed)


def check_output(path: str, *, force: bool = False) -> None:
    """Check, before any work, that vectors of sentences can be written to a path.

    Raises:
        UsageError: its extension is none that is known, or what it takes is not installed.
        OutputExistsError, OutputError
    """
    bare = path.removesuffix(compression_of(path))
    if not bare.endswith(EXTENSIONS) or (bare.endswith(".parquet") and bare != path):
        raise UsageError(
            "has no extension that tells a format",
            where=path,
            hint="name it .npy, .txt or .parquet; the first two may be compressed, as .txt.gz",
        )
    if bare.endswith(".parquet"):
        from hsw2v.corpus.parquet import parquet_of

        parquet_of(path)
    check_writable(path, force=force)


class _Averages:
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


def _blocks(spool: BinaryIO, count: int, dim: int) -> Iterator[Floats]:
    """Yield the vectors (count, D) of a file, some at a time."""
    spool.seek(0)
    for some in slices(count, _SENTENCES_AT_ONCE):
        size = (some.stop - some.start) * dim
        yield np.frombuffer(spool.read(4 * size), np.float32).reshape(-1, dim)


@contextmanager
def _spooling() -> Iterator[None]:
    """Let errors of the temporary file be ours.

    Raises:
        OutputError, DiskFullError
    """
    try:
        yield
    except OSError as error:
        raise explain_write_error(error, tempfile.gettempdir()) from error


@contextmanager
def _spool() -> Iterator[BinaryIO]:
    """Open a file without a name."""
    with _spooling():
        stream = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        yield cast(BinaryIO, stream)
    finally:
        # What could not be written before is of no interest any more.
        with suppress(OSError):
            stream.close()


def _averaged(
    model: Model,
    how: Weighting,
    source: str,
    config: CorpusConfig,
    spool: BinaryIO,
    listener: Listener,
    pace: Pace,
) -> Indexes:
    """Put the vectors of all lines of a source into a file; return how many words each has."""
    # This compiles what reads text.
    from hsw2v.corpus.lines import read_lines
    from hsw2v.corpus.stream import tell_replaced, tell_skipped

    averages, counts, replaced, skipped, done = _Averages(model, how), [], 0, 0, 0
    for some in read_lines(source, config):
        for part in slices(len(some.tokens), _SENTENCES_AT_ONCE):
            vectors, words = averages.of(some.tokens[part])
            with _spooling():
                spool.write(vectors.tobytes())
            counts.append(words)
        replaced, skipped = replaced + some.replaced, skipped + some.skipped
        done += len(some.tokens)
        if pace.due():
            listener(VectorsProgress("sentences", done, None, pace.seconds))
    with _spooling():
        spool.flush()
    tell_replaced(replaced, config, listener)
    if skipped:
        tell_skipped(skipped, listener)
    if not counts:
        raise EmptyCorpusError("there are no lines", where=source, hint="name a file of sentences")
    return np.concatenate(counts)


def _told(blocks: Iterator[Floats], total: int, listener: Listener) -> Iterator[Floats]:
    """Yield blocks of vectors, and tell how many of them are written."""
    pace, done = Pace(), 0
    for block in blocks:
        yield block
        done += len(block)
        if pace.due():
            listener(VectorsProgress("writing", done, total, pace.seconds))


def _write(
    output: str | BinaryIO,
    blocks: Iterator[Floats],
    words: Indexes,
    dim: int,
    removed: Floats | None,
    force: bool,
) -> None:
    if removed is not None:
        component = removed
        blocks = (without(one, component) for one in blocks)
    if not isinstance(output, str):
        _write_text(output, blocks)
        return
    if output.endswith(".parquet"):
        from hsw2v.corpus.parquet_writing import write_parquet

        counts = (words[some] for some in slices(len(words), _SENTENCES_AT_ONCE))
        tables: Iterator[dict[str, NDArray[Any]]] = (
            {"vector": block, "words": count} for block, count in zip(blocks, counts, strict=True)
        )
        write_parquet(output, tables, force=force)
        return
    with atomic_write(output, force=force) as stream, compressing(stream, output) as out:
        if output.removesuffix(compression_of(output)).endswith(".npy"):
            write_npy(out, (len(words), dim), blocks)
        else:
            _write_text(out, blocks)


def _write_text(out: BinaryIO, blocks: Iterable[Floats]) -> None:
    """Write the numbers of a vector a line, each the shortest decimal that reads back equal."""
    for block in blocks:
        numbers = orjson.dumps(np.ascontiguousarray(block), option=orjson.OPT_SERIALIZE_NUMPY)
        lines = numbers[2:-2].replace(b"],[", b"\n").replace(b",", b" ")
        out.write(lines + b"\n")


def _listed(sentence: object) -> Sequence[str]:
    if isinstance(sentence, str) or not isinstance(sentence, Iterable):
        raise UsageError(
            "texts and lists of words are mixed", hint="give either strings or lists of strings"
        )
    words = list(sentence)
    if not all(isinstance(word, str) for word in words):
        raise UsageError("a sentence holds what is no word", hint="words are strings")
    return words


def check_component(path: str, weighting: str) -> None:
    """Check that there is to be a component, and that it can be written to a path.

    Raises:
        UsageError: there is none without sif, or the path is that of another format.
    """
    if weighting != "sif":
        raise UsageError("only sif has a component", hint="give weighting sif")
    if not path.endswith(".npy"):
        raise UsageError("is no name of an array", where=path, hint="name it .npy")


def write_component(path: str, component: Floats, *, force: bool = False) -> None:
    """Write a component (D,) as an array.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    with atomic_write(path, force=force) as stream:
        np.save(stream, component)


def read_component(path: str) -> Floats:
    """Read a component that `write_component` has written.

    Raises:
        MissingInputError, CorruptInputError
    """
    return array_in(path, "f", 1, "it must have a number for every dimension")
