"""`hsw2v neighbours`: the nearest words of all words, in a file."""

from __future__ import annotations

import click

from hsw2v.cli.checks import check_output
from hsw2v.cli.opening import load
from hsw2v.cli.options import (
    count_option,
    force_option,
    model_argument,
    number_option,
    quiet_option,
)
from hsw2v.cli.progress import Progress
from hsw2v.cli.similar import opened_index


@click.command()
@model_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    help="Write Parquet (.parquet), tab-separated text (.tsv) or JSON lines (.jsonl), by the "
    "extension; text may be compressed, as .tsv.gz.",
)
@count_option
@number_option("--top", help="Of this many words only, the most frequent.")
@click.option("--index", "indexed", is_flag=True, help="Ask the index that hsw2v index wrote.")
@force_option
@quiet_option
def neighbours(
    model: str,
    output: str,
    k: int,
    top: int | None,
    indexed: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Write the nearest words of every word of MODEL: word, rank, neighbour, similarity.

    Exactly, or with --index nearly so.

    \b
    Examples:
      hsw2v neighbours corpus.safetensors -o neighbours.parquet
      hsw2v neighbours corpus.safetensors -o neighbours.tsv.gz -k 20 --top 50000
    """
    from hsw2v.model import neighbours as work
    from hsw2v.model.tables import check_table

    check_table(output, work.EXTENSIONS, force=force)
    check_output(output, [model], force=force)
    opened = load(model, quiet=quiet)
    index = opened_index(opened, model) if indexed else None
    with Progress(quiet=quiet) as progress:
        rows = opened.write_neighbours(
            output, k, top=top, index=index, force=force, listener=progress.listen
        )
        progress.say(f"{output}: {rows:,} neighbours")
