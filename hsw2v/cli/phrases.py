"""`hsw2v phrases`: the phrases of a corpus, and its text with them joined."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hsw2v import files
from hsw2v.cli.checks import check_output, leave_scipy_out
from hsw2v.cli.options import (
    config_option,
    corpus_argument,
    force_option,
    json_option,
    quiet_option,
    resolve,
    settings_options,
)
from hsw2v.cli.output import print_json
from hsw2v.cli.progress import Progress
from hsw2v.errors import UsageError

if TYPE_CHECKING:
    from hsw2v.corpus.phrases import Phrases


@click.command()
@corpus_argument
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the text with its phrases joined, one sentence a line, in place of the phrases; an "
    "extension such as .gz compresses, and - is standard output.",
)
@force_option
@json_option
@config_option
@quiet_option
@settings_options("corpus")
def phrases(
    corpus: tuple[str, ...],
    output: str | None,
    force: bool,
    as_json: bool,
    config: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Print the phrases of CORPUS with their counts and scores, the highest score first.

    Tab-separated, one phrase a line: those that train joins with the same options, in one pass if
    --phrases does not say otherwise.

    \b
    Examples:
      hsw2v phrases corpus.txt | head
      hsw2v phrases corpus.txt --phrases 2 --connector-words english -o joined.txt
      hsw2v phrases corpus.txt --phrase-scoring npmi --phrase-threshold 0.7 --json
    """
    leave_scipy_out()
    from hsw2v.corpus.sources import find_phrases

    settings = resolve(config, given)
    if given["phrases"] == 0:
        raise UsageError("no phrases are found in 0 passes", hint="give --phrases 1 or more")
    if output is not None:
        named = settings.corpus.connector_file
        inputs = files.expand_sources(corpus) + ([named] if named else [])
        check_output(output, inputs, force=force, stdout=True)
    with Progress(quiet=quiet, sources=corpus) as progress:
        found = find_phrases(
            list(corpus), output=output, force=force, config=settings, listener=progress.listen
        )
    if output is None:
        _print(found, as_json)


def _print(found: Phrases, as_json: bool) -> None:
    if not as_json:
        for phrase, count, score in found.table:
            sys.stdout.write(f"{phrase}\t{count}\t{score:.6g}\n")
        return
    for number, some in enumerate(found.passes, 1):
        for one in sorted(some, key=lambda one: -one.score):
            print_json({"phrase": found.joined(one), **asdict(one), "pass": number})
