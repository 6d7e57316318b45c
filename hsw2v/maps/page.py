"""A map as one page for browsers, without anything beside it: the only door to bokeh."""

from __future__ import annotations

import base64
import math
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.files import write_text
from hsw2v.maps.wordmap import WordMap
from hsw2v.pages.document import asset, page

MOVED = 5_000
"""Points of a map that is moved, about: as many as a processor draws fluently without help."""


def write_page(found: WordMap, path: str, *, force: bool = False) -> None:
    """Write the page of a map.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    write_text(path, [map_page(found)], force=force)


def map_page(found: WordMap) -> str:
    """Return the page of a map as HTML: BokehJS, the map, and what searches and tells."""
    from bokeh.resources import Resources

    bundle = Resources(mode="inline", components=["bokeh"]).js_raw
    title = f"Map of {found.name}" if found.name else "Map of words"
    return page(
        title,
        asset("map.html").replace("{{title}}", escape(title)),
        styles=[asset("style.css"), asset("map.css")],
        scripts=[*bundle, asset("map.js")],
        data={"map": data_of(found), "figure": figure(len(found.words))},
    )


def figure(words: int) -> Any:
    """Return an empty figure as BokehJS takes it: points, and what is marked and written."""
    from bokeh.core.properties import value
    from bokeh.embed import json_item
    from bokeh.models import ColumnDataSource, PanTool, Range1d, WheelZoomTool
    from bokeh.plotting import figure as bokeh_figure

    plot: Any = bokeh_figure(
        sizing_mode="stretch_both",
        x_range=Range1d(start=-1, end=1),
        y_range=Range1d(start=-1, end=1),
        tools=[PanTool(), WheelZoomTool(zoom_on_axis=False)],
        toolbar_location=None,
        name="plot",
        # While it is moved, not all of many points.
        lod_threshold=MOVED,
        lod_factor=max(1, math.ceil(words / MOVED)),
        lod_timeout=150,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border=0,
    )
    plot.axis.visible = False
    plot.grid.visible = False
    plot.toolbar.active_scroll = plot.tools[1]

    def source(name: str, *columns: str) -> ColumnDataSource:
        return ColumnDataSource({one: [] for one in columns}, name=name)

    points = source("points", "x", "y", "size", "color")
    plot.scatter("x", "y", size="size", color="color", alpha=0.75, line_color=None, source=points)
    lines = source("lines", "x0", "y0", "x1", "y1", "color")
    plot.segment("x0", "y0", "x1", "y1", color="color", alpha=0.6, source=lines)
    marks = source("marks", "x", "y", "size", "color")
    plot.scatter(
        "x", "y", size="size", line_color="color", fill_color=None, line_width=2, source=marks
    )
    labels = source("labels", "x", "y", "text", "font", "weight", "color", "halo", "up")
    look: dict[str, Any] = {
        **{"text_font_size": "font", "text_font_style": "weight", "text_align": "center"},
        **{
            "text_font": value("system-ui, sans-serif"),
            "text_baseline": "bottom",
            "y_offset": "up",
        },
    }
    halo: dict[str, Any] = {
        "text_outline_color": "halo",
        "text_outline_width": 3,
        "text_color": "halo",
    }
    for colours in (halo, {"text_color": "color"}):
        plot.text("x", "y", "text", **look, **colours, source=labels)
    item: Any = json_item(plot)
    return item


def data_of(found: WordMap) -> dict[str, Any]:
    """Return a map as JSON: lists of strings, and arrays of numbers as base64."""
    counts = None if found.counts is None else packed(found.counts.astype(np.float64))
    return {
        "words": list(found.words),
        "counts": counts,
        "x": packed(found.positions[:, 0]),
        "y": packed(found.positions[:, 1]),
        "neighbours": packed(_small(found.neighbours)),
        "similarities": packed(found.similarities.astype(np.float32)),
        "branches": [packed(_small(level)) for level in found.branches.T],
        "names": [list(level) for level in found.branch_names],
        "places": [level.tolist() for level in found.branch_places],
    }


def _small(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers of 0 and more in two bytes each where these do, else in four."""
    return numbers.astype(np.uint16 if numbers.max(initial=0) < 1 << 16 else np.uint32)


def packed(numbers: NDArray[Any]) -> dict[str, str]:
    """Return numbers as base64 of little-endian bytes, with their type."""
    array = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    return {"type": numbers.dtype.name, "data": base64.b64encode(array.tobytes()).decode()}
