"""What trains on blocks: the kernel, or the matrix products, that fit the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from hsw2v.training.full import FullSoftmax, blas_threads
from hsw2v.training.layers import OutputLayer
from hsw2v.training.workspace import general_scratch, private_top, scratch

Figures = tuple[float, int, int]
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
    layer: OutputLayer
    tables: GeneralTables
    threads: int
    longest_block: int
    stop: NDArray[np.int32]
    """(1,) int32: when set, blocks are left unfinished."""
    learning: bool = True
    """If not, the loss is measured, of hidden vectors as they are."""

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
        arrays = self.layer.arrays
        if self.learning:
            return arrays
        return arrays._replace(
            paths=arrays.paths._replace(keep=arrays.paths.keep[:0]),
            classes=arrays.classes._replace(keep=arrays.classes.keep[:0]),
        )

    @property
    def private_nodes(self) -> int:
        """How many nodes of the tree each thread has copies of: threads must move rows plainly."""
        if not self.layer.tree or self.threads == 1:
            return 0
        if self.learning and self.settings.optimizer != "sgd":
            return 0
        return min(PRIVATE_NODES, self.layer.rows)

    def general_plan(self, block: Block) -> GeneralPlan:
        """Return what is to be done on a block, for what knows all optimizers."""
        settings = self.settings
        return GeneralPlan(
            self.cbow,
            _OUTPUTS.get(self.layer.loss, -1),
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

    def train(self, thread: int, block: Block) -> Figures:
        """Train on a block, as one of the threads."""


@contextmanager
def engine_for(task: Task) -> Iterator[Engine]:
    """Give what does a task; a loss that is not of rows chosen is of all words."""
    if task.layer.loss == "softmax":
        with blas_threads(task.threads):
            yield FullEngine(task)
    elif task.plain and task.layer.loss in ("hs", "ns"):
        yield PlainEngine(task)
    else:
        yield GeneralEngine(task)


class PlainEngine:
    """Hierarchical softmax and negative sampling by plain steps: what nothing may slow."""

    def __init__(self, task: Task) -> None:
        self.threads = task.threads
        self._task, layer = task, task.layer
        width = task.tables.vectors.shape[1]
        self._tables = Tables(task.tables.vectors, task.tables.outputs)
        self._rooms = [
            (
                private_top(task.private_nodes, width),
                scratch(
                    task.longest_block, task.settings.window, layer.most_rows, width, task.stop
                ),
            )
            for _ in range(task.threads)
        ]

    def train(self, thread: int, block: Block) -> Figures:
        """Train on a block, as one of the threads."""
        task = self._task
        top, room = self._rooms[thread]
        found: Figures = train_block(
            block.ids,
            block.key,
            Plan(
                task.cbow,
                _OUTPUTS[task.layer.loss],
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
        sampled = task.layer.loss == "sampled"
        words, width = task.tables.vectors.shape
        self._layers = [
            task.arrays._replace(top=private_top(task.private_nodes, width))
            for _ in range(task.threads)
        ]
        self._rooms = [
            general_scratch(
                task.longest_block,
                task.settings.window,
                task.layer.most_rows,
                task.settings.samples if sampled else 0,
                words if sampled else 0,
                width,
                cbow=task.cbow,
                batch_norm=task.settings.batch_norm and task.learning,
                stop=task.stop,
            )
            for _ in range(task.threads)
        ]

    def train(self, thread: int, block: Block) -> Figures:
        """Train on a block, as one of the threads."""
        task = self._task
        found: Figures = train_batches(
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
        self._softmax = FullSoftmax(task.tables, task.stop)

    def train(self, thread: int, block: Block) -> Figures:
        """Train on a block."""
        return self._softmax.train_block(
            block.ids,
            int(block.key),
            self._task.general_plan(block),
            block.windowing,
            learning=self._task.learning,
        )
