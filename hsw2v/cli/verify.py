"""`hsw2v verify`: whether a file of vectors, or the folder of a training, is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from hsw2v.cli.opening import load_listener
from hsw2v.cli.options import json_option
from hsw2v.cli.output import print_json, print_table


@click.command()
@click.argument("file")
@json_option
def verify(file: str, as_json: bool) -> None:
    """Check everything in FILE: a model, other vectors, or a folder OUTPUT.checkpoint.

    All checksums, that numbers are finite, words distinct and UTF-8, counts not negative, the tree
    a tree. Prints what was checked; what is wrong is an error, with its exit code.

    \b
    Examples:
      hsw2v verify corpus.safetensors
      hsw2v verify corpus.safetensors.checkpoint --json
    """
    if Path(file).is_dir():
        from hsw2v.training import checkpoint

        checked = list(checkpoint.verify(Path(file)))
    else:
        from hsw2v.model.loading import verify as verify_file

        checked = list(verify_file(file, load_listener()))
    if as_json:
        print_json(
            {"file": file, "checked": [{"name": one, "found": what} for one, what in checked]}
        )
    else:
        print_table(checked)
