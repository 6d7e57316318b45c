"""Graphs as what is trained on: their walks take the place of a text."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from hsw2v.config import Config, CorpusConfig, GraphConfig, no_effect, sections
from hsw2v.config.presets import GRAPH, defaults_of
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.sources import EncodedSource, Path, Source, stored_as
from hsw2v.errors import UsageError
from hsw2v.events import Listener, Notice
from hsw2v.graphs.graph import Graph
from hsw2v.graphs.reading import check_settings
from hsw2v.graphs.walks import Walks


class WalksOverGraph(EncodedSource):
    """Walks over a graph, which is read when they are wanted."""

    def __init__(self, graph: Graph | Path | Sequence[Path], config: Config) -> None:
        self._graph = graph
        self._config = config.graph or GraphConfig()
        self._seed, self._threads = config.training.seed, config.resolved().training.threads or 1

    def encode(self, config: CorpusConfig, listener: Listener) -> EncodedCorpus:
        """Read the graph and walk over it."""
        graph, settings = self._graph, self._config
        if not isinstance(graph, Graph):
            graph = Graph.read(
                graph,
                graph_format=settings.graph_format,
                directed=settings.directed,
                corpus=config,
                listener=listener,
            )
        return Walks(graph, settings, self._seed, self._threads).encode(config, listener)

    def stored_as(self) -> list[tuple[str, int, int]]:
        """Return the files of the graph; none of one that is in memory."""
        return [] if isinstance(self._graph, Graph) else stored_as(self._graph)


_OF_READING = ("directed", "graph_format")


def defaults(graph: object, first: Config | None = None) -> Config:
    """Return the defaults: `first` or those for a graph or, if it is None, for a text.

    How a `Graph` was read is a default, too.
    """
    usual = first or defaults_of(graph)
    if isinstance(graph, Graph):
        return usual.replace(**{name: getattr(graph, name) for name in _OF_READING})
    return usual


def chosen_source(
    source: Source | None,
    graph: Graph | Path | Sequence[Path] | None,
    asked: Config,
    listener: Listener,
) -> tuple[Source, Config]:
    """Return what is trained on, a text or walks over a graph, and the settings that matter for it.

    The listener is told of those of graphs that are the defaults there, and of those that have no
    effect on a text.

    Raises:
        UsageError: neither is given, or both; or a setting is for text, and there is a graph; or
            it contradicts how a `Graph` was read.
    """
    if graph is None and source is None:
        raise UsageError(
            "there is neither a corpus nor a graph", hint="name a corpus, or --graph FILE"
        )
    if graph is not None and source is not None:
        raise UsageError("there are a corpus and a graph", hint="leave one of them out")
    if source is not None:
        if asked.graph is not None:
            listener(Notice(f"{no_effect(_changed(asked))} (no graph)"))
        return source, dataclasses.replace(asked, graph=None)
    assert graph is not None
    check_settings(asked.corpus)
    if kept := _defaults_told(asked):
        listener(Notice(f"defaults for a graph: {kept}"))
    settings = asked.graph or defaults(graph).graph or GraphConfig()
    if isinstance(graph, Graph):
        _check_as_read(graph, settings)
    config = dataclasses.replace(asked, graph=settings)
    return WalksOverGraph(graph, config), config


def _changed(config: Config) -> list[str]:
    default = GraphConfig()
    names = [one.name for one in sections()["graph"]]
    return [name for name in names if getattr(config.graph, name) != getattr(default, name)]


def _check_as_read(graph: Graph, settings: GraphConfig) -> None:
    for name in _OF_READING:
        asked, own = getattr(settings, name), getattr(graph, name)
        if asked != own:
            raise UsageError(
                f"{name} is {asked}, and that of the graph is {own}",
                hint="leave it out, or read the graph anew",
            )


def _defaults_told(asked: Config) -> str:
    """Return the settings that are as they are by default for a graph, where a text has others."""
    ours, theirs, here = (_by_name(one) for one in (GRAPH, Config(), asked))
    kept = [name for name, value in ours.items() if theirs[name] != value == here[name]]
    return ", ".join(f"{name} {_shown(ours[name])}" for name in kept)


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _by_name(config: Config) -> dict[str, object]:
    return {name: one for part in config.to_dict().values() for name, one in part.items()}
