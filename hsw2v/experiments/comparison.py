"""The results of an experiment as tables."""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any, NamedTuple

from hsw2v.config import shown
from hsw2v.experiments.experiment import Setting, stem
from hsw2v.experiments.results import Run
from hsw2v.markup import table as html_table
from hsw2v.query.labels import LabelScore

Figures = dict[str, float | None]
Table = list[list[str]]
"""A header, and a row for each setting."""

SECONDS, WORDS, LOSS, PERPLEXITY = "seconds", "words/s", "held-out loss", "held-out perplexity"
TIMES = "times"
"""Seconds, relative to those of the first setting."""
FORMATS = {SECONDS: ",.2f", WORDS: ",.0f", LOSS: ".4f", PERPLEXITY: ",.1f"}
QUALITY = ".3f"
DERIVED = (WORDS, PERPLEXITY)
"""Shown as means only: the columns beside them have the spread."""


class Spread(NamedTuple):
    """The mean and the range of a figure over the seeds."""

    mean: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Iterable[float | None]) -> Spread | None:
        """Return the spread of the figures that are not None; None without any."""
        known = [one for one in figures if one is not None]
        return cls(statistics.fmean(known), min(known), max(known)) if known else None

    def shown(self, form: str, *, mean_alone: bool = False) -> str:
        """Return the mean, and the least and the most where they differ."""
        if mean_alone or self.least == self.most:
            return format(self.mean, form)
        return f"{self.mean:{form}} ({self.least:{form}}–{self.most:{form}})"


def cost_of(run: Run) -> Figures:
    """Return the time and the held-out loss of a run."""
    return {
        SECONDS: run.seconds,
        WORDS: run.words_per_second,
        LOSS: run.heldout_loss,
        PERPLEXITY: run.heldout_perplexity,
    }


def quality_of(run: Run) -> Figures:
    """Return the correlation on pairs, the accuracy on analogies, and Micro-F1 on labels."""
    found = run.evaluation
    pairs = {stem(one.name): one.spearman for one in found.pairs}
    analogies = {stem(one.name): one.total.accuracy for one in found.analogies}
    return pairs | analogies | _of_labels(run, "Micro-F1", lambda one: one.micro_f1)


def _of_labels(run: Run, measure: str, figure: Callable[[LabelScore], float]) -> Figures:
    return {
        f"{stem(one.name)} {measure} {score.percent}": figure(score)
        for one in run.labels
        for score in one.scores
    }


def parts_of(run: Run) -> Figures:
    """Return the same of rare and frequent pairs, of semantic and syntactic ones; Macro-F1."""
    found: Figures = {}
    for pairs in run.evaluation.pairs:
        name = stem(pairs.name)
        found |= {f"{name} rare": pairs.rare, f"{name} frequent": pairs.frequent}
    for one in run.evaluation.analogies:
        name = stem(one.name)
        found[f"{name} semantic"] = one.semantic.accuracy
        found[f"{name} syntactic"] = one.syntactic.accuracy
    return found | _of_labels(run, "Macro-F1", lambda one: one.macro_f1)


@dataclass(frozen=True, repr=False)
class Comparison:
    """The finished runs of an experiment, ordered by setting and seed.

    `runs` have `setting`, `seed`, `seconds`, `words_per_second`, `heldout_loss`,
    `heldout_perplexity`, `evaluation`, as `Model.evaluate` returns it, and `labels`, what
    `Model.evaluate_labels` returns of each file; a run that diverged has no figures, and its
    `problem` says why.
    """

    name: str
    common: Mapping[str, Any]
    """The settings that all have in common, unless they override them."""
    settings: tuple[Setting, ...]
    """Each with its `name`, its whole `config`, and its own settings, `given`."""
    seeds: tuple[int, ...]
    tokens: int
    """Of the corpus; 0 of walks over a graph, which depend on the settings."""
    runs: tuple[Run, ...]
    nodes: int = 0
    """Of the graph; 0 of a corpus."""
    edges: int = 0

    def __repr__(self) -> str:
        settings, runs = len(self.settings), len(self.runs)
        return f"<hsw2v.Comparison {self.name!r}: {settings} settings, {runs} runs>"

    def _repr_html_(self) -> str:
        tables = [html_table(one[0], one[1:]) for one in self.tables()]
        return f"<p>{escape(self.name)}</p>" + "".join(tables)

    @property
    def names(self) -> list[str]:
        """The names of the settings."""
        return [one.name for one in self.settings]

    def table(self) -> Table:
        """Return a header and a row for each setting: time, held-out loss, test sets.

        Figures are means over the seeds, with the least and the most in parentheses where these
        differ; "times" are seconds relative to those of the first setting.
        """
        return self._table(lambda run: cost_of(run) | quality_of(run), times=True)

    def parts(self) -> Table:
        """Return the same of rare and frequent pairs, semantic and syntactic ones; Macro-F1."""
        return self._table(parts_of)

    def tables(self) -> list[Table]:
        """Return `table` and `parts`, unless they are empty."""
        return [one for one in (self.table(), self.parts()) if len(one[0]) > 1]

    def markdown(self) -> str:
        """Return both tables as Markdown, with the settings."""
        seeds = _listed(self.seeds)
        threads = _listed(dict.fromkeys(one.config.training.threads for one in self.settings))
        size = (
            f"{self.nodes:,} nodes, {self.edges:,} edges"
            if self.nodes
            else f"{self.tokens:,} tokens"
        )
        caption = f"{size}; threads: {threads}; seeds: {seeds}."
        if len(self.seeds) > 1:
            caption += " Means over the seeds, with the least and the most in parentheses."
        caption += f" Times are seconds relative to {self.names[0]}."
        parts = [
            f"# {self.name}",
            caption,
            *map(_markdown, self.tables()),
            *(f"{one.setting}, seed {one.seed}: {one.problem}" for one in self.runs if one.problem),
            f"Common settings: {_assigned(self.common) or 'the defaults'}.",
            "\n".join(f"- {one.name}: {_assigned(one.given) or '-'}" for one in self.settings),
        ]
        return "\n\n".join(parts) + "\n"

    def figures(self) -> list[dict[str, Any]]:
        """Return every figure of every run, by name, a dict a run."""
        figures = [cost_of(run) | quality_of(run) | parts_of(run) for run in self.runs]
        names = list(dict.fromkeys(name for one in figures for name in one))
        return [
            {
                **{"setting": run.setting, "seed": run.seed},
                **{name: found.get(name) for name in names},
                "problem": run.problem,
            }
            for run, found in zip(self.runs, figures, strict=True)
        ]

    def csv(self) -> str:
        """Return every figure of every run, a line a run, with all digits."""
        text, rows = io.StringIO(), self.figures()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(rows[0] if rows else ["setting", "seed", "problem"])
        writer.writerows(row.values() for row in rows)
        return text.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return it as nested dicts and tuples."""
        settings = tuple(
            {"name": one.name, "config": one.config.to_dict(), "given": shown(one.given)}
            for one in self.settings
        )
        return {**asdict(self), "common": shown(self.common), "settings": settings}

    def spreads(self, figures_of: Callable[[Run], Figures]) -> dict[str, list[Spread | None]]:
        """Return by name the spread of every figure that some run has, for each setting."""
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
            mean_alone = name in DERIVED
            columns[name] = [one.shown(form, mean_alone=mean_alone) if one else "-" for one in row]
            if times and name == SECONDS:
                first = row[0]
                columns[TIMES] = [
                    f"{one.mean / first.mean:.2f}" if one and first else "-" for one in row
                ]
        return [list(columns), *map(list, zip(*columns.values(), strict=True))]


def _assigned(values: Mapping[str, Any]) -> str:
    """Return settings as a TOML file has them, in one line."""
    return _listed(
        f"`{name} = {json.dumps(value, ensure_ascii=False)}`"
        for name, value in shown(values).items()
    )


def _listed(items: Iterable[object]) -> str:
    return ", ".join(map(str, items))


def _markdown(table: Table) -> str:
    rule = ["---", *["---:"] * (len(table[0]) - 1)]
    rows = [[cell.replace("|", "\\|") for cell in row] for row in [table[0], rule, *table[1:]]]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
