"""`hsw2v index`: an index of the words of a model, beside its file."""

from __future__ import annotations

import click

from hsw2v.cli.opening import load
from hsw2v.cli.options import force_option, model_argument, number_option, quiet_option
from hsw2v.cli.progress import Progress
from hsw2v.files import check_writable


@click.command()
@model_argument
@number_option("--connectivity", default=16, help="Neighbours that each word is linked to.")
@number_option(
    "--expansion-add", default=128, help="Words kept in view while one is added: more is slower."
)
@number_option(
    "--expansion-search",
    default=128,
    help="Words kept in view while one is searched for: more finds more of the nearest, slower.",
)
@force_option
@quiet_option
def index(
    model: str,
    connectivity: int,
    expansion_add: int,
    expansion_search: int,
    force: bool,
    quiet: bool,
) -> None:
    """Index the words of MODEL for similar --index and neighbours --index: MODEL.index.

    For models of many words, and many questions: an index finds nearly all of the nearest words in
    about the same time however many words there are. It is refused once the vectors are others.
    Takes the extra package of hsw2v[index].

    \b
    Examples:
      hsw2v index corpus.safetensors
      hsw2v similar corpus.safetensors --index - < words.txt
    """
    from hsw2v.model.indexing import check_installed, index_beside

    output = index_beside(model)
    check_installed()
    check_writable(output, force=force)
    opened = load(model, quiet=quiet)
    with Progress(quiet=quiet) as progress:
        built = opened.build_index(
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
            listener=progress.listen,
        )
        built.save(output, force=force)
        progress.say(f"{output}: an index of {len(built):,} words")
