"""One training of hsw2v, as its process and its log tell it."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measurement, measure
from benchmarks.programs import Job, hsw2v_command

MEGABYTE = 1_000_000

Log = dict[str, dict[str, Any]]
"""The last line of each type."""


@dataclasses.dataclass(frozen=True)
class Trained:
    """A training that is over, while its model is there."""

    measured: Measurement
    log: Log
    model: str
    """The file that it saved."""


@contextmanager
def trained(job: Job, *more: str) -> Iterator[Trained]:
    """Train, and keep the model until the end of the context, wherever the job would save it."""
    with tempfile.TemporaryDirectory() as folder:
        log, model = f"{folder}/log.json", f"{folder}/model.safetensors"
        wanted = dataclasses.replace(job, output=model)
        measured = measure(hsw2v_command(wanted, *more, "--log-json", log))
        yield Trained(measured, read_log(log), model)


def read_log(path: str) -> Log:
    """Return the last line of each type in a log."""
    lines = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return {line["type"]: line for line in lines}


def first_megabyte(corpus: str, folder: str) -> str:
    """Write the beginning of a text to a file of its own; return its path."""
    small = Path(folder, f"first MB of {Path(corpus).name}")
    with open(corpus, "rb") as file:
        small.write_bytes(file.read(MEGABYTE))
    return str(small)
