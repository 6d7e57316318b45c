"""Several trees over the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hsw2v.trees.tree import Paths, Tree


@dataclass(frozen=True)
class Forest:
    """N trees over the same V words, N at least 2."""

    trees: tuple[Tree, ...]

    def __len__(self) -> int:
        """Return the number of words V."""
        return len(self.trees[0])

    def check(self) -> None:
        """Check each tree.

        Raises:
            ValueError: see `Tree.check`.
        """
        for tree in self.trees:
            tree.check()


def forest_of(trees: Sequence[Tree]) -> Tree | Forest:
    """Return trees over the same words as a forest; a single one as it is."""
    return trees[0] if len(trees) == 1 else Forest(tuple(trees))


def joined_paths(trees: Sequence[Tree]) -> Paths:
    """Return the paths of all words in one tree, then in the next.

    That of word w in tree k has the number k V + w. Nodes are numbered within their tree.
    """
    paths = [tree.paths() for tree in trees]
    if len(paths) == 1:
        return paths[0]
    return Paths(
        np.append(0, np.cumsum(np.concatenate([one.lengths for one in paths]))),
        np.concatenate([one.nodes for one in paths]),
        np.concatenate([one.codes for one in paths]),
    )
