"""`hsw2v export`: a model in the formats of other programs."""

from __future__ import annotations

import click

from hsw2v.cli.options import force_option, model_argument
from hsw2v.files import check_writable


@click.command()
@model_argument
@click.argument("output")
@click.option(
    "--format",
    type=click.Choice(["text", "binary", "npy"]),
    help="word2vec text, word2vec binary, or a NumPy array beside a list of words "
    "(default: by the extension: .bin, .npy, otherwise text).",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Write only the most frequent words.",
)
@click.option("--normalize", is_flag=True, help="Scale every vector to length 1.")
@force_option
def export(
    model: str, output: str, format: str | None, top: int | None, normalize: bool, force: bool
) -> None:
    """Write the vectors of MODEL to OUTPUT in a format other programs read.

    An extension such as .gz compresses. Text has as many digits as it takes to read back the same
    numbers.

    \b
    Examples:
      hsw2v export corpus.safetensors vectors.txt
      hsw2v export corpus.safetensors vectors.bin --top 50000 --normalize
      hsw2v export corpus.safetensors vectors.txt.gz
    """
    import hsw2v

    check_writable(output, force=force)
    hsw2v.load(model).export(output, format=format, top=top, normalize=normalize, force=force)
