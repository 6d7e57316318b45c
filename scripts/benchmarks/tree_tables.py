"""The measured trees as Markdown: tables at equal epochs and at equal time, and verdicts."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from benchmarks.equal_time import Duel, Point, at_equal_time, noise, points
from benchmarks.evaluating import HALVES
from benchmarks.measuring import Spread
from benchmarks.page import table
from benchmarks.programs import shown
from benchmarks.trees import (
    DEFAULTS,
    EVERY_DECISION,
    FOLLOWED,
    MODELS,
    VARIANTS,
    Key,
    Record,
    Run,
    Setting,
)

TITLES = {"skipgram": "Skip-gram", "cbow": "CBOW"}


def render(record: Record) -> str:
    """Return a record as Markdown: where it was measured, tables, verdicts, and commands."""
    setting = record.setting
    parts = [
        f"Measured on: {setting.machine}.  \nVersions: {setting.versions}.",
        f"    {_own_command(setting)}",
    ]
    for model in MODELS:
        runs = [run for run in record.runs if run.model == model]
        if not runs:
            continue
        parts += [f"**{TITLES[model]}**", _runs_table(record, model, runs)]
        if any(_half(name) for name in runs[0].quality):
            parts += [f"**{TITLES[model]}, rare and frequent pairs**", _halves_table(runs)]
        if rivals := _rivals(record, model):
            ours = points(record, model, DEFAULTS)
            parts += [f"**{TITLES[model]}, at equal processor time**"]
            parts += [_time_table(runs, ours, rivals), _verdicts(runs, ours, rivals)]
    parts += ["The commands:", "```\n" + "\n".join(_commands(record)) + "\n```"]
    return "\n\n".join(parts)


def _half(name: str) -> bool:
    return name.endswith(tuple(f" {half}" for half in HALVES))


def _whole(runs: Sequence[Run]) -> list[str]:
    """Return the names of sets, and of parts of analogies."""
    return [name for name in runs[0].quality if not _half(name)]


def _groups(runs: Sequence[Run]) -> Iterator[tuple[str, int, list[Run]]]:
    """Yield variants and epochs, each with its runs."""
    for epochs in sorted({run.epochs for run in runs}):
        for variant in VARIANTS:
            mine = [run for run in runs if (run.variant, run.epochs) == (variant, epochs)]
            if mine:
                yield variant, epochs, mine


def _runs_table(record: Record, model: str, runs: Sequence[Run]) -> str:
    sets = _whole(runs)
    rows = []
    for variant, epochs, mine in _groups(runs):
        cost = {one.epochs: one.processor for one in points(record, model, variant)}[epochs]
        told = [_mean([run.decisions for run in mine], 2), _mean([run.trained for run in mine], 2)]
        peak = f"{max(run.peak_bytes for run in mine) / 1e6:.0f}"
        figures = (_mean([run.quality[name] for run in mine], 3) for name in sets)
        rows.append([variant, str(epochs), f"{cost:.1f}", peak, *told, *figures])
    header = ["trained with", "epochs", "processor s", "peak MB", "decisions", "trained"]
    return table([*header, *sets], rows)


def _halves_table(runs: Sequence[Run]) -> str:
    sets = [name for name in runs[0].quality if _half(name)]
    rows = [
        [variant, str(epochs), *(_mean([run.quality[name] for run in mine], 3) for name in sets)]
        for variant, epochs, mine in _groups(runs)
        if variant in FOLLOWED
    ]
    return table(["trained with", "epochs", *sets], rows)


def _mean(values: Sequence[float | None], digits: int) -> str:
    """Return the mean, with its range if the values differ in what is shown."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    spread = Spread.of(known)
    alike = f"{spread.low:.{digits}f}" == f"{spread.high:.{digits}f}"
    return f"{known[0]:.{digits}f}" if alike else spread.shown(digits, lambda one: one.mean)


def _rivals(record: Record, model: str) -> list[Point]:
    """Return what the defaults are held against: every output layer but hs, and other programs."""
    return [
        point
        for variant, one in VARIANTS.items()
        if variant == EVERY_DECISION or one.program != "hsw2v" or one.loss != "hs"
        for point in points(record, model, variant)
    ]


def _time_table(runs: Sequence[Run], ours: Sequence[Point], rivals: Sequence[Point]) -> str:
    sets = _whole(runs)
    rows = []
    for rival in rivals:
        theirs = [_score(rival.quality[name]) for name in sets]
        rows.append([f"**{rival.label}**", f"{rival.processor:.1f}", *theirs])
        duel = at_equal_time(ours, rival)
        held = (_held(duel, name) for name in sets)
        rows.append([duel.label, f"{duel.processor:.1f}", *held])
    return table(["trained with", "processor s", *sets], rows)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _held(duel: Duel, name: str) -> str:
    margin = duel.margin(name)
    return "-" if margin is None else f"{_score(duel.quality[name])} ({margin:+.3f})"


def _verdicts(runs: Sequence[Run], ours: Sequence[Point], rivals: Sequence[Point]) -> str:
    """Return a line for each rival: where the defaults are ahead of it, level, and behind."""
    lines = []
    for rival in rivals:
        duel = at_equal_time(ours, rival)
        took = "" if duel.processor == rival.processor else f" ({duel.processor:.0f} s)"
        against = f"`{DEFAULTS}`{took} against {rival.label} ({rival.processor:.0f} s)"
        lines.append(f"- {against}: {_verdict(runs, ours, duel)}.")
    return "\n".join(lines)


def _verdict(runs: Sequence[Run], ours: Sequence[Point], duel: Duel) -> str:
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
        told = f"{name} ({margin:+.3f}, noise {least:.3f})"
        found[where].append(name if where == "ahead on" else told)
    if not any(found.values()):
        return "one seed alone tells nothing"
    return "; ".join(f"{where} {', '.join(sets)}" for where, sets in found.items() if sets)


def _commands(record: Record) -> Iterator[str]:
    """Yield the commands that the record holds runs of, whatever their epochs and seeds."""
    setting = record.setting
    done = {(run.model, run.variant) for run in record.runs}
    for model in MODELS:
        for variant in VARIANTS:
            if (model, variant) in done:
                command = setting.command(Key(model, variant, 0, 0), setting.threads)
                for option in ("--epochs", "--seed", "--threads"):
                    command[command.index(option) + 1] = option.removeprefix("--").upper()
                command[command.index(setting.corpus)] = "CORPUS"
                yield shown(command)


def _own_command(setting: Setting) -> str:
    words = ["scripts/bench_trees", setting.corpus, "--threads", str(setting.threads)]
    words += ["--options", shlex.join(setting.options)] if setting.options else []
    for option, files in (("--pairs", setting.pairs), ("--analogies", setting.analogies)):
        words += [option, *files] if files else []
    return shlex.join(words)
