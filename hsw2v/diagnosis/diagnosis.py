"""Errors and gradients, by depth of a decision and by frequency of the target."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TREE_LOSSES
from hsw2v.diagnosis.windows import Windows
from hsw2v.markup import table
from hsw2v.network.decisions import Decisions
from hsw2v.network.outputs import OutputLayer
from hsw2v.query.neighbours import slices
from hsw2v.query.normalisation import normalised
from hsw2v.query.probabilities import Floats
from hsw2v.records import records

SATURATED = 6.0
"""Log-odds beyond which word2vec's hierarchical softmax skips the update."""
CERTAIN = 0.01
"""A decision is certain if one outcome has a probability above 1 less this."""
DECILES = 10
_SHOWN = ("visits", "error", "loss", "output_gradient", "hidden_part", "output_norm", "saturated")
"""Figures that a notebook shows."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Means over some decisions of the sample; None where there are none."""

    decisions: int
    """Number of decisions in the sample."""
    error: float | None
    """|y - p|, p the probability of the right outcome."""
    loss: float | None
    """-log p, in nats."""
    output_gradient: float | None
    """Norm of the gradient that reaches the output row, a node of the tree: |y - p| ‖h‖."""
    hidden_part: float | None
    """Norm of what one decision adds to the gradient of the hidden vector."""
    output_norm: float | None
    """Norm of the output row."""
    saturated: float | None
    """Share with an outcome of log-odds beyond 6."""
    certain_right: float | None
    """Share whose right outcome has a probability above 0.99."""
    certain_wrong: float | None
    """Share with a wrong outcome of a probability above 0.99."""


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits of output rows, or of words, in an epoch, by the counts of the vocabulary."""

    count: int
    """Number of output rows, or of words."""
    visits: float
    """Mean number of windows that visit one of them."""
    median_visits: float
    under_10: float
    """Share of them that are visited fewer than 10 times."""
    under_100: float


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Means over some predictions of the sample: all decisions of each taken together."""

    predictions: int
    prediction_loss: float | None
    """Negative log-likelihood in nats; for negative sampling, of its own objective."""
    hidden_gradient: float | None
    """Norm of the gradient that reaches the hidden vector."""


@dataclass(frozen=True, kw_only=True)
class Depth(Visits, Figures):
    """Decisions at one depth, and the output rows there."""

    depth: int
    """0 at the root."""


@dataclass(frozen=True, kw_only=True)
class Decile(Visits, Predictions, Figures):
    """Predictions whose target is in one decile of the vocabulary; its words as targets."""

    decile: int
    """1 for the most frequent words … 10."""
    most: int
    """Count of its most frequent word in the corpus of the model."""
    least: int
    """Count of its least frequent word."""


@dataclass(frozen=True, kw_only=True)
class Totals(Visits, Predictions, Figures):
    """All decisions and predictions of the sample, and all output rows."""

    windows: int


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Errors and gradients at a sample of windows, and visits in an epoch."""

    output: str
    """The output layer, as the setting `loss` names it."""
    by_depth: tuple[Depth, ...]
    by_decile: tuple[Decile, ...]
    totals: Totals

    @property
    def of_tree(self) -> bool:
        """Whether rows are nodes of a tree."""
        return self.output in TREE_LOSSES

    def __repr__(self) -> str:
        depths = f"{len(self.by_depth)} depths, {len(self.by_decile)} deciles"
        return f"<hsw2v.Diagnosis of {self.output}: {self.totals.windows:,} windows, {depths}>"

    def _repr_html_(self) -> str:
        caption = repr(self).strip("<>")
        figures = attrgetter(*_SHOWN)
        depths = [(one.depth, one.decisions, *figures(one)) for one in self.by_depth]
        deciles = [(one.decile, one.predictions, *figures(one)) for one in self.by_decile]
        by_decile = table(("decile", "predictions", *_SHOWN), deciles)
        return table(("depth", "decisions", *_SHOWN), depths, caption) + by_decile

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain dicts, lists, numbers and strings."""
        found = dataclasses.asdict(self)
        return {name: list(one) if isinstance(one, tuple) else one for name, one in found.items()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Diagnosis:
        """Return what `to_dict` made a dict of.

        Raises:
            KeyError, TypeError: a field is missing, unknown, or of another type.
        """
        if not isinstance(found["output"], str):
            raise TypeError("output is not a string")
        (totals,) = records(Totals, [found["totals"]])
        by_depth, by_decile = records(Depth, found["by_depth"]), records(Decile, found["by_decile"])
        return cls(found["output"], by_depth, by_decile, totals)


def mean_over(rows: Sequence[Figures | Visits | Predictions], name: str) -> float | None:
    """Return the mean of a figure over some rows together.

    It is weighted by the number of decisions, predictions, or rows visited, whichever the figure is
    a mean of; None where that is 0, or where the figure of a row is None.
    """
    kind = next(one for one in (Figures, Visits, Predictions) if name in one.__annotations__)
    weight = dataclasses.fields(kind)[0].name
    pairs = [(getattr(row, name), getattr(row, weight)) for row in rows if getattr(row, weight)]
    if not pairs or any(mean is None for mean, _ in pairs):
        return None
    mean: float = sum(mean * count for mean, count in pairs) / sum(count for _, count in pairs)
    return mean


class Diagnoser:
    """Sums up errors and gradients at windows, some at a time."""

    def __init__(
        self,
        output: OutputLayer,
        outputs: Floats,
        vectors: Floats,
        counts: NDArray[np.int64],
        kept: NDArray[np.float64],
        *,
        cbow: bool,
        batch_norm: Floats | None = None,
        seed: int = 1,
    ) -> None:
        """Diagnose an output layer with vectors `outputs (R, D)` on word vectors (V, D).

        `counts (V,)` are those of the vocabulary in falling order, `kept (V,)` the number of
        windows of an epoch that have each word as target. `batch_norm (4, D)` normalises hidden
        vectors; gradients are then those of the normalised ones. `seed` is that of noise words.
        """
        self._output, self._outputs, self._vectors = output, outputs, vectors
        self._counts, self._kept, self._rng = counts, kept, np.random.default_rng(seed)
        self._cbow, self._batch_norm = cbow, batch_norm
        self._rows = output.visits(kept)
        self._decile = np.arange(len(counts)) * DECILES // len(counts)
        self._by_depth = _Sums(int(self._rows.depths.max(initial=0)) + 1, Figures)
        self._by_decile = _Sums(DECILES, Figures)
        self._predictions = _Sums(DECILES, Predictions)
        self.windows = 0
        """How many were added."""

    def add(self, windows: Windows) -> None:
        """Add the figures of some windows."""
        count = len(windows.targets)
        self.windows += count
        predictions = count if self._cbow else len(windows.contexts)
        at_once = self._output.at_once(self._outputs.shape[1]) * count // max(1, predictions)
        begins = np.append(0, np.cumsum(windows.counts))
        for some in slices(count, max(1, at_once)):
            contexts = windows.contexts[begins[some.start] : begins[some.stop]]
            self._add(Windows(windows.targets[some], contexts, windows.counts[some]))

    def _add(self, windows: Windows) -> None:
        hidden = self._vectors[windows.contexts]
        targets = windows.targets.repeat(windows.counts)
        if self._cbow:
            sums = np.add.reduceat(hidden, np.cumsum(windows.counts) - windows.counts)
            hidden = sums / windows.counts[:, None].astype(sums.dtype)
            targets = windows.targets
        if self._batch_norm is not None:
            hidden = normalised(hidden, self._batch_norm)
        found = self._output.decide(self._outputs, hidden, targets, self._rng)
        figures = _figures(found)
        decile = self._decile[targets]
        self._by_depth.add(found.depths, figures)
        self._by_decile.add(decile[found.predictions], figures)
        losses = self._output.prediction_losses(found, len(targets))
        self._predictions.add(decile, [losses, found.hidden_gradients])

    def result(self) -> Diagnosis:
        """Return the diagnosis of the windows added."""
        return Diagnosis(
            self._output.name,
            tuple(self._of_depth(depth) for depth in range(len(self._by_depth.counts))),
            tuple(self._of_decile(decile) for decile in np.unique(self._decile).tolist()),
            Totals(
                windows=self.windows,
                **self._by_decile.means(slice(None)),
                **self._predictions.means(slice(None)),
                **_visits(self._rows.visits),
            ),
        )

    def _of_depth(self, depth: int) -> Depth:
        return Depth(
            depth=depth,
            **self._by_depth.means(depth),
            **_visits(self._rows.visits[self._rows.depths == depth]),
        )

    def _of_decile(self, decile: int) -> Decile:
        words = np.nonzero(self._decile == decile)[0]
        return Decile(
            decile=decile + 1,
            most=int(self._counts[words[0]]),
            least=int(self._counts[words[-1]]),
            **self._by_decile.means(decile),
            **self._predictions.means(decile),
            **_visits(self._kept[words]),
        )


class _Sums:
    """Sums by group of the figures of a dataclass, whose first field is their number."""

    def __init__(self, groups: int, kind: type) -> None:
        self._count, *self._names = (one.name for one in dataclasses.fields(kind))
        self.counts = np.zeros(groups, np.int64)
        self._sums = np.zeros((groups, len(self._names)))

    def add(self, groups: NDArray[np.integer], figures: list[NDArray[np.float64]]) -> None:
        """Add the values (K,) of each figure to the groups (K,)."""
        self.counts += np.bincount(groups, minlength=len(self.counts))
        for column, values in enumerate(figures):
            self._sums[:, column] += np.bincount(groups, values, len(self.counts))

    def means(self, which: int | slice) -> dict[str, Any]:
        """Return by name the number and the means of a group, or of several together."""
        count = int(self.counts[which].sum())
        sums = np.atleast_2d(self._sums[which]).sum(axis=0).tolist()
        means = [one / count if count else None for one in sums]
        return {self._count: count, **dict(zip(self._names, means, strict=True))}


def _figures(found: Decisions) -> list[NDArray[np.float64]]:
    """Return the figures of decisions, (K,) each, in the order of the fields of `Figures`."""
    certain = found.certainties > np.log((1.0 - CERTAIN) / CERTAIN)
    return [
        found.errors,
        found.losses,
        found.output_gradients,
        found.hidden_parts,
        found.output_norms,
        (found.certainties > SATURATED).astype(np.float64),
        (certain & (found.odds > 0.0)).astype(np.float64),
        (certain & (found.odds < 0.0)).astype(np.float64),
    ]


def _visits(visits: NDArray[np.float64]) -> dict[str, Any]:
    """Return the fields of `Visits`."""
    if not len(visits):
        return {"count": 0, "visits": 0.0, "median_visits": 0.0, "under_10": 0.0, "under_100": 0.0}
    return {
        "count": len(visits),
        "visits": float(visits.mean()),
        "median_visits": float(np.median(visits)),
        "under_10": float((visits < 10).mean()),
        "under_100": float((visits < 100).mean()),
    }
