"""A worker that has nothing in common with others but what they send each other.

It owns a part of the corpus and whole tables. A round has three steps, each on all workers: train
on copies; combine what all have come to of some rows, a part of the tables for each worker; take
over what was combined. The tables stay as they are until the third: a round can be done again. What
comes of it is, to the bit, what `Rounds` comes to.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, blas_threads
from hsw2v.config import TrainingConfig
from hsw2v.kernels.combining import combine_rows
from hsw2v.kernels.windows import Windowing
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import NGRAMS, Allocator, Parameters, allocator, table_of
from hsw2v.network.subwords import InputRows
from hsw2v.training.engines import ENGINES, Task
from hsw2v.training.hogwild import Hogwild
from hsw2v.training.reader import LostError
from hsw2v.training.rounds import Replica
from hsw2v.training.rows import (
    TRAINED,
    Finder,
    Pending,
    Rows,
    frequent_rows,
    received,
    sent,
    take,
    zeros_like,
)
from hsw2v.training.runner import Threads, no_tick
from hsw2v.training.schedule import LOSS_EVERY, Pass, Share
from hsw2v.training.state import BlockLosses, no_losses
from hsw2v.training.tables import layer_of, tables_of

ALIGNED = 64
"""Bytes: a vector register."""

Piece = dict[str, tuple[NDArray[np.int32], NDArray[Any]]]
"""Of arrays by name, ascending rows (n,) int32 and what they have come to, (n, P) or (n,)."""


class OwnText(NamedTuple):
    """The part of an encoded corpus that a worker owns."""

    ids: NDArray[np.int32]
    """(N,) int32, provisional ids."""
    borders: NDArray[np.int64]
    """(K+1,) int64, of its blocks, from 0 to N."""
    first_block: int
    """The number of the first of them in the corpus."""


class Common(NamedTuple):
    """What all workers of a training have in common."""

    settings: TrainingConfig
    windowing: Windowing
    weights: NDArray[np.float64]
    """(V,) float64, how often each word is a target."""
    inputs: InputRows | None = None
    """Which n-grams words have, if some do."""


class Turn(NamedTuple):
    """What a worker trains on in a round."""

    epoch: int
    blocks: NDArray[np.int64]
    """(n,) int64, their numbers in the corpus; none in a round that it sits out."""
    rates: list[float]
    """(n+1,) learning rates."""
    full: bool
    """Whether all rows are combined after it."""


def own_texts(
    ids: NDArray[np.int32], borders: NDArray[np.int64], own: Sequence[range]
) -> Iterator[OwnText]:
    """Yield the part of an encoded corpus that each worker owns, given its blocks, copied."""
    for blocks in own:
        ends = borders[blocks.start : blocks.stop + 1]
        yield OwnText(np.array(ids[ends[0] : ends[-1]]), ends - ends[0], blocks.start)


def turns_of(some: Pass, shares: Sequence[Share], full: bool, workers: int) -> list[Turn]:
    """Return what each worker trains on in a round of a pass; `full` is that of each turn."""
    turns = [Turn(some.epoch, np.empty(0, np.int64), [0.0], full) for _ in range(workers)]
    for share in shares:
        at = share.positions
        rates = some.rates[at.start : at.stop + 1]
        turns[share.worker] = Turn(some.epoch, some.order[at.start : at.stop], rates, full)
    return turns


class RemoteWorker:
    """One of some workers.

    A moment is anything that tells which tables are meant. Whatever is asked of a worker that has
    other ones raises `LostError`.
    """

    def __init__(self, workers: int) -> None:
        """Be one of so many, without a text and tables so far."""
        self._workers = workers
        self._text: OwnText | None = None
        self._parameters: Parameters = {}
        self._replica: Replica | None = None
        self._alone: Hogwild | None = None
        self._at: Any = None
        self._trained_from: Any = None
        self._whole_at: Any = None

    def own(self, common: Common, text: OwnText) -> None:
        """Own a text."""
        self._settings, self._windowing, self._weights, self._inputs = common
        self._text = text

    def has_text(self) -> bool:
        """Tell whether it owns a text."""
        return self._text is not None

    def begin(self, output: OutputLayer, parameters: Parameters, at: Any) -> None:
        """Take over an output layer and tables, which are of the moment `at`.

        Raises:
            LostError: it owns no text.
            OutputError, DiskFullError: tables are mapped, and there is no room for their files.
        """
        if self._text is None:
            raise LostError
        # Freed first: there may be no room for both.
        self._at, self._replica, self._alone, self._parameters = None, None, None, {}
        self._whole_at = None
        allocate = allocator(self._settings)
        self._parameters = {name: _copy(array, allocate) for name, array in parameters.items()}
        runner = Threads()
        longest = int(np.diff(self._text.borders).max(initial=1))
        layer = layer_of(output, self._weights, self._settings.dim)
        tables, threads = tables_of(self._parameters), self._settings.worker_threads
        task = Task(
            *(self._settings, output, layer, tables, threads, longest, runner.stop),
            inputs=self._inputs,
            ngrams=self._parameters.get(NGRAMS),
        )
        if self._workers > 1:
            self._replica = Replica(task, self._parameters, threads)
            self._finder = Finder(task, self._parameters)
            frequent = frequent_rows(self._settings, output, self._weights)
            self._pending = Pending(self._parameters, frequent)
            # What rounds change before all rows are combined.
            self._frequent = {name: np.flatnonzero(marks) for name, marks in frequent.items()}
            self._kept: Parameters = {}
        else:
            self._alone = Hogwild(runner, ENGINES[output.name](task))
            self._frequent = {}
        self._be_whole(at)

    def at(self) -> Any:
        """Return the last moment at which all rows were combined; None if it has no tables."""
        return self._whole_at

    def back(self, at: Any) -> None:
        """Go back to the moment `at`, if that is the last at which all rows were combined."""
        if at is None or at != self._whole_at:
            raise LostError
        if self._replica is not None:
            self._pending.forget()
            for name, rows in self._kept.items():
                self._parameters[name][self._frequent[table_of(name)]] = rows
        self._at = at

    def _be_whole(self, at: Any) -> None:
        """Have all rows combined, at a moment to which `back` may go."""
        for name, array in self._parameters.items():
            rows = self._frequent.get(table_of(name))
            if rows is not None and len(array):
                self._kept[name] = array[rows]
        self._at = self._whole_at = at

    def tables_of(self, at: Any) -> Parameters:
        """Return its tables, of the moment `at`."""
        self._check(at)
        return self._parameters

    def _check(self, at: Any) -> None:
        if at is None or at != self._at:
            raise LostError

    def train(self, at: Any, turn: Turn) -> tuple[BlockLosses | Piece, ...]:
        """Train on a copy of the rows that some blocks reach, from the tables of the moment `at`.

        Returns the losses of the blocks, and for each worker the piece that it is to combine.

        Raises:
            DivergedError: a loss is not finite.
        """
        self._check(at)
        assert self._text is not None
        count = len(turn.blocks)
        losses = no_losses(count)
        text, seed = self._text, self._settings.seed
        some = Pass(
            *(text.ids, text.borders, self._windowing, seed, turn.epoch, turn.blocks),
            *([], turn.rates, LOSS_EVERY, [], text.first_block),
        )
        if self._alone is not None:
            # With nobody to combine with it is trained in place, and the round is not done again.
            self._at, self._whole_at, self._trained_from = None, None, at
            self._alone.run(some, losses, 0, count, no_tick)
            return losses, {}
        assert self._replica is not None
        rows: Rows = {}
        if count:
            # Products in several threads come to other bits.
            with blas_threads(1):
                rows = self._finder.rows(some, range(count), self._parameters)
                others = self._pending.others(rows)
                self._replica.train(some, range(count), losses, self._parameters, others)
        rows = self._pending.combined(rows, full=turn.full)
        return (losses, *self._pieces(rows, self._replica.parameters))

    def _sent(self, name: str, rows: NDArray[np.int32], after: NDArray[Any]) -> NDArray[Any]:
        return sent(self._parameters[name], rows, after, name, self._settings.combine_dtype)

    def _pieces(self, rows: Rows, trained: Parameters) -> list[Piece]:
        """Return what was trained of rows, for each worker those that it combines."""
        pieces: list[Piece] = [{} for _ in range(self._workers)]
        for name, reached in rows.items():
            whose = (reached % self._workers).astype(np.uint16)
            ordered = reached[np.argsort(whose, kind="stable")]
            ends = np.cumsum(np.bincount(whose, minlength=self._workers))
            for piece, own in zip(pieces, np.split(ordered, ends[:-1]), strict=True):
                if len(own):
                    piece[name] = own, self._sent(name, own, _rows_of(trained[name], own))
        return pieces

    def combine(self, at: Any, number: int, *pieces: Piece) -> Piece:
        """Return what all workers come to together from the moment `at`, given their pieces.

        They are those of worker `number`: of W, it combines every W-th row from that one on.
        """
        together: Piece = {}
        if self._alone is not None and self._trained_from == at:
            return together
        self._check(at)
        for name, array in self._parameters.items():
            some = [piece[name] for piece in pieces if name in piece]
            if not some:
                continue
            # The rows that somebody has, and the place of each among them.
            marks = np.zeros(-(-len(array) // self._workers), np.bool_)
            for own, _ in some:
                marks[own // self._workers] = True
            found = np.flatnonzero(marks)
            rows = (found * self._workers + number).astype(np.int32)
            place = np.empty(len(marks), np.int32)
            place[found] = np.arange(len(found), dtype=np.int32)
            table = _rows_of(array, rows)
            if array.ndim == 1:
                for own, values in some:
                    there = place[own // self._workers]
                    table[there] = np.maximum(table[there], values)
            else:
                copies = [_aligned(received(array, own, values)) for own, values in some]
                places_of = [place[own // self._workers] for own, _ in some]
                combine_rows(
                    table,
                    np.array([one.ctypes.data for one in places_of]),
                    np.array([one.ctypes.data for one in copies]),
                    np.array([len(one) for one in places_of]),
                    0,
                    len(rows),
                    name in TRAINED,
                    aligned_zeros(1, array.shape[1]),
                )
            together[name] = rows, self._sent(name, rows, table)
        return together

    def take(self, before: Any, at: Any, full: bool, *combined: Piece) -> None:
        """Take over what was combined: from the moment `before` to the moment `at`.

        With `full` that is all that was changed since all was.
        """
        if self._alone is None or self._trained_from != before:
            self._check(before)
        self._at = self._trained_from = None
        if full:
            self._whole_at = None
        for piece in combined:
            for name, (rows, values) in piece.items():
                array = self._parameters[name]
                array[rows] = received(array, rows, values)
        self._at = at
        if full:
            self._be_whole(at)


def _rows_of(array: NDArray[Any], rows: NDArray[np.int32]) -> NDArray[Any]:
    """Return a copy of rows of an array (R, P) or (R,)."""
    taken = zeros_like(array, len(rows))
    take(array, rows, taken)
    return taken


def _aligned(array: NDArray[Any]) -> NDArray[Any]:
    """Return rows that another process may have sent as compiled code wants them."""
    return array if array.ctypes.data % ALIGNED == 0 else _copy(array)


def _copy(array: NDArray[Any], allocate: Allocator = aligned_zeros) -> NDArray[Any]:
    """Return an aligned copy of an array."""
    copy = zeros_like(array, len(array), allocate)
    copy[:] = array
    return copy
