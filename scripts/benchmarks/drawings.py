"""The drawings of benchmarks, in the style of those of hsw2v."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.equal_time import points
from benchmarks.pages import TITLES
from benchmarks.records import Fields, Record
from benchmarks.training import PARTS
from benchmarks.trials import BANDS, Trial, band_name
from benchmarks.variants import FOLLOWED, VARIANTS
from hsw2v.diagnosis.diagnosis import Diagnosis
from hsw2v.experiments.comparison import LOSS, SECONDS, Spread
from hsw2v.experiments.panels import Panel, draw_comparison
from hsw2v.plots import COLOURS, PANEL, figure_file

MARKERS = "os^DvPX*"
LEAST_DECISIONS = 30
"""Means of fewer are left out of drawings."""
THEORY: dict[str, tuple[str, Callable[[float], float]]] = {
    "hs": ("log V", math.log),
    "class": ("√V", math.sqrt),
    "ns": ("constant", lambda words: 1.0),
    "sampled": ("constant", lambda words: 1.0),
    "softmax": ("V", float),
}
SECONDS_TICKS = (5, 10, 20, 50, 100, 200, 500)
TREE_SETS = ("questions-words", "WS-353-ALL", "MEN-TR-3k", "SIMLEX-999")


def _look(number: int) -> dict[str, Any]:
    """Return the look of a line: as many differ as there are markers."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": "-" if number < len(COLOURS) else "--",
    }


def _marked(count: int) -> int:
    """Return of how many points one has a mark, so that a line has a dozen at most."""
    return max(1, math.ceil(count / 12))


def _legend_below(figure: Any, panel: Any, columns: int) -> None:
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def draw_times(path: Path, record: Record) -> None:
    """Draw the time of a target against the number of words, and what theory says."""
    models = record.values("model")
    sizes = sorted(record.values("words"))
    with figure_file(path, columns=len(models), force=True) as (figure, panels):
        figure.set_size_inches(1.3 * PANEL[0] * len(models), 1.5 * PANEL[1])
        for model, panel in zip(models, panels[0], strict=True):
            panel.set_title(TITLES[model])
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.set_xlabel("words V")
            panel.set_ylabel("µs a target")
            for number, (layer, (name, growth)) in enumerate(THEORY.items()):
                if least := least_times(record, model, layer):
                    words, times, look = list(least), list(least.values()), _look(number)
                    panel.plot(words, times, label=f"{layer} ({name})", **look)
                    theory = [times[0] * growth(one) / growth(words[0]) for one in sizes]
                    look |= {"linestyle": ":", "linewidth": 0.8, "marker": ""}
                    panel.plot(sizes, theory, **look)
        _legend_below(figure, panels[0, 0], len(THEORY))


def least_times(record: Record, model: str, layer: str) -> dict[int, float]:
    """Return the least microseconds of a target by rising number of words."""
    found = record.groups("words", model=model, layer=layer)
    return {words: min(map(microseconds, runs)) for words, runs in sorted(found.items())}


def microseconds(run: Fields) -> float:
    """Return the microseconds of a target of a run."""
    return float(run["seconds"] / run["targets"] * 1e6)


def draw_trial(path: Path, trial: Trial) -> None:
    """Draw time, held-out loss and every test set with its parts, of every setting."""

    def spreads(name: str) -> list[Spread | None]:
        return [trial.spread(one, name) for one in trial.settings]

    panels = [
        Panel("seconds of training", {"": spreads(SECONDS)}, from_zero=True),
        Panel("held-out loss, nats", {"": spreads(LOSS)}),
    ]
    names = trial.names()
    for name in names:
        parts = {part: f"{name} {part}" for part in PARTS if f"{name} {part}" in names}
        if parts:
            rows = {part: spreads(one) for part, one in parts.items()}
            panels.append(Panel(name, {"all": spreads(name), **rows}))
    draw_comparison(path, trial.settings, panels, force=True)


def draw_gradients(path: Path, trial: Trial, settings: Sequence[str]) -> None:
    """Draw gradients, visits and loss against depth, and the error against frequency."""
    with figure_file(path, rows=2, columns=2, force=True) as (figure, grid):
        figure.set_size_inches(2.6 * PANEL[0], 2.7 * PANEL[1])
        panels = list(grid.flat)
        for number, setting in enumerate(settings):
            look = {"label": setting, **_look(number)}
            _draw_gradients(panels, trial.diagnosis(setting), look)
        titles = (
            *("gradient norm at a node, one visit", "visits of a node an epoch"),
            *("loss of a decision, nats", "mean |y − p|"),
        )
        for panel, title in zip(panels, titles, strict=True):
            panel.set_title(title)
            panel.set_xlabel("depth of the node")
        panels[1].set_yscale("log")
        panels[3].set_xlabel("tenth of the words, 1 the most frequent")
        for panel in (panels[0], panels[2], panels[3]):
            panel.set_ylim(bottom=0.0)
        _legend_below(figure, panels[0], min(4, len(settings)))


def _draw_gradients(panels: Sequence[Any], found: Diagnosis, look: dict[str, Any]) -> None:
    rows = [one for one in found.by_depth if one.decisions >= LEAST_DECISIONS]
    depths = [one.depth for one in rows]
    look = {**look, "markevery": _marked(len(rows))}
    for panel, name in zip(panels, ("output_gradient", "visits", "loss"), strict=False):
        panel.plot(depths, [getattr(one, name) for one in rows], **look)
    tenths = [one for one in found.by_decile if one.decisions >= LEAST_DECISIONS]
    panels[3].plot(
        [one.decile for one in tenths], [one.error for one in tenths], **{**look, "markevery": 1}
    )


def draw_course(path: Path, trial: Trial) -> None:
    """Draw the course of gradients and certainty over training, a column for each setting."""
    rows = {
        "output_gradient": "gradient norm at a node",
        "error": "mean |y − p|",
        "certain_right": "share certain and right",
    }
    with figure_file(path, rows=len(rows), columns=len(trial.courses), force=True) as (
        figure,
        panels,
    ):
        for column, (setting, course) in enumerate(trial.courses.items()):
            panels[0, column].set_title(setting)
            panels[-1, column].set_xlabel("million tokens passed")
            tokens = [one / 1e6 for one in course["tokens"]]
            for row, (name, label) in enumerate(rows.items()):
                panel = panels[row, column]
                panel.sharey(panels[row, 0])
                for number, values in enumerate(course["bands"][name]):
                    means = [math.nan if one is None else one for one in values]
                    depth = f"depth {band_name(BANDS[number])}"
                    panel.plot(tokens, means, label=depth, **{**_look(number), "marker": ""})
                if column == 0:
                    panel.set_ylabel(label)
        # Only now, that each row has its highest value.
        for panel in panels.flat:
            panel.set_ylim(bottom=0.0)
        _legend_below(figure, panels[0, 0], len(BANDS))


def draw_trees(path: Path, record: Record) -> None:
    """Draw quality against time: a row for each model, a column for each of four test sets."""
    models = record.values("model")
    sets = [one for one in TREE_SETS if one in record.select(kind="quality")[0]["quality"]]
    with figure_file(path, rows=len(models), columns=len(sets), force=True) as (figure, panels):
        for model, row in zip(models, panels, strict=True):
            for name, panel in zip(sets, row, strict=True):
                panel.set_title(f"{TITLES[model]}: {name}")
                panel.set_xscale("log")
                panel.set_xticks(SECONDS_TICKS, list(map(str, SECONDS_TICKS)))
                panel.xaxis.set_tick_params(which="minor", bottom=False, labelbottom=False)
                panel.set_xlabel("processor time in seconds")
                for number, variant in enumerate(VARIANTS):
                    found = points(record, model, variant)
                    measured = [one for one in found if one.quality.get(name) is not None]
                    look = {"label": variant, **_look(number), "markersize": 4.5}
                    if variant not in FOLLOWED:
                        look["linestyle"] = "none"
                    if measured:
                        values = [one.quality[name] for one in measured]
                        panel.plot([one.processor for one in measured], values, **look)
        _legend_below(figure, panels[0, 0], 4)
