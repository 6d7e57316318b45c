"""Experiments as Markdown: tables, drawings, and what they come to in a line each."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks import drawings
from benchmarks.gradients import gradient_tables, gradient_verdicts
from benchmarks.pages import TITLES, Pages, table
from benchmarks.records import Record
from benchmarks.training import whole
from benchmarks.trials import Trial
from hsw2v.experiments.comparison import FORMATS, LOSS, QUALITY, SECONDS, TIMES, WORDS


def render(record: Record, pages: Pages) -> str:
    """Return the tables, the drawing and the verdicts of every experiment."""
    parts = []
    for trial in _trials(record):
        name, about = f"{record.benchmark}-{trial.model}", f"{TITLES[trial.model]}: {trial.name}"
        parts += [*_tables(trial), pages.show(name, about, drawings.draw_trial, trial)]
        # One seed does not tell what a difference is worth.
        parts += [verdicts(trial)] if len(trial.seeds) > 1 else []
    return "\n\n".join(parts)


def gradients_block(record: Record, pages: Pages) -> str:
    """Return what the models are like on held-out text."""
    parts = []
    for trial in filter(lambda one: one.diagnoses, _trials(record)):
        groups = {"remedies": trial.on_one_tree(), "trees": trial.by_plain_steps()}
        for group, settings in groups.items():
            name = f"gradients-{group}-{trial.model}"
            about = f"{TITLES[trial.model]}: gradients, visits and loss of {group}"
            parts.append(pages.show(name, about, drawings.draw_gradients, trial, settings))
        parts += [gradient_tables(trial), gradient_verdicts(trial)]
    return "\n\n".join(parts)


def courses_block(record: Record, pages: Pages) -> str:
    """Return the course of gradients over training."""
    parts = []
    for trial in filter(lambda one: one.courses, _trials(record)):
        title, name = TITLES[trial.model], f"course-{trial.model}"
        about = f"{title}: the course of gradients over training"
        parts += [f"**{title}**", pages.show(name, about, drawings.draw_course, trial)]
    return "\n\n".join(parts)


def _trials(record: Record) -> list[Trial]:
    return [Trial(**run) for run in record.runs]


def _tables(trial: Trial) -> list[str]:
    """Return the tables of an experiment: time, loss and quality, then parts of the test sets."""
    names = [one for one in trial.names() if one not in (SECONDS, WORDS)]
    first = whole(names)
    parts = [one for one in names if one not in first]
    seeds = ", ".join(map(str, trial.seeds))
    epochs = ", ".join(sorted({str(one["epochs"]) for one in trial.kinds.values()}))
    epochs += " epoch" if epochs == "1" else " epochs"
    title = (
        f"**{TITLES[trial.model]}** ({trial.tokens:,} tokens, {trial.words:,} words, "
        f"{epochs}, seeds {seeds})"
    )
    tables = [_table(trial, [SECONDS, TIMES, *first]), *([_table(trial, parts)] if parts else [])]
    problems = [
        f"{one['setting']}, seed {one['seed']}: {one['problem']}."
        for one in trial.results
        if one["problem"]
    ]
    return [title, *tables, *problems]


def _table(trial: Trial, names: Sequence[str]) -> str:
    rows = [
        [setting, *(_cell(trial, setting, name) for name in names)] for setting in trial.settings
    ]
    return table(["trained with", *names], rows)


def _cell(trial: Trial, setting: str, name: str) -> str:
    if name == TIMES:
        times = longer(trial, setting)
        return "-" if times is None else f"{times:.2f}"
    spread = trial.spread(setting, name)
    return spread.shown(FORMATS.get(name, QUALITY)) if spread else "-"


def longer(trial: Trial, setting: str) -> float | None:
    """Return the seconds of a setting in those of the first one."""
    ours, theirs = (trial.spread(one, SECONDS) for one in (setting, trial.settings[0]))
    return ours.mean / theirs.mean if ours and theirs else None


class Margin(NamedTuple):
    """By how much a setting is better than the first one on a figure."""

    name: str
    better: float
    """Negative where it is worse."""
    noise: float
    """By how much seeds differ."""

    @property
    def telling(self) -> bool:
        """Whether it is more than seeds differ by, and would show in a table."""
        return abs(self.better) > self.noise and round(abs(self.better), 3) > 0

    def shown(self) -> str:
        """Return it without its sign."""
        return f"{self.name} (by {abs(self.better):.3f}, seeds {self.noise:.3f})"


def margins(trial: Trial, setting: str) -> Iterator[Margin]:
    """Yield how a setting compares with the first one, on the held-out loss and all qualities.

    Seeds differ by the range of the figure in either setting, or by the median of that of all
    settings, whichever is the most: the range of two or three seeds may be small by chance.
    """
    for name in trial.names():
        ours, theirs = trial.of(setting, name), trial.of(trial.settings[0], name)
        if name in (SECONDS, WORDS) or not (ours and theirs):
            continue
        every = [_range(trial.of(one, name)) for one in trial.settings if trial.of(one, name)]
        noise = max(_range(ours), _range(theirs), statistics.median(every))
        sign = -1.0 if name == LOSS else 1.0
        yield Margin(name, sign * (statistics.fmean(ours) - statistics.fmean(theirs)), noise)


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)


def verdicts(trial: Trial) -> str:
    """Return a line for each setting: what it costs, and where it differs from the first."""
    return "\n".join(_verdict(trial, one) for one in trial.settings[1:])


def _verdict(trial: Trial, setting: str) -> str:
    times = longer(trial, setting)
    if times is None:
        return f"- **{setting}** has no figures: training went wrong."
    found = list(margins(trial, setting))
    better = [one for one in found if one.telling and one.better > 0]
    worse = [one for one in found if one.telling and one.better < 0]
    level = sum(not one.telling for one in found)
    said = [f"- **{setting}** takes {times:.2f} times as long as {trial.settings[0]}"]
    for what, some in (("better", better), ("worse", worse)):
        if some:
            said.append(f"{what} on {', '.join(one.shown() for one in some)}")
    if level:
        said.append(f"no more apart than seeds are on {level} of {len(found)} figures")
    return "; ".join(said) + "."
