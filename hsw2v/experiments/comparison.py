"""What came of an experiment: tables of its figures."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from hsw2v.experiments.experiment import Setting, stem
from hsw2v.experiments.results import Run

Figures = dict[str, float | None]
Table = list[list[str]]
"""A header, and a row for each setting."""

SECONDS, WORDS, LOSS, PERPLEXITY = "seconds", "words/s", "held-out loss", "held-out perplexity"
TIMES = "times"
"""Seconds in those of the first setting."""
FORMATS = {SECONDS: ",.2f", WORDS: ",.0f", LOSS: ".4f", PERPLEXITY: ",.1f"}
QUALITY = ".3f"
DERIVED = (WORDS, PERPLEXITY)
"""Their spread is told by the columns beside them."""


class Spread(NamedTuple):
    """Some figures of the same kind: one a seed."""

    mean: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float | None]) -> Spread | None:
        """Return the spread of those figures that there are; None without any."""
        known = [one for one in figures if one is not None]
        return cls(statistics.fmean(known), min(known), max(known)) if known else None

    def shown(self, form: str, *, mean_alone: bool = False) -> str:
        """Return the mean, and where they differ the least and the most."""
        if mean_alone or self.least == self.most:
            return format(self.mean, form)
        return f"{self.mean:{form}} ({self.least:{form}}–{self.most:{form}})"


def cost_of(run: Run) -> Figures:
    """Return what a run took, and the loss it came to."""
    return {
        SECONDS: run.seconds,
        WORDS: run.words_per_second,
        LOSS: run.heldout_loss,
        PERPLEXITY: run.heldout_perplexity,
    }


def quality_of(run: Run) -> Figures:
    """Return the correlation with each set of pairs, and the accuracy on each set of analogies."""
    found = run.evaluation
    pairs = {stem(one.name): one.spearman for one in found.pairs}
    return pairs | {stem(one.name): one.total.accuracy for one in found.analogies}


def parts_of(run: Run) -> Figures:
    """Return the same for rare and frequent pairs, and for semantic and syntactic analogies."""
    found: Figures = {}
    for pairs in run.evaluation.pairs:
        name = stem(pairs.name)
        found |= {f"{name} rare": pairs.rare, f"{name} frequent": pairs.frequent}
    for one in run.evaluation.analogies:
        name = stem(one.name)
        found[f"{name} semantic"] = one.semantic.accuracy
        found[f"{name} syntactic"] = one.syntactic.accuracy
    return found


@dataclass(frozen=True)
class Comparison:
    """The runs of an experiment that are done, by setting and seed in the order of these.

    `runs` have `setting`, `seed`, `seconds`, `words_per_second`, `heldout_loss`,
    `heldout_perplexity` and `evaluation`, which is what `Model.evaluate` gives; of a run that went
    wrong, `problem` says why, and there are no figures.
    """

    name: str
    common: Mapping[str, Any]
    """What holds for all settings that do not say otherwise."""
    settings: tuple[Setting, ...]
    """Each with its `name`, its whole `config`, and what is `given` of it beside the common."""
    seeds: tuple[int, ...]
    tokens: int
    """Of the corpus."""
    runs: tuple[Run, ...]

    @property
    def names(self) -> list[str]:
        """The names of the settings."""
        return [one.name for one in self.settings]

    def table(self) -> Table:
        """Return a header and a row for each setting: time, held-out loss, quality.

        Figures are means over the seeds, with the least and the most in parentheses where these
        differ; "times" are the seconds in those of the first setting.
        """
        return self._table(lambda run: cost_of(run) | quality_of(run), times=True)

    def parts(self) -> Table:
        """Return the same of the parts of test sets: rare and frequent, semantic and syntactic."""
        return self._table(parts_of)

    def markdown(self) -> str:
        """Return both tables as Markdown, with what they are of and what the settings are."""
        seeds = _listed(self.seeds)
        threads = _listed(dict.fromkeys(one.config.training.threads for one in self.settings))
        told = f"{self.tokens:,} tokens; threads: {threads}; seeds: {seeds}."
        if len(self.seeds) > 1:
            told += " Means over the seeds, with the least and the most in parentheses."
        told += f" Times are seconds in those of {self.names[0]}."
        tables = [_markdown(one) for one in (self.table(), self.parts()) if len(one[0]) > 1]
        problems = [
            f"{run.setting}, seed {run.seed}: {run.problem}" for run in self.runs if run.problem
        ]
        parts = [f"# {self.name}", told, *tables, *problems, *self._described()]
        return "\n\n".join(parts) + "\n"

    def _described(self) -> Iterable[str]:
        """Yield what the settings have in common, and what each of them says itself."""
        common = f": {_assigned(self.common)}" if self.common else " the defaults"
        yield f"Where a setting does not say otherwise, it has{common}."
        yield "\n".join(
            f"- {one.name}: {_assigned(one.given) or 'nothing else'}" for one in self.settings
        )

    def csv(self) -> str:
        """Return every figure of every run, a line a run, with all digits."""
        figures = [cost_of(run) | quality_of(run) | parts_of(run) for run in self.runs]
        names = list(dict.fromkeys(name for one in figures for name in one))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["setting", "seed", *names, "problem"])
        for run, found in zip(self.runs, figures, strict=True):
            values = [found.get(name) for name in names]
            writer.writerow([run.setting, run.seed, *values, run.problem])
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as nested dicts and tuples."""
        return asdict(self)

    def spreads(self, figures_of: Callable[[Run], Figures]) -> dict[str, list[Spread | None]]:
        """Return the spread of every figure, for each setting, by name; not those of no run."""
        found: dict[str, list[Spread | None]] = {}
        for number, setting in enumerate(self.names):
            figures = [figures_of(run) for run in self.runs if run.setting == setting]
            for name in dict.fromkeys(name for one in figures for name in one):
                row = found.setdefault(name, [None] * len(self.settings))
                row[number] = Spread.of(one.get(name) for one in figures)
        return {name: row for name, row in found.items() if any(row)}

    def _table(self, figures_of: Callable[[Run], Figures], *, times: bool = False) -> Table:
        columns: dict[str, list[str]] = {"setting": self.names}
        for name, row in self.spreads(figures_of).items():
            form = FORMATS.get(name, QUALITY)
            alone = name in DERIVED
            columns[name] = [one.shown(form, mean_alone=alone) if one else "-" for one in row]
            if times and name == SECONDS:
                columns[TIMES] = [_ratio(one, row[0]) for one in row]
        return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _assigned(values: Mapping[str, Any]) -> str:
    """Return settings as a TOML file has them, in one line."""
    return _listed(
        f"`{name} = {json.dumps(value, ensure_ascii=False)}`" for name, value in values.items()
    )


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def _ratio(ours: Spread | None, theirs: Spread | None) -> str:
    return f"{ours.mean / theirs.mean:.2f}" if ours and theirs else "-"


def _markdown(table: Table) -> str:
    rule = ["---", *["---:"] * (len(table[0]) - 1)]
    return "\n".join(
        "| " + " | ".join(map(_cell, row)) + " |" for row in [table[0], rule, *table[1:]]
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
