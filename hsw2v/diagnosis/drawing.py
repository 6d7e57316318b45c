"""A diagnosis as a drawing: small panels, by depth above and by frequency below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hsw2v.diagnosis.diagnosis import Diagnosis, Figures
from hsw2v.plots import Path, figure_file

GRADIENTS = {
    "output_gradient": "at the output row",
    "hidden_part": "at the hidden vector, of one decision",
}
SHARES = {
    "saturated": "saturated",
    "certain_right": "certain and right",
    "certain_wrong": "certain and wrong",
}


def draw_diagnosis(path: Path, diagnosis: Diagnosis, *, force: bool = False) -> None:
    """Write a drawing of a diagnosis, as PNG or SVG by the extension.

    Raises:
        UsageError, OutputExistsError, OutputError, DiskFullError: as `plots.check_figure`.
    """
    by_depth = len(diagnosis.by_depth) > 1
    with figure_file(path, rows=1 + by_depth, columns=4, force=force) as (figure, panels):
        totals = diagnosis.totals
        figure.suptitle(
            f"loss {diagnosis.output}: {totals.windows:,} windows, {totals.decisions:,} decisions"
        )
        if by_depth:
            _by_depth(panels[0], diagnosis)
        _by_decile(panels[-1], diagnosis)


def _by_depth(panels: Any, diagnosis: Diagnosis) -> None:
    rows, label = diagnosis.by_depth, "depth of the decision"
    places = [one.depth for one in rows]
    _panel(panels[0], "gradient norm, one visit", label, places, rows, GRADIENTS)
    node = "a node" if diagnosis.output == "hs" else "an output row"
    _panel(panels[1], f"visits of {node} an epoch", label, places, rows, {"visits": "mean"})
    panels[1].set_yscale("log")
    _panel(panels[2], "share of decisions", label, places, rows, SHARES)
    each = {"loss": "loss, nats", "error": "|y - p|"}
    _panel(panels[3], "one decision", label, places, rows, each)


def _by_decile(panels: Any, diagnosis: Diagnosis) -> None:
    rows, label = diagnosis.by_decile, "tenth of the words, 1 the most frequent"
    places = [one.decile for one in rows]
    gradients = {**GRADIENTS, "hidden_gradient": "at the hidden vector, of all"}
    _panel(panels[0], "gradient norm", label, places, rows, gradients)
    _panel(panels[1], "windows of a target an epoch", label, places, rows, {"visits": "mean"})
    panels[1].set_yscale("log")
    _panel(panels[2], "share of decisions", label, places, rows, SHARES)
    _panel(panels[3], "loss of a prediction, nats", label, places, rows, {"prediction_loss": ""})


def _panel(
    panel: Any,
    title: str,
    label: str,
    places: Sequence[int],
    rows: Sequence[Figures],
    names: dict[str, str],
) -> None:
    """Draw a line for each of some figures, from zero up."""
    panel.set_title(title)
    panel.set_xlabel(label)
    panel.xaxis.get_major_locator().set_params(integer=True)
    for name, meaning in names.items():
        panel.plot(places, [_or_gap(getattr(row, name)) for row in rows], label=meaning)
    if len(names) > 1:
        panel.legend()
    if names != {"visits": "mean"}:
        panel.set_ylim(bottom=0.0)


def _or_gap(value: float | None) -> float:
    return math.nan if value is None else value
