"""`hsw2v compare`: settings side by side on one corpus."""

from __future__ import annotations

from pathlib import Path

import click

from hsw2v import events
from hsw2v.cli.options import graph_option, json_option, quiet_option, training_corpus_argument
from hsw2v.cli.output import print_json, print_table
from hsw2v.cli.progress import Progress


@click.command()
@click.argument("experiment")
@training_corpus_argument
@graph_option
@click.option(
    "-o",
    "--output",
    metavar="FOLDER",
    help="Folder for tables, figures and logs (default: the name of EXPERIMENT without .toml, in "
    "the current folder).",
)
@click.option("--plot", is_flag=True, help="Draw comparison.svg there (needs hsw2v[plot]).")
@click.option("--keep-models", is_flag=True, help="Save the model of each run there.")
@quiet_option
@json_option
def compare(
    experiment: str,
    corpus: tuple[str, ...],
    graph: str | None,
    output: str | None,
    plot: bool,
    keep_models: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Train with every setting of EXPERIMENT on CORPUS, and compare the results.

    EXPERIMENT is a TOML file: common settings as in a file for --config, a section [[setting]]
    with a name for each variant, and in [experiment] the seeds and test sets (see
    configs/experiments/). The corpus, or the graph, is read once; each run on a graph is on the
    walks that `train --graph` with its settings and its seed makes. Time, held-out loss, word
    pairs, analogies and labels go to results.md, results.csv and results.json, with a log of each
    run beside them. After Ctrl-C the same command continues; settings that were changed are run
    again.

    \b
    Examples:
      hsw2v compare remedies.toml corpus.txt
      hsw2v compare output-layers.toml news/ -o layers --plot
      hsw2v compare walks.toml --graph edges.txt
    """
    import hsw2v

    folder = Path(output or Path(experiment).stem)
    heard: set[type[events.Event]] = set()
    with Progress(quiet=quiet) as progress:

        def listen(event: events.Event) -> None:
            # A line for the corpus and two a run, without those of its trees and epochs.
            of_a_run = isinstance(event, events.TreeReady | events.ClassesReady | events.EpochEnd)
            again = isinstance(event, events.VocabularyReady) and type(event) in heard
            heard.add(type(event))
            if not of_a_run and not again:
                progress.listen(event)

        try:
            found = hsw2v.compare(
                experiment,
                list(corpus) or None,
                folder,
                graph=graph,
                plot=plot,
                keep_models=keep_models,
                listener=listen,
            )
        except KeyboardInterrupt:
            if events.RunBegin in heard:
                progress.say(f"finished runs are kept in {folder}: the same command continues")
            raise
        progress.say(f"{folder}: {len(found.runs)} runs")
    if as_json:
        print_json(found.to_dict())
        return
    for number, table in enumerate(found.tables()):
        if number:
            print()
        print_table(table, right=range(1, len(table[0])))
