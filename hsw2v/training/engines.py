"""What trains on blocks: the kernel, or the matrix products, that fit the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import OPTIMIZERS, TrainingConfig
from hsw2v.kernels.block import HIERARCHICAL, NEGATIVE, Plan, Tables, train_block
from hsw2v.kernels.general import (
    CLASSES,
    SAMPLED,
    GeneralPlan,
    GeneralTables,
    Layer,
    train_batches,
)
from hsw2v.kernels.output.hierarchical import PRIVATE_NODES
from hsw2v.kernels.windows import Windowing
from hsw2v.network.network import Network
from hsw2v.network.outputs import OutputLayer
from hsw2v.training.full import SoftmaxTraining, blas_threads
from hsw2v.training.tables import tables_of
from hsw2v.training.workspace import general_scratch, private_top, scratch

BlockLoss = tuple[float, int, int]
"""Sampled loss in nats, its predictions, words kept."""

_OUTPUTS = {"hs": HIERARCHICAL, "ns": NEGATIVE, "class": CLASSES, "sampled": SAMPLED}


@dataclass(frozen=True, eq=False)
class Block:
    """A block to train on, or to measure."""

    ids: NDArray[np.int32]
    key: np.uint64
    first_rate: float
    last_rate: float
    loss_every: int
    windowing: Windowing


@dataclass(frozen=True, eq=False)
class Task:
    """What is trained, and by how many threads on how large blocks."""

    settings: TrainingConfig
    output: OutputLayer
    layer: Layer
    tables: GeneralTables
    threads: int
    longest_block: int
    stop: NDArray[np.int32]
    """(1,) int32: when set, blocks are left unfinished."""
    learning: bool = True
    """If not, the loss is measured, of hidden vectors as they are."""

    @classmethod
    def of(
        cls,
        network: Network,
        settings: TrainingConfig,
        layer: Layer,
        *,
        threads: int,
        longest_block: int,
        stop: NDArray[np.int32],
    ) -> Task:
        """Return the training of a network, by the arrays that its output layer chooses rows by."""
        tables = tables_of(network.parameters)
        return cls(settings, network.output, layer, tables, threads, longest_block, stop)

    @property
    def cbow(self) -> bool:
        """Whether words are predicted from the mean of their context."""
        return self.settings.model == "cbow"

    @property
    def plain(self) -> bool:
        """Whether rows move by plain steps, or not at all."""
        settings = self.settings
        remedies = settings.optimizer != "sgd" or settings.l2 or settings.batch_norm
        return not (remedies and self.learning)

    @property
    def arrays(self) -> Layer:
        """What the kernels choose rows by: a loss that is measured is that of every decision."""
        layer = self.layer
        if self.learning:
            return layer
        return layer._replace(
            paths=layer.paths._replace(keep=layer.paths.keep[:0]),
            classes=layer.classes._replace(keep=layer.classes.keep[:0]),
        )

    @property
    def private_nodes(self) -> int:
        """How many nodes of the tree each thread has copies of: threads must move rows plainly."""
        if self.output.name != "hs" or self.threads == 1:
            return 0
        if self.learning and self.settings.optimizer != "sgd":
            return 0
        return min(PRIVATE_NODES, self.output.rows)

    def general_plan(self, block: Block) -> GeneralPlan:
        """Return what is to be done on a block, for what knows all optimizers."""
        settings = self.settings
        return GeneralPlan(
            self.cbow,
            _OUTPUTS.get(self.output.name, -1),
            block.first_rate,
            block.last_rate,
            block.loss_every,
            OPTIMIZERS.index(settings.optimizer) if self.learning else 0,
            settings.l2 if self.learning else 0.0,
            settings.batch_norm and self.learning,
        )


class Engine(Protocol):
    """Trains on blocks, in several threads at once."""

    threads: int

    def train(self, thread: int, block: Block) -> BlockLoss:
        """Train on a block, as one of the threads."""


class PlainEngine:
    """Hierarchical softmax and negative sampling by plain steps: what nothing may slow."""

    def __init__(self, task: Task) -> None:
        self.threads = task.threads
        self._task = task
        width = task.tables.vectors.shape[1]
        self._tables = Tables(task.tables.vectors, task.tables.outputs)
        self._rooms = [
            (
                private_top(task.private_nodes, width),
                scratch(
                    task.longest_block, task.settings.window, task.output.group, width, task.stop
                ),
            )
            for _ in range(task.threads)
        ]

    def train(self, thread: int, block: Block) -> BlockLoss:
        """Train on a block, as one of the threads."""
        task = self._task
        top, room = self._rooms[thread]
        found: BlockLoss = train_block(
            block.ids,
            block.key,
            Plan(
                task.cbow,
                _OUTPUTS[task.output.name],
                block.first_rate,
                block.last_rate,
                block.loss_every,
            ),
            block.windowing,
            self._tables,
            task.arrays.paths,
            top,
            task.arrays.noise,
            room,
        )
        return found


class GeneralEngine:
    """Any output layer of chosen rows, any optimizer, batch normalisation."""

    def __init__(self, task: Task) -> None:
        self.threads = task.threads
        self._task = task
        sampled = task.output.name == "sampled"
        words, width = task.tables.vectors.shape
        self._layers = [
            task.arrays._replace(top=private_top(task.private_nodes, width))
            for _ in range(task.threads)
        ]
        self._rooms = [
            general_scratch(
                task.longest_block,
                task.settings.window,
                task.output.group,
                task.settings.samples if sampled else 0,
                words if sampled else 0,
                width,
                cbow=task.cbow,
                batch_norm=task.settings.batch_norm and task.learning,
                stop=task.stop,
            )
            for _ in range(task.threads)
        ]

    def train(self, thread: int, block: Block) -> BlockLoss:
        """Train on a block, as one of the threads."""
        task = self._task
        found: BlockLoss = train_batches(
            block.ids,
            block.key,
            task.general_plan(block),
            block.windowing,
            task.tables,
            self._layers[thread],
            self._rooms[thread],
        )
        return found


class FullEngine:
    """The softmax over all words: matrix products, which have threads of their own."""

    threads = 1

    def __init__(self, task: Task) -> None:
        self._task = task
        self._softmax = SoftmaxTraining(task.tables, task.stop)

    def train(self, thread: int, block: Block) -> BlockLoss:
        """Train on a block."""
        return self._softmax.train_block(
            block.ids,
            int(block.key),
            self._task.general_plan(block),
            block.windowing,
            learning=self._task.learning,
        )


@contextmanager
def _plain_or_general(task: Task) -> Iterator[Engine]:
    yield PlainEngine(task) if task.plain else GeneralEngine(task)


@contextmanager
def _general(task: Task) -> Iterator[Engine]:
    yield GeneralEngine(task)


@contextmanager
def _full(task: Task) -> Iterator[Engine]:
    with blas_threads(task.threads):
        yield FullEngine(task)


ENGINES: dict[str, Callable[[Task], AbstractContextManager[Engine]]] = {
    "hs": _plain_or_general,
    "ns": _plain_or_general,
    "class": _general,
    "sampled": _general,
    "softmax": _full,
}
"""What trains each output layer, for as long as the context lasts."""
