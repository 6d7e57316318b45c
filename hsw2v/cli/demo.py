"""`hsw2v demo`: the main job on a text that is always at hand."""

from __future__ import annotations

import os
import random
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hsw2v.cli.options import force_option
from hsw2v.cli.output import print_table
from hsw2v.cli.progress import Progress
from hsw2v.cli.train import train_and_save
from hsw2v.config import Config
from hsw2v.errors import Hsw2vError
from hsw2v.files import check_writable

if TYPE_CHECKING:
    from hsw2v.model import Model

OUTPUT = "demo.safetensors"
NEIGHBOURS = 5
ASKED = ("month", "thread", "socket", "float", "error", "directory", "password", "list")
QUESTIONS = (
    "similar {model} thread",
    "analogy {model} read reader write",
    "odd-one-out {model} month year day socket",
    "tree {model} month -k 4",
    "predict {model} --context 'open file'",
    "info {model}",
    "export {model} demo.txt",
)
ORIGIN = "hsw2v demo"

_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "__pycache__"}
_WORD = re.compile(r"[^\W\d_]+")
_BLANK_LINES = re.compile(r"\n\s*\n")


def standard_library_sentences() -> Iterator[list[str]]:
    """Yield the paragraphs of Python's standard library, its code and docstrings, as words.

    Words are runs of letters in lower case; paragraphs end at blank lines; tests are left out.
    """
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if _LEFT_OUT.isdisjoint(path.relative_to(root).parts):
            text = path.read_text(encoding="utf-8", errors="replace").lower()
            for paragraph in _BLANK_LINES.split(text):
                if words := _WORD.findall(paragraph):
                    yield words


def shuffled_sentences() -> list[list[str]]:
    """Return the same paragraphs in an order that is random but always the same.

    One file repeats itself: in order, a model does well by what it has just seen, and the loss
    shown would rise when the learning rate falls.
    """
    sentences = list(standard_library_sentences())
    random.Random(1).shuffle(sentences)
    return sentences


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="MODEL",
    default=OUTPUT,
    show_default=True,
    help="The model file to write; the model of an earlier demo is replaced.",
)
@force_option
@click.option("--quiet", is_flag=True, help="Show no progress.")
def demo(output: str, force: bool, quiet: bool) -> None:
    """Train on the text of Python's standard library, and show what was learned.

    \b
    Example:
      hsw2v demo
    """
    replace = force or is_of_demo(output)
    check_writable(output, force=replace)
    with Progress(quiet=quiet) as progress:
        progress.say("training on the text of Python's standard library")
        model = train_and_save(
            shuffled_sentences(),
            Config(),
            output,
            force=replace,
            progress=progress,
            origin=ORIGIN,
        )
    show(model, output)


def is_of_demo(path: str) -> bool:
    """Tell whether a file is the model of an earlier demo."""
    import hsw2v

    if not os.path.isfile(path):
        return False
    try:
        return bool(hsw2v.load(path).info.get("origin") == ORIGIN)
    except Hsw2vError:
        return False


def show(model: Model, path: str) -> None:
    """Print some neighbours, where the model is, and what to ask it next."""
    print("\nNearest words:")
    print_table(
        [
            (f"  {word}", ", ".join(near for near, _ in model.similar(word, k=NEIGHBOURS)))
            for word in ASKED
            if word in model
        ]
    )
    print(f"\nThe model is {path}. Ask it more:")
    for question in QUESTIONS:
        print(f"  hsw2v {question.format(model=path)}")
    print("Or train on a text of your own, one sentence a line:")
    print("  hsw2v train corpus.txt")
