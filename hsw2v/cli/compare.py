"""`hsw2v compare`: settings side by side on one corpus."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hsw2v import events
from hsw2v.cli.options import json_option
from hsw2v.cli.output import print_json, print_table
from hsw2v.cli.progress import SAID, Progress
from hsw2v.cli.train import leave_scipy_out

if TYPE_CHECKING:
    from hsw2v.experiments.comparison import Comparison


@click.command()
@click.argument("experiment")
@click.argument("corpus", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    help="The folder for tables, figures and logs (default: the name of EXPERIMENT without .toml, "
    "in the current folder).",
)
@click.option(
    "--plot",
    is_flag=True,
    help="Draw comparison.svg there (by matplotlib: install hsw2v[plot]).",
)
@click.option("--keep-models", is_flag=True, help="Write the model of each run there.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
@json_option
def compare(
    experiment: str,
    corpus: tuple[str, ...],
    output: str | None,
    plot: bool,
    keep_models: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train with every setting of EXPERIMENT on CORPUS, and compare what comes of it.

    EXPERIMENT is a TOML file: common settings as in a file for --config, a section [[setting]]
    with a name for each way of training, and in [experiment] the seeds and what judges them (see
    configs/experiments/). The corpus is read once. Time, held-out loss, word pairs and analogies
    go to results.md, results.csv and results.json, with a log of each run beside them. After
    Ctrl-C the same command goes on where it was; settings that were changed are run again.

    \b
    Examples:
      hsw2v compare remedies.toml corpus.txt
      hsw2v compare output-layers.toml news/ -o layers --plot
    """
    leave_scipy_out()
    import hsw2v

    folder = Path(output or Path(experiment).stem)
    with Progress(quiet=quiet) as progress:
        watched = _Watched(progress)
        try:
            found = hsw2v.compare(
                experiment,
                list(corpus),
                folder,
                plot=plot,
                keep_models=keep_models,
                listener=watched.listen,
            )
        except KeyboardInterrupt:
            if watched.runs:
                progress.say(
                    f"what is done is kept in {folder}: the same command goes on from there"
                )
            raise
        progress.say(f"{folder}: {len(found.runs)} runs")
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found)


class _Watched:
    """What is shown of an experiment: a line for the corpus and two a run, not those of epochs."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._corpus = False
        self.runs = 0
        """How many have begun."""

    def listen(self, event: events.Event) -> None:
        """Show an event, or leave it out."""
        if isinstance(event, events.RunBegin):
            self.runs += 1
        first = isinstance(event, events.VocabularyReady) and not self._corpus
        self._corpus |= first
        of_runs = isinstance(event, events.RunBegin | events.RunEnd)
        if first or of_runs or not isinstance(event, SAID):
            self._progress.listen(event)


def _print(found: Comparison) -> None:
    tables = [one for one in (found.table(), found.parts()) if len(one[0]) > 1]
    for number, table in enumerate(tables):
        if number:
            print()
        print_table(table, right=range(1, len(table[0])))
