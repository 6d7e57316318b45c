"""The measured trees as Markdown: tables at equal epochs and at equal time, and a verdict."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from benchmarks.equal_time import Duel, Point, at_equal_epochs, at_equal_time, points, seed_spread
from benchmarks.measuring import Spread
from benchmarks.page import table
from benchmarks.programs import shown
from benchmarks.trees import (
    FROM_SAMPLING,
    GENSIM,
    MODELS,
    NEGATIVE,
    VARIANTS,
    Key,
    Record,
    Run,
    Setting,
)

TITLES = {"skipgram": "Skip-gram", "cbow": "CBOW"}
CHALLENGERS = ("semantic", FROM_SAMPLING, "huffman")
"""The trees that are held against negative sampling."""


def render(record: Record) -> str:
    """Return a record as Markdown: where it was measured, tables, a verdict, and commands."""
    setting = record.setting
    parts = [
        f"Measured on: {setting.machine}.  \nVersions: {setting.versions}.",
        f"    {_own_command(setting)}",
    ]
    for model in MODELS:
        runs = [run for run in record.runs if run.model == model]
        if runs:
            parts += [f"**{TITLES[model]}, at equal epochs**", _epochs_table(runs)]
            if rivals(runs):
                parts += [f"**{TITLES[model]}, at equal time**", _time_table(runs)]
                parts += [verdict(runs)]
    parts += ["The commands:", "```\n" + "\n".join(_commands(record)) + "\n```"]
    return "\n\n".join(parts)


def _epochs_table(runs: Sequence[Run]) -> str:
    sets = list(runs[0].quality)
    rows = []
    for epochs in sorted({run.epochs for run in runs}):
        for variant in VARIANTS:
            mine = [run for run in runs if (run.variant, run.epochs) == (variant, epochs)]
            if mine:
                rows.append([variant, str(epochs), *_figures(mine, sets)])
    header = ["trained with", "epochs", "seconds", "of training", "peak MB", "decisions"]
    return table([*header, *sets], rows)


def _figures(mine: Sequence[Run], sets: Sequence[str]) -> list[str]:
    return [
        _mean([run.seconds for run in mine], 1),
        _mean([run.training for run in mine], 1),
        f"{max(run.peak_bytes for run in mine) / 1e6:.0f}",
        _mean([run.decisions for run in mine], 2),
        *(_mean([run.quality[name] for run in mine], 3) for name in sets),
    ]


def _mean(values: Sequence[float | None], digits: int) -> str:
    """Return the mean, with its range if the values differ in what is shown."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    spread = Spread.of(known)
    alike = f"{spread.low:.{digits}f}" == f"{spread.high:.{digits}f}"
    return f"{known[0]:.{digits}f}" if alike else spread.shown(digits, lambda one: one.mean)


def rivals(runs: Sequence[Run]) -> list[Point]:
    """Return what trees are held against: our negative sampling, by rising time, and gensim's."""
    return [point for name in (NEGATIVE, GENSIM) for point in _points(runs, name)]


def _points(runs: Sequence[Run], variant: str) -> list[Point]:
    return points(run for run in runs if run.variant == variant)


def _time_table(runs: Sequence[Run]) -> str:
    sets = list(runs[0].quality)
    rows = []
    for rival in rivals(runs):
        theirs = [_score(rival.quality[name]) for name in sets]
        rows.append([f"**{rival.label}**", f"{rival.seconds:.1f}", *theirs])
        for tree in CHALLENGERS:
            if measured := _points(runs, tree):
                duel = at_equal_time(measured, rival)
                held = (_held(duel, name) for name in sets)
                rows.append([duel.tree, f"{duel.seconds:.1f}", *held])
    return table(["trained with", "seconds", *sets], rows)


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _held(duel: Duel, name: str) -> str:
    margin = duel.margin(name)
    return "-" if margin is None else f"{_score(duel.quality[name])} ({margin:+.3f})"


def verdict(runs: Sequence[Run]) -> str:
    """Return a list of where negative sampling is better than each tree, and by how much."""
    lines = []
    for tree in CHALLENGERS:
        if measured := _points(runs, tree):
            for when, held in (("time", at_equal_time), ("epochs", at_equal_epochs)):
                duels = [held(measured, rival) for rival in rivals(runs)]
                lines.append(f"- At equal {when}, " + _outcome(tree, runs, duels))
    return "\n".join(lines)


def _outcome(tree: str, runs: Sequence[Run], duels: Sequence[Duel]) -> str:
    """Return one sentence on the sets where a tree lost."""
    fought = [duel for duel in duels if duel.quality]
    if not fought:
        return f"`{tree}` can be held against no run of negative sampling."
    kin = [run for run in runs if run.variant in (tree, NEGATIVE, GENSIM)]
    sets = list(runs[0].quality)
    losses = [
        f"{name} ({loss}; {_spread(kin, name)})" for name in sets if (loss := _loss(fought, name))
    ]
    where = "; ".join(losses) or f"none of the {len(sets)} sets"
    line = f"negative sampling is better than `{tree}` on {where}."
    unfought = [duel.rival.label for duel in duels if not duel.quality]
    return line + (f" Not comparable: {'; '.join(unfought)}." if unfought else "")


def _loss(duels: Sequence[Duel], name: str) -> str:
    """Return by how much a tree lost on a set at most, and to whom; nothing if it did not."""
    losses = [
        (-margin, duel.label)
        for duel in duels
        # What would be shown as 0.000 is no loss.
        if (margin := duel.margin(name)) is not None and round(margin, 3) < 0
    ]
    if not losses:
        return ""
    most, rival = max(losses)
    return f"by {'up to ' * (len(losses) > 1)}{most:.3f} to {rival}"


def _spread(runs: Sequence[Run], name: str) -> str:
    spread = seed_spread(runs, name)
    return "one seed alone" if spread is None else f"seeds differ by {spread:.3f}"


def _commands(record: Record) -> Iterator[str]:
    """Yield the commands that the record holds runs of, whatever their epochs and seeds."""
    setting = record.setting
    done = {(run.model, run.variant) for run in record.runs}
    for model in MODELS:
        for variant in VARIANTS:
            if (model, variant) in done:
                command = setting.command(Key(model, variant, 0, 0))
                for option in ("--epochs", "--seed"):
                    command[command.index(option) + 1] = option.removeprefix("--").upper()
                command[command.index(setting.corpus)] = "CORPUS"
                yield shown(command)


def _own_command(setting: Setting) -> str:
    words = ["scripts/bench_trees", setting.corpus, "--threads", str(setting.threads)]
    words += ["--options", shlex.join(setting.options)] if setting.options else []
    for option, files in (("--pairs", setting.pairs), ("--analogies", setting.analogies)):
        words += [option, *files] if files else []
    return shlex.join(words)
