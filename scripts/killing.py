"""Trainings that are killed at random moments, and go on from their checkpoints."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hsw2v
from hsw2v.training import checkpoint
from hsw2v.training.output import folder_of

EVERY = 0.0005
"""Minutes between checkpoints."""


@dataclass
class Survived:
    """What came of killing."""

    kills: int = 0
    with_checkpoint: int = 0
    """Kills of trainings that a checkpoint was there of."""
    trainings: int = 0
    """Trainings that were complete in the end."""
    different: int = 0
    """Of these, models that are not those of the uninterrupted training, to the bit."""


def digest(model: hsw2v.Model) -> tuple[bytes, bytes, bytes]:
    """Return all that was trained."""
    output, norm = model.output, model.batch_norm
    assert output is not None
    return model.vectors.tobytes(), output.tobytes(), b"" if norm is None else norm.tobytes()


def survive(
    source: Any,
    settings: list[dict[str, Any]],
    folder: Path,
    *,
    kills: int,
    seed: int,
    tell: Callable[[str], None] = lambda line: None,
) -> Survived:
    """Kill trainings with each of these settings in turn, by SIGKILL, so many times in all.

    Each is begun as `hsw2v train --resume` until it is complete. One thread is used, if nothing
    else is said, so that the model must be the one of the uninterrupted training.
    """
    rng = random.Random(seed)
    found = Survived()
    while found.kills < kills:
        for some in settings:
            begun = time.perf_counter()
            expected = digest(hsw2v.train(source, **{"threads": 1} | some))
            seconds = time.perf_counter() - begun
            path = folder / f"{found.trainings}.safetensors"
            while not _train_or_die(source, some, path, rng.uniform(0.0, 1.2 * seconds)):
                found.kills += 1
                if found.kills > 10 * kills:
                    raise AssertionError("trainings do not get on")
                found.with_checkpoint += checkpoint.is_checkpoint(folder_of(path))
            found.trainings += 1
            found.different += digest(hsw2v.load(path)) != expected
            left = [one.name for one in folder.iterdir() if one != path]
            if left:
                raise AssertionError(f"files are left behind: {left}")
            path.unlink()
            tell(f"{found.kills} kills, {found.trainings} trainings, {found.different} different")
            if found.kills >= kills:
                break
    return found


def _train_or_die(source: Any, settings: dict[str, Any], path: Path, seconds: float) -> bool:
    """Train in a process of its own that is killed after some seconds; tell whether it lived."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            hsw2v.train(
                source,
                output=path,
                resumed=True,
                checkpoint_every=EVERY,
                **{"threads": 1} | settings,
            )
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            break
        time.sleep(0.002)
    else:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if path.exists():
            # Killed when all but tidying up was done.
            checkpoint.remove(folder_of(path))
            path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
        return path.exists()
    if not path.exists():
        print("the training failed", file=sys.stderr)
        raise AssertionError("the training failed")
    return True
