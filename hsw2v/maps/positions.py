"""Positions of words in the plane by t-SNE: the only door to openTSNE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hsw2v.errors import missing_extra

Floats = NDArray[np.float32]
Indexes = NDArray[np.int64]

NEIGHBOURS = 15
"""Of each word, whose similarity the positions keep."""
EARLY, LATE = 100, 300
"""Iterations with attraction that is exaggerated, and without."""
EXAGGERATION = 12.0
_SPREAD = 1e-4
"""The standard deviation of the first positions, as openTSNE advises."""
_FEW = 2_000
"""Words for whom repulsion is by Barnes-Hut, which is faster than interpolation."""
_TICK = 10


def check_installed() -> None:
    """Make sure that openTSNE is there.

    Raises:
        UsageError: it is not.
    """
    try:
        import openTSNE  # noqa: F401
    except ImportError as error:
        raise missing_extra("maps need openTSNE", "map", error) from error


def positions(
    unit: Floats,
    neighbours: Indexes,
    seed: int,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Floats:
    """Return positions `(n, 2) float32` in which near words stay near, by t-SNE.

    `unit (n, D)` are vectors of length 1, `neighbours (n, k)` the rows nearest to each, all of
    the same weight (van der Maaten & Hinton 2008; the gradient by interpolation is that of
    Linderman et al. 2019). The first positions are the two leading principal components. The same
    arguments give the same positions. `tick` is called with the iterations done, and their total.
    """
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import Uniform
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    # One thread: several wait for each other several times in each iteration.
    index = PrecomputedNeighbors(neighbours, np.ones(neighbours.shape))
    affinities = Uniform(
        knn_index=index, k_neighbors=neighbours.shape[1], symmetrize="mean", n_jobs=1
    )
    embedding = TSNEEmbedding(
        first_positions(unit, seed),
        affinities,
        negative_gradient_method="bh" if len(unit) <= _FEW else "fft",
        n_jobs=1,
        random_state=seed,
    )
    done = 0

    def told(iteration: int, error: float, now: object) -> None:
        tick(done + iteration, EARLY + LATE)

    every = {"callbacks": [told], "callbacks_every_iters": _TICK}
    embedding.optimize(EARLY, exaggeration=EXAGGERATION, momentum=0.5, inplace=True, **every)
    done = EARLY
    embedding.optimize(LATE, momentum=0.8, inplace=True, **every)
    tick(EARLY + LATE, EARLY + LATE)
    return np.asarray(embedding, np.float32)


def first_positions(unit: Floats, seed: int) -> NDArray[np.float64]:
    """Return the two leading principal components `(n, 2)`, small, and no two of them alike."""
    centred = unit - unit.mean(axis=0)
    if centred.shape[1] < 2:
        centred = np.pad(centred, ((0, 0), (0, 1)))
    _, directions = np.linalg.eigh((centred.T @ centred).astype(np.float64))
    leading = directions[:, ::-1][:, :2]
    # Of one sign, whatever the library of linear algebra returns.
    leading = leading * np.where(leading[np.abs(leading).argmax(axis=0), [0, 1]] < 0, -1.0, 1.0)
    found = centred @ leading
    deviation = found[:, 0].std()
    if deviation > 0:
        found *= _SPREAD / deviation
    noise = np.random.default_rng(seed).normal(size=found.shape)
    found += 0.01 * _SPREAD * noise
    return np.asarray(found, np.float64)
