"""Which output layer trains when: the first, and those that take over from it."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.events import Listener
from hsw2v.network.network import Network
from hsw2v.network.outputs import OUTPUTS, OutputLayer, output_layer
from hsw2v.training.building import Switch, rebuilt_structure, switches_of


class Phases(Protocol):
    """Output layers that take over, on the same word vectors."""

    def switches(self, epoch: int, borders: NDArray[np.int64]) -> list[Switch]:
        """Return when in an epoch, from 0, which output layer takes over, in order.

        `borders (K+1,)` are those of the blocks in the corpus.
        """

    def output(self, loss: str, network: Network, listener: Listener) -> OutputLayer:
        """Return the output layer of that name that takes over, given the network as it is."""


class PhasesOfSettings:
    """Output layers one after another, built of the word vectors as often as the settings say."""

    def __init__(
        self, training: TrainingConfig, counts: NDArray[np.int64], weights: NDArray[np.float64]
    ) -> None:
        """Take the counts of words, and how often each is a target, (V,)."""
        self._training, self._counts, self._weights = training, counts, weights

    def switches(self, epoch: int, borders: NDArray[np.int64]) -> list[Switch]:
        """Return when in an epoch another output layer, or a new tree or new classes, take over."""
        return switches_of(self._training, borders, epoch)

    def output(self, loss: str, network: Network, listener: Listener) -> OutputLayer:
        """Return the output layer, upon a new tree or new classes if it has some."""
        training, base = self._training, None
        if OUTPUTS[loss].structure is not None:
            base = rebuilt_structure(
                loss, training, network.word_vectors(), self._weights, listener
            )
        return output_layer(training, self._counts, base, loss)
