"""`hsw2v align`: a model in the space of another, and the words that changed most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hsw2v.cli.checks import check_model_output
from hsw2v.cli.opening import load
from hsw2v.cli.options import (
    force_option,
    json_option,
    number_option,
    quiet_option,
)
from hsw2v.cli.output import print_json, print_table
from hsw2v.cli.progress import Progress

if TYPE_CHECKING:
    from hsw2v.model.aligning import Change

CHANGES = 20


@click.command()
@click.argument("reference")
@click.argument("model")
@click.option("-o", "--output", metavar="FILE", help="Write MODEL rotated, a model file.")
@click.option(
    "--dictionary",
    metavar="FILE",
    help="Fit the rotation to pairs of words, one of REFERENCE and one of MODEL a line, not to the "
    "words that both have: for two languages.",
)
@number_option(
    "--changes",
    help="Print this many of the words that changed most (default: 20 without --output).",
)
@number_option(
    "--min-count",
    default=100,
    help="Print only words that occur at least so often in either text.",
)
@force_option
@json_option
@quiet_option
def align(
    reference: str,
    model: str,
    output: str | None,
    dictionary: str | None,
    changes: int | None,
    min_count: int,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Rotate MODEL into the space of REFERENCE, and print the words that changed most.

    Vectors of two trainings cannot be compared before. The rotation (orthogonal Procrustes) is
    fitted to the words that both have, and leaves cosines and probabilities of MODEL as they are.
    Printed are the cosine of a word's two vectors, how often it occurs in either text, and its
    neighbours in REFERENCE and in MODEL. Either may be any file of vectors.

    \b
    Examples:
      hsw2v align old.safetensors new.safetensors
      hsw2v align old.safetensors new.safetensors -o new-in-old.safetensors
      hsw2v align en.vec de.vec --dictionary en-de.txt -o de-in-en.safetensors
    """
    import hsw2v

    if output is not None:
        check_model_output(output, [reference, model], force=force)
    first, second = load(reference, quiet=quiet), load(model, quiet=quiet)
    with Progress(quiet=quiet) as progress:
        found = hsw2v.align(first, second, dictionary=dictionary, listener=progress.listen)
        if output is not None:
            found.model.save(output, force=force)
        how = (
            f"aligned by {len(found.pairs):,} pairs of words, "
            f"mean similarity {found.similarity:.3f}"
        )
        if output is not None:
            how = f"{output}: {len(second):,} words × {second.dim} dimensions, {how}"
        progress.say(how)
        if changes or output is None:
            listed = found.changes(changes or CHANGES, min_count=min_count)
            if not listed:
                progress.say(f"note: no word occurs {min_count} times in both: lower --min-count")
            _print(listed, as_json)


def _print(changes: list[Change], as_json: bool) -> None:
    if as_json:
        for one in changes:
            print_json(one._asdict())
    elif changes:
        print_table(
            [
                *[("similarity", "word", "counts", "before", "after")],
                *map(_row, changes),
            ],
            right=(0,),
        )


def _row(one: Change) -> tuple[str, ...]:
    counts = " ".join("-" if count is None else f"{count:,}" for count in one.counts)
    near = (", ".join(words) for words in (one.before, one.after))
    return (f"{one.similarity:.3f}", one.word, counts, *near)
