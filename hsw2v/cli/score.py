"""`hsw2v score`: the probability of sentences, each word given those around it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.options import json_option, model_argument, normalize_option
from hsw2v.cli.output import print_json
from hsw2v.cli.progress import Progress

if TYPE_CHECKING:
    from hsw2v.query.scoring import Score


@click.command()
@model_argument
@click.argument("file")
@normalize_option
@json_option
@click.option("--quiet", is_flag=True, help="Print no progress.")
def score(model: str, file: str, normalize_exactly: bool, as_json: bool, quiet: bool) -> None:
    """Print the log-probability and the perplexity of every sentence of FILE, and of all.

    A line for each: log-probability in nats, words that were scored, perplexity, and the
    sentence, between tabs; the last line is of all together. Each word of the vocabulary is
    scored given its whole window; a word with no other around it cannot be, and a sentence
    without any that can has - for its figures. FILE is read as the model's corpus was, and may be
    - for standard input.

    \b
    Examples:
      hsw2v score corpus.safetensors sentences.txt
      hsw2v score corpus.safetensors - --json < sentences.txt
    """
    import hsw2v
    from hsw2v.query.scoring import Score

    opened = hsw2v.load(model)
    log_prob, words, sentences = 0.0, 0, 0
    with Progress(quiet=quiet) as progress:
        for one in opened.score(
            file, normalize_exactly=normalize_exactly, listener=progress.listen
        ):
            log_prob, words, sentences = (
                log_prob + one.log_prob,
                words + one.words,
                sentences + 1,
            )
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
