"""`hsw2v evaluate`: how well a model agrees with people's judgements."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.options import json_option, model_argument
from hsw2v.cli.output import print_json, print_table
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.query.evaluation import AnalogiesResult, PairsResult, Score


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
@click.option(
    "--restrict",
    type=click.IntRange(min=0),
    default=30_000,
    show_default=True,
    metavar="NUMBER",
    help="Ask analogies among this many most frequent words only; 0 for all.",
)
@json_option
def evaluate(
    model: str,
    pairs: tuple[str, ...],
    analogies: tuple[str, ...],
    restrict: int,
    as_json: bool,
) -> None:
    """Compare MODEL with people's ratings of word pairs, and with analogies.

    Pairs: lines of two words and a rating; the result is Spearman's rank correlation, of all and
    of two halves: rare, the pairs whose rarer word is beyond the median, and frequent. Analogies:
    lines of four words in sections that begin with `: name`; the result is the share of questions
    answered exactly. Words that are not in the vocabulary are left out and counted.

    \b
    Examples:
      hsw2v evaluate corpus.safetensors --pairs wordsim353.tsv simlex999.txt
      hsw2v evaluate corpus.safetensors --analogies questions-words.txt --json
    """
    import hsw2v

    if not pairs and not analogies:
        raise UsageError("nothing to evaluate on", hint="give --pairs FILE or --analogies FILE")
    result = hsw2v.load(model).evaluate(
        pairs=list(pairs), analogies=list(analogies), restrict=restrict
    )
    if as_json:
        print_json(
            {
                "pairs": [dataclasses.asdict(one) for one in result.pairs],
                "analogies": [_record(one) for one in result.analogies],
            }
        )
    else:
        _print_pairs(result.pairs)
        if result.pairs and result.analogies:
            print()
        for one in result.analogies:
            _print_analogies(one)


def _print_pairs(results: tuple[PairsResult, ...]) -> None:
    if results:
        rows = [
            (
                one.name,
                *map(_number, (one.spearman, one.rare, one.frequent)),
                f"{one.covered:,} of {one.pairs:,}",
            )
            for one in results
        ]
        header = ("pairs", "Spearman", "rare", "frequent", "covered")
        print_table([header, *rows], right=(1, 2, 3, 4))


def _print_analogies(result: AnalogiesResult) -> None:
    rows = [
        (
            one.name,
            _number(one.accuracy),
            f"{one.correct:,}",
            f"{one.covered:,} of {one.questions:,}",
        )
        for one in (*result.sections, result.semantic, result.syntactic, result.total)
    ]
    print_table([(result.name, "accuracy", "correct", "covered"), *rows], right=(1, 2, 3))


def _record(result: AnalogiesResult) -> dict[str, Any]:
    def score(one: Score) -> dict[str, Any]:
        return {**dataclasses.asdict(one), "accuracy": one.accuracy}

    return {
        "name": result.name,
        "sections": [score(one) for one in result.sections],
        "semantic": score(result.semantic),
        "syntactic": score(result.syntactic),
        "total": score(result.total),
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
