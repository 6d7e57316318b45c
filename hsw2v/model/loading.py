"""Open a model, or a file of vectors in another format."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator
from itertools import chain

from hsw2v.errors import MissingInputError, ModelFileError, UsageError
from hsw2v.events import Listener, ignore
from hsw2v.files import STDIN, is_address, name_of
from hsw2v.model import modelfile, npy, others
from hsw2v.model.fasttext import is_fasttext, read_fasttext, read_outputs, tree_of
from hsw2v.model.foreign import (
    check_header,
    has_header,
    is_glove,
    is_prose,
    is_text,
    read_binary,
    read_glove,
    read_text,
)
from hsw2v.model.model import Model
from hsw2v.model.predictor import Predictor
from hsw2v.model.report import LoadingReport
from hsw2v.model.store import looks_like_store
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.progress import with_progress
from hsw2v.query.neighbours import Floats

READERS = {"text": read_text, "binary": read_binary, "glove": read_glove}
"""What reads each format of words and vectors from pieces of one file."""
FORMATS = ("model", *READERS, "npy", "fasttext")

_SAMPLE = 1 << 16


@with_progress
def load(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    listener: Listener = ignore,
    progress: bool = False,
) -> Model:
    """Open a model file, or vectors of another program, also compressed or at an address.

    The format is detected from the first bytes, unless given: "model", word2vec's "text" or
    "binary", "glove" (text without a first line of numbers), "npy" (an array beside its words,
    as `export` writes them; either name will do), or "fasttext" (its .bin).

    A `listener` hears how far that is, and `progress` shows it, where it takes longer than a second
    (`hsw2v.events.LoadingProgress`): also later, when output vectors of fastText are first used.

    Raises:
        UsageError: the format is none of these.
        MissingInputError: the file is missing, or cannot be read.
        ModelFileError: a model file is truncated, altered, or of a newer version; a file of
            fastText is quantised; or it is neither a model nor vectors. Files of gensim, PyTorch
            and others are told by name, with the lines that convert them.
        CorruptInputError: a file of vectors is not what its first line says; it names the line
            or row.
        EncodingError: a word is not UTF-8.
        ResourceError: the vectors do not fit in memory.
    """
    source = os.fspath(path)
    if format not in (None, *FORMATS):
        raise UsageError(
            f"unknown format {format!r}", hint="it must be one of " + ", ".join(FORMATS)
        )
    if format in (None, "npy"):
        source = npy.array_of(source)
    with LoadingReport(listener) as report, _begun(source, report) as (content, beginning):
        format = format or _format_of(beginning, source)
        if format in READERS:
            model = Model(*READERS[format](chain([beginning], content), source))
        elif format == "fasttext":
            model = _fasttext(chain([beginning], content), source, report, listener)
        else:
            if source == STDIN:
                what = "a model file" if format == "model" else "an array of NumPy"
                raise UsageError(
                    f"{what} is read where it lies, not from a pipe",
                    where="standard input",
                    hint="name the file",
                )
            content.close()
            model = (
                Model.open(source) if format == "model" else Model(*npy.read_npy(source, report))
            )
    model.name = name_of(source)
    return model


def verify(path: str | os.PathLike[str], listener: Listener = ignore) -> Iterator[tuple[str, str]]:
    """Check everything in a file that `load` opens; yield what was checked, and what was found.

    Raises:
        What `load` does, at the first thing that is wrong.
    """
    source = npy.array_of(os.fspath(path))
    with _begun(source, LoadingReport()) as (_, beginning):
        format = _format_of(beginning, source)
    if format == "model":
        yield from modelfile.verify(source)
        model = Model.open(source)
        if model.output is not None:
            Predictor(model, normalize_exactly=True)
            yield "scores", "within a float32"
    else:
        model = load(source, format=format, listener=listener)
        if format == "fasttext":
            yield "fastText", "as many words and numbers as its beginning says"
        elif format in ("text", "binary"):
            yield f"word2vec {format}", "as many rows and numbers as its first line says"
        else:
            yield f"format {format}", "a row of as many numbers for every word"
        yield "words", f"{len(model):,}, distinct, UTF-8"
        yield "word vectors", f"{list(model.vectors.shape)}, finite"
        if model.subwords is not None:
            yield "n-grams", f"{list(model.subwords.vectors.shape)}, finite"
        if model.output is not None:
            yield "output vectors", f"{list(model.output.shape)}, finite"
        if model.tree is not None:
            yield "tree", f"one binary tree of {len(model.tree):,} words"


def _fasttext(
    content: Iterator[bytes], source: str, report: LoadingReport, listener: Listener
) -> Model:
    found = read_fasttext(content, source, report)

    def outputs() -> Floats:
        with (
            LoadingReport(listener) as report,
            contextlib.closing(report.pieces(source)) as content,
        ):
            read = read_outputs(content, source)
        if read.shape != (len(found.vocabulary) - found.of_nodes, found.vectors.shape[1]):
            raise ModelFileError("is another file now", where=source, hint="open it again")
        return read

    # Questions of vectors do without: the file is read again for those that do not.
    again = found.has_outputs and source != STDIN
    return Model(
        found.vocabulary,
        found.vectors,
        outputs if again else None,
        (lambda: tree_of(found.vocabulary, source)) if again and found.of_nodes else None,
        config=found.config,
        info=found.info,
        subwords=found.subwords,
        built=HierarchicalOutput if found.of_nodes else None,
    )


@contextlib.contextmanager
def _begun(
    source: str, report: LoadingReport
) -> Iterator[tuple[Generator[bytes, None, None], bytes]]:
    """Give the rest of a file, to be read, and how it begins."""
    if os.path.isdir(source):
        others.check_folder(source)
        hint = "name a file"
        if os.path.isfile(os.path.join(source, "run")):
            hint = f"hsw2v resume {source} goes on with the training that it keeps"
        raise MissingInputError("is a directory", where=source, hint=hint)
    if not (os.path.exists(source) or is_address(source) or source == STDIN):
        raise MissingInputError("no such file", where=source, hint="check the path")
    with contextlib.closing(report.pieces(source)) as content:
        beginning = b""
        while len(beginning) < _SAMPLE and (piece := next(content, b"")):
            beginning += piece
        yield content, beginning


def _format_of(beginning: bytes, source: str) -> str:
    """Return the format of a file by how it begins.

    Raises:
        ModelFileError: it is none that is read here.
    """
    if looks_like_store(beginning):
        return "model"
    if is_fasttext(beginning):
        return "fasttext"
    if beginning.startswith(npy.MAGIC):
        return "npy"
    if not has_header(beginning):
        if is_glove(beginning):
            return "glove"
        others.check_file(source, beginning)
        if not beginning:
            raise ModelFileError("is empty", where=source, hint="fetch or train the model again")
        if is_prose(beginning):
            raise ModelFileError(
                "is a text, and no model",
                where=source,
                hint=f"train one on it first: hsw2v train {source}",
            )
        check_header(beginning, source)
    return "text" if is_text(beginning) else "binary"
