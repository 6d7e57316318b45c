"""`hsw2v similar`: the nearest words, asked once, in a loop, or for a whole file of words."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from hsw2v.cli.opening import check_model, open_model, restrictions
from hsw2v.cli.options import (
    among_option,
    count_option,
    exclude_option,
    json_option,
    model_argument,
    word,
)
from hsw2v.cli.output import (
    NAMED,
    as_records,
    composed,
    print_answers,
    print_json,
    tell_waiting,
    warn,
)
from hsw2v.errors import EncodingError, UnknownWordError, UsageError
from hsw2v.files import STDIN

if TYPE_CHECKING:
    from hsw2v.model import Model
    from hsw2v.model.indexing import Index

BATCH = 1024
LEAVING = ("quit", "exit")


@click.command()
@model_argument
@click.argument("words", nargs=-1, type=word)
@click.option(
    "--minus",
    multiple=True,
    type=word,
    metavar="WORD",
    help="Subtract this word; may be given several times.",
)
@among_option
@exclude_option
@count_option
@click.option("--index", "indexed", is_flag=True, help="Ask the index that hsw2v index wrote.")
@json_option
def similar(
    model: str,
    words: tuple[str, ...],
    minus: tuple[str, ...],
    among: str | None,
    exclude: str | None,
    k: int,
    indexed: bool,
    as_json: bool,
) -> None:
    """Print the words nearest to WORDS (to their mean, if several).

    With --minus, words are subtracted: the mean is of unit vectors with weights 1 and -1. Words
    that are asked with are no answers. With - for WORDS, reads words from standard input, one a
    line, and prints word, neighbour and similarity, tab-separated, or with --json an object a word.
    Without WORDS, on a terminal, prompts for them, until quit, exit or Ctrl-D; --minus WORD may be
    typed there, too, and words after -- are no command: -- quit. Of a model with n-grams, words
    that are not in the vocabulary are composed of theirs; a note says so.

    \b
    Examples:
      hsw2v similar corpus.safetensors king
      hsw2v similar corpus.safetensors king woman --minus man
      hsw2v similar corpus.safetensors berlin --among cities.txt -k 5 --json
      hsw2v similar corpus.safetensors - < words.txt > neighbours.tsv
    """
    if not words and not sys.stdin.isatty():
        check_model(model)
        raise UsageError("no words given", hint="name some, or - to read them from standard input")
    opened = open_model(model, words)
    index = opened_index(opened, model) if indexed else None
    question = Question(opened, minus, restrictions(opened, among, exclude), k, as_json, index)
    if not words:
        _prompt(question)
    elif words == (STDIN,):
        tell_waiting()
        _answer_lines(question, sys.stdin)
    else:
        _answer(question, words)


def opened_index(model: Model, path: str) -> Index:
    """Return the index that lies beside the file of a model."""
    from hsw2v.model.indexing import index_beside

    return model.load_index(index_beside(path))


@dataclass(frozen=True)
class Question:
    """What is asked of a model, but for the words."""

    model: Model
    minus: tuple[str, ...]
    restrictions: dict[str, list[str]]
    """`among` and `exclude`, where they are given."""
    k: int
    as_json: bool
    index: Index | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `Model.similar` takes beside words."""
        return {"k": self.k, "minus": self.minus, "index": self.index, **self.restrictions}

    @property
    def facts(self) -> dict[str, Any]:
        """What JSON has beside words and answers."""
        return {"minus": self.minus} if self.minus else {}


def _answer(question: Question, words: Sequence[str]) -> None:
    model, as_json = question.model, question.as_json
    answers = model.similar(words, **question.options)
    made = composed(model, [*words, *question.minus], as_json)
    print_answers(answers, as_json, key="similar", words=words, **question.facts, **made)


def _prompt(question: Question) -> None:
    """Answer what is typed until quit, exit or the end of input (Ctrl-D)."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (gives the prompt its history, where Python has it)

    warn("type words to see their neighbours; quit, exit or Ctrl-D leaves")
    while True:
        try:
            line = input("word> ").strip()
        except EOFError:
            print()
            return
        except UnicodeDecodeError:
            warn("what was typed is not valid UTF-8")
            continue
        if line in LEAVING:
            return
        try:
            words, minus = _typed(line)
            if words:
                _answer(replace(question, minus=question.minus + minus), words)
        except (UnknownWordError, UsageError) as error:
            warn(str(error))


def _typed(line: str) -> tuple[list[str], tuple[str, ...]]:
    """Return the words of a line that was typed, and those of --minus; after -- are words alone.

    Raises:
        UsageError: --minus has no word.
    """
    words: list[str] = []
    minus: list[str] = []
    remaining = iter(line.split())
    for one in remaining:
        if one == "--":
            words += remaining
        elif one != "--minus":
            words.append(one)
        elif (subtracted := next(remaining, None)) is not None:
            minus.append(subtracted)
        else:
            raise UsageError("--minus has no word", hint="type --minus WORD")
    if minus and not words:
        raise UsageError("there is no word to subtract from", hint="type WORD --minus WORD")
    return words, tuple(minus)


def _answer_lines(question: Question, lines: Iterable[str]) -> None:
    """Answer the word on every line, in batches; empty lines are skipped.

    Raises:
        UnknownWordError: at the end, if some words have no vectors.
        EncodingError: the lines are not UTF-8.
    """
    model, as_json = question.model, question.as_json
    unknown: list[str] = []
    made: list[str] = []
    remaining = (word for line in lines if (word := line.strip()))
    some = False
    try:
        while words := list(islice(remaining, BATCH)):
            some = True
            known = list(model.known(words))
            answers = dict(zip(known, model.similar_batch(known, **question.options), strict=True))
            absent = {word for word in known if word not in model}
            made += [word for word in words if word in absent]
            for word in words:
                found = answers.get(word, ())
                if word not in answers:
                    unknown.append(word)
                if not as_json:
                    for near, score in found:
                        print(f"{word}\t{near}\t{score:.4f}")
                elif word in answers:
                    facts = question.facts | ({"composed": [word]} if word in absent else {})
                    print_json({"words": [word], "similar": as_records(found), **facts})
                else:
                    print_json({"words": [word], "error": "not in the vocabulary"})
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"is not valid UTF-8 ({error.reason})",
            where="standard input",
            hint="convert it, for example with iconv",
        ) from error
    if not some:
        warn("there are no words in standard input")
    if not as_json:
        composed(model, [*question.minus, *made], as_json)
    if unknown:
        from hsw2v.model.missing import explained

        told = explained(unknown[:NAMED], model.why_missing)
        more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
        raise UnknownWordError(
            f"not in the vocabulary: {told}{more}", hint="all others are answered"
        )
