"""Vectors of the lines of a file, written in bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig, known_settings
from hsw2v.errors import EmptyCorpusError, UsageError
from hsw2v.events import Listener, Notice, Pace, VectorsProgress, ignore
from hsw2v.files import (
    atomic_write,
    compressing,
    compression_of,
    expand_sources,
    explain_write_error,
)
from hsw2v.model.npy import array_in, write_npy
from hsw2v.model.sentences import CORPUS, SMOOTHING, Averages, Weighting
from hsw2v.model.tables import check_table
from hsw2v.query.neighbours import Floats, Indexes, slices
from hsw2v.query.sentences import first_component, second_moment, without

if TYPE_CHECKING:
    from hsw2v.model.model import Model

EXTENSIONS = (".npy", ".txt", ".parquet")

_SENTENCES_AT_ONCE = 1 << 12
_FEW = 100
"""Sentences whose first principal component is rather theirs than that of a language."""


class Written(NamedTuple):
    """What was written of a file of sentences."""

    sentences: int
    without_words: int
    """Those without a known word, whose vectors are zeros."""
    component: Floats | None
    """As that of `SentenceVectors`."""


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
        check_table(output, EXTENSIONS, force=force)
    how = Weighting.of(model, weighting, smoothing, component)
    config = known_settings(model.config, CORPUS).replace(**settings).corpus
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

    averages, counts, replaced, skipped, done = Averages(model, how), [], 0, 0, 0
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
