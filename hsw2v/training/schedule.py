"""What a block is trained with, as a function of (settings, epoch, block) and of nothing else."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.encoded import BLOCK
from hsw2v.kernels.windows import Windowing

FLOOR = 1e-4
"""The share of the first learning rate that the last one is."""
FEWEST_ROUNDS = 400
"""With half of them, the loss is higher by .01 nats; with a quarter, by .02."""
LARGEST_SHARE = 8
ALONE = 64
"""Blocks that a worker without others trains on until it looks up."""
LOSS_EVERY = 64
"""The training loss is taken of one window in so many, to cost next to nothing."""


class Share(NamedTuple):
    """What a worker trains on in a round."""

    worker: int
    positions: range
    """Of blocks, in the order of a `Pass`."""


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
    rounds: list[list[Share]]
    """The shares of workers, round by round; none where there are no workers."""
    first_block: int = 0
    """The number of the first of these blocks in the whole corpus; `order` has such numbers."""

    def ids_of(self, position: int) -> NDArray[np.int32]:
        """Return the ids of the block at a position of the order."""
        block = self.order[position] - self.first_block
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
    blocks = len(borders) - 1
    order, rounds = block_order(blocks, training.seed, epoch), list[list[Share]]()
    if training.in_rounds:
        share = share_of_worker(blocks, training)
        order, rounds = dealt_out(order, training.workers, share)
    done = np.concatenate(([0], np.cumsum(np.diff(borders)[order])))
    passed = (epoch + done / borders[-1]).tolist()
    first = scale * training.lr
    rates = [learning_rate(first, one / training.epochs) for one in passed]
    seed = training.seed
    return Pass(ids, borders, windowing, seed, epoch, order, passed, rates, LOSS_EVERY, rounds)


def measuring_pass(
    ids: NDArray[np.int32], borders: NDArray[np.int64], windowing: Windowing
) -> Pass:
    """Return the way through a corpus, block after block, whose every window counts at rate 0."""
    blocks = len(borders) - 1
    zeros = [0.0] * (blocks + 1)
    return Pass(ids, borders, windowing, 0, 0, np.arange(blocks), zeros, zeros, 1, [])


def learning_rate(first: float, progress: float) -> float:
    """Return the learning rate after a share of all training, falling linearly to its floor."""
    return first * (1.0 - (1.0 - FLOOR) * progress)


def block_order(blocks: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order in which so many blocks are taken in an epoch, (K,) int64: a random one.

    Texts are sorted, by topic or by time. Taken in order, what comes last has the low learning
    rates alone, and each part of an epoch makes the vectors forget the parts before it.
    """
    return np.random.default_rng((seed, epoch)).permutation(blocks)


def own_blocks(blocks: int, workers: int) -> list[range]:
    """Return which of so many blocks each worker owns: neighbours, about as many for each."""
    return [range(*some) for some in pairwise(blocks * n // workers for n in range(workers + 1))]


def dealt_out(
    order: NDArray[np.int64], workers: int, share: int
) -> tuple[NDArray[np.int64], list[list[Share]]]:
    """Return an order of blocks (K,) in which each worker trains on its own, and its rounds.

    Each takes its own blocks in the order in which they are, `share` of them in a round.
    """
    own = [
        order[(order >= one.start) & (order < one.stop)] for one in own_blocks(len(order), workers)
    ]
    rounds, parts, at = [], [np.empty(0, np.int64)], 0
    for begin in range(0, max(map(len, own)), share):
        shares = []
        for worker, blocks in enumerate(own):
            some = blocks[begin : begin + share]
            if len(some):
                shares.append(Share(worker, range(at, at + len(some))))
                parts.append(some)
                at += len(some)
        rounds.append(shares)
    return np.concatenate(parts), rounds


def share_of_worker(blocks: int, training: TrainingConfig) -> int:
    """Return how many blocks a worker trains on in a round, given those of an epoch.

    The more there are, the less time goes into combining, and the older is what workers begin from:
    by default as many as leave `FEWEST_ROUNDS` in all epochs, but no more than `LARGEST_SHARE`.
    """
    if training.round is not None:
        return -(-training.round // BLOCK)
    if training.workers == 1:
        # Nobody waits for it.
        return ALONE
    assert training.epochs is not None
    share = training.epochs * blocks // (training.workers * FEWEST_ROUNDS)
    # A block for each of its threads.
    least = training.worker_threads if training.engine == "ray" else 1
    return max(least, min(share, LARGEST_SHARE))


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
