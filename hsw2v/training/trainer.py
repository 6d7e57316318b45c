"""The trainer: a network that is trained on the blocks of a corpus, from stop to stop."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros
from hsw2v.config import Config
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import DivergedError
from hsw2v.events import HeldoutProgress, Listener, Pace, ignore
from hsw2v.kernels.random import ALWAYS, thresholds
from hsw2v.kernels.windows import Windowing
from hsw2v.network.network import Network
from hsw2v.network.outputs import is_normalized, output_layer
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.query.normalisation import normalised
from hsw2v.training.engines import ENGINES, Block, Task
from hsw2v.training.phases import Phases, Rebuilding
from hsw2v.training.report import BlockLosses, Report, mean_loss, no_losses
from hsw2v.training.schedule import block_key, block_order, learning_rate, recordings_of
from hsw2v.training.state import TrainingState
from hsw2v.training.stops import Act, stops_of
from hsw2v.training.tables import layer_of
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


class Trainer:
    """A network under training."""

    def __init__(
        self,
        config: Config,
        vocabulary: Vocabulary,
        base: Tree | Classes | None = None,
        phases: Phases | None = None,
    ) -> None:
        """Make a network for a vocabulary, with the tree or the classes of its output layer.

        The settings must say how many epochs there are. Without a tree, hierarchical softmax
        begins as negative sampling. Without `phases` it is rebuilt as the settings say.
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
        output = output_layer(training, vocabulary.counts, base)
        self._phases = phases or Rebuilding(training, vocabulary.counts, self._weights)
        self.state = TrainingState(Network.initial(training, len(vocabulary), output))
        self._layer = layer_of(output, self._weights, training.dim)

    @property
    def network(self) -> Network:
        """What is trained."""
        return self.state.network

    def train(
        self,
        corpus: WordCorpus,
        listener: Listener,
        heldout: WordCorpus | None = None,
    ) -> float:
        """Train for all epochs; measure the loss on a held-out text after each, if one is given.

        Returns the seconds that went into measuring, that loss and what is recorded of gradients.

        Raises:
            DivergedError: a loss is not finite, or a word vector that a tree is built of.
            KeyboardInterrupt: Ctrl-C; the parameters are as the last steps left them.
        """
        state, settings, borders = self.state, self._settings, corpus.encoded.blocks
        windowing = self._windowing(corpus, self._keep, not settings.fixed_window)
        sizes = np.diff(borders)
        report = Report(listener, self._epochs, corpus.encoded.tokens)
        recorder = self._recorder(listener)
        while state.epoch < self._epochs:
            epoch = state.epoch
            order = block_order(len(sizes), settings.seed, epoch)
            passed = epoch + np.concatenate(([0], np.cumsum(sizes[order]))) / borders[-1]
            rates = [learning_rate(self._first_rate, one / self._epochs) for one in passed]
            some = Pass(corpus, windowing, epoch, order, rates, LOSS_EVERY)
            state.begin_epoch(len(order))
            report.begin(epoch, self.network.output.name, state.figures, rates)
            switches = self._phases.begins(epoch, borders)
            recordings = recordings_of(settings, len(order), epoch)
            for stop in stops_of(len(order), switches, recordings):
                self._run(some, state.figures, report.tick, state.block, stop.block)
                state.block = stop.block
                if stop.act is Act.SWITCH:
                    self._switch(listener)
                    report.switch(self.network.output.name, stop.block)
                elif stop.act is Act.RECORD and recorder:
                    with report.measuring():
                        block, now = int(order[stop.block]), float(passed[stop.block])
                        recorder.record(corpus, epoch, block, self.network, now)
                elif stop.act is Act.MEASURE:
                    with report.measuring():
                        found = None if heldout is None else self.heldout_loss(heldout, listener)
                    report.end(found)
            state.end_epoch()
        return report.measuring_seconds

    def check(self) -> None:
        """Make sure that what was trained are numbers.

        Raises:
            DivergedError: they are not finite.
        """
        if not self.network.finite:
            raise _diverged("a vector is not finite")

    def heldout_loss(self, corpus: WordCorpus, listener: Listener = ignore) -> float | None:
        """Return the exact mean negative log-likelihood a prediction on a corpus, in nats.

        Every token of the vocabulary is a target, with its whole window (within a sentence, or
        within 8,192 tokens of a longer one): nothing is drawn. Of an output layer without
        probabilities it is that of the softmax of its scores over all words. None if there is
        nothing to predict, or nothing to tell: before hierarchical softmax has its tree.
        """
        network = self.network
        output = network.output
        if not is_normalized(output.name):
            if is_normalized(self._settings.loss):
                return None
            output = SoftmaxOutput(len(self._vocabulary))
        windowing = self._windowing(corpus, np.full_like(self._keep, ALWAYS), False)
        # Steps of rate 0 change nothing: what trains measures.
        count = len(corpus.encoded.blocks) - 1
        figures = no_losses(count)
        some = Pass(corpus, windowing, 0, np.arange(count), [0.0] * (count + 1), 1)
        task = dataclasses.replace(self._task(some), output=output, learning=False)
        norm = network.norm
        if norm is not None:
            hidden = aligned_zeros(*network.vectors.shape)
            hidden[:] = normalised(network.vectors, norm)
            task = dataclasses.replace(task, tables=task.tables._replace(vectors=hidden))
        pace = Pace()

        def tick() -> None:
            if pace.due():
                done = int(np.count_nonzero(~np.isnan(figures[:, 2])))
                listener(HeldoutProgress(done, len(figures), pace.seconds))

        self._take(some, task, figures, tick, 0, count)
        return mean_loss(figures)

    def _switch(self, listener: Listener) -> None:
        """Let the next output layer take over."""
        self.check()
        output = self._phases.next_output(self.network, listener)
        self.network.switch(output)
        self._layer = layer_of(output, self._weights, self._settings.dim)

    def _recorder(self, listener: Listener) -> Recorder | None:
        """Return what looks at gradients, if that is asked for: no other run imports it."""
        if not self._settings.record_gradients:
            return None
        from hsw2v.training.recording import Recorder

        return Recorder(self._config, self._vocabulary, listener)

    def _windowing(self, corpus: WordCorpus, keep: NDArray[np.uint64], shrink: bool) -> Windowing:
        return Windowing(corpus.remap, keep, self._settings.window, shrink)

    def _task(self, some: Pass) -> Task:
        return Task.of(
            self.network,
            self._settings,
            self._layer,
            # No more threads than blocks.
            threads=min(self._threads, len(some.order)),
            longest_block=some.corpus.longest_block,
            stop=self._workers.stop,
        )

    def _run(
        self, some: Pass, figures: BlockLosses, tick: Callable[[], None], first: int, last: int
    ) -> None:
        """Train on the blocks of a pass from place `first` of its order on and before `last`."""
        if first < last:
            self._take(some, self._task(some), figures, tick, first, last)

    def _take(
        self,
        some: Pass,
        task: Task,
        figures: BlockLosses,
        tick: Callable[[], None],
        first: int,
        last: int,
    ) -> None:
        """Do a task on blocks of a pass, and fill in their figures."""
        encoded, rates = some.corpus.encoded, some.rates
        blocks, ids = encoded.blocks, encoded.ids

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
                raise _diverged("the loss is not a finite number", f" in epoch {some.epoch + 1}")

        def watch() -> None:
            encoded.forget()
            tick()

        with ENGINES[task.output.name](task) as engine:
            self._workers.run(engine.threads, last - first, work, watch)


def _diverged(why: str, when: str = "") -> DivergedError:
    return DivergedError(f"training diverged{when}: {why}", hint="lower --lr")
