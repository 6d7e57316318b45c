"""A comparison as a drawing: a panel for each measure, a row for each setting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsw2v.plots import COLOURS, PANEL, Path, figure_file

COLUMNS = 3
_MARKERS = "osD"
_ROW = 0.26
"""Inches of a setting, downwards."""

Spread = tuple[float, float, float]
"""Mean, least and most."""


@dataclass(frozen=True)
class Panel:
    """One measure, of every setting."""

    title: str
    series: Mapping[str, Sequence[Spread | None]]
    """By label, for each setting; None where it was not measured."""
    from_zero: bool = False


def draw_comparison(
    path: Path, settings: Sequence[str], panels: Sequence[Panel], *, force: bool = False
) -> None:
    """Write a drawing of settings side by side, as PNG or SVG by the extension.

    A mark is a mean, the line through it goes from the least to the most, and the dotted line is
    at the first setting.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    columns = min(COLUMNS, len(panels))
    rows = math.ceil(len(panels) / columns)
    with figure_file(path, rows=rows, columns=columns, force=force) as (figure, axes):
        most = max(len(panel.series) for panel in panels)
        height = max(PANEL[1], 0.8 + _ROW * len(settings) * math.sqrt(most))
        figure.set_size_inches(columns * PANEL[0], rows * height)
        for number, axis in enumerate(axes.flat):
            if number < len(panels):
                _draw(axis, settings, panels[number], names=number % columns == 0)
            else:
                axis.set_axis_off()


def _draw(axis: Any, settings: Sequence[str], panel: Panel, *, names: bool) -> None:
    axis.set_title(panel.title)
    for number, (label, spreads) in enumerate(panel.series.items()):
        # Marks of one setting stand a little apart.
        shift = (number - (len(panel.series) - 1) / 2) * 0.22
        known = [(place + shift, one) for place, one in enumerate(spreads) if one is not None]
        means = [mean for _, (mean, _, _) in known]
        axis.errorbar(
            means,
            [place for place, _ in known],
            xerr=[
                [mean - least for _, (mean, least, _) in known],
                [most - mean for _, (mean, _, most) in known],
            ],
            color=COLOURS[number % len(COLOURS)],
            marker=_MARKERS[number % len(_MARKERS)],
            linestyle="none",
            label=label,
        )
        if number == 0 and spreads[0] is not None:
            axis.axvline(spreads[0][0], color=COLOURS[-1], linestyle=":", marker="", linewidth=0.9)
    axis.set_yticks(range(len(settings)), settings if names else [""] * len(settings))
    axis.set_ylim(len(settings) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)
    if panel.from_zero:
        axis.set_xlim(left=0.0)
    if len(panel.series) > 1:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=len(panel.series))
