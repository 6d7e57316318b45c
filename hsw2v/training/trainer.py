"""The trainer: a network that is trained on the blocks of a corpus, from stop to stop."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import numpy as np

from hsw2v.arrays import aligned_zeros
from hsw2v.config import Config, TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import DivergedError
from hsw2v.events import HeldoutProgress, Listener, Notice, Pace, ignore
from hsw2v.kernels.arguments import Layer
from hsw2v.kernels.random import ALWAYS, thresholds
from hsw2v.kernels.windows import Windowing
from hsw2v.network.network import Network
from hsw2v.network.outputs import OutputLayer, Structure, is_normalized, output_layer
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.subwords import InputRows
from hsw2v.query.normalisation import normalised
from hsw2v.training.cluster import Cluster
from hsw2v.training.cluster_rounds import RemoteRounds
from hsw2v.training.cluster_texts import employ
from hsw2v.training.engines import ENGINES, Task
from hsw2v.training.hogwild import Hogwild
from hsw2v.training.phases import Phases, PhasesOfSettings
from hsw2v.training.remote import Common
from hsw2v.training.report import Report
from hsw2v.training.rounds import Rounds
from hsw2v.training.rows import frequent_rows
from hsw2v.training.runner import Threads, diverged
from hsw2v.training.schedule import (
    Pass,
    measuring_pass,
    recordings_of,
    training_pass,
)
from hsw2v.training.signals import signals_held
from hsw2v.training.state import TrainingState, mean_loss, no_losses
from hsw2v.training.stops import Act, stops_of
from hsw2v.training.tables import layer_of, tables_of

if TYPE_CHECKING:
    from hsw2v.training.recording import Recorder


class Keeper(Protocol):
    """Keeps the state of a training, so that it can go on from there."""

    @property
    def advice(self) -> str:
        """How to go on."""

    def due(self) -> bool:
        """Tell whether it is time to."""

    def keep(self, state: TrainingState) -> bool:
        """Keep a state, if that can be, and tell whether it is kept."""

    def last(
        self, training: TrainingConfig, vocabulary: Vocabulary, blocks: int
    ) -> TrainingState | None:
        """Return the last state that was kept, if there is one."""


HALVINGS = 3
"""How often the learning rate is halved after training has diverged, before it is an error."""
WORST = 2.0
"""Times the loss of an untrained output layer that the loss of an epoch may be."""

MEASURING_SCALE = 1e-3
"""Of the learning rate while speed is measured, which does not depend on it."""


class Trainer:
    """A network under training."""

    def __init__(
        self,
        config: Config,
        vocabulary: Vocabulary,
        base: Structure | Callable[[], Structure | None] | None = None,
        phases: Phases | None = None,
        state: TrainingState | None = None,
        halvings: int = HALVINGS,
        fill: Callable[[Network], None] | None = None,
        worst: float = WORST,
        cluster: Cluster | None = None,
    ) -> None:
        """Make a network for a vocabulary, with the tree or the classes of its output layer.

        With a `state`, training goes on from there, and the tree or the classes may be given as a
        function, called if training has to begin again. What diverges is tried again at half the
        learning rate, `halvings` times at most. A network of which nothing is trained is given to
        `fill`, which may bring what is trained already. An epoch has diverged if its loss is more
        than `worst` times that of an untrained output layer. Workers train on a `cluster`, if there
        is one.

        The settings must say how many epochs there are, and without `phases` which output layers
        take over when.
        """
        training = config.resolved().training
        assert training.threads is not None
        assert training.epochs is not None
        self._config, self._vocabulary, self._base = config, vocabulary, base
        self._settings = training
        self._epochs = training.epochs
        self._threads = training.threads
        self._runner = Threads()
        self._halvings, self._fill, self._worst = halvings, fill, worst
        sample = config.vocabulary.sample
        self._keep = thresholds(keep_probability(vocabulary.counts, sample))
        self._weights = kept_counts(vocabulary.counts, sample)
        self._phases = phases or PhasesOfSettings(training, vocabulary.counts, self._weights)
        self.state = state or self._beginning()
        self._whole = True
        self._strategy: Hogwild | Rounds | RemoteRounds | None = None
        self._cluster = cluster
        self._layer: Layer | None = None

    @property
    def network(self) -> Network:
        """What is trained."""
        return self.state.network

    def train(
        self,
        corpus: WordCorpus,
        listener: Listener,
        heldout: WordCorpus | None = None,
        keeper: Keeper | None = None,
        epoch_over: Callable[[int], None] = lambda _: None,
    ) -> float:
        """Train for all epochs that are left; measure the loss on a held-out text after each.

        The `keeper` keeps the state when it is due, and after Ctrl-C. `epoch_over` is called after
        each epoch but the last, with the number of it, from 1 on. Returns the seconds that went
        into measuring, that loss and what is recorded of gradients.

        Raises:
            DivergedError: a loss is not finite, or a word vector that a tree is built of.
            KeyboardInterrupt: Ctrl-C; its argument tells how to go on, if the state is kept.
        """
        measuring = 0.0
        while True:
            report = Report(listener, self._epochs, corpus.encoded.tokens, self.state)
            try:
                self._train(corpus, listener, heldout, keeper, epoch_over, report)
                break
            except KeyboardInterrupt as interrupt:
                finite = self._whole and self.network.finite
                if keeper and finite and keeper.keep(self.state):
                    interrupt.args = (keeper.advice,)
                raise
            except DivergedError as error:
                self._go_back(error, len(corpus.encoded.blocks) - 1, keeper, listener)
            finally:
                measuring += report.measuring_seconds
        self._strategy = None
        return measuring

    def _beginning(self) -> TrainingState:
        """Return the state in which nothing is trained."""
        training, counts = self._settings, self._vocabulary.counts
        base = self._base() if callable(self._base) else self._base
        output = output_layer(training, counts, base, training.phases[0].loss)
        network = Network.initial(
            training, len(counts), output, InputRows.of(training, self._vocabulary)
        )
        if self._fill is not None:
            self._fill(network)
        return TrainingState(network)

    def _go_back(
        self, error: DivergedError, blocks: int, keeper: Keeper | None, listener: Listener
    ) -> None:
        """Go on from the last state that was kept, or from the start, at half the learning rate.

        Deterministic training goes on from the start.

        Raises:
            DivergedError: that was done as often as it may be.
        """
        halvings = self.state.halvings + 1
        if halvings > self._halvings:
            tried = f", after {self._halvings} halvings of the learning rate"
            raise DivergedError(
                error.what + (tried if self._halvings else ""), hint=error.hint
            ) from error
        self._strategy = self._layer = None
        # The memory of the one is that of the other.
        self.state.network.parameters = {}
        kept = None
        # Which state was the last is a matter of time: not where time has no part in the result.
        if keeper and not self._settings.deterministic:
            kept = keeper.last(self._settings, self._vocabulary, blocks)
        self.state = kept or self._beginning()
        self.state.halvings = halvings
        self._whole = True
        where = f"epoch {self.state.epoch + 1}, block {self.state.block:,}" if kept else "the start"
        share = f"1/{2**halvings} of the learning rate"
        listener(Notice(f"{error.what}: going on from {where} at {share}"))

    def _train(
        self,
        corpus: WordCorpus,
        listener: Listener,
        heldout: WordCorpus | None,
        keeper: Keeper | None,
        epoch_over: Callable[[int], None],
        report: Report,
    ) -> None:
        state, settings, borders = self.state, self._settings, corpus.encoded.blocks
        windowing = self._windowing(corpus)
        blocks = len(borders) - 1
        recorder = self._recorder(listener)
        while state.epoch < self._epochs:
            epoch = state.epoch
            scale = 0.5**state.halvings
            some = training_pass(corpus.encoded.ids, borders, windowing, settings, epoch, scale)
            state.begin_epoch(blocks)
            report.begin(some.rates)
            switches = {one.block: one.loss for one in self._phases.switches(epoch, borders)}
            recordings = recordings_of(settings, blocks, epoch)
            for stop in stops_of(blocks, switches, recordings)[state.stops :]:
                self._advance(corpus, some, stop.block, report, keeper)
                output = None
                if stop.act is Act.SWITCH:
                    with report.building():
                        output = self._next_output(switches[stop.block], listener)
                elif stop.act is Act.RECORD and recorder:
                    with report.measuring():
                        block, passed = int(some.order[stop.block]), some.passed[stop.block]
                        recorder.record(corpus, epoch, block, self.network, passed)
                elif stop.act is Act.MEASURE:
                    self._check_epoch()
                    with report.measuring():
                        found = None if heldout is None else self.heldout_loss(heldout, listener)
                        if epoch + 1 < self._epochs:
                            epoch_over(epoch + 1)
                    report.end(found)
                with self._changing():
                    if output is not None:
                        self.network.switch(output)
                        state.switched()
                        report.switch()
                    state.stops += 1
            with self._changing():
                state.end_epoch()

    def measure_speed(self, corpus: WordCorpus, seconds: float) -> float:
        """Return the tokens a second that are trained on, measured for so many seconds.

        At least one block is trained on, at a rate at which nothing diverges. The network is of no
        use afterwards.
        """
        encoded, settings = corpus.encoded, self._settings
        windowing = self._windowing(corpus)
        some = training_pass(encoded.ids, encoded.blocks, windowing, settings, 0, MEASURING_SCALE)
        strategy = self._training_of(corpus)
        pace, share = Pace(), 0.0

        def tick() -> None:
            encoded.forget()
            if pace.seconds >= seconds:
                self._runner.pause()

        while not share or pace.seconds < seconds:
            losses = no_losses(len(some.order))
            share += some.passed[strategy.run(some, losses, 0, len(losses), tick)]
        return share * encoded.tokens / pace.seconds

    def _windowing(self, corpus: WordCorpus) -> Windowing:
        """Return how windows are made in training."""
        settings = self._settings
        return Windowing(corpus.remap, self._keep, settings.window, not settings.fixed_window)

    def check(self) -> None:
        """Make sure that what was trained are numbers.

        Raises:
            DivergedError: they are not finite.
        """
        if not self.network.finite:
            raise diverged("a vector is not finite")

    def _check_epoch(self) -> None:
        """Make sure that an epoch came to numbers, and to none far worse than before it."""
        self.check()
        loss, even = mean_loss(self.state.losses), self.network.output.untrained_loss(self._weights)
        # Of a single word nothing can be unknown.
        if loss is not None and loss > self._worst * even > 0.0:
            why = f"the loss is {loss:.2f} nats, and that of knowing nothing {even:.2f}"
            raise diverged(why, self.state.epoch)

    def heldout_loss(self, corpus: WordCorpus, listener: Listener = ignore) -> float | None:
        """Return the exact mean negative log-likelihood a prediction on a corpus, in nats.

        Every token of the vocabulary is a target, with its whole window (within a sentence, or
        within 8,192 tokens of a longer one): nothing is drawn. Of an output layer without
        probabilities it is that of the softmax of its scores over all words. None if there is
        nothing to predict, or nothing to tell: before one with probabilities takes over.
        """
        network = self.network
        output = network.output
        if not is_normalized(output.name):
            if is_normalized(self._settings.loss):
                return None
            output = SoftmaxOutput(len(self._vocabulary))
        # Steps of rate 0 change nothing: what trains measures.
        encoded, every = corpus.encoded, np.full_like(self._keep, ALWAYS)
        windowing = Windowing(corpus.remap, every, self._settings.window, False)
        some = measuring_pass(encoded.ids, encoded.blocks, windowing)
        losses = no_losses(len(some.order))
        task = dataclasses.replace(self._task(corpus, output), learning=False, inputs=None)
        hidden, norm = network.word_vectors(), network.norm
        if norm is not None:
            vectors, hidden = hidden, aligned_zeros(*hidden.shape)
            hidden[:] = normalised(vectors, norm)
        task = dataclasses.replace(task, tables=task.tables._replace(vectors=hidden))
        pace = Pace()

        def tick() -> None:
            encoded.forget()
            if pace.due():
                done = int(np.count_nonzero(~np.isnan(losses[:, 2])))
                listener(HeldoutProgress(done, len(losses), pace.seconds))

        Hogwild(self._runner, ENGINES[output.name](task)).run(some, losses, 0, len(losses), tick)
        return mean_loss(losses)

    def _advance(
        self,
        corpus: WordCorpus,
        some: Pass,
        last: int,
        report: Report,
        keeper: Keeper | None,
    ) -> None:
        """Train until so many blocks of the epoch are done."""
        state, waiting = self.state, threading.Event()

        def pause() -> None:
            waiting.set()
            self._runner.pause()

        def tick() -> None:
            corpus.encoded.forget()
            report.tick()
            # A signal may have come before the run began, which ends an earlier pause.
            if waiting.is_set() or (keeper and keeper.due()):
                self._runner.pause()

        while state.block < last:
            if self._strategy is None:
                self._strategy = self._training_of(corpus)
            with self._changing(pause):
                state.block = self._strategy.run(some, state.losses, state.block, last, tick)
                report.take_time()
            if keeper and keeper.due():
                self.check()
                keeper.keep(state)

    def _training_of(self, corpus: WordCorpus) -> Hogwild | Rounds | RemoteRounds:
        """Return the training of the network on a corpus."""
        settings = self._settings
        if self._cluster is not None:
            if not self._cluster.texts:
                there = self._cluster.settings
                inputs = self.network.inputs
                common = Common(there, self._windowing(corpus), self._weights, inputs)
                words, about = self._vocabulary, self._config.corpus
                employ(self._cluster, corpus.encoded, words, about, common)
            network = self.network
            return RemoteRounds(
                self._runner, self._cluster, settings, network.output, network.parameters
            )
        task = self._task(corpus, self.network.output)
        if settings.combines:
            frequent = frequent_rows(settings, task.output, self._weights)
            parameters = self.network.parameters
            return Rounds(self._runner, task, parameters, settings.workers, frequent)
        if settings.deterministic:
            task = dataclasses.replace(task, threads=1)
        return Hogwild(self._runner, ENGINES[task.output.name](task))

    def _task(self, corpus: WordCorpus, output: OutputLayer) -> Task:
        """Return the training of an output layer of the network on a corpus."""
        return Task(
            self._settings,
            output,
            self._layer_of(output),
            tables_of(self.network.parameters),
            # No more threads than blocks.
            min(self._threads, len(corpus.encoded.blocks) - 1),
            corpus.longest_block,
            self._runner.stop,
            inputs=self.network.inputs,
            ngrams=self.network.ngrams,
        )

    def _layer_of(self, output: OutputLayer) -> Layer:
        """Return what the kernels choose rows by; that of the network is made once."""
        if output is not self.network.output:
            return layer_of(output, self._weights, self._settings.dim)
        if self._layer is None:
            self._layer = layer_of(output, self._weights, self._settings.dim)
        return self._layer

    @contextmanager
    def _changing(self, told: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let the state change: signals wait until it is whole again, a second one does not."""
        with signals_held(told):
            # Only once signals wait: one that comes before finds a state to keep.
            self._whole = False
            yield
            self._whole = True

    def _next_output(self, loss: str, listener: Listener) -> OutputLayer:
        """Return the output layer that takes over."""
        self.check()
        self._strategy = self._layer = None
        return self._phases.output(loss, self.network, listener)

    def _recorder(self, listener: Listener) -> Recorder | None:
        """Return what looks at gradients, if that is asked for: no other run imports it."""
        if not self._settings.record_gradients:
            return None
        from hsw2v.training.recording import Recorder

        return Recorder(self._config, self._vocabulary, listener)
