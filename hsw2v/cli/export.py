"""`hsw2v export`: a model in the formats of other programs."""

from __future__ import annotations

import os

import click

from hsw2v.cli.checks import check_output
from hsw2v.cli.opening import check_model, open_model
from hsw2v.cli.options import force_option, model_argument, number_option, quiet_option
from hsw2v.cli.output import say
from hsw2v.files import STDOUT


@click.command()
@model_argument
@click.argument("output")
@click.option(
    "--format",
    type=click.Choice(["text", "binary", "npy", "fasttext", "safetensors"]),
    help="word2vec text, word2vec binary, a NumPy array beside a list of words, a .bin file of "
    "fastText, or a model file of word vectors alone (default: by the extension: .txt and .vec for "
    "text, .bin for word2vec binary, .npy, .safetensors; text without an extension).",
)
@number_option("--top", help="Write only this many words, the most frequent.")
@click.option("--normalize", is_flag=True, help="Scale every vector to length 1.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="Type of the numbers, of .npy and .safetensors: a half or a quarter of the room.",
)
@force_option
@quiet_option
def export(
    model: str,
    output: str,
    format: str | None,
    top: int | None,
    normalize: bool,
    dtype: str,
    force: bool,
    quiet: bool,
) -> None:
    """Write the vectors of MODEL to OUTPUT in a format other programs read.

    An extension such as .gz compresses. Text has enough digits to read back the same numbers. Of a
    model with n-grams, fastText's format keeps them: fastText has the same vectors, of any word.
    OUTPUT may be -, standard output, for word2vec text and binary.

    \b
    Examples:
      hsw2v export corpus.safetensors vectors.txt
      hsw2v export corpus.safetensors vectors.bin --top 50000 --normalize
      hsw2v export corpus.safetensors vectors.txt.gz
      hsw2v export corpus.safetensors model.bin --format fasttext
      hsw2v export corpus.safetensors - --top 3
      hsw2v export corpus.safetensors small.safetensors --dtype int8
    """
    from hsw2v.model.export import FORMATS, format_for
    from hsw2v.model.fasttext_export import left_out

    check_model(model, [output])
    chosen = format_for(output, format)
    check_output(output, [model], force=force, stdout=True)
    opened = open_model(model, [output], quiet=quiet)
    written = opened.export(
        output, format=chosen, top=top, normalize=normalize, dtype=dtype, force=force
    )
    if output != STDOUT and not quiet:
        words = min(top or len(opened), len(opened))
        size = sum(map(os.path.getsize, written)) / 1e6
        megabytes = f"{size:,.1f}" if size >= 1.0 else f"{size:.2g}"
        say(
            f"{' and '.join(written)}: {FORMATS[chosen]}, {words:,} words × {opened.dim} "
            f"dimensions, {megabytes} MB"
        )
        if chosen == "fasttext" and (zeros := left_out(opened, top=top)):
            say(f"note: {zeros}")
