"""How far training is."""

from __future__ import annotations

from dataclasses import dataclass, field

from hsw2v.network.network import Network
from hsw2v.training.report import BlockLosses, no_losses


@dataclass(eq=False)
class TrainingState:
    """A network, and which blocks it has been trained on."""

    network: Network
    epoch: int = 0
    """Epochs that are over."""
    block: int = 0
    """Blocks of this epoch that are done, in the order in which they are taken."""
    figures: BlockLosses = field(default_factory=lambda: no_losses(0))
    """What came of them, in this order."""

    def begin_epoch(self, blocks: int) -> None:
        """Get ready for an epoch of so many blocks."""
        self.block, self.figures = 0, no_losses(blocks)

    def end_epoch(self) -> None:
        """Count an epoch of which all blocks are done."""
        self.epoch += 1
        self.block = 0
