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

from hsw2v.cli.options import force_option, quiet_option
from hsw2v.cli.output import print_table
from hsw2v.cli.progress import Progress
from hsw2v.cli.train import train_and_save
from hsw2v.config import Config
from hsw2v.errors import Hsw2vError
from hsw2v.files import check_writable

if TYPE_CHECKING:
    from hsw2v.model import Model

ASKED = ("month", "thread", "socket", "float", "error", "directory", "password", "list")
QUESTIONS = (
    "similar {model} thread",
    "analogy {model} read reader write",
    "odd-one-out {model} month year day socket",
    "tree {model} month -k 4",
    "predict {model} --context 'open file'",
    "info {model}",
    "export {model} demo.txt",
    "explore {model}",
)
ORIGIN = "hsw2v demo"

_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "__pycache__"}
_WORD = re.compile(r"[^\W\d_]+")
_BLANK_LINES = re.compile(r"\n\s*\n")


def standard_library_sentences() -> Iterator[list[str]]:
    """Yield the paragraphs of Python's standard library, code and docstrings, as lower-case words.

    Paragraphs end at blank lines; tests are left out.
    """
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if _LEFT_OUT.isdisjoint(path.relative_to(root).parts):
            text = path.read_text(encoding="utf-8", errors="replace").lower()
            for paragraph in _BLANK_LINES.split(text):
                if words := _WORD.findall(paragraph):
                    yield words


@click.command()
@click.option(
    "-o",
    "--output",
    metavar="MODEL",
    default="demo.safetensors",
    show_default=True,
    help="Model file to write; the model of an earlier demo is replaced.",
)
@force_option
@quiet_option
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
        sentences = list(standard_library_sentences())
        # A file repeats itself: in order, the loss shown would be of what was just learned.
        random.Random(1).shuffle(sentences)
        model = train_and_save(
            sentences, Config(), output, force=replace, progress=progress, origin=ORIGIN
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
            (f"  {word}", ", ".join(near for near, _ in model.similar(word, k=5)))
            for word in ASKED
            if word in model
        ]
    )
    print(f"\nThe model is {path}. Try:")
    for question in QUESTIONS:
        print(f"  hsw2v {question.format(model=path)}")
    print("Or train on your own text, one sentence a line:")
    print("  hsw2v train corpus.txt")
