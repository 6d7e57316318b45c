"""A map as a figure for print: points by branch, and as many labels as do not overlap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.maps.wordmap import WordMap
from hsw2v.plots import COLOURS, INK, figure_file, fonts_and_letters, halo, resolution

Box = tuple[float, float, float, float]

SIZE = (8.2, 8.2)
"""Inches, across and down."""
DPI = 220
LABELS = 260
"""Words that are written at most."""
TRIED = 4_000
"""Words that are tried, the most frequent."""
LARGEST, SMALLEST = 8.5, 4.5
"""Points of words, from the most frequent to the least."""
BRANCHES = (10.0, 7.0)
"""Points of names of branches, of the two coarsest levels."""
_PALETTE = (*COLOURS, "#5b8ec9", "#a3506b")


def write_plate(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write the figure of a map.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    with (
        resolution(DPI),
        figure_file(path, panel=SIZE, force=force) as (figure, panels),
    ):
        axes = panels[0, 0]
        _draw_points(axes, found)
        _write_labels(figure, axes, found)


def _draw_points(axes: Any, found: WordMap) -> None:
    x, y = found.positions.T
    coarse = found.branches[:, :1] if found.branches.size else np.zeros((len(found), 1), int)
    colours = [_colour(branch) for branch in coarse[:, 0].tolist()]
    sizes = 1.6 + 9 * _prominence(found) ** 2
    axes.scatter(x, y, s=sizes, c=colours, alpha=0.5, linewidths=0, rasterized=True, zorder=1)
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.margins(0.02)


def _colour(branch: int) -> str:
    return _PALETTE[branch % len(_PALETTE)]


def _parents(found: WordMap) -> list[list[int]]:
    """Return for each branch of each level the coarsest one that it is in."""
    return [
        found.branches[np.unique(level, return_index=True)[1], 0].tolist()
        for level in found.branches.T
    ]


def _prominence(found: WordMap) -> NDArray[np.float64]:
    """Return how frequent each word is, (n,) float64: from 1 to 0, by the logarithm."""
    ranks = np.arange(1, len(found) + 1)
    prominence: NDArray[np.float64] = 1.0 - np.log(ranks) / np.log(len(found))
    return prominence


def _write_labels(figure: Any, axes: Any, found: WordMap) -> None:
    """Write names of branches, then words from frequent to rare, each where nothing is yet.

    What would stand out of the figure is left out.
    """
    figure.canvas.draw()
    placed: list[Box] = []
    _, _, right, top = figure.bbox.extents
    written = 0
    fonts, letters = fonts_and_letters()
    for text, place, style in _labels(found):
        if written >= LABELS:
            break
        if not letters.issuperset(map(ord, text)):
            # It would be boxes.
            continue
        label = axes.text(*place, text, ha="center", va="center", family=fonts, **style)
        # The layout is made; it would shrink the points under labels that are placed.
        label.set_in_layout(False)
        box = label.get_window_extent(figure.canvas.get_renderer()).padded(2.0).extents
        inside = box[0] >= 0 and box[1] >= 0 and box[2] <= right and box[3] <= top
        if inside and _free(box, placed):
            placed.append(box)
            written += 1
        else:
            label.remove()


def _labels(found: WordMap) -> Iterator[tuple[str, NDArray[np.float32], dict[str, Any]]]:
    """Yield text, position and style of labels, those first that come first."""
    effects = halo(1.6)
    for names, places, of, size in zip(
        found.branch_names, found.branch_places, _parents(found), BRANCHES, strict=False
    ):
        for name, place, parent in zip(names, places, of, strict=True):
            style = {"fontsize": size, "fontweight": "bold", "color": _colour(parent), "zorder": 3}
            text = " ".join(name.split(" ")[:2])
            yield text, place, {**style, "path_effects": effects, "parse_math": False}
    sizes = SMALLEST + (LARGEST - SMALLEST) * _prominence(found)
    for row, word in enumerate(found.words[:TRIED]):
        style = {"fontsize": sizes[row], "color": INK, "zorder": 2, "path_effects": effects}
        yield word, found.positions[row], {**style, "parse_math": False}


def _free(box: Box, placed: list[Box]) -> bool:
    left, low, right, high = box
    return not any(
        left < other[2] and other[0] < right and low < other[3] and other[1] < high
        for other in placed
    )
