"""Rounds of workers on a cluster, and what becomes of them when a worker dies."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from hsw2v.config import TrainingConfig
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import Parameters
from hsw2v.training.cluster import Cluster, Moment, Tick
from hsw2v.training.reader import LostError
from hsw2v.training.remote import turns_of
from hsw2v.training.rounds import rounds_within
from hsw2v.training.runner import Threads
from hsw2v.training.schedule import Pass, Share
from hsw2v.training.state import BlockLosses

IN_FLIGHT = 2
"""Rounds that workers are asked for before the first of them is waited for."""


class _Round(NamedTuple):
    """A round that workers were asked for."""

    shares: list[Share]
    after: Moment
    full: bool
    losses: list[Any]
    """Objects of the losses of each worker's blocks."""
    taken: list[Any]
    """Objects that are there when a worker has taken over what was combined."""


class RemoteRounds:
    """Rounds of workers on a cluster; the driver has the tables only between runs."""

    _handed_out = 0

    def __init__(
        self,
        runner: Threads,
        cluster: Cluster,
        settings: TrainingConfig,
        output: OutputLayer,
        parameters: Parameters,
    ) -> None:
        """Train an output layer and tables on the workers of a cluster.

        A pause of the runner is one of the rounds.
        """
        self._runner, self._cluster, self._parameters = runner, cluster, parameters
        self._every = 1 if settings.combine_rows is None else settings.combine_all_every
        self._output = cluster.put(output)
        self._whole: Moment | None = None
        """The last moment at which workers have whole tables, as far as is known."""

    def run(
        self,
        some: Pass,
        losses: BlockLosses,
        first: int,
        last: int,
        tick: Tick,
    ) -> int:
        """Train on blocks of a pass, as `Rounds.run` does.

        Raises:
            DivergedError: the loss of a block is not finite.
            ResourceError: workers die again and again, or do not come back.
        """
        self._runner.paused = False
        while True:
            try:
                if self._whole is None:
                    self._hand_out(some.epoch, first, tick)
                at = self._run(some, losses, first, last, tick)
                self._fetch(tick)
                return at
            except self._cluster.lost as error:
                # Nobody has tables of now: again from where the driver has them.
                self._cluster.died(error)
                self._whole = None

    def _run(self, some: Pass, losses: BlockLosses, first: int, last: int, tick: Tick) -> int:
        rounds = rounds_within(some, first, last, self._every)
        assert self._whole is not None
        ends = [(self._whole[0], some.epoch, shares[-1].positions.stop) for shares, _ in rounds]
        flying: deque[_Round] = deque()
        begun, before = 0, self._whole
        while True:
            whole = begun == 0 or rounds[begun - 1][1]
            more = begun < len(rounds) and not (self._runner.paused and whole)
            if not (more or flying):
                return ends[begun - 1][2] if begun else first
            try:
                if more and len(flying) < IN_FLIGHT:
                    shares, full = rounds[begun]
                    flying.append(self._begin(some, shares, full, before, ends[begun]))
                    before, begun = ends[begun], begun + 1
                else:
                    self._end(flying[0], losses, tick)
                    flying.popleft()
            except self._cluster.lost as error:
                self._cluster.died(error)
                full_ones = [one.after for one in flying if one.full]
                before = self._recover(full_ones, tick)
                begun = ends.index(before) + 1 if before in ends else 0
                for one in flying:
                    if before in full_ones and one.after[2] <= before[2]:
                        self._write(one, losses, tick)
                flying.clear()

    def _hand_out(self, epoch: int, position: int, tick: Tick) -> None:
        """Give all workers the tables that the driver has."""
        RemoteRounds._handed_out += 1
        moment = (RemoteRounds._handed_out, epoch, position)
        tables = self._cluster.put(self._parameters)
        everybody = range(len(self._cluster.workers))
        self._cluster.begin(everybody, self._output, tables, moment, tick)
        self._whole = moment

    def _begin(
        self, some: Pass, shares: list[Share], full: bool, before: Moment, after: Moment
    ) -> _Round:
        """Ask the workers for a round.

        None takes over what was combined unless all have trained, since all pieces are in it.
        """
        workers = self._cluster.workers
        turns = turns_of(some, shares, full, len(workers))
        trained = [
            worker.train.options(num_returns=1 + len(workers)).remote(before, turn)
            for worker, turn in zip(workers, turns, strict=True)
        ]
        combined = [
            worker.combine.remote(before, number, *(one[1 + number] for one in trained))
            for number, worker in enumerate(workers)
        ]
        taken = [worker.take.remote(before, after, full, *combined) for worker in workers]
        return _Round(shares, after, full, [one[0] for one in trained], taken)

    def _end(self, one: _Round, losses: BlockLosses, tick: Tick) -> None:
        """Wait until a round is over."""
        cluster, begun = self._cluster, time.monotonic()
        self._write(one, losses, tick)
        cluster.wait(one.taken, tick)
        # Another may be on its way.
        cluster.longest = max(cluster.longest, IN_FLIGHT * (time.monotonic() - begun))
        if one.full:
            self._whole = one.after
            self._cluster.alive()

    def _write(self, one: _Round, losses: BlockLosses, tick: Tick) -> None:
        """Write the losses of a round."""
        found = self._cluster.wait(one.losses, tick)
        for share in one.shares:
            losses[share.positions.start : share.positions.stop] = found[share.worker]

    def _recover(self, later: Sequence[Moment], tick: Tick) -> Moment:
        """Bring all workers to the last moment at which some have whole tables, and return it.

        That is the last one known, or one of some `later` ones, in their order.

        Raises:
            LostError: nobody has such tables.
        """
        cluster = self._cluster
        while True:
            at = [cluster.answer(worker, "at", tick) for worker in cluster.workers]
            moment = next((one for one in [*later[::-1], self._whole] if one in at), None)
            if moment is None:
                raise LostError
            behind = [number for number, own in enumerate(at) if own != moment]
            there = [
                worker for number, worker in enumerate(cluster.workers) if at[number] == moment
            ]
            try:
                cluster.wait([worker.back.remote(moment) for worker in there], tick)
                if behind:
                    tables = there[0].tables_of.remote(moment)
                    cluster.begin(behind, self._output, tables, moment, tick)
            except cluster.lost as error:
                # Another one died meanwhile.
                cluster.died(error)
                continue
            self._whole = moment
            return moment

    def _fetch(self, tick: Tick) -> None:
        """Take the tables of a worker."""
        assert self._whole is not None
        while True:
            try:
                (tables,) = self._cluster.wait(
                    [self._cluster.workers[0].tables_of.remote(self._whole)], tick
                )
                break
            except self._cluster.lost as error:
                self._cluster.died(error)
                self._recover([], tick)
        for name, array in self._parameters.items():
            array[:] = tables[name]
