"""Which arrays of a file make a model, and what must hold between them (docs/file-format.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.model.store import Store, open_store, write_store
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

Layer = TypeVar("Layer", Tree, Classes)


@dataclass(frozen=True)
class Contents:
    """What a model file holds; the large arrays are read and checked when called for."""

    vocabulary: Vocabulary
    vectors: Callable[[], NDArray[np.float32]]
    output: Callable[[], NDArray[np.float32]] | None
    tree: Callable[[], Tree] | None
    classes: Callable[[], Classes] | None
    batch_norm: Callable[[], NDArray[np.float32]] | None
    config: dict[str, Any]
    info: dict[str, Any]


def read_contents(source: str) -> Contents:
    """Open a model file; words and counts are checked now, all else when first used.

    Raises:
        MissingInputError, ModelFileError
    """
    store = open_store(source)
    vocabulary = _vocabulary(store)
    words = len(vocabulary)
    if "vectors" not in store or len(shape := store.shape("vectors")) != 2 or not shape[1]:
        raise store.broken("is not a whole model: it has no table of vectors")
    dim = shape[1]
    _expect(store, "vectors", (words, dim), "F32")
    tree, classes, output = _output_layer(store, words, dim)
    if "batch_norm" in store:
        _expect(store, "batch_norm", (4, dim), "F32")
    return Contents(
        vocabulary,
        lambda: store.array("vectors"),
        (lambda: store.array(output)) if output in store else None,
        tree,
        classes,
        (lambda: _batch_norm(store)) if "batch_norm" in store else None,
        store.metadata["config"],
        store.metadata["info"],
    )


def _output_layer(
    store: Store, words: int, dim: int
) -> tuple[Callable[[], Tree] | None, Callable[[], Classes] | None, str]:
    """Return the tree or the classes, if there are any, and the name of the output vectors."""
    has_tree, has_classes = "tree" in store, "classes" in store
    if has_tree and has_classes:
        raise store.broken("is not a whole model: it has a tree and classes")
    output, wrong = ("nodes", "outputs") if has_tree else ("outputs", "nodes")
    if wrong in store:
        relation = "with" if has_tree else "without"
        raise store.broken(f"is not a whole model: it has '{wrong}' {relation} a tree")
    count = 0
    if has_classes:
        if output not in store:
            raise store.broken("is not a whole model: it has classes without 'outputs'")
        rows, *_ = store.shape(output) or (0,)
        count = max(1, rows - words)
        _expect(store, "classes", (words,), "I32")
    if output in store:
        _expect(store, output, (words + count - has_tree, dim), "F32")
    if has_tree:
        _expect(store, "tree", (words - 1, 2), "I32")
    return (
        (lambda: _checked(store, Tree(store.array("tree")))) if has_tree else None,
        (lambda: _checked(store, Classes(store.array("classes"), count))) if has_classes else None,
        output,
    )


def write_contents(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary,
    counts: NDArray[np.int64] | None,
    vectors: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    tree: Tree | None,
    *,
    classes: Classes | None,
    batch_norm: NDArray[np.float32] | None,
    config: Mapping[str, Any],
    info: Mapping[str, Any],
    force: bool = False,
) -> None:
    """Write a model file; it appears whole or not at all.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    arrays: dict[str, NDArray[Any]] = {
        "words": vocabulary.blob,
        "word_offsets": vocabulary.offsets,
        "vectors": vectors,
    }
    if counts is not None:
        arrays["counts"] = counts
    if output is not None:
        arrays["outputs" if tree is None else "nodes"] = output
    if tree is not None:
        arrays["tree"] = tree.children
    if classes is not None:
        arrays["classes"] = classes.of
    if batch_norm is not None:
        arrays["batch_norm"] = batch_norm
    # A reader that knows neither would take the one for a damaged file, and answer without the
    # other.
    version = 1 if classes is None and batch_norm is None else 2
    write_store(path, arrays, version=version, config=config, info=info, force=force)


def _vocabulary(store: Store) -> Vocabulary:
    offsets, blob = store.array("word_offsets"), store.array("words")
    words = len(offsets) - 1
    _expect(store, "word_offsets", (words + 1,), "I64")
    _expect(store, "words", (len(blob),), "U8")
    if words < 1 or offsets[0] != 0 or offsets[-1] != len(blob) or np.any(np.diff(offsets) < 1):
        raise store.broken(
            "is not a whole model: the offsets of its words do not rise from 0 to their end"
        )
    try:
        blob.tobytes().decode()
    except UnicodeDecodeError as error:
        raise store.broken("is not a whole model: its words are not UTF-8") from error
    if np.any((blob[offsets[:-1]] & 0xC0) == 0x80):
        raise store.broken("is not a whole model: its words are not UTF-8")
    if "counts" in store:
        _expect(store, "counts", (words,), "I64")
        counts = store.array("counts")
    else:
        counts = np.zeros(words, np.int64)
    return Vocabulary(blob, offsets, counts)


def _checked(store: Store, layer: Layer) -> Layer:
    try:
        layer.check()
    except ValueError as error:
        raise store.broken(f"is not a whole model: {error}") from error
    return layer


def _batch_norm(store: Store) -> NDArray[np.float32]:
    batch_norm = store.array("batch_norm")
    if not np.all(batch_norm[3] >= 0):
        raise store.broken("is not a whole model: 'batch_norm' has a variance that is none")
    return batch_norm


def _expect(store: Store, tensor: str, shape: tuple[int, ...], dtype: str) -> None:
    found = (store.dtype(tensor), store.shape(tensor))
    if found != (dtype, shape):
        raise store.broken(
            f"is not a whole model: its tensor '{tensor}' is {found[0]} {list(found[1])} "
            f"and should be {dtype} {list(shape)}"
        )
