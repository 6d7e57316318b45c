"""`hsw2v vocab`: the words of a corpus and how often they occur."""

from __future__ import annotations

import sys
from typing import Any

import click

from hsw2v.cli.options import (
    config_option,
    corpus_argument,
    quiet_option,
    resolve,
    settings_options,
)
from hsw2v.cli.progress import Progress
from hsw2v.cli.train import leave_scipy_out


@click.command()
@corpus_argument
@config_option
@quiet_option
@settings_options("vocabulary", "corpus", leave_out=("sample", "oov_counts"))
def vocab(corpus: tuple[str, ...], config: str | None, quiet: bool, **given: Any) -> None:
    """Print the words of CORPUS and their counts, most frequent first.

    Tab-separated, one word a line: the vocabulary of `train` with the same options.

    \b
    Examples:
      hsw2v vocab corpus.txt --min-count 10 > words.tsv
      hsw2v vocab raw.txt --tokens words --lowercase | head
      hsw2v vocab corpus.txt --phrases 2 | grep _
    """
    leave_scipy_out()
    from hsw2v.corpus.lists import read_lists
    from hsw2v.corpus.sources import encode_source
    from hsw2v.corpus.words import choose_words

    settings = resolve(config, given)
    with Progress(quiet=quiet, sources=corpus) as progress:
        lists = read_lists(settings, progress.listen)
        spared = lists.spared(settings.corpus)
        with encode_source(corpus, settings.corpus, progress.listen, spared=spared) as encoded:
            vocabulary, _ = choose_words(encoded, settings.vocabulary, lists, progress.listen)
    for word, count in zip(vocabulary.words, vocabulary.counts.tolist(), strict=True):
        sys.stdout.write(f"{word}\t{count}\n")
