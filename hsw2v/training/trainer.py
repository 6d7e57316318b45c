"""The trainer: tables that blocks of a corpus are trained on, epoch after epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import DivergedError
from hsw2v.events import Listener
from hsw2v.kernels.block import HIERARCHICAL, NEGATIVE, Plan, Tables, train_block
from hsw2v.kernels.output.hierarchical import PRIVATE_NODES, PrivateTop, tree_paths
from hsw2v.kernels.output.negative import NoiseDistribution, noise_distribution
from hsw2v.kernels.step import Scratch
from hsw2v.kernels.windows import Windowing
from hsw2v.training.growing import growths_of, semantic_tree
from hsw2v.training.report import Figures, Report, mean_loss, no_figures
from hsw2v.training.schedule import block_key, learning_rate
from hsw2v.training.tables import aligned_zeros, compacted, initial_vectors, padded
from hsw2v.training.workers import Workers
from hsw2v.training.workspace import private_top, scratch
from hsw2v.trees.tree import Tree

LOSS_EVERY = 64
"""The training loss is taken of one window in so many, to cost next to nothing."""
_ALWAYS = 2**32


@dataclass(frozen=True)
class Pass:
    """One way through a corpus."""

    corpus: WordCorpus
    windowing: Windowing
    epoch: int
    rates: list[float]
    """Learning rate at every border of blocks."""
    loss_every: int
    figures: Figures
    """What the kernel returns of each block, written to its row."""


class Trainer:
    """Word vectors and an output layer under training."""

    def __init__(self, config: Config, vocabulary: Vocabulary, tree: Tree | None) -> None:
        """Make the tables for a vocabulary: with a tree for hierarchical softmax, or without."""
        training = config.resolved().training
        assert training.threads is not None
        assert training.lr is not None
        self._settings = training
        self._first_rate = training.lr
        self._threads = training.threads
        self._workers = Workers()
        keep = keep_probability(vocabulary.counts, config.vocabulary.sample)
        self._keep = np.minimum(np.ceil(keep * _ALWAYS), _ALWAYS).astype(np.uint64)
        self._weights = kept_counts(vocabulary.counts, config.vocabulary.sample)
        self._plant(tree)
        drawn_from = vocabulary.counts if self.tree is None else np.ones(1, np.int64)
        self._noise = _noise(drawn_from, training.ns_exponent, training.negative)
        words = len(vocabulary)
        self._tables = Tables(
            initial_vectors(words, training.dim, training.seed),
            aligned_zeros(words if self.tree is None else words - 1, padded(training.dim)),
        )

    def _plant(self, tree: Tree | None) -> None:
        """Take a tree to train on from now."""
        self.tree = tree
        """The tree of hierarchical softmax."""
        paths = (Tree(np.empty((0, 2), np.int32)) if tree is None else tree).paths()
        self._paths = tree_paths(paths.offsets, paths.nodes, paths.codes)

    @property
    def tables(self) -> Tables:
        """The tables under training, with padded rows."""
        return self._tables

    def finish(self) -> Tables:
        """Return word vectors (V, D) and output vectors (V-1, D) or (V, D), and end training.

        Raises:
            DivergedError: a number of them is not finite.
        """
        dim = self._settings.dim
        vectors, outputs = (compacted(table, dim) for table in self._tables)
        del self._tables
        if not (np.isfinite(vectors).all() and np.isfinite(outputs).all()):
            raise DivergedError("training diverged: a vector is not finite", hint="lower --lr")
        return Tables(vectors, outputs)

    def train(
        self, corpus: WordCorpus, listener: Listener, heldout: WordCorpus | None = None
    ) -> None:
        """Train for all epochs.

        Raises:
            DivergedError: a loss is not finite.
            KeyboardInterrupt: Ctrl-C; the tables are as the last steps left them.
        """
        settings = self._settings
        windowing = self._windowing(corpus, self._keep, not settings.fixed_window)
        ids = len(corpus.encoded.ids)

        def rate_at(epoch: int, place: int) -> float:
            return learning_rate(self._first_rate, (epoch + place / ids) / settings.epochs)

        report = Report(listener, settings.epochs, corpus.encoded.tokens)
        for epoch in range(settings.epochs):
            borders = corpus.encoded.blocks.tolist()
            rates = [rate_at(epoch, place) for place in borders]
            figures = no_figures(len(rates) - 1)
            report.begin(epoch, self._output, figures, rates)
            some = Pass(corpus, windowing, epoch, rates, LOSS_EVERY, figures)
            done = 0
            for block in growths_of(settings, corpus.encoded.blocks, epoch):
                self._run(some, report.tick, first=done, last=block)
                done = block
                self._grow(listener)
                report.switch(self._output, done)
            self._run(some, report.tick, first=done)
            # Before there is a tree there are no probabilities.
            measured = None if heldout is None or self.tree is None else self.heldout_loss(heldout)
            report.end(measured)

    @property
    def _output(self) -> str:
        """The output layer, as the setting `loss` names it."""
        return "ns" if self.tree is None else "hs"

    def _grow(self, listener: Listener) -> None:
        """Grow the semantic tree of the vectors as they are now, with nodes that know nothing."""
        vectors, outputs = self._tables
        if not np.isfinite(vectors).all():
            raise DivergedError("training diverged: a vector is not finite", hint="lower --lr")
        self._plant(semantic_tree(vectors, self._weights, self._threads, listener))
        outputs = outputs[: len(vectors) - 1]
        outputs[:] = 0.0
        self._tables = Tables(vectors, outputs)

    def heldout_loss(self, corpus: WordCorpus) -> float | None:
        """Return the exact mean negative log-likelihood a prediction on a corpus, in nats.

        Every token of the vocabulary is a target, with its whole window (within a sentence, or
        within 8,192 tokens of a longer one): nothing is drawn. None if there is nothing to
        predict.
        """
        windowing = self._windowing(corpus, np.full_like(self._keep, _ALWAYS), False)
        # Steps of rate 0 change nothing: the same kernel measures.
        rates = [0.0] * len(corpus.encoded.blocks)
        figures = no_figures(len(rates) - 1)
        self._run(Pass(corpus, windowing, 0, rates, 1, figures), lambda: None)
        return mean_loss(figures)

    def _windowing(self, corpus: WordCorpus, keep: NDArray[np.uint64], shrink: bool) -> Windowing:
        return Windowing(corpus.remap, keep, self._settings.window, shrink)

    def _run(
        self, some: Pass, tick: Callable[[], None], first: int = 0, last: int | None = None
    ) -> None:
        """Take every block of a pass once, or those from `first` on and before `last`."""
        settings = self._settings
        output = HIERARCHICAL if self.tree is not None else NEGATIVE
        encoded, rates, figures = some.corpus.encoded, some.rates, some.figures
        blocks, ids = encoded.blocks, encoded.ids
        count = (len(figures) if last is None else last) - first
        if not count:
            return
        rooms = self._rooms(some.corpus)

        def work(thread: int, piece: int) -> None:
            block = first + piece
            figures[block] = train_block(
                ids[blocks[block] : blocks[block + 1]],
                np.uint64(block_key(settings.seed, some.epoch, block)),
                Plan(
                    settings.model == "cbow",
                    output,
                    rates[block],
                    rates[block + 1],
                    some.loss_every,
                ),
                some.windowing,
                self._tables,
                self._paths,
                rooms[thread][0],
                self._noise,
                rooms[thread][1],
            )
            if not np.isfinite(figures[block, 0]):
                raise DivergedError(
                    f"training diverged in epoch {some.epoch + 1}: the loss is not a finite number",
                    hint="lower --lr",
                )

        def watch() -> None:
            encoded.forget()
            tick()

        self._workers.run(len(rooms), count, work, watch)

    def _rooms(self, corpus: WordCorpus) -> list[tuple[PrivateTop, Scratch]]:
        """Return what each thread works in; no more threads than blocks."""
        threads = min(self._threads, len(corpus.encoded.blocks) - 1)
        copies = 0
        if self.tree is not None and threads > 1:
            copies = min(PRIVATE_NODES, len(self.tree) - 1)
        width = self._tables.vectors.shape[1]
        longest = int(np.diff(self._paths.offsets).max(initial=0))
        settings = self._settings
        return [
            (
                private_top(copies, width),
                scratch(
                    corpus.longest_block,
                    settings.window,
                    longest,
                    settings.negative,
                    width,
                    self._workers.stop,
                ),
            )
            for _ in range(threads)
        ]


def _noise(counts: NDArray[np.int64], exponent: float, negative: int) -> NoiseDistribution:
    # Logarithms: a large negative exponent must not make all weights zero.
    logarithms = exponent * np.log(np.maximum(counts, 1))
    return noise_distribution(np.exp(logarithms - logarithms.max()), negative)
