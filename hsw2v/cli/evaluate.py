"""`hsw2v evaluate`: ratings of word pairs, analogies, and labels."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.opening import open_model
from hsw2v.cli.options import json_option, model_argument, number_option, quiet_option
from hsw2v.cli.output import formatted, print_json, print_table
from hsw2v.cli.progress import Progress
from hsw2v.errors import UsageError
from hsw2v.files import expand_sources

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from hsw2v.query.evaluation import AnalogiesResult, Evaluation, PairsResult, Score
    from hsw2v.query.labels import LabelsResult


class ManyFiles(click.Command):
    """A command whose options of files take as many as follow: `--pairs a.tsv b.tsv`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat such an option before each of its values, as click reads them."""
        many = {name for one in self.params if one.multiple for name in one.opts}
        spread: list[str] = []
        option = ""
        for argument in args:
            if argument.startswith("-"):
                option = argument if argument in many else ""
                if option:
                    continue
            spread += [option, argument] if option else [argument]
        return super().parse_args(ctx, spread)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Complete a further file."""
        from click.shell_completion import CompletionItem

        found = super().shell_complete(ctx, incomplete)
        return found or [CompletionItem(incomplete, type="file")]


@click.command(cls=ManyFiles)
@model_argument
@click.option("--pairs", multiple=True, metavar="FILE...", help="Word pairs with ratings.")
@click.option("--analogies", multiple=True, metavar="FILE...", help="Analogy questions.")
@number_option(
    "--restrict",
    least=0,
    default=30_000,
    help="Restrict analogies to this many most frequent words, in questions and answers; 0 for "
    "all.",
)
@click.option(
    "--labels", multiple=True, metavar="FILE...", help="Labels of words, such as nodes of a graph."
)
@click.option(
    "--fraction",
    "fractions",
    multiple=True,
    type=click.FloatRange(0.0, 1.0, min_open=True, max_open=True),
    metavar="NUMBER...",
    help="Shares of the words whose labels are known (default: 0.1 0.5 0.9).",
)
@number_option("--repeats", default=10, help="How often words are drawn whose labels are known.")
@number_option("--seed", least=0, default=1, help="Seed of these draws.")
@json_option
@quiet_option
def evaluate(
    model: str,
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
    restrict: int,
    labels: tuple[str, ...],
    fractions: tuple[float, ...],
    repeats: int,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> None:
    """Evaluate MODEL on similarity ratings of word pairs, on analogies, and on labels of words.

    Pairs: lines of two words and a rating; prints Spearman's rank correlation, of all pairs and of
    two halves: rare, the pairs whose rarer word is beyond the median, and frequent. Analogies:
    lines of four words in sections that begin with `: name`; prints the share of questions
    answered exactly. Labels: lines of a word and its labels; prints how well one-vs-rest logistic
    regression of the vectors tells them, Micro-F1 and Macro-F1 as means over draws of the words
    whose labels are known, with standard deviations. What holds a word outside the vocabulary is
    skipped; `covered` counts the rest. Of a model with n-grams, such words are composed of theirs
    and count for pairs, and for analogies with --restrict 0, but never as the answer.

    \b
    Examples:
      hsw2v evaluate corpus.safetensors --pairs wordsim353.tsv simlex999.txt
      hsw2v evaluate corpus.safetensors --analogies questions-words.txt --json
      hsw2v evaluate graph.safetensors --labels labels.txt --fraction 0.1 0.5 0.9
    """

    if not pairs and not analogies and not labels:
        raise UsageError(
            "nothing to evaluate on", hint="give --pairs FILE, --analogies FILE or --labels FILE"
        )
    expand_sources(labels)
    opened = open_model(model, quiet=quiet)
    found = opened.evaluate(pairs=list(pairs), analogies=list(analogies), restrict=restrict)
    with Progress(quiet=quiet) as progress:
        told = [
            opened.evaluate_labels(
                one,
                fractions=fractions or (0.1, 0.5, 0.9),
                repeats=repeats,
                seed=seed,
                listener=progress.listen,
            )
            for one in labels
        ]
    if as_json:
        records = [dataclasses.asdict(one) for one in found.pairs]
        answer = {"pairs": records, "analogies": [_record(one) for one in found.analogies]}
        print_json({**answer, "labels": [dataclasses.asdict(one) for one in told]})
    else:
        _print(found)
        _print_labels(told, apart=bool(pairs or analogies))


def _print(found: Evaluation) -> None:
    if found.pairs:
        rows = [["pairs", "Spearman", "rare", "frequent", "covered"]]
        for one in found.pairs:
            figures = (formatted(rho, ".4f") for rho in (one.spearman, one.rare, one.frequent))
            rows.append([one.name, *figures, _covered(one, one.pairs)])
        print_table(rows, right=range(1, 5))
        if found.analogies:
            print()
    for result in found.analogies:
        table = [(result.name, "accuracy", "correct", "covered")]
        for score in (*result.sections, result.semantic, result.syntactic, result.total):
            accuracy = formatted(score.accuracy, ".4f")
            covered = _covered(score, score.questions)
            table.append((score.name, accuracy, f"{score.correct:,}", covered))
        print_table(table, right=range(1, 4))


def _covered(one: PairsResult | Score, asked: int) -> str:
    composed = f", {one.composed:,} composed" if one.composed else ""
    return f"{one.covered:,} of {asked:,}{composed}"


def _print_labels(found: list[LabelsResult], *, apart: bool) -> None:
    for number, result in enumerate(found):
        if number or apart:
            print()
        table = [(result.name, "Micro-F1", "Macro-F1", "covered")]
        for one in result.scores:
            micro = f"{one.micro_f1:.4f} ± {one.micro_f1_deviation:.4f}"
            macro = f"{one.macro_f1:.4f} ± {one.macro_f1_deviation:.4f}"
            covered = f"{result.covered:,} of {result.words:,}"
            table.append((f"{one.percent} labelled", micro, macro, covered))
        print_table(table, right=range(1, 4))


def _record(result: AnalogiesResult) -> dict[str, Any]:
    def score(one: Score) -> dict[str, Any]:
        return {**dataclasses.asdict(one), "accuracy": one.accuracy}

    sums = {one.name: score(one) for one in (result.semantic, result.syntactic, result.total)}
    return {"name": result.name, "sections": [score(one) for one in result.sections], **sums}
