"""`hsw2v similarity`, `analogy`, `odd-one-out`: one question, one answer."""

from __future__ import annotations

import click

from hsw2v.cli.opening import open_model, restrictions
from hsw2v.cli.options import (
    among_option,
    count_option,
    exclude_option,
    json_option,
    model_argument,
    word,
    words_argument,
)
from hsw2v.cli.output import composed, print_answers, print_json


@click.command()
@model_argument
@click.argument("first", type=word)
@click.argument("second", type=word)
@json_option
def similarity(model: str, first: str, second: str, as_json: bool) -> None:
    """Print the cosine similarity of two words.

    \b
    Example:
      hsw2v similarity corpus.safetensors king queen
    """
    opened = open_model(model, [first, second])
    answer = float(opened.similarity(first, second))
    made = composed(opened, [first, second], as_json)
    if as_json:
        print_json({"words": [first, second], "similarity": answer, **made})
    else:
        print(f"{answer:.4f}")


@click.command()
@model_argument
@click.argument("a", type=word)
@click.argument("b", type=word)
@click.argument("c", type=word)
@count_option
@click.option(
    "--method",
    type=click.Choice(["cosadd", "cosmul"]),
    default="cosadd",
    show_default=True,
    help="Add the cosines (3CosAdd) or multiply them (3CosMul).",
)
@among_option
@exclude_option
@json_option
def analogy(
    model: str,
    a: str,
    b: str,
    c: str,
    k: int,
    method: str,
    among: str | None,
    exclude: str | None,
    as_json: bool,
) -> None:
    """Answer: A is to B as C is to ...?

    \b
    Example:
      hsw2v analogy corpus.safetensors man king woman
    """
    opened = open_model(model, [a, b, c])
    answers = opened.analogy(a, b, c, k=k, method=method, **restrictions(opened, among, exclude))
    made = composed(opened, [a, b, c], as_json)
    print_answers(answers, as_json, key="answers", words=[a, b, c], method=method, **made)


@click.command("odd-one-out")
@model_argument
@words_argument
@json_option
def odd_one_out(model: str, words: tuple[str, ...], as_json: bool) -> None:
    """Print the word that does not match the others.

    \b
    Example:
      hsw2v odd-one-out corpus.safetensors breakfast lunch dinner car
    """
    opened = open_model(model, words)
    answer = opened.odd_one_out(list(words))
    made = composed(opened, words, as_json)
    if as_json:
        print_json({"words": words, "odd_one_out": answer, **made})
    else:
        print(answer)
