"""The memory that a training takes beyond its tables, measured in a process of its own."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from benchmarks.processes import measure

from hsw2v.config import Config
from hsw2v.network.parameters import parameter_bytes

COMMON = ("--epochs", "1", "--window", "2", "--tree", "huffman", "--checkpoint-every", "0.05")
"""A checkpoint is written every few seconds: that takes memory, too."""


class Case(NamedTuple):
    """A text and how it is trained on."""

    name: str
    write: Callable[[BinaryIO], object]
    options: tuple[str, ...]


class Held(NamedTuple):
    """What memory a training held, in bytes."""

    types: int
    words: int
    tables: int
    """Word vectors, output vectors and the state of the optimizer."""
    peak: int


def hold(case: Case, folder: Path) -> Held:
    """Train in a process of its own, and return what it held."""
    text, log, model = folder / "text.txt", folder / "log.jsonl", folder / "m.safetensors"
    with open(text, "wb") as stream:
        case.write(stream)
    given = (*COMMON, *case.options, "--log-json", str(log), "--quiet")
    command = ["-m", "hsw2v", "train", str(text), "-o", str(model), *given]
    taken = measure([sys.executable, *command])
    records = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    (ready,) = (one for one in records if one["type"] == "VocabularyReady")
    settings = Config().replace(**records[0]["config"]["training"]).training
    words = ready["words"]
    rows = {"hs": words - 1, "class": words + math.isqrt(words - 1) + 1}.get(settings.loss, words)
    for path in (text, log, model):
        path.unlink()
    tables = parameter_bytes(settings, words, rows).total
    return Held(ready["types"], words, tables, taken.peak_bytes)
