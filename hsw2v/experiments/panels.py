"""A comparison as a figure: a panel for each measure, a row for each setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsw2v.experiments.comparison import (
    LOSS,
    SECONDS,
    Comparison,
    Spread,
    cost_of,
    parts_of,
    quality_of,
)
from hsw2v.plots import COLOURS, PANEL, Path, figure_file

COLUMNS = 3
_MARKERS = "osD"
_ROW = 0.26
"""Height of a setting, in inches."""
_PARTS = ("rare", "frequent", "semantic", "syntactic")


@dataclass(frozen=True)
class Panel:
    """One measure, of every setting."""

    title: str
    series: Mapping[str, Sequence[Spread | None]]
    """By label, for each setting; None where it was not measured."""
    from_zero: bool = False


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
        of_parts = {part: parts[f"{name} {part}"] for part in _PARTS if f"{name} {part}" in parts}
        panels.append(Panel(name, {"all": row, **of_parts}))
    if panels:
        draw_comparison(path, comparison.names, panels, force=True)


def draw_comparison(
    path: Path, settings: Sequence[str], panels: Sequence[Panel], *, force: bool = False
) -> None:
    """Write a figure of settings side by side, as PNG or SVG by the extension.

    A marker is a mean, the bar through it the range, and the dotted line the first setting.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    with figure_file(path, rows=rows, columns=columns, force=force) as (figure, axes):
        most = max(len(panel.series) for panel in panels)
        height = max(PANEL[1], 0.8 + _ROW * len(settings) * math.sqrt(most))
        figure.set_size_inches(columns * PANEL[0], rows * height)
        for axis in axes.flat[len(panels) :]:
            axis.set_axis_off()
        for number, (axis, panel) in enumerate(zip(axes.flat, panels, strict=False)):
            _draw(axis, settings, panel, names=number % columns == 0)


def _draw(axis: Any, settings: Sequence[str], panel: Panel, *, names: bool) -> None:
    axis.set_title(panel.title)
    for number, (label, ranges) in enumerate(panel.series.items()):
        # Markers of one setting stand a little apart.
        shift = (number - (len(panel.series) - 1) / 2) * 0.22
        known = [(row + shift, *one) for row, one in enumerate(ranges) if one is not None]
        axis.errorbar(
            [mean for _, mean, _, _ in known],
            [row for row, _, _, _ in known],
            xerr=[
                [mean - least for _, mean, least, _ in known],
                [most - mean for _, mean, _, most in known],
            ],
            color=COLOURS[number % len(COLOURS)],
            marker=_MARKERS[number % len(_MARKERS)],
            linestyle="none",
            label=label,
        )
        if number == 0 and ranges[0] is not None:
            axis.axvline(ranges[0][0], color=COLOURS[-1], linestyle=":", marker="", linewidth=0.9)
    axis.set_yticks(range(len(settings)), settings if names else [""] * len(settings))
    axis.set_ylim(len(settings) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    if panel.from_zero:
        axis.set_xlim(left=0.0)
    if len(panel.series) > 1:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=len(panel.series))
