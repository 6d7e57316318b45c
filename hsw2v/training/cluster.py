"""Workers on a Ray cluster: the rounds of `Rounds`, executed by processes on any machines.

The only door to ray. Workers are actors, and what they send each other goes through its object
store: of the tables, only rows that somebody has reached.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.stream import EncodedCorpus
from hsw2v.errors import ResourceError, UsageError
from hsw2v.kernels.windows import Windowing
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import Parameters
from hsw2v.training.remote import OwnText, RemoteWorker, Turn
from hsw2v.training.rounds import rounds_within
from hsw2v.training.runner import TICK_SECONDS, Threads, no_tick
from hsw2v.training.schedule import Pass, Share, own_blocks
from hsw2v.training.state import BlockLosses

LISTENING_SECONDS = 5.0
RESTART_SECONDS = 120.0
"""How long a worker that died may take to come back."""
VERSIONS = ("hsw2v", "numpy", "numba")

Tick = Callable[[], None]
Moment = tuple[int, int, int]
"""How often tables were handed out, an epoch, and a position in it."""


class Actor(RemoteWorker):
    """A worker as Ray executes it: in a process of its own."""

    def versions(self) -> dict[str, str]:
        """Return what it runs with."""
        return _versions()


class Cluster:
    """A connection to a Ray cluster, and the workers of a training there."""

    def __init__(self, settings: TrainingConfig) -> None:
        """Connect to the cluster that the settings or RAY_ADDRESS name, or start one here.

        Raises:
            UsageError: Ray is not installed, or there is no cluster at the address.
            ResourceError: the cluster has too few processors.
        """
        try:
            import ray
        except ImportError as error:
            raise UsageError(
                "engine ray needs Ray, which is not installed",
                hint="install it with: pip install 'hsw2v[ray]'",
            ) from error
        self._ray: Any = ray
        # What nobody asks for after an error is no error of its own.
        os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
        self._settings = settings
        self._own = not ray.is_initialized()
        if self._own:
            _connect(ray, settings)
        have = int(self._ray.cluster_resources().get("CPU", 0))
        if have < settings.workers:
            self.close()
            raise ResourceError(
                f"the Ray cluster has {have} processors, and {settings.workers} workers need one "
                "each",
                hint="lower --workers, or add machines to the cluster",
            )
        self.workers: list[Any] = []
        self._texts: list[Any] = []

    def employ(
        self, encoded: EncodedCorpus, windowing: Windowing, weights: NDArray[np.float64]
    ) -> None:
        """Start the workers, each with its part of a corpus.

        Raises:
            ResourceError: a worker does not start.
            UsageError: a machine has other versions.
        """
        ray, settings, borders = self._ray, self._settings, encoded.blocks
        # Restarted as often as they die; what they were doing is asked for again here.
        actor = ray.remote(num_cpus=1, max_restarts=-1, scheduling_strategy="SPREAD")(Actor)
        self._common = ray.put(settings), ray.put(weights)
        for blocks in own_blocks(len(borders) - 1, settings.workers):
            ends = borders[blocks.start : blocks.stop + 1]
            ids = np.array(encoded.ids[ends[0] : ends[-1]])
            self._texts.append(ray.put(OwnText(ids, ends - ends[0], blocks.start, windowing)))
            self.workers.append(actor.remote(settings.workers))
        encoded.forget()
        own = _versions()
        for worker in self.workers:
            found = self.answer(worker, "versions")
            if found != own:
                one = next(name for name in VERSIONS if found[name] != own[name])
                raise UsageError(
                    f"a machine of the Ray cluster has {one} {found[one]}, and this one {own[one]}",
                    hint="install the same versions on all of them",
                )

    def begin(
        self, chosen: Iterable[int], output: Any, tables: Any, moment: Any, tick: Tick
    ) -> None:
        """Let some workers take over an output layer and tables, which are objects in the store."""
        begun = []
        for number in chosen:
            worker = self.workers[number]
            if not self.answer(worker, "has_text", tick):
                settings, weights = self._common
                begun.append(worker.own.remote(settings, self._texts[number], weights))
            begun.append(worker.begin.remote(output, tables, moment))
        self.wait(begun, tick)

    def answer(self, worker: Any, question: str, tick: Tick = no_tick) -> Any:
        """Return what a worker answers, once it is there.

        Raises:
            ResourceError: it does not come back from where it died.
        """
        begun = time.monotonic()
        while True:
            try:
                return self.wait([getattr(worker, question).remote()], tick)[0]
            except self._ray.exceptions.RayActorError as error:
                if time.monotonic() - begun > RESTART_SECONDS:
                    raise ResourceError(
                        "a worker died, and does not come back", hint="look at the Ray cluster"
                    ) from error
                time.sleep(TICK_SECONDS)
                tick()

    def wait(self, asked: Sequence[Any], tick: Tick) -> list[Any]:
        """Return what was asked of workers; meanwhile `tick()` is called.

        Raises:
            RayError: a worker died, or an object is lost.
            And what the workers raise.
        """
        ray, left = self._ray, list(asked)
        while left:
            _, left = ray.wait(left, num_returns=len(left), timeout=TICK_SECONDS)
            tick()
        try:
            found: list[Any] = ray.get(list(asked))
        except ray.exceptions.RayTaskError as error:
            # Another worker's death comes as the cause, too.
            raise error.cause if isinstance(error.cause, Exception) else error from error
        return found

    def put(self, what: Any) -> Any:
        """Put something in the object store."""
        return self._ray.put(what)

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """The errors that tell that a worker, or what it made, is gone."""
        errors = self._ray.exceptions
        return (errors.RayActorError, errors.ObjectLostError, errors.WorkerCrashedError)

    def close(self) -> None:
        """Let the workers go, and the cluster if it was started for them."""
        for worker in self.workers if hasattr(self, "workers") else ():
            self._ray.kill(worker)
        if self._own:
            self._ray.shutdown()


def _connect(ray: Any, settings: TrainingConfig) -> None:
    address = settings.ray_address or os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address:
            _check_listening(address)
            ray.init(address=address, **quiet)
        else:
            # Nothing is told to anybody, and workers may be more than processors.
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            count = max(settings.workers, os.cpu_count() or 1)
            ray.init(num_cpus=count, include_dashboard=False, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        where = f"at {address}" if address else "here"
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"there is no Ray cluster {where} to work with ({first[:200]})",
            hint="name one with --ray-address, or leave that out and unset RAY_ADDRESS to start "
            "one here",
        ) from error


def _check_listening(address: str) -> None:
    """Make sure that somebody listens at HOST:PORT: Ray itself would try for minutes.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        with socket.create_connection((host.strip("[]"), int(port)), LISTENING_SECONDS):
            pass


def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in VERSIONS}


@contextmanager
def connected(settings: TrainingConfig) -> Iterator[Cluster | None]:
    """Connect to a cluster for as long as the context lasts, if the settings ask for one.

    Raises:
        What `Cluster` raises.
    """
    if settings.engine != "ray":
        yield None
        return
    cluster = Cluster(settings)
    try:
        yield cluster
    finally:
        cluster.close()


class RemoteRounds:
    """Rounds of workers on a cluster; the driver has the tables only between runs."""

    _handed_out = 0

    def __init__(
        self, runner: Threads, cluster: Cluster, output: OutputLayer, parameters: Parameters
    ) -> None:
        """Hand out an output layer and tables to the workers of a cluster.

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
            ResourceError: a worker died, and does not come back.
        """
        self._runner.paused = False
        while True:
            try:
                if self._moment is None:
                    self._hand_out(some.epoch, first, tick)
                at = self._run(some, losses, first, last, tick)
                self._fetch(tick)
                return at
            except self._cluster.lost:
                # Nobody has tables of now: again from where the driver has them.
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
                except self._cluster.lost:
                    self._recover(after, tick)
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
        workers = self._cluster.workers
        turns = [Turn(some.epoch, np.empty(0, np.int64), [0.0]) for _ in workers]
        for share in shares:
            at = share.positions
            rates = some.rates[at.start : at.stop + 1]
            turns[share.worker] = Turn(some.epoch, some.order[at.start : at.stop], rates)
        returns = 1 + len(workers)
        trained = [
            worker.train.options(num_returns=returns).remote(turn)
            for worker, turn in zip(workers, turns, strict=True)
        ]
        combined = [
            worker.combine.remote(*(one[1 + number] for one in trained))
            for number, worker in enumerate(workers)
        ]
        found = self._cluster.wait([one[0] for one in trained], tick)
        for share in shares:
            losses[share.positions.start : share.positions.stop] = found[share.worker]
        # Only now: what is taken over cannot be done again.
        self._cluster.wait([worker.take.remote(after, *combined) for worker in workers], tick)
        self._moment = after

    def _recover(self, after: Moment, tick: Tick) -> None:
        """Give workers that died the tables of others: those after the round, if there are some.

        Raises:
            RayActorError: nobody has any.
        """
        cluster = self._cluster
        while True:
            at = [cluster.answer(worker, "at", tick) for worker in cluster.workers]
            moment = after if after in at else self._moment
            if moment not in at:
                raise cluster.lost[0]
            behind = [number for number, own in enumerate(at) if own != moment]
            try:
                tables = cluster.workers[at.index(moment)].parameters.remote()
                cluster.begin(behind, self._output, tables, moment, tick)
            except cluster.lost:
                # Another one died meanwhile.
                continue
            self._moment = moment
            return

    def _fetch(self, tick: Tick) -> None:
        """Take the tables of a worker."""
        (tables,) = self._cluster.wait([self._cluster.workers[0].parameters.remote()], tick)
        for name, array in self._parameters.items():
            array[:] = tables[name]
