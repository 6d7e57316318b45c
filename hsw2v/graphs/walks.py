"""Random walks over a graph, as text and as a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig, GraphConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.encoded import EncodedCorpus, IdWriter, borders_of
from hsw2v.corpus.vocabulary import Vocabulary, taken
from hsw2v.events import Listener, Pace, WalkProgress, ignore
from hsw2v.graphs.graph import Graph
from hsw2v.graphs.steps import add_up, number_by_arrival, order_keys, walk
from hsw2v.kernels.random import thresholds
from hsw2v.progress import with_progress

_IDS_AT_ONCE = 1 << 19
"""Of a thread."""

Ids = NDArray[np.int32]


class Walks:
    """Random walks over a graph: `walks_per_node` passes, in each of which one begins at each node.

    Iterating makes lists of the names of nodes. A walk is a function of the seed, its pass and the
    node it begins at.
    """

    def __init__(
        self,
        graph: Graph,
        config: GraphConfig,
        seed: int,
        threads: int = 1,
        *,
        progress: bool = False,
    ) -> None:
        apart(_warm_up)
        self.graph = graph
        self._config, self._seed, self._threads = config, np.uint64(seed), threads
        self._progress = progress
        self._sums = np.empty(0 if graph.weights is None else len(graph.weights))
        if graph.weights is not None:
            add_up(graph.offsets, graph.weights, self._sums)
        self._biases = np.array([1.0 / config.p, 1.0, 1.0 / config.q])

    def __len__(self) -> int:
        """Return the number of walks."""
        return self._config.walks_per_node * len(self.graph)

    def __repr__(self) -> str:
        return f"<hsw2v.Walks: {len(self):,} walks over {len(self.graph):,} nodes>"

    def __iter__(self) -> Iterator[list[str]]:
        """Yield walks as lists of names."""
        names = self.graph.nodes
        for ids in self.ids(progress=self._progress):
            nodes, begin = (ids - 1).tolist(), 0
            for end in np.flatnonzero(ids == 0).tolist():
                yield [names[node] for node in nodes[begin:end]]
                begin = end + 1

    @with_progress
    def lines(self, *, listener: Listener = ignore, progress: bool = False) -> Iterator[str]:
        """Yield walks as lines of text."""
        names = ["\n", *self.graph.nodes]
        for ids in self.ids(listener=listener):
            text = " ".join(map(names.__getitem__, ids.tolist()))
            yield from text.replace(" \n ", "\n").replace(" \n", "\n").splitlines(keepends=True)

    @with_progress
    def ids(self, *, listener: Listener = ignore, progress: bool = False) -> Iterator[Ids]:
        """Yield walks as nodes counted from 1, a 0 after each walk, in arrays of some walks."""
        length, pace, done = self._config.walk_length, Pace(), 0
        least = thresholds(self._biases / self._biases.max())
        graph = self.graph

        def fill(numbers: Ids, starts: Ids, rows: Ids) -> None:
            arrays = graph.offsets, graph.neighbours, self._sums, self._biases, least
            walk(*arrays, self._seed, numbers, starts, rows)

        with ThreadPoolExecutor(self._threads) as pool:
            for numbers, starts in self._begun(max(1, _IDS_AT_ONCE // length) * self._threads):
                rows = np.empty((len(starts), length + 1), np.int32)
                whole = numbers, starts, rows
                parts = (np.array_split(one, self._threads) for one in whole)
                list(pool.map(fill, *parts))
                # Where all walks are whole, each ends in the last column.
                yield rows[rows >= 0] if rows[:, -1].any() else rows.reshape(-1)
                done += len(starts)
                if pace.due():
                    listener(WalkProgress(done, len(self), pace.seconds))

    def _begun(self, most: int) -> Iterator[tuple[Ids, Ids]]:
        """Yield the passes of about so many walks and the nodes they begin at, in order."""
        nodes, passes = len(self.graph), max(1, most // len(self.graph))
        for first in range(0, self._config.walks_per_node, passes):
            several = range(first, min(first + passes, self._config.walks_per_node))
            starts = np.concatenate([self._order(number) for number in several])
            numbers = np.repeat(np.array(several, np.int32), nodes)
            for begin in range(0, len(starts), most):
                some = slice(begin, begin + most)
                yield numbers[some], starts[some]

    def _order(self, number: int) -> Ids:
        """Return the nodes in the order in which walks of a pass begin at them."""
        keys = np.empty(len(self.graph), np.uint64)
        order_keys(self._seed, number, keys)
        return np.argsort(keys, kind="stable").astype(np.int32)

    def encode(self, config: CorpusConfig, listener: Listener = ignore) -> EncodedCorpus:
        """Write the walks as a corpus, the one that their text would be read as.

        Raises:
            OutputError, DiskFullError: the ids cannot be written to `config.cache_dir`.
        """
        nodes = len(self.graph)
        numbers, counts = np.zeros(nodes + 1, np.int32), np.zeros(nodes + 1, np.int64)
        order, arrived = np.empty(nodes, np.int64), 0
        with IdWriter(config.cache_dir) as out:
            for ids in self.ids(listener=listener):
                arrived = number_by_arrival(ids, numbers, counts, order, arrived)
                out.write(ids)
            written, stored = out.written, out.finish()
            assert stored is not None
        names = taken(self.graph.names, order)
        return EncodedCorpus(
            stored,
            self.graph.source,
            Vocabulary(names.blob, names.offsets, counts[1:]),
            tokens=written - len(self),
            sentences=len(self),
            bytes_read=self.graph.bytes_read,
            replaced_bytes=self.graph.replaced_bytes,
            dropped_types=0,
            blocks=borders_of(stored),
        )


def _warm_up() -> None:
    """Call once all compiled code that walks run."""
    offsets, one = np.array([0, 1]), np.zeros(1, np.int32)
    weights, rows = np.ones(1), np.empty((1, 2), np.int32)
    add_up(offsets, weights, weights.copy())
    order_keys(np.uint64(1), 0, np.empty(1, np.uint64))
    biases = np.ones(3)
    walk(offsets, one, weights, biases, thresholds(biases), np.uint64(1), one, one, rows)
    number_by_arrival(rows.reshape(-1), np.zeros(2, np.int32), np.zeros(2, np.int64), offsets, 0)
