"""What a block is trained with, as a function of (settings, epoch, block) and of nothing else."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.kernels.windows import Windowing

FLOOR = 1e-4
"""The share of the first learning rate that the last one is."""
FEWEST_ROUNDS = 400
"""With half of them, the loss is higher by .01 nats; with a quarter, by .02."""
LARGEST_SHARE = 8
LOSS_EVERY = 64
"""The training loss is taken of one window in so many, to cost next to nothing."""


@dataclass(frozen=True, eq=False)
class Pass:
    """One way through a corpus: its blocks in some order, and what each is trained with."""

    ids: NDArray[np.int32]
    """(N,) int32, the provisional ids of the corpus."""
    borders: NDArray[np.int64]
    """(K+1,) int64, of its blocks."""
    windowing: Windowing
    seed: int
    epoch: int
    """From 0."""
    order: NDArray[np.int64]
    """(K,) int64, the blocks in the order in which they are taken."""
    passed: list[float]
    """(K+1,) epochs that are over before each block in this order, and after the last."""
    rates: list[float]
    """(K+1,) learning rates, likewise."""
    loss_every: int
    """The loss is taken of one window in so many."""

    def ids_of(self, position: int) -> NDArray[np.int32]:
        """Return the ids of the block at a position of the order."""
        block = self.order[position]
        return self.ids[self.borders[block] : self.borders[block + 1]]

    def key_of(self, position: int) -> np.uint64:
        """Return the key of all its random numbers."""
        return np.uint64(block_key(self.seed, self.epoch, int(self.order[position])))


def training_pass(
    ids: NDArray[np.int32],
    borders: NDArray[np.int64],
    windowing: Windowing,
    training: TrainingConfig,
    epoch: int,
    scale: float = 1.0,
) -> Pass:
    """Return the way through a corpus in an epoch, with `scale` times the rates of that part."""
    assert training.lr is not None
    assert training.epochs is not None
    order = block_order(len(borders) - 1, training.seed, epoch)
    done = np.concatenate(([0], np.cumsum(np.diff(borders)[order])))
    passed = (epoch + done / borders[-1]).tolist()
    first = scale * training.lr
    rates = [learning_rate(first, one / training.epochs) for one in passed]
    return Pass(ids, borders, windowing, training.seed, epoch, order, passed, rates, LOSS_EVERY)


def measuring_pass(
    ids: NDArray[np.int32], borders: NDArray[np.int64], windowing: Windowing
) -> Pass:
    """Return the way through a corpus, block after block, whose every window counts at rate 0."""
    blocks = len(borders) - 1
    zeros = [0.0] * (blocks + 1)
    return Pass(ids, borders, windowing, 0, 0, np.arange(blocks), zeros, zeros, 1)


def learning_rate(first: float, progress: float) -> float:
    """Return the learning rate after a share of all training, falling linearly to its floor."""
    return first * (1.0 - (1.0 - FLOOR) * progress)


def block_order(blocks: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order in which so many blocks are taken in an epoch, (K,) int64: a random one.

    Texts are sorted, by topic or by time. Taken in order, what comes last has the low learning
    rates alone, and each part of an epoch makes the vectors forget the parts before it.
    """
    return np.random.default_rng((seed, epoch)).permutation(blocks)


def share_of_worker(blocks: int, epochs: int, workers: int) -> int:
    """Return how many blocks a worker trains on in a round, given those of an epoch.

    The more there are, the less time goes into combining, and the older is what workers begin from:
    as many as leave `FEWEST_ROUNDS` in all epochs, but no more than `LARGEST_SHARE`.
    """
    return min(max(1, epochs * blocks // (workers * FEWEST_ROUNDS)), LARGEST_SHARE)


def block_key(seed: int, epoch: int, block: int) -> int:
    """Return the key, in [0, 2⁶⁴), of all random numbers of one block of one epoch."""
    named = struct.pack("<QQQ", seed, epoch, block)
    return int.from_bytes(hashlib.blake2b(named, digest_size=8).digest(), "little")


def recordings_of(training: TrainingConfig, blocks: int, epoch: int) -> list[int]:
    """Return the blocks, of so many of an epoch, before which gradients are recorded.

    The epoch is counted from 0; the first block of all is one of them.
    """
    every = training.record_gradients
    return list(range(-epoch * blocks % every, blocks, every)) if every else []
