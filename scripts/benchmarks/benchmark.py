"""What a benchmark is to `scripts/bench`: its options, how it is measured, how it is shown."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pages import Pages
from benchmarks.records import Record

Option = tuple[str, Mapping[str, Any]]


def option(name: str, default: Any = None, **settings: Any) -> Option:
    """Return an option with what argparse is told of it; its type is that of its default."""
    first = default[0] if isinstance(default, list) and default else default
    kind = {} if isinstance(first, bool | list | None) else {"type": type(first)}
    many = {"nargs": "+"} if isinstance(default, list) else {}
    return name, {"default": default, **kind, **many, **settings}


CORPUS: Option = ("corpus", {"help": "a text, a sentence a line, words apart"})
ROUNDS = option("--rounds", 3, help="how often each is measured, in turn (3)")
THREADS = option("--threads", 2, help="threads of every training (2)")
SEED = option("--seed", 1, help="of what is made up (1)")
PAIRS = option("--pairs", [], metavar="FILE", help="rated word pairs")
ANALOGIES = option("--analogies", [], metavar="FILE", help="analogies")


Render = Callable[[Record, Pages], str]
"""Returns the content of a block, below its heading."""


@dataclass(frozen=True)
class Benchmark:
    """Something that can be measured, recorded, and shown in pages."""

    name: str
    about: str
    measure: Callable[[Namespace, Record], None]
    render: Render
    """Of the block that is named as the file of the record."""
    options: tuple[Option, ...]
    setting: tuple[str, ...]
    """The options that all figures of a record have in common."""
    distributions: tuple[str, ...] = ("hsw2v", "numpy", "numba")
    more: Mapping[str, Render] = field(default_factory=dict)
    """Of other blocks, by name, where the file of the record has the name of the benchmark."""

    def blocks(self, path: Path) -> dict[str, Render]:
        """Return what renders the blocks of a record in a file, by name."""
        return {path.stem: self.render, **(self.more if path.stem == self.name else {})}
