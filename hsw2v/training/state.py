"""How far training is: all there is to know to go on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hsw2v.network.network import Network

BlockLosses = NDArray[np.float64]
"""(K, 3) float64, a row for each block: sampled loss in nats, its predictions, words kept.

NaN until the block is done.
"""


def no_losses(blocks: int) -> BlockLosses:
    """Return the losses of blocks of which none is done."""
    return np.full((blocks, 3), np.nan)


def mean_loss(losses: BlockLosses) -> float | None:
    """Return the mean loss a prediction, in nats; None where nothing was predicted.

    The sums are made in order of the blocks, whatever thread did them.
    """
    predictions = float(losses[:, 1].sum())
    return float(losses[:, 0].sum()) / predictions if predictions else None


@dataclass(eq=False)
class TrainingState:
    """A network, and which blocks it has been trained on.

    With the settings and the corpus, this determines all that follows.
    """

    network: Network
    epoch: int = 0
    """Epochs that are over."""
    stops: int = 0
    """Stops of this epoch that are over, as `stops_of` lists them."""
    block: int = 0
    """Blocks of this epoch that are done, in the order in which they are taken."""
    losses: BlockLosses = field(default_factory=lambda: no_losses(0))
    """What came of them, in this order; (0, 3) before an epoch begins."""

    seconds: float = 0.0
    """What training took so far, without measuring."""
    building_seconds: float = 0.0
    """What the building of trees or classes took of that."""
    epoch_seconds: float = 0.0
    """What this epoch took, without building and measuring."""
    halvings: int = 0
    """How often the learning rate was halved, after training had diverged."""

    def begin_epoch(self, blocks: int) -> None:
        """Get ready for an epoch of so many blocks, unless it has begun."""
        if not len(self.losses):
            self.losses = no_losses(blocks)

    def switched(self) -> None:
        """Let the losses of the output layer before not count in those of the epoch."""
        self.losses[: self.block, :2] = 0.0

    def end_epoch(self) -> None:
        """Count an epoch of which all blocks are done."""
        self.epoch += 1
        self.stops = self.block = 0
        self.epoch_seconds = 0.0
        self.losses = no_losses(0)
