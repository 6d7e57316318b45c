"""Rounds of workers on a cluster, and what becomes of them when a worker dies."""

from __future__ import annotations

from collections.abc import Sequence

from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import Parameters
from hsw2v.training.cluster import Cluster, Moment, Tick
from hsw2v.training.reader import LostError
from hsw2v.training.remote import turns_of
from hsw2v.training.rounds import rounds_within
from hsw2v.training.runner import Threads
from hsw2v.training.schedule import Pass, Share
from hsw2v.training.state import BlockLosses


class RemoteRounds:
    """Rounds of workers on a cluster; the driver has the tables only between runs."""

    _handed_out = 0

    def __init__(
        self, runner: Threads, cluster: Cluster, output: OutputLayer, parameters: Parameters
    ) -> None:
        """Train an output layer and tables on the workers of a cluster.

        A pause of the runner is one of the rounds.
        """
        self._runner, self._cluster, self._parameters = runner, cluster, parameters
        self._output = cluster.put(output)
        self._moment: Moment | None = None

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
                if self._moment is None:
                    self._hand_out(some.epoch, first, tick)
                at = self._run(some, losses, first, last, tick)
                self._fetch(tick)
                return at
            except self._cluster.lost as error:
                # Nobody has tables of now: again from where the driver has them.
                self._cluster.died(error)
                self._moment = None

    def _run(self, some: Pass, losses: BlockLosses, first: int, last: int, tick: Tick) -> int:
        for shares in rounds_within(some, first, last):
            if self._runner.paused:
                break
            assert self._moment is not None
            after = (self._moment[0], some.epoch, shares[-1].positions.stop)
            while self._moment != after:
                try:
                    self._round(some, shares, losses, after, tick)
                except self._cluster.lost as error:
                    self._cluster.died(error)
                    self._recover(after, tick)
            self._cluster.alive()
            first = after[2]
        return first

    def _hand_out(self, epoch: int, position: int, tick: Tick) -> None:
        """Give all workers the tables that the driver has."""
        RemoteRounds._handed_out += 1
        moment = (RemoteRounds._handed_out, epoch, position)
        tables = self._cluster.put(self._parameters)
        everybody = range(len(self._cluster.workers))
        self._cluster.begin(everybody, self._output, tables, moment, tick)
        self._moment = moment

    def _round(
        self,
        some: Pass,
        shares: Sequence[Share],
        losses: BlockLosses,
        after: Moment,
        tick: Tick,
    ) -> None:
        workers, before = self._cluster.workers, self._moment
        turns = turns_of(some, shares, len(workers))
        trained = [
            worker.train.options(num_returns=1 + len(workers)).remote(before, turn)
            for worker, turn in zip(workers, turns, strict=True)
        ]
        combined = [
            worker.combine.remote(before, *(one[1 + number] for one in trained))
            for number, worker in enumerate(workers)
        ]
        found = self._cluster.wait([one[0] for one in trained], tick)
        for share in shares:
            losses[share.positions.start : share.positions.stop] = found[share.worker]
        # Only now: what is taken over cannot be done again.
        taken = [worker.take.remote(before, after, *combined) for worker in workers]
        self._cluster.wait(taken, tick)
        self._moment = after

    def _recover(self, after: Moment, tick: Tick) -> None:
        """Give workers that died the tables of others: those after the round, if there are some.

        Raises:
            LostError: nobody has any.
        """
        cluster = self._cluster
        while True:
            at = [cluster.answer(worker, "at", tick) for worker in cluster.workers]
            moment = after if after in at else self._moment
            if moment is None or moment not in at:
                raise LostError
            behind = [number for number, own in enumerate(at) if own != moment]
            try:
                tables = cluster.workers[at.index(moment)].tables_of.remote(moment)
                cluster.begin(behind, self._output, tables, moment, tick)
            except cluster.lost as error:
                # Another one died meanwhile.
                self._cluster.died(error)
                continue
            self._moment = moment
            return

    def _fetch(self, tick: Tick) -> None:
        """Take the tables of a worker."""
        assert self._moment is not None
        while True:
            try:
                (tables,) = self._cluster.wait(
                    [self._cluster.workers[0].tables_of.remote(self._moment)], tick
                )
                break
            except self._cluster.lost as error:
                self._cluster.died(error)
                self._recover(self._moment, tick)
        for name, array in self._parameters.items():
            array[:] = tables[name]
