"""`hsw2v similar`: the nearest words, asked once, in a loop, or for a whole file of words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from hsw2v.cli.options import count_option, json_option, model_argument, word
from hsw2v.cli.output import NAMED, as_records, composed, print_answers, print_json, warn
from hsw2v.errors import EncodingError, UnknownWordError, UsageError
from hsw2v.files import STDIN

if TYPE_CHECKING:
    from hsw2v.model import Model
    from hsw2v.model.indexing import Index

BATCH = 1024


@click.command()
@model_argument
@click.argument("words", nargs=-1, type=word)
@count_option
@click.option("--index", "indexed", is_flag=True, help="Ask the index that hsw2v index wrote.")
@json_option
def similar(model: str, words: tuple[str, ...], k: int, indexed: bool, as_json: bool) -> None:
    """Print the words nearest to WORDS (to their mean, if several).

    With - for WORDS, reads words from standard input, one a line, and prints word, neighbour and
    similarity, tab-separated, or with --json an object a word. Without WORDS, on a terminal,
    prompts for them. Of a model with n-grams, words that are not in the vocabulary are composed of
    theirs; a note says so.

    \b
    Examples:
      hsw2v similar corpus.safetensors king
      hsw2v similar corpus.safetensors paris london -k 5 --json
      hsw2v similar corpus.safetensors - < words.txt > neighbours.tsv
    """
    import hsw2v

    if not words and not sys.stdin.isatty():
        raise UsageError("no words given", hint="name some, or - to read them from standard input")
    opened = hsw2v.load(model)
    index = opened_index(opened, model) if indexed else None
    if not words:
        _prompt(opened, k, as_json, index)
    elif words == (STDIN,):
        _answer_lines(opened, sys.stdin, k, as_json, index)
    else:
        _answer(opened, words, k, as_json, index)


def opened_index(model: Model, path: str) -> Index:
    """Return the index that lies beside the file of a model."""
    from hsw2v.model.indexing import index_beside

    return model.load_index(index_beside(path))


def _answer(model: Model, words: Sequence[str], k: int, as_json: bool, index: Index | None) -> None:
    answers = model.similar(words, k=k, index=index)
    made = composed(model, words, as_json)
    print_answers(answers, as_json, key="similar", words=words, **made)


def _prompt(model: Model, k: int, as_json: bool, index: Index | None) -> None:
    """Answer what is typed until the end of input (Ctrl-D)."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (gives the prompt its history, where Python has it)

    while True:
        try:
            words = input("word> ").split()
        except EOFError:
            print()
            return
        except UnicodeDecodeError:
            warn("what was typed is not valid UTF-8")
            continue
        if words:
            try:
                _answer(model, words, k, as_json, index)
            except UnknownWordError as error:
                warn(str(error))


def _answer_lines(
    model: Model, lines: Iterable[str], k: int, as_json: bool, index: Index | None
) -> None:
    """Answer the word on every line, in batches; empty lines are skipped.

    Raises:
        UnknownWordError: at the end, if some words have no vectors.
        EncodingError: the lines are not UTF-8.
    """
    unknown: list[str] = []
    made: list[str] = []
    remaining = (word for line in lines if (word := line.strip()))
    try:
        while words := list(islice(remaining, BATCH)):
            known = list(model.known(words))
            answers = dict(zip(known, model.similar_batch(known, k, index=index), strict=True))
            absent = {word for word in known if word not in model}
            made += [word for word in words if word in absent]
            for word in words:
                found = answers.get(word, [])
                if word not in answers:
                    unknown.append(word)
                if not as_json:
                    for near, score in found:
                        print(f"{word}\t{near}\t{score:.4f}")
                elif word in answers:
                    facts = {"composed": [word]} if word in absent else {}
                    print_json({"words": [word], "similar": as_records(found), **facts})
                else:
                    print_json({"words": [word], "error": "not in the vocabulary"})
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"is not valid UTF-8 ({error.reason})",
            where="standard input",
            hint="convert it, for example with iconv",
        ) from error
    if not as_json:
        composed(model, made, as_json)
    if unknown:
        from hsw2v.model.missing import explained

        told = explained(unknown[:NAMED], model.why_missing)
        more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
        raise UnknownWordError(
            f"not in the vocabulary: {told}{more}", hint="all others are answered"
        )
