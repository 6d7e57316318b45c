"""The course of gradients over training, from the log of a run that recorded them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsw2v.diagnosis.diagnosis import Diagnosis, mean_over
from hsw2v.diagnosis.findings import bands, span
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.files import read_text
from hsw2v.plots import Path, figure_file

TENTHS = ((1, 1), (2, 5), (6, 10))
"""The tenths of the words that share a line of the drawing."""
MARKED = 25
"""Moments that still have a mark each."""
Line = tuple[str, Callable[[Diagnosis], Sequence[Any]]]


@dataclass(frozen=True)
class Moment:
    """What a diagnosis was at a moment of training."""

    epoch: int
    """The epoch under way, counted from 1."""
    block: int
    tokens: int
    """Tokens of the corpus passed so far, over all epochs."""
    diagnosis: Diagnosis


def read_course(source: str) -> list[Moment]:
    """Read the moments that `hsw2v train --record-gradients --log-json` wrote to a log.

    Raises:
        MissingInputError, EncodingError: the file cannot be read.
        CorruptInputError: a line is not one of such a log.
        UsageError: it holds none.
    """
    moments = []
    for number, line in enumerate(read_text(source).splitlines(), 1):
        try:
            found = json.loads(line)
            if found["type"] == "GradientsRecorded":
                moments.append(_moment(found))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CorruptInputError(
                "is not a record of gradients, nor another line that hsw2v train logs",
                where=f"{source}, line {number}",
                hint="name a file that --log-json wrote, or take this line out of it",
            ) from error
    if not moments:
        raise UsageError(
            "holds no gradients",
            where=source,
            hint="train with --record-gradients NUMBER --log-json FILE",
        )
    return moments


def _moment(found: Mapping[str, Any]) -> Moment:
    """Return the moment that an event was.

    Raises:
        KeyError, TypeError: something is missing, or is not of it.
    """
    place = (found["epoch"], found["block"], found["tokens"])
    if not all(isinstance(one, int) for one in place):
        raise TypeError("a place is whole numbers")
    return Moment(*place, Diagnosis.from_dict(found))


def draw_course(path: Path, moments: Sequence[Moment], *, force: bool = False) -> None:
    """Write a drawing of the course of gradients, as PNG or SVG by the extension.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    levels = bands(max((one.diagnosis.by_depth for one in moments), key=len))
    depths = [_of_depths(f"depth {span(band)}", band[0].depth, band[-1].depth) for band in levels]
    words = [_of_tenths(first, last) for first, last in TENTHS]
    with figure_file(path, rows=2, columns=3, force=force) as (_, panels):
        _panel(
            panels[0, 0],
            "gradient norm at the output row, one visit",
            moments,
            depths,
            "output_gradient",
        )
        _panel(panels[0, 1], "share of decisions saturated", moments, depths, "saturated")
        _panel(panels[0, 2], "norm of the output row", moments, depths, "output_norm")
        _panel(
            panels[1, 0], "gradient norm at the hidden vector", moments, words, "hidden_gradient"
        )
        _panel(panels[1, 1], "share of decisions saturated", moments, words, "saturated")
        _panel(panels[1, 2], "loss of a prediction, nats", moments, words, "prediction_loss")
        panels[0, 0].legend()
        panels[1, 0].legend()


def _of_depths(label: str, first: int, last: int) -> Line:
    def rows(diagnosis: Diagnosis) -> Sequence[Any]:
        return [one for one in diagnosis.by_depth if first <= one.depth <= last]

    return label, rows


def _of_tenths(first: int, last: int) -> Line:
    def rows(diagnosis: Diagnosis) -> Sequence[Any]:
        return [one for one in diagnosis.by_decile if first <= one.decile <= last]

    return f"words, tenth {first}" + (f"-{last}" if last > first else ""), rows


def _panel(
    panel: Any, title: str, moments: Sequence[Moment], lines: Sequence[Line], name: str
) -> None:
    panel.set_title(title)
    panel.set_xlabel("million tokens passed")
    tokens = [one.tokens / 1e6 for one in moments]
    marker = {"marker": ""} if len(moments) > MARKED else {}
    for label, rows in lines:
        means = (mean_over(rows(one.diagnosis), name) for one in moments)
        panel.plot(
            tokens, [math.nan if one is None else one for one in means], label=label, **marker
        )
    if name != "prediction_loss":
        panel.set_ylim(bottom=0.0)
