"""`hsw2v predict`: the words that belong in a gap, by their exact probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.opening import check_model, open_model
from hsw2v.cli.options import count_option, json_option, model_argument, normalize_option, word
from hsw2v.cli.output import composed, print_json, print_table, warn
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.model.predictor import Prediction


@click.command()
@model_argument
@click.argument("text", nargs=-1, type=word)
@click.option(
    "--context",
    multiple=True,
    type=word,
    metavar="WORDS",
    help="Context words, separated by spaces, in place of TEXT; all count, whatever their order.",
)
@count_option
@normalize_option
@json_option
def predict(
    model: str,
    text: tuple[str, ...],
    context: tuple[str, ...],
    k: int,
    normalize_exactly: bool,
    as_json: bool,
) -> None:
    """Print the most probable words at the gap _ of TEXT, with their probabilities.

    Probabilities and ranking are exact. As in training, words of TEXT that are not in the
    vocabulary are left out, and those beyond the model's window do not count. Words of --context
    must all be in the vocabulary. Of a model with n-grams, other words are composed of theirs.

    \b
    Examples:
      hsw2v predict corpus.safetensors "the capital of _ is"
      hsw2v predict corpus.safetensors --context "king queen" -k 5 --json
    """
    from hsw2v.model.missing import explained
    from hsw2v.model.predictor import Predictor

    check_model(model, text)
    if bool(text) == bool(context):
        raise UsageError(
            "the context is given twice" if text else "no context is given",
            hint='give a text with a gap, such as "the capital of _ is", or --context WORDS',
        )
    given = " ".join(text) if text else [one for some in context for one in some.split()]
    opened = open_model(model, text)
    predictor = Predictor(opened, normalize_exactly=normalize_exactly)
    found = predictor.predict(given, k)
    for why, words in (
        ("not in the vocabulary", found.context.unknown),
        ("too far from the gap", found.context.out_of_window),
    ):
        if words:
            warn(f"left out, {why}: {explained(words, opened.why_missing)}")
    made = composed(opened, found.context.words, as_json)
    if as_json:
        print_json(_record(found) | made)
    else:
        print_table(
            (one, f"{math.exp(log):.4g}")
            for one, log in zip(found.words, found.log_probs, strict=True)
        )


def _record(found: Prediction) -> dict[str, Any]:
    return {
        "context": found.context.words,
        "unknown": found.context.unknown,
        "out_of_window": found.context.out_of_window,
        "predictions": [
            {"word": one, "probability": math.exp(log), "log_probability": log}
            for one, log in zip(found.words, found.log_probs, strict=True)
        ],
        "visited": found.visited,
        "outputs": found.outputs,
    }
