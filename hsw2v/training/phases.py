"""Which output layer trains when: the first, and those that take over from it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.events import Listener
from hsw2v.network.network import Network
from hsw2v.network.outputs import OutputLayer, output_layer
from hsw2v.training.building import rebuilds_of, rebuilt_structure


class Phases(Protocol):
    """Output layers that take over, on the same word vectors."""

    def begins(self, epoch: int, borders: NDArray[np.int64]) -> list[int]:
        """Return the blocks of an epoch, from 0 as is the epoch, before which one takes over.

        `borders (K+1,)` are those of the blocks in the corpus.
        """

    def next_output(self, network: Network, epoch: int, listener: Listener) -> OutputLayer:
        """Return the output layer that takes over in an epoch, given the network as it is."""


class Rebuilding:
    """The tree or the classes are built of the word vectors, as often as the settings say."""

    def __init__(
        self, training: TrainingConfig, counts: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> None:
        """Take the counts of words, and how often each is a target, (V,)."""
        self._training, self._counts, self._weights = training, counts, weights

    def begins(self, epoch: int, borders: NDArray[np.int64]) -> list[int]:
        """Return the blocks of an epoch before which the tree or the classes are built."""
        return rebuilds_of(self._training, borders, epoch)

    def next_output(self, network: Network, epoch: int, listener: Listener) -> OutputLayer:
        """Return the output layer of a new tree, or of new classes."""
        base = rebuilt_structure(self._training, network.vectors, self._weights, listener)
        return output_layer(self._training, self._counts, base)
