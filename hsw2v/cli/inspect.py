"""`hsw2v info` and `vector`: what a model is and what it holds."""

from __future__ import annotations

from typing import Any

import click

from hsw2v.cli.options import json_option, model_argument, words_argument
from hsw2v.cli.output import print_json, print_table


@click.command()
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Print what a model holds and how it was trained.

    \b
    Example:
      hsw2v info corpus.safetensors
    """
    import hsw2v

    opened = hsw2v.load(model)
    words, dim = opened.vectors.shape
    facts: dict[str, Any] = {
        "words": words,
        "dim": dim,
        "info": opened.info,
        "config": opened.config,
    }
    if as_json:
        print_json(facts)
    else:
        print_table(list(_flat(facts)))


def _flat(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return nested facts as rows of name and value; an inner name stands for itself."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += _flat(value)
        elif value is not None:
            rows.append((name, f"{value:,}" if name == "words" else str(value)))
    return rows


@click.command()
@model_argument
@words_argument
@json_option
def vector(model: str, words: tuple[str, ...], as_json: bool) -> None:
    """Print the vectors of WORDS: a word and its numbers a line, digits exact.

    \b
    Example:
      hsw2v vector corpus.safetensors king queen
    """
    import hsw2v

    opened = hsw2v.load(model)
    vectors = {word: opened.vector(word) for word in words}
    if as_json:
        print_json(vectors)
    else:
        for word, numbers in vectors.items():
            print(word, *(str(number) for number in numbers))
