"""Rounds of workers: training that comes to the same bits from any number of threads.

Each worker owns a part of the corpus. In a round it trains on the next few blocks of it, and all
begin from the same tables: a worker has copies of the rows that its blocks reach. Then the copies
are combined, row by row, in the order of the workers. Which thread executes a worker has no part in
what it computes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, blas_threads, from_bfloat16, to_bfloat16
from hsw2v.kernels.combining import combine_rows, copy_rows
from hsw2v.network.parameters import NGRAMS, Parameters, allocator
from hsw2v.training.engines import ENGINES, Task
from hsw2v.training.hogwild import Hogwild, check_loss
from hsw2v.training.rows import (
    TRAINED,
    Finder,
    Frequent,
    Pending,
    Rows,
    received,
    sent,
    take,
    zeros_like,
)
from hsw2v.training.runner import Threads, no_tick
from hsw2v.training.schedule import Pass, Share
from hsw2v.training.state import BlockLosses
from hsw2v.training.tables import tables_of

PIECES = 2
"""Pieces of a table for each thread that combines its rows."""


class Rounds:
    """Workers that train on copies, round after round."""

    def __init__(
        self,
        runner: Threads,
        task: Task,
        parameters: Parameters,
        workers: int,
        frequent: Frequent | None = None,
    ) -> None:
        """Get ready for a task on parameters; the runner's threads execute the workers.

        Rows that are not `frequent` are combined after every `combine_all_every` rounds.
        """
        self._runner, self._parameters = runner, parameters
        self._every = task.settings.combine_all_every if frequent else 1
        threads = min(task.threads, workers)
        # Rows that are not combined stay with the worker until they are.
        self._replicas = [
            Replica(task, parameters) for _ in range(workers if frequent else threads)
        ]
        self._finders = [Finder(task, parameters) for _ in range(threads)]
        self._room = [aligned_zeros(1, task.tables.vectors.shape[1]) for _ in range(threads)]
        self._pending = [Pending(parameters, frequent or {}) for _ in range(workers)]
        self._copies = [_Copies() for _ in range(workers)]
        self._dtype = task.settings.combine_dtype

    def run(
        self,
        some: Pass,
        losses: BlockLosses,
        first: int,
        last: int,
        tick: Callable[[], None],
    ) -> int:
        """Train on blocks of a pass, as `Hogwild.run` does; a pause takes place after a round.

        Raises:
            DivergedError: the loss of a block is not finite.
            ResourceError: the system does not give that many threads.
        """
        self._runner.paused = False
        rounds, found = rounds_within(some, first, last, self._every), dict[int, Rows]()
        ahead = [*(shares for shares, _ in rounds[1:]), []]
        whole = True
        # Products in several threads come to other bits.
        with blas_threads(1):
            for (shares, full), following in zip(rounds, ahead, strict=True):
                if self._runner.paused and whole:
                    break
                jobs = [
                    *(partial(self._train, some, losses, found, one, full) for one in shares),
                    # For threads that would wait for others.
                    *(partial(self._find, some, found, one.positions) for one in following),
                ]
                self._run(jobs, tick)
                workers = {one.worker for one in shares}
                if full and self._every > 1:
                    # Those who sit the round out may have rows of others before it.
                    for worker in set(range(len(self._copies))) - workers:
                        pending = self._pending[worker].combined({}, full=True)
                        self._take(worker, self._replicas[worker], pending)
                    workers = set(range(len(self._copies)))
                before = self._before(workers)
                self._run(list(self._combinations(sorted(workers))))
                for name, (rows, were) in before.items():
                    array = self._parameters[name]
                    array[rows] = were + from_bfloat16(to_bfloat16(array[rows] - were))
                first, whole = shares[-1].positions.stop, full
        return first

    def _run(
        self, jobs: Sequence[Callable[[int], None]], tick: Callable[[], None] = no_tick
    ) -> None:
        """Let the threads do jobs, which are called with the number of the thread."""

        def do(thread: int, number: int) -> None:
            jobs[number](thread)

        self._runner.run(do, len(self._room), 0, len(jobs), tick, whole=True)

    def _find(self, some: Pass, found: dict[int, Rows], positions: range, thread: int) -> None:
        """Find the rows of a share."""
        found[positions.start] = self._finders[thread].rows(some, positions, self._parameters)

    def _train(
        self,
        some: Pass,
        losses: BlockLosses,
        found: dict[int, Rows],
        share: Share,
        full: bool,
        thread: int,
    ) -> None:
        """Train on a share, from the parameters, which are left as they are; take the copies."""
        positions = share.positions
        if positions.start not in found:
            self._find(some, found, positions, thread)
        rows = found.pop(positions.start)
        replica = self._replicas[share.worker if self._every > 1 else thread]
        pending = self._pending[share.worker]
        replica.train(some, positions, losses, self._parameters, pending.others(rows))
        self._take(share.worker, replica, pending.combined(rows, full=full))

    def _take(self, worker: int, replica: Replica, rows: Rows) -> None:
        """Take copies of rows, as they are sent."""
        copies = self._copies[worker]
        copies.take(replica.parameters, rows)
        if self._dtype == "float32":
            return
        for name in TRAINED & set(rows):
            array, own = self._parameters[name], rows[name]
            after = copies[name][: len(own)]
            after[:] = received(array, own, sent(array, own, after, name, self._dtype))

    def _before(self, workers: Iterable[int]) -> dict[str, tuple[NDArray[np.int64], NDArray[Any]]]:
        """Return the rows that are to be combined as they are, where that must be known then."""
        found: dict[str, tuple[NDArray[np.int64], NDArray[Any]]] = {}
        if self._dtype == "float32":
            return found
        for name in TRAINED & self._parameters.keys():
            array = self._parameters[name]
            marks = np.zeros(len(array), np.bool_)
            for worker in workers:
                marks[self._copies[worker].rows.get(name, [])] = True
            rows = np.flatnonzero(marks)
            found[name] = rows, array[rows]
        return found

    def _combinations(self, workers: Sequence[int]) -> Iterator[Callable[[int], None]]:
        """Yield the parts of combining the copies of some workers, in any order."""
        pieces = PIECES * len(self._room)
        for name, array in self._parameters.items():
            having = [self._copies[worker] for worker in workers]
            some = [one for one in having if len(one.rows.get(name, ()))]
            if not some:
                continue
            rows = [copies.rows[name] for copies in some]
            if array.ndim == 1:
                yield partial(_take_largest, array, [(c.rows[name], c[name]) for c in some])
                continue
            counts = np.array([len(one) for one in rows])
            where = np.array([one.ctypes.data for one in rows])
            copies_at = np.array([copies[name].ctypes.data for copies in some])
            longest = max(rows, key=len)
            cuts = longest[len(longest) * np.arange(1, pieces) // pieces].tolist()
            for begin, end in zip([0, *cuts], [*cuts, len(array)], strict=True):
                yield partial(self._combine, name, where, copies_at, counts, begin, end)

    def _combine(
        self,
        name: str,
        rows: NDArray[np.int64],
        copies: NDArray[np.int64],
        counts: NDArray[np.int64],
        begin: int,
        end: int,
        thread: int,
    ) -> None:
        """Combine what workers have come to of some rows of an array."""
        array, room = self._parameters[name], self._room[thread]
        combine_rows(array, rows, copies, counts, begin, end, name in TRAINED, room)


def rounds_within(
    some: Pass, first: int, last: int, every: int = 1
) -> list[tuple[list[Share], bool]]:
    """Return the rounds of a pass from a position on and before another, cut off there.

    And whether all rows are combined after each: that is after so many of the pass, and after the
    last of these.
    """
    found: list[tuple[list[Share], bool]] = []
    for number, shares in enumerate(some.rounds, 1):
        cut = [
            Share(one.worker, range(max(first, one.positions.start), min(last, one.positions.stop)))
            for one in shares
        ]
        if inside := [one for one in cut if len(one.positions)]:
            found.append((inside, number % every == 0))
    return [*found[:-1], *((shares, True) for shares, _ in found[-1:])]


class _Copies:
    """What a worker has come to in a round: some rows of every array."""

    def __init__(self) -> None:
        self.rows: Rows = {}
        self._arrays: Parameters = {}

    def take(self, arrays: Parameters, rows: Rows) -> None:
        """Copy rows of arrays."""
        self.rows = rows
        for name, chosen in rows.items():
            array = arrays[name]
            if name not in self._arrays or len(chosen) > len(self._arrays[name]):
                # With some room, since the next block reaches about as many.
                self._arrays[name] = zeros_like(array, len(chosen) + len(chosen) // 4)
            take(array, chosen, self._arrays[name])

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return the copies of `rows[name]`; there may be more, from earlier rounds."""
        return self._arrays[name]


class Replica:
    """Tables of its own that a worker trains on, in which only the rows that it reaches matter."""

    def __init__(self, task: Task, parameters: Parameters, threads: int = 1) -> None:
        """Make tables like these parameters, for a worker of so many threads."""
        allocate = allocator(task.settings)
        self.parameters = {
            name: zeros_like(array, len(array), allocate) for name, array in parameters.items()
        }
        tables, ngrams = tables_of(self.parameters), self.parameters.get(NGRAMS)
        alone = dataclasses.replace(task, tables=tables, ngrams=ngrams, threads=threads)
        self._engine = ENGINES[task.output.name](alone)
        self._runner = Threads()
        self._runner.stop = task.stop

    def train(
        self,
        some: Pass,
        positions: range,
        losses: BlockLosses,
        parameters: Parameters,
        rows: Rows,
    ) -> None:
        """Train on blocks, with some rows from the parameters, which are left as they are."""
        for name, chosen in rows.items():
            if parameters[name].ndim == 1:
                self.parameters[name][chosen] = parameters[name][chosen]
            else:
                copy_rows(parameters[name], chosen, self.parameters[name])
        if self._engine.threads > 1:
            begin, end = positions.start, positions.stop
            Hogwild(self._runner, self._engine).run(some, losses, begin, end, no_tick)
            return
        for position in positions:
            losses[position] = self._engine.train(0, some, position)
            check_loss(losses, position, some.epoch)


def _take_largest(
    array: NDArray[Any], copies: list[tuple[NDArray[np.int32], NDArray[Any]]], _: int
) -> None:
    """Let each number of an array (R,) be the largest that a worker has come to."""
    for rows, numbers in copies:
        array[rows] = np.maximum(array[rows], numbers[: len(rows)])
