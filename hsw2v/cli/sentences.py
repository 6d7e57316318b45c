"""`hsw2v sentences`: the vectors of the lines of a file."""

from __future__ import annotations

import sys
from typing import Any

import click

from hsw2v.cli.checks import check_beside, check_output, leave_scipy_out
from hsw2v.cli.opening import load
from hsw2v.cli.options import (
    force_option,
    given_only,
    model_argument,
    quiet_option,
    settings_options,
)
from hsw2v.cli.progress import Progress
from hsw2v.config import FORM, sections
from hsw2v.files import expand_sources

_READING = (*FORM, "tokens", "lowercase", "encoding_errors")
_OTHERS = tuple(one.name for one in sections()["corpus"] if one.name not in _READING)


@click.command()
@model_argument
@click.argument("file")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write an array of NumPy (.npy), text (.txt), or Parquet (.parquet), by the extension; "
    "the former may be compressed, as .txt.gz (default: text to standard output).",
)
@click.option(
    "--weighting",
    type=click.Choice(["mean", "sif"]),
    default="mean",
    show_default=True,
    help="The mean of the vectors of words, or smooth inverse frequency: frequent words count "
    "less, and the first principal component is removed.",
)
@click.option(
    "--smoothing",
    type=click.FloatRange(0.0, min_open=True),
    default=0.001,
    show_default=True,
    metavar="NUMBER",
    help="The a of sif: a word that is a share p of the text of the training counts a / (a + p).",
)
@click.option(
    "--component",
    metavar="FILE.npy",
    help="Remove this component of sif, that of other sentences, which these are to be compared "
    "with.",
)
@click.option(
    "--save-component", metavar="FILE.npy", help="Write the component of sif, for --component."
)
@force_option
@quiet_option
@settings_options("corpus", leave_out=_OTHERS)
def sentences(
    model: str,
    file: str,
    output: str | None,
    weighting: str,
    smoothing: float,
    component: str | None,
    save_component: str | None,
    force: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Write a vector for every line of FILE, or for every record.

    It is the mean of the vectors of the words of the line, of those that the model knows; a line
    without any has zeros, and a note tells how many. FILE is split as the model's corpus was, if no
    option says otherwise; - is standard input.

    \b
    Examples:
      hsw2v sentences corpus.safetensors sentences.txt -o vectors.npy
      hsw2v sentences corpus.safetensors texts.jsonl --field text -o vectors.npy
      hsw2v sentences corpus.safetensors texts.txt -o vectors.npy --weighting sif
      hsw2v sentences corpus.safetensors - < sentences.txt > vectors.txt
    """
    leave_scipy_out()
    from hsw2v.model import sentence_files as work
    from hsw2v.model.tables import check_table

    inputs = [model, *expand_sources([file]), *([component] if component else [])]
    if output is not None:
        check_table(output, work.EXTENSIONS, force=force)
        check_output(output, inputs, force=force)
    if save_component is not None:
        work.check_component(save_component, weighting)
        check_beside(output or "", {"component": save_component}, inputs, force=force, of="output")
    removed = None if component is None else work.read_component(component)
    opened = load(model, quiet=quiet)
    with Progress(quiet=quiet) as progress:
        done = work.write_sentence_vectors(
            opened,
            file,
            sys.stdout.buffer if output is None else output,
            weighting=weighting,
            smoothing=smoothing,
            component=removed,
            force=force,
            listener=progress.listen,
            **given_only(given),
        )
        if save_component is not None and done.component is not None:
            work.write_component(save_component, done.component, force=force)
        if output is not None:
            progress.say(f"{output}: {done.sentences:,} sentences × {opened.dim} dimensions")
