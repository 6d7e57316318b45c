"""What trains on blocks: the kernel, or the matrix products, that fit the settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import blas_threads
from hsw2v.config import OPTIMIZERS, TrainingConfig
from hsw2v.kernels.arguments import (
    BATCH,
    HIERARCHICAL,
    HYBRID,
    NEGATIVE,
    SAMPLED,
    Layer,
    Plan,
    Tables,
)
from hsw2v.kernels.block import train_block
from hsw2v.kernels.general import train_batches
from hsw2v.kernels.optimizers import SGD
from hsw2v.kernels.output.hierarchical import PRIVATE_NODES
from hsw2v.kernels.output.sampled import TOGETHER
from hsw2v.kernels.sampled import train_sampled
from hsw2v.kernels.subwords import Composing
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.subwords import InputRows
from hsw2v.training.full import SoftmaxTraining
from hsw2v.training.schedule import Pass
from hsw2v.training.workspace import composing, private_top, ring_size, scratch

BlockLoss = tuple[float, int, int]
"""Sampled loss in nats, its predictions, words kept."""


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, or measured, and by how many threads on how large blocks."""

    settings: TrainingConfig
    output: OutputLayer
    layer: Layer
    """What the kernels choose its rows by."""
    tables: Tables
    threads: int
    longest_block: int
    stop: NDArray[np.int32]
    """(1,) int32: when set, blocks are left unfinished."""
    learning: bool = True
    """If not, the loss is measured, of hidden vectors as they are."""
    inputs: InputRows | None = None
    """Which n-grams words have, if word vectors are means of theirs and of a row of their own."""
    ngrams: NDArray[np.float32] | None = None
    """(B, P), the vectors of n-grams."""

    @property
    def plan(self) -> Plan:
        """What the kernels are to do on a block, but for its rates and losses."""
        settings = self.settings
        cbow = settings.model == "cbow"
        if not self.learning:
            return Plan(cbow, 0.0, 0.0, 1, SGD, 0.0, False)
        optimizer = OPTIMIZERS.index(settings.optimizer)
        return Plan(cbow, 0.0, 0.0, 1, optimizer, settings.l2, settings.batch_norm)

    def layers(self) -> list[Layer]:
        """Return what each thread chooses rows by.

        In plain steps it has its own copies of the tops of trees. A loss that is measured is that
        of every decision.
        """
        layer, copies = self.layer, 0
        on_tree = layer.kind in (HIERARCHICAL, HYBRID)
        if on_tree and self.threads > 1 and self.plan.optimizer == SGD:
            copies = min(PRIVATE_NODES, len(self.tables.vectors) - 1) * len(layer.paths.keep)
        if not self.learning:
            layer = layer._replace(
                paths=layer.paths._replace(keep=layer.paths.keep[:, :0]),
                classes=layer.classes._replace(keep=layer.classes.keep[:0]),
            )
        width = self.tables.vectors.shape[1]
        return [layer._replace(top=private_top(copies, width)) for _ in range(self.threads)]


class Engine(Protocol):
    """Trains on blocks, in several threads at once."""

    threads: int

    def train(self, thread: int, some: Pass, position: int) -> BlockLoss:
        """Train on the block at a position of a pass, as one of the threads."""


PLAIN_KERNELS: dict[int, Any] = {
    HIERARCHICAL: train_block,
    NEGATIVE: train_block,
    HYBRID: train_block,
    SAMPLED: train_sampled,
}
"""What does plain steps upon the rows of each output layer; the others are done in general."""


class KernelEngine:
    """Any output layer of chosen rows, by a kernel for plain steps or by the general one."""

    def __init__(self, task: Task) -> None:
        plan, settings = task.plan, task.settings
        self.threads = task.threads
        self._plan, self._tables = plan, task.tables
        plain = plan.optimizer == SGD and not plan.batch_norm
        self._kernel = (PLAIN_KERNELS if plain else {}).get(task.layer.kind, train_batches)
        words, width = task.tables.vectors.shape
        longest = task.longest_block
        samples = settings.samples if task.layer.kind == SAMPLED else 0
        self._own = [
            (
                layer,
                scratch(
                    longest,
                    settings.window,
                    task.output.group,
                    width,
                    cbow=plan.cbow,
                    batch_norm=plan.batch_norm,
                    samples=samples,
                    words=words if samples else 0,
                    stop=task.stop,
                ),
            )
            for layer in task.layers()
        ]
        # What n-grams take is compiled only for those who have some.
        self._composing: list[tuple[Composing, ...]] = [()] * task.threads
        if task.inputs is not None and task.ngrams is not None:
            together = 2 * BATCH if plan.batch_norm else TOGETHER if samples else 1
            rows = ring_size(settings.window, together)
            self._composing = [
                (composing(task.inputs, task.ngrams, longest, rows),) for _ in range(task.threads)
            ]

    def train(self, thread: int, some: Pass, position: int) -> BlockLoss:
        """Train on the block at a position of a pass, as one of the threads."""
        layer, room = self._own[thread]
        first, last = some.rates[position : position + 2]
        plan = self._plan._replace(first_rate=first, last_rate=last, loss_every=some.loss_every)
        found: BlockLoss = self._kernel(
            some.ids_of(position),
            some.key_of(position),
            plan,
            some.windowing,
            self._tables,
            layer,
            room,
            *self._composing[thread],
        )
        return found


class FullEngine:
    """The softmax over all words: matrix products, which have threads of their own."""

    threads = 1

    def __init__(self, task: Task) -> None:
        self._plan, self._learning, self._blas_threads = task.plan, task.learning, task.threads
        own = None
        if task.inputs is not None and task.ngrams is not None:
            own = composing(task.inputs, task.ngrams, 1, rows=len(task.tables.vectors))
        self._softmax = SoftmaxTraining(task.tables, task.stop, own)

    def train(self, thread: int, some: Pass, position: int) -> BlockLoss:
        """Train on the block at a position of a pass."""
        first, last = some.rates[position : position + 2]
        with blas_threads(self._blas_threads):
            return self._softmax.train_block(
                some.ids_of(position),
                int(some.key_of(position)),
                self._plan._replace(first_rate=first, last_rate=last),
                some.windowing,
                learning=self._learning,
            )


ENGINES: dict[str, Callable[[Task], Engine]] = {
    "hs": KernelEngine,
    "hs+ns": KernelEngine,
    "ns": KernelEngine,
    "class": KernelEngine,
    "sampled": KernelEngine,
    "softmax": FullEngine,
}
"""What trains each output layer."""
