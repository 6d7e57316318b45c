"""Which arrays of a file make a model, and what must hold between them (docs/file-format.md)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.model.store import Store, open_store, write_store
from hsw2v.trees.tree import Tree


@dataclass(frozen=True)
class Contents:
    """What a model file holds; the large arrays are read and checked when called for."""

    vocabulary: Vocabulary
    vectors: Callable[[], NDArray[np.float32]]
    output: Callable[[], NDArray[np.float32]] | None
    tree: Callable[[], Tree] | None
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
    has_tree = "tree" in store
    output, wrong = ("nodes", "outputs") if has_tree else ("outputs", "nodes")
    if wrong in store:
        relation = "with" if has_tree else "without"
        raise store.broken(f"is not a whole model: it has '{wrong}' {relation} a tree")
    if output in store:
        _expect(store, output, (words - has_tree, dim), "F32")
    if has_tree:
        _expect(store, "tree", (words - 1, 2), "I32")
    return Contents(
        vocabulary,
        lambda: store.array("vectors"),
        (lambda: store.array(output)) if output in store else None,
        (lambda: _tree(store)) if has_tree else None,
        store.metadata["config"],
        store.metadata["info"],
    )


def write_contents(
    path: str | os.PathLike[str],
    vocabulary: Vocabulary,
    counts: NDArray[np.int64] | None,
    vectors: NDArray[np.float32],
    output: NDArray[np.float32] | None,
    tree: Tree | None,
    *,
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
    write_store(path, arrays, config=config, info=info, force=force)


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


def _tree(store: Store) -> Tree:
    tree = Tree(store.array("tree"))
    try:
        tree.check()
    except ValueError as error:
        raise store.broken(f"is not a whole model: {error}") from error
    return tree


def _expect(store: Store, tensor: str, shape: tuple[int, ...], dtype: str) -> None:
    found = (store.dtype(tensor), store.shape(tensor))
    if found != (dtype, shape):
        raise store.broken(
            f"is not a whole model: its tensor '{tensor}' is {found[0]} {list(found[1])} "
            f"and should be {dtype} {list(shape)}"
        )
