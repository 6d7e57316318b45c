"""Making a map of words from their vectors and their tree."""

from __future__ import annotations

import time
from collections.abc import Sequence
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.events import Listener, MapProgress, Pace, ignore
from hsw2v.maps.names import name_places, name_words
from hsw2v.maps.positions import NEIGHBOURS, check_installed, positions
from hsw2v.maps.wordmap import WordMap
from hsw2v.query.neighbours import Floats, UnitRows, nearest, unit_rows
from hsw2v.trees.branches import cut
from hsw2v.trees.tree import Tree

WORDS = 20_000
SHOWN = 10
BRANCHES = (8, 32, 128)
LEAST = 3
"""Words of a map."""


def make_map(
    vocabulary: Vocabulary,
    vectors: Floats,
    tree: Tree | None,
    *,
    top: int = WORDS,
    k: int = SHOWN,
    branches: Sequence[int] = BRANCHES,
    seed: int = 1,
    name: str = "",
    listener: Listener = ignore,
) -> WordMap:
    """Make a map of the first words of a vocabulary; `Model.map` has the arguments.

    Without a tree one is built of the vectors, by `trees/semantic.py`.
    """
    pace = Pace()
    check_map(len(vocabulary), top, k, branches, seed)
    begun = time.perf_counter()
    count = min(top, len(vocabulary))
    unit = unit_rows(vectors[:count])
    weights = np.maximum(vocabulary.counts[:count], 1).astype(np.float64)
    listener(MapProgress(0, 1, 0.0))
    near, cosines = neighbours_of(unit, max(k, NEIGHBOURS))

    def tick(done: int, total: int) -> None:
        if pace.due():
            listener(MapProgress(done, total, pace.seconds))

    found = positions(unit, near[:, :NEIGHBOURS], seed, tick)
    levels = branches_of(tree or tree_of(unit, weights), count, branches)
    spelled = vocabulary.spelled(range(count))
    names = [
        [" ".join(spelled[one] for one in rows) for rows in name_words(unit, weights, level)]
        for level in levels.T
    ]
    return WordMap(
        spelled,
        vocabulary.counts[:count] if vocabulary.counts.any() else None,
        found,
        near[:, :k],
        cosines[:, :k],
        levels,
        names,
        [name_places(found, level) for level in levels.T],
        name,
        time.perf_counter() - begun,
    )


def check_map(vocabulary: int, top: int, k: int, branches: Sequence[int], seed: int) -> None:
    """Make sure, before any work, that a map can be made.

    Raises:
        UsageError: fewer than three words, a number that is out of its bounds, or openTSNE is not
            installed.
    """
    for name, value in (("top", top), ("k", k), ("seed", seed)):
        if not isinstance(value, Integral):
            raise UsageError(f"{name} is {value!r}", hint="it must be a whole number")
    if min(top, vocabulary) < LEAST:
        few = f"top is {top}" if top < LEAST else f"too few words ({vocabulary})"
        raise UsageError(few, hint=f"a map takes at least {LEAST}")
    if k < 1:
        raise UsageError(f"k is {k!r}", hint="it must be at least 1")
    if not _rises(branches):
        raise UsageError(
            f"branches are {str(branches).strip('()[]')}",
            hint="name rising numbers of at least 2, such as 8,32,128",
        )
    if not 0 <= seed < 1 << 32:
        raise UsageError(f"seed is {seed!r}", hint="it must be from 0 to 4294967295")
    check_installed()


def _rises(branches: object) -> bool:
    """Tell whether these are rising whole numbers of at least 2; there may be none."""
    if not isinstance(branches, Sequence | np.ndarray) or isinstance(branches, str):
        return False
    levels = list(branches)
    whole = all(isinstance(one, Integral) and int(one) >= 2 for one in levels)
    return whole and levels == sorted(set(levels))


def neighbours_of(unit: Floats, k: int) -> tuple[NDArray[np.int64], Floats]:
    """Return the k rows nearest to each, itself left out, with their cosines, best first."""
    own = np.arange(len(unit))[:, None]
    return nearest(UnitRows(unit), unit, k, own)


def tree_of(unit: Floats, weights: NDArray[np.float64]) -> Tree:
    """Build a semantic tree of vectors, for models without a tree that is made of meaning."""
    from hsw2v.arrays import blas_thread_count
    from hsw2v.trees.semantic import semantic

    return semantic(unit, weights, blas_thread_count())


def branches_of(tree: Tree, count: int, branches: Sequence[int]) -> NDArray[np.int32]:
    """Return the branch of each of the first words at every level, (n, L) int32.

    A level that has no more branches than the one before is left out.
    """
    shown = np.zeros(len(tree))
    shown[:count] = 1.0
    levels = [one[:count] for one in cut(tree, shown, branches)]
    sizes = [0, *(int(one.max()) + 1 for one in levels)]
    kept = [
        one for one, before, size in zip(levels, sizes, sizes[1:], strict=False) if size > before
    ]
    return np.stack(kept, axis=1) if kept else np.empty((count, 0), np.int32)
