"""`hsw2v train`: from a corpus to a model file."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hsw2v import files
from hsw2v.cli.options import (
    config_option,
    corpus_argument,
    force_option,
    quiet_option,
    resolve,
    settings_options,
)
from hsw2v.cli.progress import Progress
from hsw2v.config import Config
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.model import Model


@click.command()
@corpus_argument
@click.option(
    "-o",
    "--output",
    metavar="MODEL",
    help="Model file to write (default: the name of the first corpus with .safetensors, in the "
    "current folder).",
)
@force_option
@config_option
@click.option(
    "--heldout",
    metavar="FILE",
    help="Measure exact loss and perplexity on this text after each epoch; --loss ns and sampled, "
    "whose scores are not normalised, need --normalize-exactly.",
)
@click.option(
    "--normalize-exactly",
    is_flag=True,
    help="With --heldout and --loss ns or sampled: normalise their scores by the softmax over the "
    "whole vocabulary, which is slow.",
)
@quiet_option
@click.option("--log-json", metavar="FILE", help="Log settings and progress as JSON lines.")
@settings_options("training", "vocabulary", "corpus")
def train(
    corpus: tuple[str, ...],
    output: str | None,
    force: bool,
    config: str | None,
    heldout: str | None,
    normalize_exactly: bool,
    quiet: bool,
    log_json: str | None,
    **given: Any,
) -> None:
    """Train word vectors on CORPUS and write them to a model file.

    CORPUS: any number of files, directories, quoted glob patterns and addresses (s3://, https://,
    ...), compressed or not, or - for standard input; one sentence a line, tokens separated by
    white space.

    \b
    Examples:
      hsw2v train corpus.txt
      hsw2v train news/ books.txt.gz -o vectors.safetensors --dim 200 --epochs 10
      zcat dump.gz | hsw2v train - --tokens words --lowercase -o dump.safetensors
    """
    settings = resolve(config, given)
    path = output or default_output(corpus[0])
    tree = [settings.training.tree_file] if settings.training.tree_file else []
    inputs = files.expand_sources([*corpus, *([heldout] if heldout else [])]) + tree
    for written in (path, log_json):
        if written:
            check_output(written, inputs, force=force)
    if log_json and os.path.abspath(log_json) == os.path.abspath(path):
        raise UsageError("the log and the model are the same file", where=path, hint="name two")
    if settings.training.record_gradients and not log_json:
        raise UsageError("gradients are recorded in the log", hint="name one with --log-json")
    with Progress(quiet=quiet, log=log_json) as progress:
        train_and_save(
            list(corpus),
            settings,
            path,
            force=force,
            progress=progress,
            heldout=heldout,
            normalize_exactly=normalize_exactly,
            origin=files.readable(" ".join(corpus)),
        )


def train_and_save(
    source: Any,
    settings: Config,
    path: str,
    *,
    force: bool,
    progress: Progress,
    origin: str,
    heldout: str | None = None,
    normalize_exactly: bool = False,
) -> Model:
    """Train, save the model with `origin` in its info, and show the summary."""
    start = time.perf_counter()
    leave_scipy_out()
    import hsw2v

    progress.begin(settings.resolved(), corpus=origin, output=path)
    model = hsw2v.train(
        source,
        config=settings,
        heldout=heldout,
        normalize_exactly=normalize_exactly,
        listener=progress.listen,
    )
    model.info["origin"] = origin
    model.save(path, force=force)
    progress.end(
        words=len(model),
        dim=model.dim,
        tokens=model.info["corpus"]["tokens"],
        seconds=time.perf_counter() - start,
        output=path,
    )
    return model


def leave_scipy_out() -> None:
    """Keep numba from importing SciPy: nothing here uses it, and it is slow to import."""
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]


def default_output(source: str) -> str:
    """Return the default name of the model of a corpus, in the current folder."""
    if source == files.STDIN:
        return "model.safetensors"
    if files.is_address(source):
        source = source.split("?", 1)[0]
    path = Path(source)
    if not path.exists() and any(c in path.name for c in "*?["):
        path = path.parent
    if path.is_dir():
        name = path.resolve().name
    else:
        packed = path.suffix in files.COMPRESSIONS
        name = (path.with_suffix("") if packed else path).stem
    return f"{name or 'model'}.safetensors"


def check_output(path: str, inputs: list[str], *, force: bool) -> None:
    """Check, before any work, that a file can be written and is not one of the inputs.

    Raises:
        UsageError: it is an input.
        OutputExistsError, OutputError: it cannot be written.
    """
    if os.path.exists(path) and any(
        os.path.exists(one) and os.path.samefile(one, path) for one in inputs
    ):
        raise UsageError(
            "is an input and cannot be the output too", where=path, hint="name another file"
        )
    files.check_writable(path, force=force)
