"""A map of words: where each is, its neighbours, and its branches of the tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class WordMap:
    """The most frequent words of a model in the plane; arrays are of the n words of the map."""

    words: Sequence[str]
    """The words, the most frequent first."""
    counts: NDArray[np.int64] | None
    """How often each occurs, (n,) int64; None where the model does not tell."""
    positions: NDArray[np.float32]
    """Where each is, (n, 2) float32: x and y, without a unit."""
    neighbours: NDArray[np.int64]
    """The k words of the map nearest to each by cosine, (n, k) int64, best first."""
    similarities: NDArray[np.float32]
    """Their cosines, (n, k) float32."""
    branches: NDArray[np.int32]
    """The branch of each at every level of the tree that was cut, (n, L) int32."""
    branch_names: Sequence[Sequence[str]]
    """For every level the name of each branch: words that stand for it."""
    branch_places: Sequence[NDArray[np.float32]]
    """For every level where the name of each branch belongs, (B, 2) float32."""
    name: str = ""
    """What it is a map of."""
    seconds: float = 0.0
    """How long it took."""

    def __len__(self) -> int:
        """Return the number of words n."""
        return len(self.words)

    def __repr__(self) -> str:
        levels = ", ".join(str(len(names)) for names in self.branch_names) or "no"
        return f"<hsw2v.WordMap: {len(self):,} words, {levels} branches>"

    def save(self, *paths: Path, force: bool = False) -> list[str]:
        """Write the map to files, each as its extension says, and return the files written.

        A page for browsers (.html), a figure (.png, .svg), a table (.csv, .jsonl, .parquet), or
        positions and words for the projector of TensorBoard (.tsv, with .metadata.tsv beside it).

        Raises:
            UsageError: an unknown extension, a library that writes it is not installed, or a word
                with a tab or an end of line in it, for which .tsv has no escape.
            OutputExistsError: a file exists already, and `force` is not given.
            OutputError, DiskFullError: a file cannot be written.
        """
        from hsw2v.maps.output import check_outputs, check_words, write_map

        check_outputs(paths, force=force)
        check_words(self.words, paths)
        return [file for path in paths for file in write_map(self, os.fspath(path), force=force)]
