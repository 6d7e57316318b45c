"""Models written as fastText's .bin files, of which fastText has the same vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import known_settings
from hsw2v.corpus.subwords import NGrams
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.files import writing
from hsw2v.model import fasttext
from hsw2v.model.arguments import check_finite
from hsw2v.model.fasttext_content import ENTRY
from hsw2v.model.subwords import SubwordVectors, own_rows
from hsw2v.network.outputs import Structure
from hsw2v.query.neighbours import Floats
from hsw2v.trees.fasttext import UNMADE, fasttext_tree
from hsw2v.trees.tree import Tree

if TYPE_CHECKING:
    from hsw2v.model.model import Model

_ROWS_AT_ONCE = 1 << 12
_LOSS_OF = {name: number for number, name in fasttext.LOSSES.items()}
_MODEL_OF = {name: number for number, name in fasttext.MODELS.items()}
_SETTINGS = ("dim", "window", "epochs", "min_count", "negative", "model", "sample")


def export_fasttext(path: str, model: Model, *, top: int | None, force: bool) -> list[str]:
    """Write a model, or its `top` most frequent words, and return the files written.

    Raises:
        UsageError: a word does not fit the format, a number is beyond a float32, or the name is
            that of a quantised file.
        OutputExistsError, OutputError, DiskFullError
    """
    if path.endswith(".ftz"):
        raise UsageError(
            "is the name of a quantised file, which is not written here",
            where=path,
            hint="name it .bin",
        )
    words = model.vocabulary.first(len(model) if top is None else top)
    _check_words(words)
    with writing(path, force=force) as out:
        write_fasttext(out, model, words)
    return [path]


def _check_words(words: Vocabulary) -> None:
    if (at := np.flatnonzero(words.blob == 0)).size:
        word = int(np.searchsorted(words.offsets, at[0], side="right")) - 1
        raise UsageError(
            f"the word {words.spelled([word])[0]!r} cannot be written in the format 'fasttext'",
            hint="its words hold no NUL: export to npy",
        )


def write_fasttext(out: BinaryIO, model: Model, words: Vocabulary) -> None:
    """Write a model, with these of its words, the first ones, in bounded memory.

    fastText's mean of a word's own row and those of its n-grams is the vector that the word has
    here. Output rows are those of words, where the output layer has some, or of nodes, where the
    tree is the one that fastText makes of the counts; else, and with batch normalisation, zeros.

    Raises:
        UsageError: a number is beyond a float32.
    """
    counts = _counts(words)
    loss, outputs = _outputs(model, counts)
    arguments = _arguments(model, loss)
    out.write(fasttext.START.pack(fasttext.MAGIC, max(fasttext.VERSIONS)))
    out.write(fasttext.ARGUMENTS.pack(*arguments))
    _write_dictionary(out, words, counts)
    rows = len(words) + arguments.bucket
    out.write(fasttext.FLAG.pack(False) + fasttext.MATRIX.pack(rows, model.dim))
    for part in _own_rows(model, words):
        _write(out, part)
    if (subwords := model.subwords) is not None:
        for part in _all_buckets(subwords):
            _write(out, part)
    out.write(fasttext.FLAG.pack(False) + fasttext.MATRIX.pack(len(words), model.dim))
    for start in range(0, len(words), _ROWS_AT_ONCE):
        part = np.zeros((min(_ROWS_AT_ONCE, len(words) - start), model.dim), np.float32)
        some = outputs[start : start + len(part)]
        part[: len(some)] = some
        _write(out, part)


def _arguments(model: Model, loss: str) -> fasttext.Arguments:
    settings = known_settings(model.config, _SETTINGS)
    training, vocabulary = settings.training, settings.vocabulary
    subwords = None if model.subwords is None else model.subwords.settings
    return fasttext.Arguments(
        dim=model.dim,
        ws=training.window,
        epoch=training.epochs or 0,
        minCount=vocabulary.min_count,
        neg=training.negative,
        wordNgrams=1,
        loss=_LOSS_OF[loss],
        model=_MODEL_OF[training.model],
        bucket=subwords.buckets if subwords else 0,
        minn=subwords.shortest if subwords else 0,
        maxn=subwords.longest if subwords else 0,
        lrUpdateRate=100,
        t=vocabulary.sample,
    )


def _outputs(model: Model, counts: NDArray[np.int64]) -> tuple[str, Floats]:
    """Return fastText's loss, and its output rows (n, D): the first ones, the others are zeros.

    fastText makes the tree of `counts (V,)`, the ones that are written.
    """
    # fastText does not normalise the hidden vectors that output vectors were trained with.
    if model.output is not None and model.batch_norm is None:
        layer = model.output_layer
        if layer.sampled_rows is not None:
            return "ns", model.output[layer.sampled_rows]
        if layer.built_of is None:
            return "ns", model.output
        if _is_made_of(layer.built_of, counts):
            return fasttext.OF_NODES, model.output[::-1]
    # Zeros of this loss are no output layer for a reader.
    return fasttext.OF_NODES, np.empty((0, model.dim), np.float32)


def left_out(model: Model, *, top: int | None = None) -> str:
    """Return what of the output layer `export_fasttext` has no place for; "" where all is there."""
    if model.output is None:
        return ""
    words = model.vocabulary.first(len(model) if top is None else top)
    _, rows = _outputs(model, _counts(words))
    if not len(rows):
        return "fastText has no such output layer: the file has zeros in its place"
    if len(rows) < len(model.output):
        return "of the output layer there are the vectors of words, and not those of nodes"
    return ""


def _is_made_of(structure: Structure, counts: NDArray[np.int64]) -> bool:
    """Tell whether a structure is the tree that fastText makes of counts."""
    if not isinstance(structure, Tree) or len(structure) != len(counts):
        return False
    if counts.max() >= UNMADE:
        return False
    return np.array_equal(structure.children, fasttext_tree(counts).children)


def _counts(words: Vocabulary) -> NDArray[np.int64]:
    """Return the counts; where they are not known, one each: fastText divides by their sum."""
    return words.counts if words.counts.any() else np.ones_like(words.counts)


def _write_dictionary(out: BinaryIO, words: Vocabulary, counts: NDArray[np.int64]) -> None:
    size = len(words)
    tokens = int(counts.sum())
    out.write(fasttext.DICTIONARY.pack(size, size, 0, tokens, fasttext.NOT_PRUNED))
    for part, some in fasttext.parts(words):
        text, borders = some.blob.tobytes(), some.offsets.tolist()
        entries = zip(borders, borders[1:], counts[part].tolist(), strict=False)
        out.write(
            b"".join(
                b"%b\0%b" % (text[begin:end], ENTRY.pack(count, fasttext.WORD))
                for begin, end, count in entries
            )
        )


def _own_rows(model: Model, words: Vocabulary) -> Iterator[Floats]:
    """Yield rows of words that with their n-grams make the vectors that the words have."""
    (end,) = words.find([fasttext.END_OF_SENTENCE])
    for part, some in fasttext.parts(words):
        vectors = model.vectors[part]
        if model.subwords is None:
            yield vectors
            continue
        # All of them: fastText knows no words without.
        ngrams: NGrams = model.subwords.settings.ngrams(some)
        own = own_rows(vectors, ngrams, model.subwords)
        if part.start <= end < part.stop:
            own[end - part.start] = model.vectors[end]
        yield own


def _all_buckets(subwords: SubwordVectors) -> Iterator[Floats]:
    """Yield the rows of all buckets, zeros where there is none."""
    total, dim = subwords.settings.buckets, subwords.vectors.shape[1]
    for start in range(0, total, _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, total)
        first, last = np.searchsorted(subwords.buckets, (start, stop))
        rows = np.zeros((stop - start, dim), np.float32)
        rows[subwords.buckets[first:last] - start] = subwords.vectors[first:last]
        yield rows


def _write(out: BinaryIO, rows: Floats) -> None:
    check_finite(rows)
    out.write(np.ascontiguousarray(rows, "<f4").data.cast("B"))
