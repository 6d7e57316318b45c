"""`hsw2v map`: the words of a model in the plane."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from hsw2v.cli.checks import check_output
from hsw2v.cli.opening import check_model, load
from hsw2v.cli.options import force_option, model_argument, number_option, quiet_option
from hsw2v.cli.progress import Progress
from hsw2v.errors import UsageError


@click.command()
@model_argument
@click.option(
    "-o",
    "--output",
    "outputs",
    metavar="FILE",
    multiple=True,
    help="Write the map to FILE, as its extension says: .html, .png, .svg, .csv, .jsonl, .parquet "
    "or .tsv; may be given again (default: MODEL.map.html).",
)
@number_option("--top", default=20_000, help="Show only this many words, the most frequent.")
@number_option("-k", default=10, help="Nearest words to keep of each word.")
@click.option(
    "--branches",
    default="8,32,128",
    show_default=True,
    metavar="NUMBERS",
    help="Cut the tree into so many branches, coarse to fine.",
)
@number_option("--seed", least=0, most=2**32 - 1, default=1, help="Seed of the positions.")
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@force_option
@quiet_option
def map(
    model: str,
    outputs: tuple[str, ...],
    top: int,
    k: int,
    branches: str,
    seed: int,
    opened: bool,
    force: bool,
    quiet: bool,
) -> None:
    """Draw a map of the words of MODEL: a page to search and zoom, a figure, or a table.

    Words of similar vectors are near each other (t-SNE). Each is told with its nearest words, and
    with its branch of the tree, which is cut at several levels; models without a tree made of
    meaning have one built. The page is one file that opens anywhere, and fetches nothing. Takes
    hsw2v[map].

    \b
    Examples:
      hsw2v map corpus.safetensors --open
      hsw2v map corpus.safetensors -o map.html -o map.png --top 50000
      hsw2v map corpus.safetensors -o map.parquet
      hsw2v map corpus.safetensors -o vectors.tsv    for TensorBoard
    """
    chosen = outputs or (f"{_beside(model)}.map.html",)
    page = next((one for one in chosen if one.lower().endswith(".html")), None)
    if opened and page is None:
        raise UsageError("--open is for a page", hint="name one with -o FILE.html")
    from hsw2v.maps.output import check_outputs, check_words, files_of
    from hsw2v.maps.positions import check_installed

    check_model(model, outputs)
    for file in [file for one in chosen for file in files_of(one)]:
        check_output(file, [model], force=force)
    check_outputs(chosen, force=force)
    check_installed()
    levels = _numbers(branches)
    known = load(model, quiet=quiet)
    check_words(known.vocabulary.spelled(range(min(top, len(known)))), chosen)
    with Progress(quiet=quiet) as progress:
        found = known.map(
            top=top,
            k=k,
            branches=levels,
            seed=seed,
            listener=progress.listen,
        )
        files = found.save(*chosen, force=force)
        made = f"a map of {len(found):,} words in {found.seconds:.1f} s"
        progress.say(f"{' and '.join(files)}: {made}")
    if opened and page is not None:
        webbrowser.open(Path(page).resolve().as_uri())


def _beside(model: str) -> str:
    """Return the name of a model without its extension; of one elsewhere, a name here."""
    from hsw2v.files import is_address, name_of

    path = Path(name_of(model) if is_address(model) else model)
    return str(path.with_suffix("") if path.suffix == ".safetensors" else path)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--branches is {text!r}", hint="name numbers apart by commas, such as 8,32,128"
        ) from error
