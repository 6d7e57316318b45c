"""The course of gradients over training, from the log of a run that recorded them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hsw2v.diagnosis.diagnosis import Diagnosis, mean_over
from hsw2v.diagnosis.findings import bands, span
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.files import read_text
from hsw2v.plots import Path, draw_lines, figure_file

DECILES = ((1, 1), (2, 5), (6, 10))
"""The deciles, from first to last, that share a line of the figure."""
MARKED = 25
"""The most records that have a marker each."""


@dataclass(frozen=True)
class Moment:
    """A diagnosis recorded during training."""

    epoch: int
    """The epoch under way, counted from 1."""
    block: int
    """The block of the corpus, counted from 0."""
    tokens: int
    """Tokens of the corpus passed so far, over all epochs."""
    diagnosis: Diagnosis

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, as the log has it."""
        position = {"epoch": self.epoch, "block": self.block, "tokens": self.tokens}
        return {**position, **self.diagnosis.to_dict()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Moment:
        """Return what `to_dict` made a dict of.

        Raises:
            KeyError, TypeError: a field is missing, or of another type.
        """
        position = (found["epoch"], found["block"], found["tokens"])
        if not all(isinstance(one, int) for one in position):
            raise TypeError("epoch, block and tokens are whole numbers")
        return cls(*position, Diagnosis.from_dict(found))


def read_course(source: str) -> list[Moment]:
    """Read the records that `hsw2v train --record-gradients --log-json` wrote to a log.

    Raises:
        MissingInputError, EncodingError: the file cannot be read.
        CorruptInputError: a line is not one of such a log; or a compressed file is truncated.
        UsageError: it holds no records of gradients.
    """
    moments = []
    for number, line in enumerate(read_text(source).splitlines(), 1):
        try:
            found = json.loads(line)
            if found["type"] == "GradientsRecorded":
                moments.append(Moment.from_dict(found))
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


def draw_course(path: Path, moments: Sequence[Moment], *, force: bool = False) -> None:
    """Write a figure of the course of gradients, as PNG or SVG by the extension.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    found = [one.diagnosis for one in moments]
    depths = {
        f"depth {span(band)}": [
            [row for row in one.by_depth if band[0].depth <= row.depth <= band[-1].depth]
            for one in found
        ]
        for band in bands(max((one.by_depth for one in found), key=len))
    }
    words = {
        f"words, decile {first}" + (f"-{last}" if last > first else ""): [
            [row for row in one.by_decile if first <= row.decile <= last] for one in found
        ]
        for first, last in DECILES
    }
    tokens = [one.tokens / 1e6 for one in moments]
    style = {"marker": ""} if len(moments) > MARKED else {}
    with figure_file(path, rows=2, columns=3, force=force) as (_, panels):
        for panel, groups, name, title in (
            (panels[0, 0], depths, "output_gradient", "gradient norm at the output row, one visit"),
            (panels[0, 1], depths, "saturated", "share of decisions saturated"),
            (panels[0, 2], depths, "output_norm", "norm of the output row"),
            (panels[1, 0], words, "hidden_gradient", "gradient norm at the hidden vector"),
            (panels[1, 1], words, "saturated", "share of decisions saturated"),
            (panels[1, 2], words, "prediction_loss", "loss of a prediction, nats"),
        ):
            lines = {
                label: [mean_over(rows, name) for rows in course]
                for label, course in groups.items()
            }
            draw_lines(panel, title, "million tokens passed", tokens, lines, **style)
            if name != "prediction_loss":
                panel.set_ylim(bottom=0.0)
        panels[0, 0].legend()
        panels[1, 0].legend()
