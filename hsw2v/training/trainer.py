"""The trainer: tables that blocks of a corpus are trained on, epoch after epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import NORMALIZED, Config
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import DivergedError
from hsw2v.events import HeldoutProgress, Listener, Pace, ignore
from hsw2v.kernels.general import GeneralTables
from hsw2v.kernels.random import ALWAYS, thresholds
from hsw2v.kernels.windows import Windowing
from hsw2v.query.normalisation import normalised
from hsw2v.training.engines import Block, Task, engine_for
from hsw2v.training.growing import grown_base, growths_of
from hsw2v.training.layers import OutputLayer, output_layer
from hsw2v.training.report import Figures, Report, mean_loss, no_figures
from hsw2v.training.schedule import block_key, block_order, learning_rate, recordings_of
from hsw2v.training.state import first_tables, state_of
from hsw2v.training.tables import aligned_zeros, compacted
from hsw2v.training.workers import Workers
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

if TYPE_CHECKING:
    from hsw2v.training.recording import Recorder

LOSS_EVERY = 64
"""The training loss is taken of one window in so many, to cost next to nothing."""


@dataclass(frozen=True)
class Pass:
    """One way through a corpus."""

    corpus: WordCorpus
    windowing: Windowing
    epoch: int
    order: NDArray[np.int64]
    """(K,), the blocks in the order in which they are taken."""
    rates: list[float]
    """(K+1,) learning rates: before each block in this order, and after the last."""
    loss_every: int
    figures: Figures
    """What the kernel returns of each block in this order."""


@dataclass(frozen=True)
class Trained:
    """What training made."""

    vectors: NDArray[np.float32]
    """(V, D)."""
    outputs: NDArray[np.float32]
    """(V-1, D) of a tree, (C+V, D) of classes and words, or (V, D)."""
    tree: Tree | None
    classes: Classes | None
    batch_norm: NDArray[np.float32] | None
    """(4, D): scale, shift, running mean and variance."""


class Trainer:
    """Word vectors and an output layer under training."""

    def __init__(
        self, config: Config, vocabulary: Vocabulary, base: Tree | Classes | None = None
    ) -> None:
        """Make the tables for a vocabulary, with the tree or the classes of the output layer.

        The settings must say how many epochs there are. Without a tree, hierarchical softmax
        begins as negative sampling.
        """
        training = config.resolved().training
        assert training.threads is not None
        assert training.lr is not None
        assert training.epochs is not None
        self._config, self._vocabulary = config, vocabulary
        self._settings = training
        self._first_rate = training.lr
        self._epochs = training.epochs
        self._threads = training.threads
        self._workers = Workers()
        keep = keep_probability(vocabulary.counts, config.vocabulary.sample)
        self._keep = thresholds(keep)
        self._weights = kept_counts(vocabulary.counts, config.vocabulary.sample)
        self._layer = output_layer(training, vocabulary, self._weights, base)
        self._tables = first_tables(training, len(vocabulary), self._layer.rows)

    @property
    def tables(self) -> GeneralTables:
        """The tables under training, with padded rows."""
        return self._tables

    def finish(self) -> Trained:
        """Return what was trained, and end training.

        Raises:
            DivergedError: a number of it is not finite.
        """
        dim, tables = self._settings.dim, self._tables
        batch_norm = self._batch_norm[:, :dim].copy() if self._settings.batch_norm else None
        del self._tables
        vectors, outputs = compacted(tables.vectors, dim), compacted(tables.outputs, dim)
        made = [vectors, outputs] + ([] if batch_norm is None else [batch_norm])
        if not all(np.isfinite(one).all() for one in made):
            raise DivergedError("training diverged: a vector is not finite", hint="lower --lr")
        return Trained(vectors, outputs, self._layer.tree, self._layer.classes, batch_norm)

    @property
    def _batch_norm(self) -> NDArray[np.float32]:
        """Scale, shift, running mean and variance, (4, P)."""
        norm = self._tables.norm
        return np.concatenate([norm.parameters, norm.running])

    def train(
        self,
        corpus: WordCorpus,
        listener: Listener,
        heldout: WordCorpus | None = None,
    ) -> float:
        """Train for all epochs; measure the loss on a held-out text after each, if one is given.

        Returns the seconds that went into measuring, that loss and what is recorded of gradients.

        Raises:
            DivergedError: a loss is not finite.
            KeyboardInterrupt: Ctrl-C; the tables are as the last steps left them.
        """
        settings = self._settings
        windowing = self._windowing(corpus, self._keep, not settings.fixed_window)
        borders = corpus.encoded.blocks
        sizes = np.diff(borders)
        report = Report(listener, self._epochs, corpus.encoded.tokens)
        recorder = self._recorder(listener)
        for epoch in range(self._epochs):
            order = block_order(len(sizes), settings.seed, epoch)
            passed = epoch + np.concatenate(([0], np.cumsum(sizes[order]))) / borders[-1]
            rates = [learning_rate(self._first_rate, one / self._epochs) for one in passed]
            figures = no_figures(len(order))
            report.begin(epoch, self._layer.loss, figures, rates)
            some = Pass(corpus, windowing, epoch, order, rates, LOSS_EVERY, figures)
            growths = growths_of(settings, borders, epoch)
            recordings = recordings_of(settings, len(order), epoch)
            done = 0
            for block in sorted({*growths, *recordings}):
                self._run(some, report.tick, first=done, last=block)
                done = block
                if block in growths:
                    self._grow(listener)
                    report.switch(self._layer.loss, done)
                if recorder and block in recordings:
                    with report.measuring():
                        self._record(recorder, corpus, epoch, int(order[block]))
            self._run(some, report.tick, first=done)
            with report.measuring():
                measured = None if heldout is None else self.heldout_loss(heldout, listener)
            report.end(measured)
        return report.measuring_seconds

    def _grow(self, listener: Listener) -> None:
        """Grow the tree or the classes of the vectors as they are now; outputs know nothing."""
        settings, tables = self._settings, self._tables
        if not np.isfinite(tables.vectors).all():
            raise DivergedError("training diverged: a vector is not finite", hint="lower --lr")
        base = grown_base(settings, tables.vectors, self._weights, listener)
        self._layer = output_layer(settings, self._vocabulary, self._weights, base)
        rows, width = self._layer.rows, tables.vectors.shape[1]
        outputs = tables.outputs[:rows]
        outputs[:] = 0.0
        self._tables = tables._replace(
            outputs=outputs, output_state=state_of(settings.optimizer, rows, width)
        )

    def _recorder(self, listener: Listener) -> Recorder | None:
        """Return what looks at gradients, if that is asked for: no other run imports it."""
        if not self._settings.record_gradients:
            return None
        from hsw2v.training.recording import Recorder

        return Recorder(self._config, self._vocabulary, listener)

    def _record(self, recorder: Recorder, corpus: WordCorpus, epoch: int, block: int) -> None:
        recorder.record(
            corpus,
            epoch,
            block,
            self._tables.vectors,
            self._tables.outputs,
            tree=self._layer.tree,
            classes=self._layer.classes,
            batch_norm=self._batch_norm if self._settings.batch_norm else None,
        )

    def heldout_loss(self, corpus: WordCorpus, listener: Listener = ignore) -> float | None:
        """Return the exact mean negative log-likelihood a prediction on a corpus, in nats.

        Every token of the vocabulary is a target, with its whole window (within a sentence, or
        within 8,192 tokens of a longer one): nothing is drawn. Of an output layer without
        probabilities it is that of the softmax of its scores over all words. None if there is
        nothing to predict, or nothing to tell: before hierarchical softmax has its tree.
        """
        layer, tables = self._layer, self._tables
        if layer.loss not in NORMALIZED:
            if self._settings.loss in NORMALIZED:
                return None
            layer = dataclasses.replace(layer, loss="softmax")
        if self._settings.batch_norm:
            hidden = aligned_zeros(*tables.vectors.shape)
            hidden[:] = normalised(tables.vectors, self._batch_norm)
            tables = tables._replace(vectors=hidden)
        windowing = self._windowing(corpus, np.full_like(self._keep, ALWAYS), False)
        # Steps of rate 0 change nothing: what trains measures.
        count = len(corpus.encoded.blocks) - 1
        figures = no_figures(count)
        measured = Pass(corpus, windowing, 0, np.arange(count), [0.0] * (count + 1), 1, figures)
        pace = Pace()

        def tick() -> None:
            if pace.due():
                done = int(np.count_nonzero(~np.isnan(figures[:, 2])))
                listener(HeldoutProgress(done, len(figures), pace.seconds))

        self._take(measured, self._task(measured, layer, tables, learning=False), tick)
        return mean_loss(figures)

    def _windowing(self, corpus: WordCorpus, keep: NDArray[np.uint64], shrink: bool) -> Windowing:
        return Windowing(corpus.remap, keep, self._settings.window, shrink)

    def _run(
        self, some: Pass, tick: Callable[[], None], first: int = 0, last: int | None = None
    ) -> None:
        """Train on every block of a pass once, or on those from `first` on and before `last`."""
        self._take(some, self._task(some, self._layer, self._tables), tick, first, last)

    def _task(
        self, some: Pass, layer: OutputLayer, tables: GeneralTables, *, learning: bool = True
    ) -> Task:
        return Task(
            self._settings,
            layer,
            tables,
            # No more threads than blocks.
            min(self._threads, len(some.figures)),
            some.corpus.longest_block,
            self._workers.stop,
            learning,
        )

    def _take(
        self,
        some: Pass,
        task: Task,
        tick: Callable[[], None],
        first: int = 0,
        last: int | None = None,
    ) -> None:
        """Do a task on blocks of a pass, from place `first` of its order on and before `last`."""
        encoded, rates, figures = some.corpus.encoded, some.rates, some.figures
        blocks, ids = encoded.blocks, encoded.ids
        count = (len(figures) if last is None else last) - first
        if not count:
            return

        def work(thread: int, piece: int) -> None:
            place = first + piece
            number = some.order[place]
            figures[place] = engine.train(
                thread,
                Block(
                    ids[blocks[number] : blocks[number + 1]],
                    np.uint64(block_key(self._settings.seed, some.epoch, number)),
                    rates[place],
                    rates[place + 1],
                    some.loss_every,
                    some.windowing,
                ),
            )
            if not np.isfinite(figures[place, 0]):
                raise DivergedError(
                    f"training diverged in epoch {some.epoch + 1}: the loss is not a finite number",
                    hint="lower --lr",
                )

        def watch() -> None:
            encoded.forget()
            tick()

        with engine_for(task) as engine:
            self._workers.run(engine.threads, count, work, watch)
