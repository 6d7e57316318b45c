"""A diagnosis as a figure: small panels, by depth above and by frequency below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hsw2v.diagnosis.diagnosis import Diagnosis, Figures
from hsw2v.plots import Path, draw_lines, figure_file

GRADIENTS = {
    "output_gradient": "at the output row",
    "hidden_part": "at the hidden vector, of one decision",
}
SHARES = {
    "saturated": "saturated",
    "certain_right": "certain and right",
    "certain_wrong": "certain and wrong",
}
VISITS = {"visits": "mean"}


def draw_diagnosis(path: Path, diagnosis: Diagnosis, *, force: bool = False) -> None:
    """Write a figure of a diagnosis, as PNG or SVG by the extension.

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
            row = "a node" if diagnosis.of_tree else "an output row"
            _draw(
                panels[0],
                "depth of the decision",
                [one.depth for one in diagnosis.by_depth],
                diagnosis.by_depth,
                {
                    "gradient norm, one visit": GRADIENTS,
                    f"visits of {row} an epoch": VISITS,
                    "share of decisions": SHARES,
                    "one decision": {"loss": "loss, nats", "error": "|y - p|"},
                },
            )
        _draw(
            panels[-1],
            "decile of the words, 1 the most frequent",
            [one.decile for one in diagnosis.by_decile],
            diagnosis.by_decile,
            {
                "gradient norm": {**GRADIENTS, "hidden_gradient": "at the hidden vector, of all"},
                "windows of a target an epoch": VISITS,
                "share of decisions": SHARES,
                "loss of a prediction, nats": {"prediction_loss": ""},
            },
        )


def _draw(
    panels: Sequence[Any],
    label: str,
    x: Sequence[int],
    rows: Sequence[Figures],
    measures: Mapping[str, Mapping[str, str]],
) -> None:
    """Draw a panel for each title, with a line for each of its figures."""
    for panel, (title, names) in zip(panels, measures.items(), strict=True):
        lines = {meaning: [getattr(one, name) for one in rows] for name, meaning in names.items()}
        draw_lines(panel, title, label, x, lines)
        panel.xaxis.get_major_locator().set_params(integer=True)
        if len(names) > 1:
            panel.legend()
        if names is VISITS:
            panel.set_yscale("log")
        else:
            panel.set_ylim(bottom=0.0)
