"""The figure of a comparison."""

from __future__ import annotations

from hsw2v.corpus.sources import Path
from hsw2v.experiments.comparison import LOSS, SECONDS, Comparison, cost_of, parts_of, quality_of
from hsw2v.experiments.panels import Panel, draw_comparison


def draw(comparison: Comparison, path: Path) -> None:
    """Write the figure of a comparison: time, held-out loss, and a panel for each test set.

    Raises:
        UsageError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    cost = comparison.spreads(cost_of)
    parts = comparison.spreads(parts_of)
    panels = [
        Panel(title, {"": cost[name]}, from_zero=name == SECONDS)
        for name, title in ((SECONDS, "seconds of training"), (LOSS, "held-out loss, nats"))
        if name in cost
    ]
    for name, row in comparison.spreads(quality_of).items():
        of_it = {part.removeprefix(f"{name} "): one for part, one in parts.items()}
        panels.append(Panel(name, {"all": row, **{p: of_it[p] for p in _PARTS if p in of_it}}))
    if panels:
        draw_comparison(path, comparison.names, panels, force=True)


_PARTS = ("rare", "frequent", "semantic", "syntactic")
