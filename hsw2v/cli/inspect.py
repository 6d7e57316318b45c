"""`hsw2v info` and `vector`: what a model is and what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.opening import open_model
from hsw2v.cli.options import json_option, model_argument, words_argument
from hsw2v.cli.output import composed, print_json, print_table
from hsw2v.config import known_settings

if TYPE_CHECKING:
    from hsw2v.model import Model


@click.command()
@model_argument
@json_option
def info(model: str, as_json: bool) -> None:
    """Print what MODEL holds and how it was trained.

    \b
    Example:
      hsw2v info corpus.safetensors
    """
    opened = open_model(model)
    facts = {"words": len(opened), "dim": opened.dim, **_layer(opened), **opened.info}
    facts["config"] = opened.config
    if as_json:
        print_json(facts)
    else:
        print_table(_rows(facts))


def _layer(model: Model) -> dict[str, Any]:
    """Return the facts about the output layer and n-grams; none for a file of vectors."""
    training = model.config.get("training", {})
    facts = {name: training[name] for name in ("loss", "optimizer") if name in training}
    if model.tree is not None and model.counts is not None:
        from hsw2v.corpus.vocabulary import kept_counts
        from hsw2v.network.outputs.hs import HierarchicalOutput
        from hsw2v.trees.shape import trained_length

        settings = known_settings(model.config)
        kept = kept_counts(model.counts, settings.vocabulary.sample)
        output = model.output_layer
        assert isinstance(output, HierarchicalOutput)
        facts["decisions_a_target"] = {
            "all": sum(trained_length(one, kept, 0.0) for one in output.trees),
            "trained": sum(trained_length(one, kept, output.node_sample) for one in output.trees),
        }
    if model.classes is not None:
        made = {"made_by": training["classes"]} if "classes" in training else {}
        facts["classes"] = {"count": model.classes.count, **made}
    if (subwords := model.subwords) is not None:
        facts["subwords"] = {"lengths": str(subwords.settings), "ngrams": len(subwords)}
    if model.has_output:
        facts["batch_norm"] = model.batch_norm is not None
    return facts


def _rows(facts: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested facts as rows of dotted name and value."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{prefix}{name}.")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{prefix}{name}", "" if value is None else str(value)
        else:
            yield f"{prefix}{name}", f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


@click.command()
@model_argument
@words_argument
@json_option
def vector(model: str, words: tuple[str, ...], as_json: bool) -> None:
    """Print the vectors of WORDS, a word and its numbers a line, in exact digits.

    \b
    Example:
      hsw2v vector corpus.safetensors king queen
    """
    opened = open_model(model, words)
    vectors = {word: opened.vector(word) for word in words}
    composed(opened, words, as_json=False)
    if as_json:
        print_json(vectors)
    else:
        for word, numbers in vectors.items():
            print(word, *(str(number) for number in numbers))
