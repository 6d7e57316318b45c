"""`hsw2v evaluate`: ratings of word pairs, and analogies."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.options import json_option, model_argument, number_option
from hsw2v.cli.output import formatted, print_json, print_table
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.query.evaluation import AnalogiesResult, Evaluation, PairsResult, Score


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
@json_option
def evaluate(
    model: str,
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
    restrict: int,
    as_json: bool,
) -> None:
    """Evaluate MODEL on similarity ratings of word pairs, and on analogies.

    Pairs: lines of two words and a rating; prints Spearman's rank correlation, of all pairs and of
    two halves: rare, the pairs whose rarer word is beyond the median, and frequent. Analogies:
    lines of four words in sections that begin with `: name`; prints the share of questions
    answered exactly. What holds a word outside the vocabulary is skipped; `covered` counts the
    rest. Of a model with n-grams, such words are composed of theirs and count, but in analogies
    only with --restrict 0, and never as the answer.

    \b
    Examples:
      hsw2v evaluate corpus.safetensors --pairs wordsim353.tsv simlex999.txt
      hsw2v evaluate corpus.safetensors --analogies questions-words.txt --json
    """
    import hsw2v

    if not pairs and not analogies:
        raise UsageError("nothing to evaluate on", hint="give --pairs FILE or --analogies FILE")
    found = hsw2v.load(model).evaluate(
        pairs=list(pairs), analogies=list(analogies), restrict=restrict
    )
    if as_json:
        records = [dataclasses.asdict(one) for one in found.pairs]
        print_json({"pairs": records, "analogies": [_record(one) for one in found.analogies]})
    else:
        _print(found)


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


def _record(result: AnalogiesResult) -> dict[str, Any]:
    def score(one: Score) -> dict[str, Any]:
        return {**dataclasses.asdict(one), "accuracy": one.accuracy}

    sums = {one.name: score(one) for one in (result.semantic, result.syntactic, result.total)}
    return {"name": result.name, "sections": [score(one) for one in result.sections], **sums}
