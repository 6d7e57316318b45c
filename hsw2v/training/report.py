"""What the trainer tells its listener: figures of blocks become events."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from hsw2v.events import EpochEnd, Listener, Pace, TrainingProgress

LARGEST_EXPONENT = math.log(sys.float_info.max)

BlockLosses = NDArray[np.float64]
"""(K, 3) float64, a row for each block: sampled loss in nats, its predictions, words kept.

NaN until the block is done.
"""


def no_losses(blocks: int) -> BlockLosses:
    """Return the figures of blocks of which none is done."""
    return np.full((blocks, 3), np.nan)


def mean_loss(figures: BlockLosses) -> float | None:
    """Return the mean loss a prediction, in nats; None where nothing was predicted.

    The sums are made in order of the blocks, whatever thread did them.
    """
    predictions = float(figures[:, 1].sum())
    return float(figures[:, 0].sum()) / predictions if predictions else None


def perplexity(loss: float | None) -> float | None:
    """Return exp of a loss in nats; None without one, and where that is beyond a float."""
    return math.exp(loss) if loss is not None and loss < LARGEST_EXPONENT else None


class Report:
    """Watches the figures of an epoch grow."""

    def __init__(self, listener: Listener, epochs: int, tokens: int) -> None:
        self._listener = listener
        self._epochs = epochs
        self._tokens = tokens
        self._pace = Pace()
        self.measuring_seconds = 0.0
        """How long the clock has stood."""

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Let the clock of training stand while something is measured that is no part of it."""
        begun = time.perf_counter()
        yield
        seconds = time.perf_counter() - begun
        self._pace.stand(seconds)
        self._epoch_begun += seconds
        self.measuring_seconds += seconds

    def begin(self, epoch: int, output: str, figures: BlockLosses, rates: list[float]) -> None:
        """Watch an epoch, counted from 0, with the learning rate at every border of blocks.

        `output` is the output layer, as the setting `loss` names it.
        """
        self._output = output
        self._epoch, self._figures, self._rates = epoch, figures, rates
        self._epoch_begun = time.perf_counter()
        self._seen = np.zeros(2)

    def switch(self, output: str, done: int) -> None:
        """Go on with another output layer, or tree: the losses of the blocks done do not count."""
        self._output = output
        self._figures[:done, :2] = 0.0
        self._seen[:] = 0.0

    def tick(self) -> None:
        """Tell how far training is, unless that was told just now."""
        if not self._pace.due():
            return
        done = int(np.count_nonzero(~np.isnan(self._figures[:, 2])))
        share = (self._epoch + done / len(self._figures)) / self._epochs
        if not share:
            return
        sums = np.nansum(self._figures[:, :2], axis=0)
        loss, predictions = sums - self._seen
        self._seen = sums
        seconds = self._pace.seconds
        tokens = round(share * self._epochs * self._tokens)
        self._listener(
            TrainingProgress(
                epoch=self._epoch + 1,
                epochs=self._epochs,
                tokens=tokens,
                tokens_total=self._epochs * self._tokens,
                tokens_per_second=tokens / seconds,
                lr=self._rates[done],
                output=self._output,
                loss=float(loss / predictions) if predictions else None,
                seconds=seconds,
                seconds_left=seconds * (1.0 - share) / share,
            )
        )

    def end(self, heldout_loss: float | None) -> None:
        """Tell that the epoch is over."""
        self._listener(
            EpochEnd(
                epoch=self._epoch + 1,
                epochs=self._epochs,
                output=self._output,
                loss=mean_loss(self._figures),
                heldout_loss=heldout_loss,
                heldout_perplexity=perplexity(heldout_loss),
                tokens=(self._epoch + 1) * self._tokens,
                seconds=time.perf_counter() - self._epoch_begun,
            )
        )
