"""Compiling (or loading from the cache) ahead of need, beside the reading of the corpus."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.kernels.windows import Windowing
from hsw2v.network.network import Network
from hsw2v.network.outputs import OUTPUTS, Structure, output_layer
from hsw2v.network.subwords import InputRows
from hsw2v.training.engines import ENGINES, Task
from hsw2v.training.rounds import Rounds
from hsw2v.training.runner import Threads
from hsw2v.training.schedule import Share, measuring_pass
from hsw2v.training.state import no_losses
from hsw2v.training.tables import layer_of, tables_of
from hsw2v.trees.brown import brown
from hsw2v.trees.classes import Classes
from hsw2v.trees.huffman import huffman
from hsw2v.trees.semantic import semantic


def warm_up(training: TrainingConfig) -> None:
    """Make ready what trains with these settings, by work of next to nothing."""
    training = replace(training, dim=1, window=1, negative=1, samples=1, node_sample=0.0)
    training = replace(training, tables="memory")
    structure = OUTPUTS[training.loss].structure
    base: Structure | None = None
    if structure is not None:
        base = Classes(np.zeros(2, np.int32), 1) if structure is Classes else huffman(np.ones(2))
    output = output_layer(training, np.ones(2, np.int64), base)
    inputs = InputRows.of(training, Vocabulary.from_words(["one", "two"], [1, 1]))
    network = Network.initial(training, 2, output, inputs)
    if training.freeze:
        network.freeze(np.ones(2, bool))
    stop = aligned_zeros(1, 1, np.int32)[0]
    layer = layer_of(network.output, np.ones(2), 1)
    tables = tables_of(network.parameters)
    task = Task(
        *(training, output, layer, tables, 1, 3, stop), inputs=network.inputs, ngrams=network.ngrams
    )
    ids = np.array([1, 2, 0], np.int32)
    keep = np.full(2, 2**32, np.uint64)
    windowing = Windowing(np.array([-1, 0, 1], np.int32), keep, 1, False)
    some = measuring_pass(ids, np.array([0, 3]), windowing)
    if training.combines:
        some = replace(some, rounds=[[Share(0, range(1))]])
        Rounds(Threads(), task, network.parameters, 1).run(some, no_losses(1), 0, 1, lambda: None)
    else:
        ENGINES[task.output.name](task).train(0, some, 0)


def warm_up_exchange() -> None:
    """Make ready what builds the brown tree, and classes by exchange."""
    ids = np.arange(3, dtype=np.int32)
    brown(ids, np.array([0, 3]), ids, np.ones(3))


def warm_up_semantic() -> None:
    """Make ready what builds the semantic tree."""
    semantic(aligned_zeros(3, padded(1)), np.ones(3))


class WarmUp:
    """`warm_up` in a thread of its own, beside the reading of the corpus.

    What builds the semantic tree is made ready last: it is not wanted before training is under way.
    """

    def __init__(self, training: TrainingConfig) -> None:
        """Get ready for training with these settings."""
        self._training = training
        self._ready = threading.Event()
        # Nobody waits for the thread at the end of the program: compiling cannot be interrupted.
        self._thread = threading.Thread(target=self._compile, daemon=True)

    def begin(self) -> None:
        """Begin, unless begun.

        Only one thing is compiled at a time: what reads the corpus should be ready by then.
        """
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait until all is ready, as no call of a kernel does: so that Ctrl-C is heard."""
        self.begin()
        self._ready.wait()

    def _compile(self) -> None:
        training = self._training
        tree = training.tree if training.has_tree else ""
        try:
            if tree == "brown" or (training.loss == "class" and training.classes == "exchange"):
                _try(warm_up_exchange)
            for loss in training.losses:
                _try(partial(warm_up, replace(training, loss=loss, pretrain="")))
        finally:
            self._ready.set()
        if tree == "semantic":
            _try(warm_up_semantic)


def _try(make_ready: Callable[[], None]) -> None:
    # A failure is not lost: the same compilation fails again where it is needed.
    with contextlib.suppress(Exception):
        make_ready()
