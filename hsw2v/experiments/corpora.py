"""What runs are trained on: one corpus or, of a graph, walks that depend on the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from hsw2v.config import Config
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.sources import EncodedSource, Source
from hsw2v.corpus.sources import Path as PathLike
from hsw2v.events import Event, Listener, ignore
from hsw2v.experiments.experiment import Experiment
from hsw2v.graphs.graph import Graph
from hsw2v.training.graphs import chosen_source
from hsw2v.training.texts import Texts, read_texts

Part = bytes | memoryview


class Corpora:
    """The texts of runs: those given, whatever the settings."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def of(self, config: Config) -> Texts:
        """Return the texts of a run; those of the run before may be gone."""
        return self._texts

    def parts(self) -> Iterator[Part]:
        """Yield all that the corpora of runs follow from, but for the settings."""
        # A corpus need not fit in memory.
        corpus = self._texts.corpus
        yield from _parts(corpus)

    def heldout_parts(self) -> Iterator[Part]:
        """Yield what the held-out text is made of; nothing without one."""
        if self._texts.heldout is not None:
            yield from _parts(self._texts.heldout)

    @property
    def sizes(self) -> dict[str, int]:
        """Return how large they are, by names of fields of a `Comparison`."""
        return {"tokens": self._texts.corpus.tokens}


class Walked(Corpora):
    """Walks over a graph: made by the settings and the seed of a run, as `train` makes them."""

    def __init__(self, graph: Graph, texts: Texts, config: Config) -> None:
        """Begin with `texts`, whose corpus are the walks with the settings of `config`."""
        super().__init__(texts)
        self._graph, self._walked = graph, _walk_settings(config)

    def of(self, config: Config) -> Texts:
        """Return the texts of a run; the walks of the run before may be gone."""
        if (asked := _walk_settings(config)) != self._walked:
            self._texts.corpus.close()
            source, _ = chosen_source(None, self._graph, config, ignore)
            assert isinstance(source, EncodedSource)
            corpus = source.encode(self._texts.config, ignore)
            self._texts, self._walked = replace(self._texts, corpus=corpus), asked
        return self._texts

    def close(self) -> None:
        """Release the walks."""
        self._texts.corpus.close()

    def parts(self) -> Iterator[Part]:
        """Yield the graph."""
        graph = self._graph
        yield from (graph.names.blob.data, graph.names.offsets.data)
        yield from (graph.offsets.data, graph.neighbours.data)
        if graph.weights is not None:
            yield graph.weights.data

    @property
    def sizes(self) -> dict[str, int]:
        """Return how large the graph is."""
        return {"tokens": 0, "nodes": len(self._graph), "edges": self._graph.edge_count()}


def _walk_settings(config: Config) -> tuple[object, int]:
    return config.graph, config.training.seed


def _parts(corpus: EncodedCorpus) -> Iterator[Part]:
    types = corpus.types
    yield from (types.blob.data, types.offsets.data, types.counts.data)
    yield from (ids.data for ids in corpus.parts())


def on_what(
    experiment: Experiment,
    corpus: Source | None,
    graph: Graph | PathLike | None,
    listener: Listener,
) -> Experiment:
    """Return the experiment with the settings that matter for a corpus, or for a graph.

    The listener is told what `chosen_source` tells.

    Raises:
        UsageError: as `chosen_source`, or settings come to the same.
    """
    told: dict[Event, None] = {}
    settings = []
    for one in experiment.settings:
        _, config = chosen_source(corpus, graph, one.config, lambda event: told.setdefault(event))
        settings.append(replace(one, config=config))
    # The defaults for a graph are told once, though settings override others of them.
    for event in list(told)[: None if graph is None else 1]:
        listener(event)
    return replace(experiment, settings=tuple(settings))


@contextmanager
def read_corpora(
    experiment: Experiment,
    corpus: Source | None,
    graph: Graph | PathLike | None,
    listener: Listener,
) -> Iterator[Corpora]:
    """Read what an experiment is trained on, once; it is gone at the end of the context.

    Raises:
        What `train` raises of sources.
    """
    first = experiment.settings[0].config.replace(seed=experiment.seeds[0])
    if graph is not None and not isinstance(graph, Graph):
        assert first.graph is not None
        graph = Graph.read(
            graph,
            graph_format=first.graph.graph_format,
            directed=first.graph.directed,
            corpus=first.corpus,
            listener=listener,
        )
    source, _ = chosen_source(corpus, graph, first, ignore)
    with ExitStack() as context:
        reading = read_texts(
            source,
            first.corpus,
            experiment.heldout,
            listener=listener,
            spared=experiment.spared(),
        )
        texts = context.enter_context(reading)
        if graph is None:
            yield Corpora(texts)
        else:
            walked = Walked(graph, texts, first)
            context.callback(walked.close)
            yield walked
