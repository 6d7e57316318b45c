"""`hsw2v score`: the probability of sentences, each word given those around it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.checks import leave_scipy_out
from hsw2v.cli.opening import open_model
from hsw2v.cli.options import (
    format_options,
    given_only,
    json_option,
    model_argument,
    normalize_option,
    quiet_option,
)
from hsw2v.cli.output import print_json
from hsw2v.cli.progress import Progress

if TYPE_CHECKING:
    from hsw2v.query.scoring import Score


@click.command()
@model_argument
@click.argument("file")
@normalize_option
@json_option
@quiet_option
@format_options
def score(
    model: str, file: str, normalize_exactly: bool, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Print log-probability and perplexity of every sentence of FILE, and of all together.

    Tab-separated, one sentence a line: log-probability in nats, number of words scored,
    perplexity, sentence; the last line is the total. Each word of the vocabulary is scored given
    its whole window. A word without context is not scored, and a sentence without scored words
    has - for its figures. FILE is tokenised as the model's corpus was; - is standard input.

    \b
    Examples:
      hsw2v score corpus.safetensors sentences.txt
      hsw2v score corpus.safetensors - --json < sentences.txt
    """
    leave_scipy_out()
    from hsw2v.query.scoring import Score

    opened = open_model(model, [file], quiet=quiet)
    log_prob, words, sentences = 0.0, 0, 0
    with Progress(quiet=quiet, sources=[file]) as progress:
        scores = opened.score(
            file,
            normalize_exactly=normalize_exactly,
            listener=progress.listen,
            **given_only(given),
        )
        for one in scores:
            log_prob, words, sentences = log_prob + one.log_prob, words + one.words, sentences + 1
            if as_json:
                print_json({**_figures(one), "sentence": " ".join(one.tokens)})
            else:
                sys.stdout.write(f"{_columns(one)}\t{' '.join(one.tokens)}\n")
    total = Score(log_prob, words)
    if as_json:
        print_json({"total": {**_figures(total), "sentences": sentences}})
    else:
        plural = "" if sentences == 1 else "s"
        sys.stdout.write(f"{_columns(total)}\t({sentences:,} sentence{plural})\n")


def _figures(one: Score) -> dict[str, Any]:
    return {
        "log_probability": one.log_prob if one.words else None,
        "words": one.words,
        "perplexity": one.perplexity,
    }


def _columns(one: Score) -> str:
    if one.perplexity is None:
        return "-\t0\t-"
    return f"{one.log_prob:.4f}\t{one.words}\t{one.perplexity:.2f}"
