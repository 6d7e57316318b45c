"""What a block is trained with, as a function of (settings, epoch, block) and of nothing else."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig

FLOOR = 1e-4
"""The share of the first learning rate that the last one is."""


def learning_rate(first: float, progress: float) -> float:
    """Return the learning rate after a share of all training, falling linearly to its floor."""
    return first * (1.0 - (1.0 - FLOOR) * progress)


def block_order(blocks: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order in which so many blocks are taken in an epoch, (K,) int64: a random one.

    Texts are sorted, by topic or by time. Taken in order, what comes last has the low learning
    rates alone, and each part of an epoch makes the vectors forget the parts before it.
    """
    return np.random.default_rng((seed, epoch)).permutation(blocks)


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
