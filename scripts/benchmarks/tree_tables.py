"""The measured trees as Markdown: tables at equal epochs and at equal time, and verdicts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from statistics import fmean

from benchmarks.drawings import TREE_SETS, draw_trees
from benchmarks.equal_time import Duel, Point, at_equal_time, noise, points
from benchmarks.pages import TITLES, Pages, spread, table
from benchmarks.programs import PROGRAMS, Case, Job, shown
from benchmarks.records import Fields, Record
from benchmarks.training import PAIR_PARTS, whole
from benchmarks.variants import (
    DEFAULTS,
    FOLLOWED,
    HELD,
    MODELS,
    NEGATIVE,
    VARIANTS,
)


def render(record: Record, pages: Pages) -> str:
    """Return tables, verdicts, and commands."""
    parts = []
    for model in MODELS:
        runs = record.select(kind="quality", model=model)
        if not runs:
            continue
        parts += [f"**{TITLES[model]}**", _runs_table(record, model, runs)]
        if len(_whole(runs)) < len(runs[0]["quality"]):
            parts += [f"**{TITLES[model]}, rare and frequent pairs**", _halves_table(runs)]
        if rivals := points(record, model, NEGATIVE):
            parts += [f"**{TITLES[model]}, at equal processor time**"]
            parts += [_time_table(runs, _held_points(record, model), rivals)]
        if lines := list(_verdicts(record, model, runs)):
            parts += ["\n".join(lines)]
    parts += ["The commands:", "```\n" + "\n".join(_commands(record)) + "\n```"]
    return "\n\n".join(parts)


def _whole(runs: Sequence[Fields]) -> list[str]:
    """Return the names of sets, and of parts of analogies."""
    return whole(list(runs[0]["quality"]), PAIR_PARTS)


def _groups(runs: Sequence[Fields]) -> Iterator[tuple[str, int, list[Fields]]]:
    """Yield variants and epochs, each with its runs."""
    for epochs in sorted({run["epochs"] for run in runs}):
        for variant in VARIANTS:
            mine = [run for run in runs if (run["variant"], run["epochs"]) == (variant, epochs)]
            if mine:
                yield variant, epochs, mine


def _qualities(runs: Sequence[Fields], sets: Sequence[str]) -> list[str]:
    return [spread((run["quality"][name] for run in runs), 3, fmean) for name in sets]


def _runs_table(record: Record, model: str, runs: Sequence[Fields]) -> str:
    rows = []
    for variant, epochs, mine in _groups(runs):
        cost = {one.epochs: one.processor for one in points(record, model, variant)}[epochs]
        peak = f"{max(run['peak_bytes'] for run in mine) / 1e6:.0f}"
        lengths = [
            spread((run.get(name) for run in mine), 2, fmean) for name in ("decisions", "trained")
        ]
        qualities = _qualities(mine, _whole(runs))
        rows.append([variant, str(epochs), f"{cost:.1f}", peak, *lengths, *qualities])
    header = ["trained with", "epochs", "processor s", "peak MB", "decisions", "trained"]
    return table([*header, *_whole(runs)], rows)


def _halves_table(runs: Sequence[Fields]) -> str:
    sets = [name for name in runs[0]["quality"] if name not in _whole(runs)]
    rows = [
        [variant, str(epochs), *_qualities(mine, sets)]
        for variant, epochs, mine in _groups(runs)
        if variant in FOLLOWED
    ]
    return table(["trained with", "epochs", *sets], rows)


def _held_points(record: Record, model: str) -> list[list[Point]]:
    """Return the points of each variant that is held against negative sampling, if it has any."""
    return [found for variant in HELD if (found := points(record, model, variant))]


def _time_table(
    runs: Sequence[Fields], held: Sequence[Sequence[Point]], rivals: Sequence[Point]
) -> str:
    sets = _whole(runs)
    rows = []
    for rival in rivals:
        theirs = [_score(rival.quality[name]) for name in sets]
        rows.append([f"**{rival.label}**", f"{rival.processor:.1f}", *theirs])
        for ours in held:
            duel = at_equal_time(ours, rival)
            margins = (_held(duel, name) for name in sets)
            rows.append([duel.label, f"{duel.processor:.1f}", *margins])
    return table(["trained with", "processor s", *sets], rows)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _held(duel: Duel, name: str) -> str:
    margin = duel.margin(name)
    return "-" if margin is None else f"{_score(duel.quality[name])} ({margin:+.3f})"


def _verdicts(record: Record, model: str, runs: Sequence[Fields]) -> Iterator[str]:
    """Yield a line for each rival of a variant: where it is ahead, level, and behind.

    Rivals are negative sampling, and of the defaults other programs, too.
    """
    others = [one for one in VARIANTS if VARIANTS[one].program != "hsw2v"]
    for ours in _held_points(record, model):
        variant = ours[0].variant
        for rival in (NEGATIVE, *(others if variant == DEFAULTS else ())):
            for point in points(record, model, rival):
                duel = at_equal_time(ours, point)
                took = "" if duel.processor == point.processor else f" ({duel.processor:.0f} s)"
                against = f"`{variant}`{took} against {point.label} ({point.processor:.0f} s)"
                yield f"- {against}: {_verdict(runs, ours, duel)}."


def _verdict(runs: Sequence[Fields], ours: Sequence[Point], duel: Duel) -> str:
    if not duel.quality:
        return "not comparable, it took less time than the shortest run"
    found: dict[str, list[str]] = {"ahead on": [], "level on": [], "behind on": []}
    for name in _whole(runs):
        margin = duel.margin(name)
        least = noise(runs, name, min(one.seeds for one in ours), duel.rival.seeds)
        if margin is None or least is None:
            continue
        level = abs(margin) <= least
        where = "level on" if level else "ahead on" if margin > 0 else "behind on"
        with_margin = f"{name} ({margin:+.3f}, noise {least:.3f})"
        found[where].append(name if where == "ahead on" else with_margin)
    if not any(found.values()):
        return "one seed alone tells nothing"
    return "; ".join(f"{where} {', '.join(sets)}" for where, sets in found.items() if sets)


def _commands(record: Record) -> Iterator[str]:
    """Yield the commands that the record holds runs of, whatever their epochs and seeds."""
    for model in MODELS:
        for variant, one in VARIANTS.items():
            if record.select(kind="quality", model=model, variant=variant):
                more = (*one.options_for(None), *shlex.split(record.setting["options"]))
                case = Case(model, one.loss)
                job = Job(case, "CORPUS", "OUTPUT", "SEED", "THREADS", "EPOCHS", more)
                yield shown(PROGRAMS[one.program].train(job))


def sampling_block(record: Record, pages: Pages) -> str:
    """Return what trees and negative sampling come to in the same time."""
    picture = pages.show(
        "trees-against-sampling",
        "Quality against time, of trees and of negative sampling",
        draw_trees,
        record,
    )
    lines = [line for model in MODELS for line in _ahead(record, model)]
    return "\n\n".join([picture, "\n".join(lines)])


def _ahead(record: Record, model: str) -> Iterator[str]:
    """Yield on how many sets trees are ahead in the processor time of negative sampling."""
    rivals = points(record, model, NEGATIVE)
    for variant in HELD:
        measured = points(record, model, variant)
        duels = [found for rival in rivals if (found := _sets_ahead(measured, rival))]
        if duels:
            ahead = f"`{variant}` at equal processor time: ahead on {'; '.join(duels)}"
            yield f"- {TITLES[model]}, {ahead}."


def _sets_ahead(measured: list[Point], rival: Point) -> str:
    """Return on how many sets a tree is ahead of a rival in its time; nothing if unknown."""
    duel = at_equal_time(measured, rival) if measured else None
    if duel is None or not duel.quality:
        return ""
    sets = [one for one in TREE_SETS if duel.margin(one) is not None]
    ahead = [one for one in sets if (duel.margin(one) or 0.0) > 0]
    return f"{len(ahead)} of {len(sets)} sets of {rival.label}"
