"""`hsw2v vocab`: the words of a corpus and how often they occur."""

from __future__ import annotations

import sys
from typing import Any

import click

from hsw2v.cli.checks import check_stdin, leave_scipy_out
from hsw2v.cli.options import (
    config_option,
    graph_option,
    quiet_option,
    resolve,
    settings_options,
    training_corpus_argument,
)
from hsw2v.cli.progress import Progress
from hsw2v.config.presets import defaults_of


@click.command()
@training_corpus_argument
@graph_option
@config_option
@quiet_option
@settings_options("vocabulary", "corpus", "graph", leave_out=("sample", "oov_counts"))
def vocab(
    corpus: tuple[str, ...], graph: str | None, config: str | None, quiet: bool, **given: Any
) -> None:
    """Print the words of CORPUS and their counts, most frequent first.

    Tab-separated, one word a line: the vocabulary of `train` with the same options. Of a graph,
    words are nodes, and counts how often the walks visit them.

    \b
    Examples:
      hsw2v vocab corpus.txt --min-count 10 > words.tsv
      hsw2v vocab raw.txt --tokens words --lowercase | head
      hsw2v vocab corpus.txt --phrases 2 | grep _
      hsw2v vocab --graph edges.txt | head
    """
    leave_scipy_out()
    from hsw2v.corpus.lists import read_lists
    from hsw2v.corpus.sources import encode_source
    from hsw2v.corpus.words import choose_words
    from hsw2v.training.graphs import chosen_source

    asked = resolve(config, given, defaults_of(graph))
    sources = [graph] if graph else corpus
    check_stdin([*sources, *asked.files.values()])
    with Progress(quiet=quiet, sources=sources) as progress:
        source, settings = chosen_source(list(corpus) or None, graph, asked, progress.listen)
        lists = read_lists(settings, progress.listen)
        spared = lists.spared(settings.corpus)
        with encode_source(source, settings.corpus, progress.listen, spared=spared) as encoded:
            vocabulary, _ = choose_words(encoded, settings.vocabulary, lists, progress.listen)
    for word, count in zip(vocabulary.words, vocabulary.counts.tolist(), strict=True):
        sys.stdout.write(f"{word}\t{count}\n")
