"""Trainings on a Ray cluster of two nodes, of which workers, nodes and the driver are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from killing import EVERY, digest

import hsw2v
from hsw2v.training.output import folder_of

VICTIMS = ("worker", "node", "driver")
PROCESSORS = 2
"""Of a node; a training has as many workers, so that one node alone can go on."""
STARTING = 8.0
"""Seconds that a driver may take to have its workers started."""


def workers() -> list[int]:
    """Return the processes of all workers on this machine."""
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                line = (path / "cmdline").read_bytes()
            except OSError:
                continue
            if line.startswith(b"ray::Hsw2vWorker"):
                found.append(int(path.name))
    return found


def survive(
    source: str,
    settings: list[dict[str, Any]],
    folder: Path,
    *,
    kills: int,
    seed: int,
    tell: Callable[[str], None],
) -> tuple[Counter[str], int, int]:
    """Kill something at random moments, so many times in all, of trainings with these settings.

    Returns how many of each were killed, the trainings, and those of them that came to another
    model than on this machine alone.
    """
    from ray.cluster_utils import Cluster

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    rng = random.Random(seed)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": PROCESSORS})
    node = cluster.add_node(num_cpus=PROCESSORS)
    killed: Counter[str] = Counter()
    child: subprocess.Popen[bytes] | None = None
    trainings = different = 0
    try:
        while killed.total() < kills:
            some = settings[trainings % len(settings)]
            path = folder / "m.safetensors"
            begun = time.monotonic()
            alone = {"engine": "local", "workers": PROCESSORS, "threads": 1}
            expected = digest(hsw2v.train(source, **{**some, **alone}))
            seconds = max(1.0, time.monotonic() - begun)
            child = _begin(source, some, path, cluster.address)
            while child.poll() is None:
                # Some come while it starts, most while it trains.
                time.sleep(rng.uniform(2.0, STARTING + seconds))
                if child.poll() is not None:
                    break
                victim = rng.choice(VICTIMS)
                if victim == "worker" and (alive := workers()):
                    os.kill(rng.choice(alive), signal.SIGKILL)
                elif victim == "node":
                    cluster.remove_node(node, allow_graceful=False)
                    node = cluster.add_node(num_cpus=PROCESSORS)
                elif victim == "driver":
                    child.kill()
                    child.wait()
                    if not path.exists():
                        child = _begin(source, some, path, cluster.address)
                else:
                    continue
                killed[victim] += 1
                if killed.total() > 20 * kills:
                    raise AssertionError("trainings do not get on")
            if not path.exists():
                raise AssertionError("the training failed")
            trainings += 1
            different += digest(hsw2v.load(path)) != expected
            # What a driver leaves that is killed when all but tidying up was done.
            left = {one.name for one in folder.iterdir()} - {path.name}
            if left - {folder_of(path).name, f".{path.name}.lock"}:
                raise AssertionError(f"files are left behind: {left}")
            path.unlink()
            tell(f"{dict(killed)} killed, {trainings} trainings, {different} different")
        deadline = time.monotonic() + 30
        while workers() and time.monotonic() < deadline:
            time.sleep(0.2)
        if left_over := workers():
            raise AssertionError(f"workers are left: {left_over}")
    finally:
        if child is not None and child.poll() is None:
            child.kill()
        cluster.shutdown()
    return killed, trainings, different


def _begin(
    source: str, settings: dict[str, Any], path: Path, address: str
) -> subprocess.Popen[bytes]:
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "hsw2v", "train", source, "-o", str(path), "--resume"),
            *("--engine", "ray", "--ray-address", address, "--workers", str(PROCESSORS)),
            *("--checkpoint-every", str(EVERY), "--threads", "1", "--quiet", *options),
        ]
    )
