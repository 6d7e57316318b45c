"""The blocks of the page, and the figures beside it, from what the laboratory keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks import laboratory_figures as figures
from benchmarks.equal_time import Point, at_equal_time, points
from benchmarks.laboratory import Record
from benchmarks.laboratory_gradients import gradient_tables, gradient_verdicts
from benchmarks.laboratory_tables import TITLES, heading, trial_tables, verdicts
from benchmarks.laboratory_vocabulary import LAYERS, MODELS
from benchmarks.laboratory_vocabulary import Record as TimeRecord
from benchmarks.measuring import Spread
from benchmarks.page import table
from benchmarks.trees import DEFAULTS, EVERY_DECISION, NEGATIVE
from benchmarks.trees import Record as TreeRecord

_PLACES = re.compile(r'\b(?:d|x|y)="[^"]*"|translate\([^)]*\)')
_LONG = re.compile(r"(\d\.\d\d)\d+")
Blocks = dict[str, str]
"""The content of blocks by name."""


class Gallery:
    """Where figures go: a folder beside the page, or nowhere."""

    def __init__(self, page: Path | None) -> None:
        self._folder = page.parent / "images" if page else None

    def show(self, name: str, about: str, draw: Callable[[Path], None]) -> str:
        """Draw a figure, and return what shows it in the page."""
        if self._folder:
            self._folder.mkdir(exist_ok=True)
            draw(self._folder / name)
            slim(self._folder / name)
        return f"![{about}](images/{name})"


def slim(path: Path) -> None:
    """Leave out what nobody sees of an SVG drawing: indents, and digits of places."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.strip() for line in lines) + "\n"
    short = _PLACES.sub(lambda one: _LONG.sub(r"\1", one[0]), text)
    path.write_text(short, encoding="utf-8")


def vocabulary_blocks(path: Path, gallery: Gallery) -> Blocks:
    """Return the block of times against the number of words."""
    record = TimeRecord.load(path)
    setting = record.setting
    picture = gallery.show(
        "time-per-word.svg",
        "Time of a target against the number of words, for every output layer",
        lambda file: figures.draw_times(file, record),
    )
    parts = [
        f"Measured on: {setting.machine}.  \nVersions: {setting.versions}.\n\n"
        f"    {setting.command}",
        picture,
    ]
    for model in MODELS:
        if any(run.model == model for run in record.runs):
            title = f"**{TITLES[model]}: µs a target** ({setting.dim} dimensions, "
            title += f"{setting.threads} threads; the least of the turns, and the most)"
            parts += [title, _times(record, model), _growth(record, model)]
    return {"vocabulary": "\n\n".join(parts)}


def _times(record: TimeRecord, model: str) -> str:
    sizes = sorted({run.words for run in record.runs})
    rows = []
    for words in sizes:
        found = [record.each(model, layer).get(words) for layer in LAYERS]
        cells = ["-" if one is None else _least(one) for one in found]
        rows.append([f"{words:,}", *cells])
    return table(["V", *LAYERS], rows)


def _least(values: list[float]) -> str:
    spread = Spread.of(values)
    return f"{spread.low:.3g} ({spread.high:.3g})"


def _growth(record: TimeRecord, model: str) -> str:
    """Return a table of the exponents of V that fit what was measured, and what theory says."""
    rows = []
    for layer in LAYERS:
        least = {words: min(one) for words, one in record.each(model, layer).items()}
        if len(least) > 1:
            name, growth = figures.THEORY[layer]
            sizes = list(least)
            theory = exponent(sizes, [growth(one) for one in sizes])
            measured = exponent(sizes, list(least.values()))
            span = f"{sizes[0]:,} to {sizes[-1]:,}"
            rows.append([layer, span, f"{measured:.2f}", f"{theory:.2f} ({name})"])
    return table(["time grows as V to the power of", "V", "measured", "in theory"], rows)


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the slope of a line through the logarithms."""
    slope, _ = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(slope)


def trial_blocks(name: str, path: Path, gallery: Gallery) -> Blocks:
    """Return the blocks of a part that is made of experiments."""
    record = Record.load(path)
    parts = [heading(record)]
    for trial in record.trials:
        picture = gallery.show(
            f"{name}-{trial.model}.svg",
            f"{TITLES[trial.model]}: {trial.name}",
            lambda file, trial=trial: figures.draw_trial(file, trial),  # type: ignore[misc]
        )
        parts += [trial_tables(trial), picture]
        # One seed does not tell what a difference is worth.
        parts += [verdicts(trial)] if len(trial.seeds) > 1 else []
    blocks = {name: "\n\n".join(parts)}
    if name == "remedies":
        blocks["gradients"] = "\n\n".join([heading(record), *_gradients(record, gallery)])
        blocks["course"] = "\n\n".join([heading(record), *_courses(record, gallery)])
    return blocks


def _gradients(record: Record, gallery: Gallery) -> Iterator[str]:
    for trial in record.trials:
        if not trial.diagnoses:
            continue
        groups = {"remedies": trial.on_one_tree(), "trees": trial.by_plain_steps()}
        for group, settings in groups.items():
            yield gallery.show(
                f"gradients-{group}-{trial.model}.svg",
                f"{TITLES[trial.model]}: gradients, visits and loss of {group}",
                lambda file, trial=trial, settings=settings: (  # type: ignore[misc]
                    figures.draw_gradients(file, trial, settings)
                ),
            )
        yield gradient_tables(trial)
        yield gradient_verdicts(trial)


def _courses(record: Record, gallery: Gallery) -> Iterator[str]:
    for trial in record.trials:
        if trial.courses:
            yield f"**{TITLES[trial.model]}**"
            yield gallery.show(
                f"course-{trial.model}.svg",
                f"{TITLES[trial.model]}: the course of gradients over training",
                lambda file, trial=trial: figures.draw_course(file, trial),  # type: ignore[misc]
            )


def tree_blocks(path: Path, gallery: Gallery) -> Blocks:
    """Return the block of trees against negative sampling."""
    record = TreeRecord.load(str(path))
    setting = record.setting
    picture = gallery.show(
        "trees-against-sampling.svg",
        "Quality against time, of trees and of negative sampling",
        lambda file: figures.draw_trees(file, record),
    )
    place = f"Measured on: {setting.machine}.  \nVersions: {setting.versions}."
    lines = [line for model in MODELS for line in _ahead(record, model)]
    return {"trees-and-sampling": "\n\n".join([place, picture, "\n".join(lines)])}


def _ahead(record: TreeRecord, model: str) -> Iterator[str]:
    """Yield on how many sets trees are ahead in the processor time of negative sampling."""
    rivals = points(record, model, NEGATIVE)
    for variant in (DEFAULTS, EVERY_DECISION):
        measured = points(record, model, variant)
        duels = [found for rival in rivals if (found := _sets_ahead(measured, rival))]
        if duels:
            told = f"`{variant}` at equal processor time: ahead on {'; '.join(duels)}"
            yield f"- {TITLES[model]}, {told}."


def _sets_ahead(measured: list[Point], rival: Point) -> str:
    """Return on how many sets a tree is ahead of a rival in its time; nothing if unknown."""
    duel = at_equal_time(measured, rival) if measured else None
    if duel is None or not duel.quality:
        return ""
    sets = [one for one in figures.TREE_SETS if duel.margin(one) is not None]
    ahead = [one for one in sets if (duel.margin(one) or 0.0) > 0]
    return f"{len(ahead)} of {len(sets)} sets of {rival.label}"
