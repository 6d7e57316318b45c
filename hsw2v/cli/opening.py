"""Opening the model that a command asks, and lists of words beside it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from hsw2v.cli.output import named, tell_waiting, warn
from hsw2v.errors import MissingInputError, ModelFileError, UsageError
from hsw2v.events import Listener, ignore
from hsw2v.files import STDIN, is_address, readable
from hsw2v.progress import ProgressListener

if TYPE_CHECKING:
    from hsw2v.model import Model

MODEL_EXTENSION = ".safetensors"


def open_model(model: str, others: Iterable[str] = (), *, quiet: bool = False) -> Model:
    """Open the model that a command names first; `others` are its arguments after that.

    How far that is shows on standard error where it takes a while, unless that is to be quiet.

    Raises:
        MissingInputError: there is no such file; it tells what was meant, as far as that shows.
        And what `hsw2v.load` raises.
    """
    others = list(others)
    check_model(model, others)
    try:
        return load(model, quiet=quiet)
    except ModelFileError as error:
        if not (meant := _model_among(others)):
            raise
        hint = _in_order(meant, [model, *others])
        raise ModelFileError(error.what, where=error.where, hint=hint) from error


def load(source: str, *, quiet: bool = False) -> Model:
    """Open a file of vectors as `hsw2v.load` does, and show how far that is, as `open_model`."""
    import hsw2v

    return hsw2v.load(source, listener=load_listener(quiet))


def load_listener(quiet: bool = False) -> Listener:
    """Return the listener of a loading."""
    return ignore if quiet else ProgressListener().listen


def check_model(model: str, others: Iterable[str] = ()) -> None:
    """Check, before any work, that a model is there, as `open_model` does.

    Raises:
        MissingInputError: it is not.
    """
    if model == STDIN:
        tell_waiting()
    if model == STDIN or is_address(model) or os.path.exists(model):
        return
    others = list(others)
    hint = "check the path"
    if os.path.exists(model + MODEL_EXTENSION):
        hint = f"did you mean {model}{MODEL_EXTENSION}?"
    elif meant := _model_among(others):
        hint = _in_order(meant, [model, *others])
    elif os.path.splitext(model)[1] == "" and os.sep not in model:
        # It looks like a word.
        hint = f"name the model first: {_command()} MODEL {shlex.join([model, *others][:3])}"
    raise MissingInputError("no such file", where=readable(model), hint=hint)


def _in_order(model: str, given: list[str]) -> str:
    others = [one for one in given if one != model]
    return f"the model comes first: {_command()} {shlex.join([model, *others])}"


def _model_among(others: list[str]) -> str:
    """Return the first that is the name of a model file; or nothing."""
    models = (one for one in others if one.endswith(MODEL_EXTENSION))
    return next(filter(os.path.isfile, models), "")


def _command() -> str:
    return click.get_current_context().command_path


def restrictions(model: Model, among: str | None, exclude: str | None) -> dict[str, list[str]]:
    """Return the words that may answer, and those that may not, of files with a word a line.

    Tells which of the former are not in the vocabulary.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: a file cannot be read, or has no words.
        UsageError: no word that may answer is in the vocabulary.
    """
    from hsw2v.corpus.lists import read_words

    given = (("among", among), ("exclude", exclude))
    found = {name: read_words(file) for name, file in given if file is not None}
    if among is not None:
        _tell_missing(found["among"], readable(among), model)
    return found


def _tell_missing(words: list[str], file: str, model: Model) -> None:
    rows = model.vocabulary.find(words)
    missing = [word for word, row in zip(words, rows, strict=True) if row < 0]
    if len(missing) == len(words):
        raise UsageError(
            f"no word of it is in the vocabulary: {named(missing)}",
            where=file,
            hint="it must have a word a line",
        )
    if missing:
        count = f"{len(missing):,} of the {len(words):,} words of {file}"
        warn(f"not in the vocabulary: {count} ({named(missing)})")
