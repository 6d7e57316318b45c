"""Which arrays of a file make a model, and what must hold between them (docs/file-format.md)."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import all_finite
from hsw2v.config import known_settings
from hsw2v.config.subwords import LONGEST
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.model.arguments import check_finite
from hsw2v.model.compact import from_int8, in_dtype
from hsw2v.model.store import Store, open_store, write_store
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.outputs import (
    OUTPUTS,
    OutputLayer,
    built_output,
    built_outputs,
    structure_tensors,
)
from hsw2v.network.outputs.output import BuiltOutput, Structure
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import Forest

OOV = "oov_"
"""What begins the names of the tensors of types that are no words."""
SCALES = "vector_scales"
"""The tensor of what rows of int8 are multiplied by."""
PHRASES = "phrases"
"""The tensor of phrases."""
_BYTES_AT_ONCE = 1 << 24

T = TypeVar("T", bound=Structure)


@dataclass(frozen=True)
class Contents:
    """What a model file holds; the large arrays are read and checked when called for."""

    vocabulary: Vocabulary
    dim: int
    vectors: Callable[[], NDArray[np.float32]]
    output: Callable[[], NDArray[np.float32]] | None
    structure: Callable[[], Structure] | None
    built: type[BuiltOutput[Any]] | None
    """The output layer of the trees or the classes."""
    batch_norm: Callable[[], NDArray[np.float32]] | None
    subwords: SubwordVectors | None
    oov: Callable[[], Vocabulary] | None
    phrases: Callable[[], Phrases] | None
    config: dict[str, Any]
    info: dict[str, Any]


def read_contents(source: str) -> Contents:
    """Open a model file; words and counts are checked now, all else when first used.

    Raises:
        MissingInputError, ModelFileError
    """
    return _contents(open_store(source))


def _contents(store: Store) -> Contents:
    if not all(isinstance(section, dict) for section in store.metadata["config"].values()):
        raise store.broken("is not a whole model: a section of its 'config' is none")
    vocabulary = read_vocabulary(store)
    words = len(vocabulary)
    if "vectors" not in store or len(shape := store.shape("vectors")) != 2 or not shape[1]:
        raise store.broken("is not a whole model: it has no table of vectors")
    dim = shape[1]
    _expect_vectors(store, (words, dim))
    output, built, structure = _output_layer(store, words, dim)
    if "batch_norm" in store:
        _expect(store, "batch_norm", (4, dim), "F32")
    return Contents(
        vocabulary,
        dim,
        lambda: _vectors(store),
        (lambda: _finite(store, output)) if output in store else None,
        structure,
        built,
        (lambda: _batch_norm(store)) if "batch_norm" in store else None,
        _subwords(store, dim) if "ngrams" in store else None,
        (lambda: read_vocabulary(store, OOV)) if f"{OOV}words" in store else None,
        (lambda: read_phrases(store)) if PHRASES in store else None,
        store.metadata["config"],
        store.metadata["info"],
    )


def verify(source: str) -> Iterator[tuple[str, str]]:
    """Check everything in a model file; yield what was checked, and what was found.

    Raises:
        MissingInputError, ModelFileError: at the first thing that is wrong.
    """
    store = open_store(source)
    found = _contents(store)
    yield "config, info", "as their checksums say"
    for name in store.tensors:
        store.verify(name)
        yield (
            f"tensor {name}",
            f"{store.dtype(name)} {list(store.shape(name))}, as its checksum says",
        )
    try:
        known_settings(found.config)
    except UsageError as error:
        raise store.broken(f"is not a whole model: its {error.what}") from error
    yield "settings", "within their bounds"
    yield "words", f"{len(found.vocabulary):,}, distinct, UTF-8, with counts that are not negative"
    tables = {"word vectors": found.vectors, "output vectors": found.output}
    for name, table in {**tables, "batch normalisation": found.batch_norm}.items():
        if table is not None:
            yield name, f"{list(table().shape)}, finite"
    if (subwords := found.subwords) is not None:
        buckets, settings = len(subwords), subwords.settings
        yield "n-grams", f"{list(subwords.vectors.shape)}, finite"
        yield "buckets of n-grams", f"{buckets:,} of {settings.buckets:,}, rising"
    if found.oov is not None:
        yield "types that are no words", f"{len(found.oov()):,}, distinct, UTF-8, with counts"
    if found.phrases is not None:
        yield "phrases", f"{len(found.phrases()):,}"
    structure = found.structure() if found.structure else None
    if isinstance(structure, Classes):
        yield "classes", f"{structure.count:,}, each with a word"
    elif structure is not None:
        count = len(structure.trees)
        many = "one binary tree" if count == 1 else f"{count} binary trees"
        yield "tree", f"{many} of {len(structure):,} words"


def _output_layer(
    store: Store, words: int, dim: int
) -> tuple[str, type[BuiltOutput[Any]] | None, Callable[[], Structure] | None]:
    """Return the name of the output vectors; with a tree or classes, their output layer and them.

    A tree alone is that of hierarchical softmax if its nodes are there.
    """
    kinds = [one for one in built_outputs() if one.structure_tensor in store]
    if len(names := dict.fromkeys(one.structure_tensor for one in kinds)) > 1:
        both = " and ".join(f"'{one}'" for one in names)
        raise store.broken(f"is not a whole model: it has {both}")
    kind = next((one for one in kinds if one.table_tensor in store), kinds[0] if kinds else None)
    table = kind.table_tensor if kind else OutputLayer.table_tensor
    for other in {one.table_tensor for one in OUTPUTS.values()} - {table}:
        if other in store:
            beside = f"with '{kind.structure_tensor}'" if kind else "without a tree"
            raise store.broken(f"is not a whole model: it has '{other}' {beside}")
    if kind is None:
        if table in store:
            _expect(store, table, (words, dim), "F32")
        return table, None, None
    name = kind.structure_tensor
    if table not in store:
        raise store.broken(f"is not a whole model: it has '{name}' without '{table}'")
    rows, *_ = store.shape(table) or (0,)
    rows, shape = kind.sizes(words, rows, store.shape(name))
    _expect(store, table, (rows, dim), "F32")
    _expect(store, name, shape, "I32")
    return table, kind, lambda: _checked(store, kind.from_tensor(store.array(name), rows))


def write_contents(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary,
    counts: NDArray[np.int64] | None,
    vectors: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    structure: Structure | None,
    *,
    batch_norm: NDArray[np.float32] | None,
    subwords: SubwordVectors | None,
    oov: Vocabulary | None = None,
    phrases: Phrases | None,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    force: bool = False,
) -> None:
    """Write a model file; it appears whole or not at all.

    Raises:
        UsageError: a number is not finite, or a word is there twice: no reader would take the file.
        OutputExistsError, OutputError, DiskFullError
    """
    for table in (vectors, output, batch_norm, None if subwords is None else subwords.vectors):
        if table is not None:
            check_finite(table)
    if (word := vocabulary.repeated()) is not None:
        raise UsageError(f"the word {word!r} is there twice", hint="leave one of them out")
    arrays = _word_tensors(vocabulary, counts, vectors) | structure_tensors(structure)
    if output is not None:
        kind = OutputLayer if structure is None else built_output(structure, len(output))
        arrays[kind.table_tensor] = output
    if batch_norm is not None:
        arrays["batch_norm"] = batch_norm
    if subwords is not None:
        one = subwords.settings
        settings = (one.shortest, one.longest, one.buckets, subwords.whole_words)
        arrays |= {"ngrams": subwords.vectors, "ngram_buckets": subwords.buckets}
        arrays["ngram_settings"] = np.array(settings, np.int64)
    # A reader that does not know them ignores them.
    if oov is not None and len(oov):
        arrays |= vocabulary_tensors(oov, OOV)
    arrays |= phrase_arrays(phrases)
    # A reader that knows neither classes nor batch normalisation would take the one for a damaged
    # file, and answer without the other; likewise words beside a tree.
    version = 2 if "classes" in arrays or batch_norm is not None else 1
    if "tree" in arrays and OutputLayer.table_tensor in arrays:
        version = 3
    # And several trees.
    if isinstance(structure, Forest):
        version = 4
    write_store(path, arrays, version=version, config=config, info=info, force=force)


def write_vectors(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary,
    counts: NDArray[np.int64] | None,
    vectors: NDArray[np.float32],
    *,
    dtype: str,
    phrases: Phrases | None,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    force: bool = False,
) -> None:
    """Write a model file of word vectors alone, in one of `compact.DTYPES`.

    Raises:
        UsageError: a number is beyond the type.
        OutputExistsError, OutputError, DiskFullError
    """
    numbers, scales = in_dtype(vectors, dtype)
    arrays = _word_tensors(vocabulary, counts, numbers)
    if scales is not None:
        arrays[SCALES] = scales
    arrays |= phrase_arrays(phrases)
    version = 1 if dtype == "float32" else 5
    write_store(path, arrays, version=version, config=config, info=info, force=force)


def _word_tensors(
    vocabulary: Vocabulary, counts: NDArray[np.int64] | None, vectors: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return what every model file has under its names: words, vectors, and counts if known."""
    arrays: dict[str, NDArray[Any]] = {
        "words": vocabulary.blob,
        "word_offsets": vocabulary.offsets,
        "vectors": vectors,
    }
    return arrays if counts is None else {**arrays, "counts": counts}


def vocabulary_tensors(words: Vocabulary, prefix: str = "") -> dict[str, NDArray[Any]]:
    """Return the arrays of a vocabulary under their names, which begin with a prefix."""
    return {
        f"{prefix}words": words.blob,
        f"{prefix}word_offsets": words.offsets,
        f"{prefix}counts": words.counts,
    }


def phrase_arrays(phrases: Phrases | None) -> dict[str, NDArray[Any]]:
    """Return the tensor of phrases, by its name; none where there are none."""
    return {} if phrases is None else {PHRASES: np.frombuffer(phrases.to_json(), np.uint8)}


def read_phrases(store: Store) -> Phrases:
    """Return the phrases of a store that has some, checked.

    Raises:
        ModelFileError: their tensor is altered, or is none.
    """
    length, *_ = store.shape(PHRASES) or (0,)
    _expect(store, PHRASES, (length,), "U8")
    try:
        return Phrases.from_json(store.array(PHRASES).tobytes())
    except ValueError as error:
        raise store.broken(f"is not a whole model: its {error}") from error


def read_vocabulary(store: Store, prefix: str = "") -> Vocabulary:
    """Return the vocabulary of a store, checked; the names of its tensors begin with a prefix.

    Raises:
        ModelFileError: a tensor is missing or altered, words are not distinct or not UTF-8, a count
            is negative, or all counts together are beyond 64 bits.
    """
    for name, dtype in ((f"{prefix}word_offsets", "I64"), (f"{prefix}words", "U8")):
        if name not in store:
            raise store.broken(f"is not a whole model (no usable tensor '{name}')")
        length, *_ = store.shape(name) or (0,)
        _expect(store, name, (length,), dtype)
    offsets, blob = store.array(f"{prefix}word_offsets"), store.array(f"{prefix}words")
    words = len(offsets) - 1
    # Compared, since the difference of two int64 may overflow.
    rising = words > 0 and bool(np.all(offsets[:-1] < offsets[1:]))
    if not rising or offsets[0] != 0 or offsets[-1] != len(blob):
        raise store.broken(
            "is not a whole model: the offsets of its words do not rise from 0 to their end"
        )
    # No word begins within a character.
    if not _is_utf8(blob) or np.any((blob[offsets[:-1]] & 0xC0) == 0x80):
        raise store.broken("is not a whole model: its words are not UTF-8")
    counts = np.zeros(words, np.int64)
    if (name := f"{prefix}counts") in store:
        _expect(store, name, (words,), "I64")
        counts = store.array(name)
        if np.any(counts < 0):
            raise store.broken("is not a whole model: a count is negative")
        if counts.sum(dtype=np.float64) >= 2.0**63:
            raise store.broken("is not a whole model: its counts add up to more than 2^63 - 1")
    found = Vocabulary(blob, offsets, counts)
    if (word := found.repeated()) is not None:
        raise store.broken(f"is not a whole model: the word {word!r} is there twice")
    return found


def _is_utf8(blob: NDArray[np.uint8]) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(blob), _BYTES_AT_ONCE):
            decoder.decode(blob[start : start + _BYTES_AT_ONCE].data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _checked(store: Store, structure: T) -> T:
    try:
        structure.check()
    except ValueError as error:
        raise store.broken(f"is not a whole model: {error}") from error
    return structure


def _finite(store: Store, tensor: str) -> NDArray[np.float32]:
    """Return an array of numbers: none is NaN or infinite."""
    array = store.array(tensor)
    if not all_finite(array):
        raise store.broken(f"is not a whole model: '{tensor}' holds what is no number")
    return array


def _expect_vectors(store: Store, shape: tuple[int, int]) -> None:
    """Make sure that the table of vectors is one, of any type that they may have."""
    dtype = store.dtype("vectors")
    _expect(store, "vectors", shape, dtype if dtype in ("F16", "I8") else "F32")
    if dtype == "I8":
        if SCALES not in store:
            raise store.broken(f"is not a whole model: its vectors are I8 without '{SCALES}'")
        _expect(store, SCALES, shape[:1], "F32")


def _vectors(store: Store) -> NDArray[np.float32]:
    if store.dtype("vectors") == "I8":
        return from_int8(store.array("vectors"), _finite(store, SCALES))
    return np.asarray(_finite(store, "vectors"), np.float32)


def _batch_norm(store: Store) -> NDArray[np.float32]:
    batch_norm = _finite(store, "batch_norm")
    if not np.all(batch_norm[3] >= 0):
        raise store.broken("is not a whole model: 'batch_norm' has a variance that is none")
    return batch_norm


def _subwords(store: Store, dim: int) -> SubwordVectors:
    """Return the vectors of n-grams; their settings are read now, all else when first used."""
    count, *_ = store.shape("ngrams") or (0,)
    _expect(store, "ngrams", (count, dim), "F32")
    for name, length, dtype in (("ngram_buckets", count, "I32"), ("ngram_settings", 4, "I64")):
        if name not in store:
            raise store.broken(f"is not a whole model: it has 'ngrams' without '{name}'")
        _expect(store, name, (length,), dtype)
    shortest, longest, total, whole_words = store.array("ngram_settings").tolist()
    if not (1 <= shortest <= longest <= LONGEST and 1 <= total < 1 << 31 and whole_words >= 0):
        raise store.broken("is not a whole model: 'ngram_settings' are none")

    def buckets() -> NDArray[np.int32]:
        found: NDArray[np.int32] = store.array("ngram_buckets")
        within = not len(found) or (found[0] >= 0 and found[-1] < total)
        if not (within and (found[:-1] < found[1:]).all()):
            raise store.broken("is not a whole model: its 'ngram_buckets' do not rise")
        return found

    settings = Subwords(shortest, longest, total)
    return SubwordVectors(
        settings, buckets, lambda: _finite(store, "ngrams"), whole_words=whole_words
    )


def _expect(store: Store, tensor: str, shape: tuple[int, ...], dtype: str) -> None:
    found = (store.dtype(tensor), store.shape(tensor))
    if found != (dtype, shape):
        raise store.broken(
            f"is not a whole model: its tensor '{tensor}' is {found[0]} {list(found[1])} "
            f"and should be {dtype} {list(shape)}"
        )
