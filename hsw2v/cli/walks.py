"""`hsw2v walks`: random walks over a graph, as text."""

from __future__ import annotations

from typing import Any

import click

from hsw2v.cli.checks import check_output, leave_scipy_out
from hsw2v.cli.options import (
    config_option,
    force_option,
    number_option,
    quiet_option,
    resolve,
    settings_options,
)
from hsw2v.cli.progress import Progress
from hsw2v.config.presets import defaults_of
from hsw2v.files import STDOUT, expand_sources, write_text


@click.command()
@click.argument("graph")
@click.option(
    "-o", "--output", metavar="FILE", help="File to write, compressed by its extension (stdout)."
)
@force_option
@config_option
@quiet_option
@number_option("--seed", least=0, help="Seed of the walks (default: 1).")
@number_option("--threads", help="Threads (default: all cores).")
@settings_options("graph")
def walks(
    graph: str,
    output: str | None,
    force: bool,
    config: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Print random walks over GRAPH, a walk a line.

    GRAPH is a file of edges, a line 'a b' or 'a b WEIGHT', or of nodes with their neighbours,
    'a b c d'; columns are separated by white space or commas, and lines that begin with # or % are
    comments. Walks are uniform (DeepWalk) or, with --p and --q, biased (node2vec). They are those
    that `hsw2v train --graph` trains on, with any number of threads.

    \b
    Examples:
      hsw2v walks edges.txt | head
      hsw2v walks edges.txt.gz --p 0.25 --q 4 -o walks.txt.gz
    """
    settings = resolve(config, given, defaults_of(graph))
    inputs = expand_sources([graph])
    if output:
        check_output(output, inputs, force=force, stdout=True)
    leave_scipy_out()
    from hsw2v.config import GraphConfig
    from hsw2v.graphs.graph import Graph
    from hsw2v.graphs.walks import Walks

    chosen, training = settings.graph or GraphConfig(), settings.resolved().training
    with Progress(quiet=quiet, sources=inputs) as progress:
        found = Graph.read(
            inputs,
            graph_format=chosen.graph_format,
            directed=chosen.directed,
            corpus=settings.corpus,
            listener=progress.listen,
        )
        lines = Walks(found, chosen, training.seed, training.threads or 1).lines(
            listener=progress.listen
        )
        write_text(output or STDOUT, lines, force=force)
