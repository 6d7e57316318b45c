"""Workers on a Ray cluster: the rounds of `Rounds`, executed by processes on any machines.

The only door to ray. Workers are actors, and what they send each other goes through its object
store: of the tables, only rows that somebody has reached.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig, TrainingConfig
from hsw2v.config.places import mapped
from hsw2v.corpus.encoded import Ids
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import ResourceError, UsageError, missing_extra
from hsw2v.events import Listener, Notice, ignore
from hsw2v.jit import HAS_AVX512
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import Parameters, check_tables
from hsw2v.training.reader import LostError, Reader, Slice
from hsw2v.training.remote import Common, OwnText, RemoteWorker
from hsw2v.training.runner import TICK_SECONDS, no_tick
from hsw2v.training.warmup import WarmUp

LISTENING_SECONDS = 5.0
START_SECONDS = 120.0
"""How long a worker may take to start, and to come back when it died."""
MOST_DEATHS = 8
"""How often workers may die in a round, or before the first of them, until it is an error."""

Tick = Callable[[], None]
Moment = tuple[int, int, int]
"""How often tables were handed out, an epoch, and a position in it."""


class Hsw2vWorker(RemoteWorker):
    """A worker as Ray executes it: in a process of its own."""

    def __init__(self, workers: int) -> None:
        """Be one of so many."""
        super().__init__(workers)
        self._reader = Reader()
        self._warm_up: WarmUp | None = None

    def reader(self, question: str, *given: Any) -> Any:
        """Return what its reader answers."""
        answer = getattr(self._reader, question)(*given)
        if question == "read" and self._warm_up is not None:
            # Beside the reading, for which all is compiled by now.
            self._warm_up.begin()
        return answer

    def begin(self, output: OutputLayer, parameters: Parameters, at: Any) -> None:
        """Take over tables, when what trains on them is compiled."""
        if self._warm_up is not None:
            self._warm_up.wait()
        super().begin(output, parameters, at)

    def own_slices(
        self,
        common: Common,
        config: CorpusConfig,
        spared: Collection[str],
        vocabulary: Vocabulary,
        slices: list[Slice],
        own: int | None,
        borders: NDArray[np.int64],
        first_block: int,
        *sent: Ids,
    ) -> None:
        """Own the text that slices make, which `Reader.gather` brings together.

        `borders (K+1,)` are those of its blocks, and `first_block` is the number of the first.
        """
        stored = self._reader.gather(config, vocabulary, slices, own, sent, spared)
        ids = np.empty(0, np.int32) if stored is None else stored.ids
        self.own(common, OwnText(ids, borders, first_block))

    def versions(self, settings: TrainingConfig) -> dict[str, str]:
        """Return what its bits depend on, before a training with these settings.

        Raises:
            OutputError, DiskFullError: tables cannot be where the settings say, on this machine.
        """
        check_tables(settings)
        self._warm_up = WarmUp(dataclasses.replace(settings, deterministic=True, engine="local"))
        return _versions()


class Cluster:
    """A connection to a Ray cluster, and the workers of a training there."""

    def __init__(self, settings: TrainingConfig, listener: Listener = ignore) -> None:
        """Connect to the cluster that the settings or RAY_ADDRESS name, or start one here.

        And start the workers.

        Raises:
            UsageError: Ray is not installed, there is no cluster at the address, or a machine of it
                has other versions, or no hsw2v.
            ResourceError: the cluster has too few processors, or a worker does not start.
        """
        try:
            import ray
        except ImportError as error:
            raise missing_extra("engine ray needs Ray", "ray", error) from error
        self._ray: Any = ray
        # Folders as they mean the same where a worker runs.
        if (folder := settings.tables_folder) is not None:
            settings = dataclasses.replace(settings, tables=mapped(os.path.abspath(folder)))
        self.settings, self._listener = settings, listener
        self.workers: list[Any] = []
        self.texts: list[Callable[[Any], Any]] = []
        """How each worker is asked to own its text."""
        self._deaths = 0
        self.longest = 0.0
        """Seconds that workers may be busy with what they were asked for."""
        # What nobody asks for after an error is no error of its own.
        os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
        self._own = not ray.is_initialized()
        try:
            if self._own:
                with _signals_kept(), _arguments_hidden():
                    _connect(ray, settings)
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        ray, settings = self._ray, self.settings
        threads = settings.worker_threads
        nodes = [one for one in ray.nodes() if one["Alive"]]
        room = sum(int(one["Resources"].get("CPU", 0)) // threads for one in nodes)
        if room < settings.workers:
            have = int(ray.cluster_resources().get("CPU", 0))
            each = "one" if threads == 1 else str(threads)
            raise ResourceError(
                f"the Ray cluster has {have} processors, and {settings.workers} workers need "
                f"{each} each",
                hint="lower --workers or --worker-threads, or add machines to the cluster",
            )
        # Restarted as often as they die; what they were doing is asked for again here.
        as_actor = ray.remote(num_cpus=threads, max_restarts=-1, scheduling_strategy="SPREAD")
        actor, count = as_actor(Hsw2vWorker), settings.workers
        self.workers = [actor.remote(count) for _ in range(count)]
        own = _versions()
        for worker in self.workers:
            found = self.answer(worker, "versions", given=(settings,))
            for name, version in own.items():
                if found[name] != version:
                    raise UsageError(
                        f"a machine of the Ray cluster has {name} {found[name]}, and this one "
                        f"{version}",
                        hint="use the same on all of them",
                    )

    def begin(
        self, chosen: Iterable[int], output: Any, tables: Any, moment: Moment, tick: Tick
    ) -> None:
        """Let some workers take over an output layer and tables, which are objects in the store."""
        begun = []
        for number in chosen:
            worker = self.workers[number]
            if not self.answer(worker, "has_text", tick):
                begun.append(self.texts[number](worker))
            begun.append(worker.begin.remote(output, tables, moment))
        self.wait(begun, tick)

    def answer(
        self, worker: Any, question: str, tick: Tick = no_tick, given: tuple[Any, ...] = ()
    ) -> Any:
        """Return what a worker answers, once it is there.

        Raises:
            ResourceError: it does not start, or does not come back from where it died.
            UsageError: it cannot be started on its machine.
            And what the worker raises.
        """
        ray, begun = self._ray, time.monotonic()
        late = ResourceError(
            f"a worker does not answer in {START_SECONDS:.0f} seconds",
            hint="see whether processors of the Ray cluster are free, and what its logs say",
        )
        while True:
            asked = getattr(worker, question).remote(*given)
            while not ray.wait([asked], timeout=TICK_SECONDS)[0]:
                tick()
                if time.monotonic() - begun > START_SECONDS + self.longest:
                    raise late
            try:
                return self._get([asked])[0]
            except ray.exceptions.RayActorError as error:
                if getattr(error, "actor_init_failed", False):
                    raise UsageError(
                        f"a worker cannot be started on a machine of the Ray cluster "
                        f"({_first_line(error)})",
                        hint="install the same hsw2v on all of them",
                    ) from error
                if time.monotonic() - begun > START_SECONDS:
                    raise late from error
                time.sleep(TICK_SECONDS)
                tick()

    def wait(self, asked: Sequence[Any], tick: Tick) -> list[Any]:
        """Return what was asked of workers; meanwhile `tick()` is called.

        Raises:
            What `lost` has: a worker died, or an object is gone.
            ResourceError: Ray fails otherwise.
            And what the workers raise.
        """
        ray, left = self._ray, list(asked)
        while left:
            _, left = ray.wait(left, num_returns=len(left), timeout=TICK_SECONDS)
            tick()
        return self._get(asked)

    def _get(self, asked: Sequence[Any]) -> list[Any]:
        ray = self._ray
        try:
            found: list[Any] = ray.get(list(asked))
        except ray.exceptions.RayTaskError as error:
            # Another worker's death comes as the cause, too.
            raise error.cause if isinstance(error.cause, Exception) else error from error
        except self.lost:
            raise
        except ray.exceptions.RayError as error:
            raise self._failure(error) from error
        return found

    def died(self, error: Exception) -> None:
        """Count a death, after which what was asked for is asked for again.

        Raises:
            ResourceError: there were too many since the last `alive`.
        """
        self._deaths += 1
        if self._deaths > MOST_DEATHS:
            raise ResourceError(
                f"workers die again and again ({_first_line(error)})",
                hint="see how much memory their machines have, and what the logs of Ray say",
            ) from error
        self._listener(Notice("a worker was lost; what it was doing is done again"))

    def alive(self) -> None:
        """Forget the deaths: there was progress."""
        self._deaths = 0

    def put(self, what: Any) -> Any:
        """Put something in the object store.

        Raises:
            ResourceError: there is no room.
        """
        try:
            return self._ray.put(what)
        except self._ray.exceptions.RayError as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> ResourceError:
        return ResourceError(
            f"Ray fails: {_first_line(error)}",
            hint="give its machines more memory, or lower --workers",
        )

    @property
    def lost(self) -> tuple[type[Exception], ...]:
        """The errors that tell that a worker, or what it made, is gone."""
        names = (
            *("RayActorError", "ObjectLostError", "WorkerCrashedError", "OutOfMemoryError"),
            *("NodeDiedError", "LocalRayletDiedError"),
        )
        known = (getattr(self._ray.exceptions, name, None) for name in names)
        return (LostError, *(one for one in known if one is not None))

    def close(self) -> None:
        """Let the workers go, and the cluster if it was started for them."""
        for worker in self.workers:
            with suppress(Exception):
                self._ray.kill(worker)
        self.workers = []
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
            count = max(settings.workers * settings.worker_threads, os.cpu_count() or 1)
            # Nobody else is to reach it.
            here = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
            ray.init(address="local", num_cpus=count, **here, **quiet)
    except (OSError, ValueError, RuntimeError, ImportError, ray.exceptions.RayError) as error:
        where = f"at {address}" if address else "here"
        raise UsageError(
            f"there is no Ray cluster {where} to work with ({_first_line(error)})",
            hint="name one with --ray-address (RAY_AUTH_MODE=token, if it asks for a token), or "
            "leave that out and unset RAY_ADDRESS to start one here",
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


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Leave signals to those who have them: Ray takes SIGTERM for itself."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _arguments_hidden() -> Iterator[None]:
    """Let Ray, which keeps the command line, know nothing of it: texts have names and addresses."""
    before = sys.argv
    sys.argv = ["hsw2v"]
    try:
        yield
    finally:
        sys.argv = before


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else type(error).__name__


def _versions() -> dict[str, str]:
    found = {name: metadata.version(name) for name in ("hsw2v", "numpy", "numba")}
    return {**found, "vector code": "AVX-512" if HAS_AVX512 else "other"}


@contextmanager
def connected(settings: TrainingConfig, listener: Listener = ignore) -> Iterator[Cluster | None]:
    """Connect to a cluster for as long as the context lasts, if the settings ask for one.

    Raises:
        What `Cluster` raises.
    """
    if settings.engine != "ray":
        yield None
        return
    cluster = Cluster(settings, listener)
    try:
        yield cluster
    finally:
        cluster.close()
