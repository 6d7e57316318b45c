"""The softmax over all words, by matrix products (BLAS) over batches of windows.

    X = hidden rows of a batch (N, D), perhaps normalised    O = output rows (V, D)
    n = how many targets each hidden row predicts (N,)       T = which, and how often (N, V)
    E = T - n · softmax(X Oᵀ)
    X gains E O,  O gains Eᵀ X

In skip-gram a context word is the same hidden row for all targets around it, so that its scores
are taken once, and not for every pair of words. All gradients of a batch are sums of those before
it; then each row moves once. The definition in NumPy, pair by pair, is `reference.full`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, padded
from hsw2v.kernels.arguments import BATCH, Plan, Tables
from hsw2v.kernels.full import add_rows, exponentiate
from hsw2v.kernels.normalisation import backward, normalise
from hsw2v.kernels.optimizers import move_rows
from hsw2v.kernels.subwords import Composing, compose_words, give_back
from hsw2v.kernels.windows import Windowing, windows_of

STEADY_BATCH = 64
"""Kept words, each with its window, that are learnt from at once, where nothing asks for more."""
STEADY_TIMES = 16
"""Pairs of such a batch that the most frequent word is the target of, or fewer."""
SCORES = 2**25
"""Scores (float32) held at once at most; more are taken in pieces."""
LEAST_ROWS = 64
"""Hidden rows of a piece at least, however many words there are: products of fewer are slow."""

_NONE = np.float32(-3e38)


def steady_batch(kept: NDArray[np.integer], window: int) -> int:
    """Return how many of some kept words to learn from at once.

    A row moves by the sum of its gradients, each from before the batch. Of too many, that sum
    overshoots: plain steps diverge where few words are most of the text, or windows are wide.
    """
    if not len(kept):
        return 1
    share = np.bincount(kept).max() / len(kept)
    return min(STEADY_BATCH, max(1, int(STEADY_TIMES / (share * (window + 1)))))


@dataclass(frozen=True, eq=False)
class _Batch:
    """Windows as hidden rows, and what these predict."""

    words: NDArray[np.int64]
    """(S,), the words that hidden rows are the means of; one for each in skip-gram."""
    owners: NDArray[np.int64]
    """(S,), the hidden row of each."""
    rows: NDArray[np.int64]
    """(P,), of every prediction its hidden row."""
    targets: NDArray[np.int64]
    """(P,), and its target."""


def _batch(
    kept: NDArray[np.int64], bounds: NDArray[np.int64], begin: int, end: int, cbow: bool
) -> _Batch:
    """Return the windows of the kept words from `begin` on and before `end`."""
    first, last = bounds[begin:end].T
    sizes = last - first
    centres = np.repeat(np.arange(begin, end), sizes)
    # 0, 1, … from the first word of each window on.
    positions = np.arange(len(centres)) + np.repeat(last - np.cumsum(sizes), sizes)
    context = positions != centres
    centres, positions = centres[context], positions[context]
    if cbow:
        windows, owners = np.unique(centres, return_inverse=True)
        return _Batch(kept[positions], owners, np.arange(len(windows)), kept[windows])
    predictors, rows = np.unique(positions, return_inverse=True)
    return _Batch(kept[predictors], np.arange(len(predictors)), rows, kept[centres])


class SoftmaxTraining:
    """Trains or measures the softmax over all words of some tables, block by block."""

    def __init__(
        self, tables: Tables, stop: NDArray[np.int32], composing: Composing | None = None
    ) -> None:
        """Train these tables, whose output rows are (V, P); leave a block when `stop` is set.

        Words with n-grams are trained as `composing` says, in a ring with a row for each word.
        """
        self._own, self._composing = tables.vectors, composing
        if composing is not None:
            tables = tables._replace(vectors=composing.composed)
        self._tables = tables
        self._stop = stop
        words, width = tables.outputs.shape
        columns = padded(words)
        self._scores = aligned_zeros(max(LEAST_ROWS, min(4 * BATCH, SCORES // columns)), columns)
        self._gradient = np.empty((0, width), np.float32)

    def train_block(
        self,
        ids: NDArray[np.int32],
        key: int,
        plan: Plan,
        windowing: Windowing,
        *,
        learning: bool = True,
    ) -> tuple[float, int, int]:
        """Train on one block of provisional ids (B,) int32, changing the tables in place.

        Arguments and results are as those of `block.train_block`, but for the loss, which is that
        of every window. The learning rate of a batch is that at its first window. Without
        `learning` nothing changes, and hidden vectors are normalised by the running statistics.
        """
        kept, bounds = (
            array.astype(np.int64) for array in windows_of(ids, windowing, np.uint64(key))
        )
        count = len(kept)
        together = BATCH
        if learning and not plan.batch_norm:
            together = steady_batch(kept, windowing.window)
        batches = max(1, count // together)
        slope = (plan.last_rate - plan.first_rate) / max(count, 1)
        total, predictions = 0.0, 0
        for number in range(batches):
            if self._stop[0]:
                break
            begin, end = number * count // batches, (number + 1) * count // batches
            batch = _batch(kept, bounds, begin, end, plan.cbow)
            if len(batch.rows):
                rate = plan.first_rate + slope * begin
                # What runs away is found by its loss.
                with np.errstate(all="ignore"):
                    total += self._take(batch, plan, rate, learning)
                predictions += len(batch.rows)
        return total, predictions, count

    def _take(self, batch: _Batch, plan: Plan, rate: float, learning: bool) -> float:
        """Train on one batch, or only measure it; return its loss in nats."""
        if self._composing is None:
            return self._step(batch, plan, rate, learning)
        words = np.unique(batch.words).astype(np.int32)
        compose_words(self._composing, self._own, words)
        loss = self._step(batch, plan, rate, learning)
        give_back(self._composing, self._own, words)
        return loss

    def _step(self, batch: _Batch, plan: Plan, rate: float, learning: bool) -> float:
        vectors, norm = self._tables.vectors, self._tables.norm
        weights, sizes = (
            np.bincount(rows).astype(np.float32) for rows in (batch.rows, batch.owners)
        )
        hidden = np.zeros((len(sizes), vectors.shape[1]), np.float32)
        add_rows(hidden, batch.owners, vectors, batch.words)
        hidden /= sizes[:, None]
        if plan.batch_norm:
            normalised, statistics = np.empty_like(hidden), np.empty_like(norm.running)
            of_batch = normalise(norm, hidden, normalised, weights, statistics, learning)
        loss, gradient = self._softmax(hidden, weights, batch, learning)
        if not learning:
            return loss
        if plan.batch_norm:
            slopes = np.empty_like(statistics)
            backward(norm, normalised, weights, statistics, of_batch, gradient, slopes)
            # All predictions share scale and shift: sums of their gradients would overshoot.
            slopes /= np.float32(len(batch.rows))
            both = np.arange(2)
            move_rows(plan.optimizer, 0.0, norm.state, norm.parameters, both, slopes, rate)
        self._move(batch, plan, rate, gradient)
        return loss

    def _move(self, batch: _Batch, plan: Plan, rate: float, gradient: NDArray[np.float32]) -> None:
        """Move word vectors by the gradient of hidden rows (N, P), and output rows by theirs."""
        tables = self._tables
        words, places = np.unique(batch.words, return_inverse=True)
        # Of a mean, each word takes the whole gradient.
        by_word = np.zeros((len(words), gradient.shape[1]), np.float32)
        add_rows(by_word, places, gradient, batch.owners)
        every = np.arange(len(tables.outputs))
        for state, table, rows, slopes in (
            (tables.vector_state, tables.vectors, words, by_word),
            (tables.output_state, tables.outputs, every, self._gradient),
        ):
            move_rows(plan.optimizer, plan.l2, state, table, rows, slopes, rate)

    def _softmax(
        self,
        hidden: NDArray[np.float32],
        weights: NDArray[np.float32],
        batch: _Batch,
        learning: bool,
    ) -> tuple[float, NDArray[np.float32]]:
        """Return the loss in nats, and the gradient of hidden rows (N, P).

        When `learning`, the gradient of the output rows is made that of the batch.
        """
        outputs = self._tables.outputs
        gradient = np.zeros_like(hidden)
        add_rows(gradient, batch.rows, outputs, batch.targets)
        # The scores of all targets.
        loss = -float(np.vdot(hidden.astype(np.float64), gradient))
        for rows, scores in self._pieces(len(hidden)):
            x, counts = hidden[rows], weights[rows]
            np.matmul(x, outputs.T, out=scores[:, : len(outputs)])
            scores[:, len(outputs) :] = _NONE
            highest, masses = scores.max(axis=1), np.empty(len(x))
            exponentiate(scores, highest, masses)
            loss += float(counts @ (np.log(masses) + highest))
            if learning:
                shares = (counts / masses).astype(np.float32)[:, None]
                powers = scores[:, : len(outputs)]
                gradient[rows] -= shares * (powers @ outputs)
                self._gather(powers, -shares * x, rows.start == 0)
        if learning:
            add_rows(self._gradient, batch.targets, hidden, batch.rows)
        return loss, gradient

    def _pieces(self, count: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Give hidden rows in pieces, with room for the scores of each."""
        for first in range(0, count, len(self._scores)):
            last = min(first + len(self._scores), count)
            yield slice(first, last), self._scores[: last - first]

    def _gather(self, powers: NDArray[np.float32], x: NDArray[np.float32], anew: bool) -> None:
        """Make powersᵀ x the gradient of the output rows (V, P), or add it."""
        words, width = self._tables.outputs.shape
        if not len(self._gradient):
            self._gradient = np.empty((words, width), np.float32)
        if anew:
            np.matmul(powers.T, x, out=self._gradient)
            return
        for first in range(0, words, padded(SCORES // width)):
            some = slice(first, first + padded(SCORES // width))
            self._gradient[some] += powers[:, some].T @ x
