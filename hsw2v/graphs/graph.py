"""Graphs as arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsw2v.config import Config, CorpusConfig, GraphConfig
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import EmptyCorpusError, UsageError
from hsw2v.events import GraphReady, Listener, Pace, ignore
from hsw2v.files import expand_sources
from hsw2v.graphs.reading import HEAVIEST, Edges, read_edges
from hsw2v.progress import with_progress

if TYPE_CHECKING:
    from hsw2v.graphs.walks import Walks

Path = str | os.PathLike[str]
_OF_WALKS = ("walks_per_node", "walk_length", "p", "q")


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of n nodes and E edges; of one that is not directed each edge is there both ways.

    `names` are those of the nodes; from node v edges lead to the nodes
    `neighbours[offsets[v]:offsets[v + 1]]`, with `weights` at the same places or, if that is None,
    of equal weight.
    """

    names: Vocabulary
    offsets: NDArray[np.int64]
    """(n+1,) int64."""
    neighbours: NDArray[np.int32]
    """(E,) int32, of each node in rising order, none twice."""
    weights: NDArray[np.float64] | None
    """(E,) float64, above 0."""
    bytes_read: int = 0
    replaced_bytes: int = 0
    source: str = "graph"
    """What it was read from, for messages."""
    directed: bool = False
    graph_format: str = "auto"
    """The setting that it was read with."""

    @classmethod
    @with_progress
    def read(
        cls,
        path: Path | Sequence[Path],
        *,
        graph_format: str = "auto",
        directed: bool = False,
        corpus: CorpusConfig | None = None,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Graph:
        """Read a graph from a file, or several: paths, addresses, compressed or not.

        A line is two nodes ("edges"), two nodes and a weight ("weighted") or a node and its
        neighbours ("adjacency"); "auto" tells by the first lines. Columns are separated by white
        space or commas, and lines that begin with `#` or `%` are comments. Names of nodes are any
        tokens. An edge that is listed more than once, or in both directions of a graph that is
        not directed, is one; its weights add up. Edges of weight 0 are left out.

        Raises:
            UsageError: the format is none of these, or cannot be told.
            MissingInputError, CorruptInputError, EncodingError: a file cannot be read, or a line
                is not of the format.
            EmptyCorpusError: there are no edges.
        """
        config = Config().replace(graph_format=graph_format, directed=directed).graph
        chosen, pace = config or GraphConfig(), Pace()
        names = expand_sources([path] if isinstance(path, str | os.PathLike) else path)
        edges = read_edges(names, chosen.graph_format, corpus or CorpusConfig(), listener)
        graph = _of(edges, chosen, ", ".join(names[:3]))
        listener(
            GraphReady(
                nodes=len(graph),
                edges=graph.edge_count(),
                directed=graph.directed,
                graph_format=edges.graph_format,
                seconds=pace.seconds,
            )
        )
        return graph

    @classmethod
    def from_edges(
        cls, edges: ArrayLike, weights: ArrayLike | None = None, *, directed: bool = False
    ) -> Graph:
        """Make a graph of edges (E, 2), whole numbers, and perhaps their weights (E,).

        The name of a node is its number; nodes are in rising order of these.

        Raises:
            UsageError: the edges or weights are something else.
            EmptyCorpusError: there are no edges.
        """
        try:
            pairs = np.asarray(edges)
        except ValueError as error:
            raise UsageError(
                "edges have different lengths", hint="give whole numbers (E, 2)"
            ) from error
        if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
            raise UsageError(
                f"edges have shape {pairs.shape} and type {pairs.dtype}",
                hint="give whole numbers (E, 2)",
            )
        numbers, found_ends = np.unique(pairs, return_inverse=True)
        ends: NDArray[np.int32] = found_ends.reshape(-1, 2).astype(np.int32)
        names = Vocabulary.from_words(list(map(str, numbers.tolist())), [0] * len(numbers))
        found = None if weights is None else _checked(weights, len(pairs))
        read = "edges", 0, 0
        config = GraphConfig(directed=directed)
        return _of(Edges(names, ends[:, 0], ends[:, 1], found, *read), config, "edges")

    def walks(
        self,
        *,
        seed: int = 1,
        threads: int | None = None,
        progress: bool = False,
        **settings: Any,
    ) -> Walks:
        """Return random walks over the graph, those that `hsw2v.train` would make of it.

        Settings are `walks_per_node`, `walk_length`, `p` and `q`. Iterating over the walks makes
        lists of names; they are the same every time, with any number of threads. With `progress` it
        shows how far it is.

        Raises:
            UsageError: a setting is unknown or out of bounds, or is none of walks.
        """
        from hsw2v.graphs.walks import Walks

        if others := [name for name in settings if name not in _OF_WALKS]:
            raise UsageError(
                f"walks have no setting '{others[0]}'", hint="they have " + ", ".join(_OF_WALKS)
            )
        config = Config().replace(seed=seed, threads=threads, **settings).resolved()
        training = config.training
        chosen = config.graph or GraphConfig()
        return Walks(self, chosen, training.seed, training.threads or 1, progress=progress)

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"<hsw2v.Graph: {len(self):,} nodes>"

    @property
    def nodes(self) -> list[str]:
        """Return the names of the nodes, in order."""
        return self.names.words

    def edge_count(self) -> int:
        """Return the number of edges, as those who gave them count them."""
        if self.directed:
            return len(self.neighbours)
        sources = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.offsets))
        return int(np.count_nonzero(sources <= self.neighbours))


def _checked(weights: ArrayLike, edges: int) -> NDArray[np.float64]:
    try:
        found = np.asarray(weights, np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError("weights are not numbers", hint="give one for each edge") from error
    if found.shape != (edges,) or not ((found >= 0.0) & (found <= HEAVIEST)).all():
        raise UsageError(
            f"weights of shape {found.shape} do not fit {edges:,} edges, or are not numbers from 0 "
            f"to {HEAVIEST:g}",
            hint="give one for each edge",
        )
    return found


def _of(edges: Edges, config: GraphConfig, source: str) -> Graph:
    """Return the graph of edges.

    Raises:
        EmptyCorpusError: there are none of a weight above 0.
    """
    nodes = len(edges.names)
    places = edges.sources * np.int64(nodes) + edges.targets
    weights = edges.weights
    if not config.directed:
        there = edges.sources != edges.targets
        back = edges.targets[there] * np.int64(nodes) + edges.sources[there]
        places = np.concatenate((places, back))
        weights = None if weights is None else np.concatenate((weights, weights[there]))
    places, weights = _merged(places, weights)
    if not len(places):
        raise EmptyCorpusError("there are no edges", where=source, hint="name a graph with some")
    offsets = np.searchsorted(places, np.arange(nodes + 1) * np.int64(nodes))
    neighbours = (places % nodes).astype(np.int32)
    read = edges.bytes_read, edges.replaced_bytes
    return Graph(
        edges.names,
        offsets.astype(np.int64),
        neighbours,
        weights,
        *read,
        source,
        config.directed,
        config.graph_format,
    )


def _merged(
    places: NDArray[np.int64], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Return places in rising order, each once, and the sums of their weights, those above 0."""
    if weights is None:
        places.sort()
        return places[_first_of_equals(places)], None
    order = np.argsort(places, kind="stable")
    places = places[order]
    begins = np.flatnonzero(_first_of_equals(places))
    sums = np.add.reduceat(weights[order], begins)
    return places[begins][sums > 0.0], sums[sums > 0.0]


def _first_of_equals(rising: NDArray[np.int64]) -> NDArray[np.bool_]:
    first = np.ones(len(rising), np.bool_)
    np.not_equal(rising[1:], rising[:-1], out=first[1:])
    return first
