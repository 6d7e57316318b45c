"""What the trainer tells its listener: losses of blocks become events."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from hsw2v.events import EpochEnd, Listener, Pace, TrainingProgress
from hsw2v.training.state import TrainingState, mean_loss

LARGEST_EXPONENT = math.log(sys.float_info.max)


def perplexity(loss: float | None) -> float | None:
    """Return exp of a loss in nats; None without one, and where that is beyond a float."""
    return math.exp(loss) if loss is not None and loss < LARGEST_EXPONENT else None


class Report:
    """Watches the losses of an epoch."""

    def __init__(self, listener: Listener, epochs: int, tokens: int, state: TrainingState) -> None:
        self._listener, self._state = listener, state
        self._epochs, self._tokens = epochs, tokens
        self._pace = Pace()
        # What was trained before an interruption counts.
        self._pace.stand(-state.seconds)
        self.measuring_seconds = 0.0
        """How long the clock has stood."""

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Let the clock of training stand while something is measured that is no part of it."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            self._pace.stand(seconds)
            self._epoch_begun += seconds
            self.measuring_seconds += seconds

    @contextmanager
    def building(self) -> Iterator[None]:
        """Keep the building of a tree or of classes out of the epoch's time, and out of the speed.

        It is part of what training took.
        """
        begun = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - begun
            self._epoch_begun += seconds
            self._state.building_seconds += seconds

    def begin(self, rates: list[float]) -> None:
        """Watch an epoch, with the learning rate at every border of blocks."""
        self._rates = rates
        self._epoch_begun = time.perf_counter() - self._state.epoch_seconds
        self._seen = np.nansum(self._state.losses[:, :2], axis=0)

    def take_time(self) -> None:
        """Let the state say what training took."""
        self._state.seconds = self._pace.seconds
        self._state.epoch_seconds = time.perf_counter() - self._epoch_begun

    def switch(self) -> None:
        """Go on with another output layer, or tree: the losses of the one before do not count."""
        self._seen[:] = 0.0

    def tick(self) -> None:
        """Tell how far training is, unless that was told just now."""
        if not self._pace.due():
            return
        done = int(np.count_nonzero(~np.isnan(self._state.losses[:, 2])))
        share = (self._state.epoch + done / len(self._state.losses)) / self._epochs
        if not share:
            return
        sums = np.nansum(self._state.losses[:, :2], axis=0)
        loss, predictions = sums - self._seen
        self._seen = sums
        seconds = self._pace.seconds - self._state.building_seconds
        tokens = round(share * self._epochs * self._tokens)
        self._listener(
            TrainingProgress(
                epoch=self._state.epoch + 1,
                epochs=self._epochs,
                tokens=tokens,
                tokens_total=self._epochs * self._tokens,
                tokens_per_second=tokens / seconds,
                lr=self._rates[done],
                output=self._state.network.output.name,
                loss=float(loss / predictions) if predictions else None,
                seconds=seconds,
                seconds_left=seconds * (1.0 - share) / share,
            )
        )

    def end(self, heldout_loss: float | None) -> None:
        """Tell that the epoch is over."""
        self.take_time()
        self._listener(
            EpochEnd(
                epoch=self._state.epoch + 1,
                epochs=self._epochs,
                output=self._state.network.output.name,
                loss=mean_loss(self._state.losses),
                heldout_loss=heldout_loss,
                heldout_perplexity=perplexity(heldout_loss),
                tokens=(self._state.epoch + 1) * self._tokens,
                seconds=self._state.epoch_seconds,
            )
        )
