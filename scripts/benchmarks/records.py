"""Figures as files: kept as they come, so that a benchmark goes on where it was stopped."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import tell

Fields = dict[str, Any]
_INNERMOST = re.compile(r"[\[{][^\[\]{}]*[\]}]")


@dataclass
class Record:
    """The figures of a benchmark, where and how they were measured, and the file they are in."""

    path: Path
    benchmark: str
    machine: str
    versions: str
    command: str
    setting: Fields
    """What all runs have in common."""
    runs: list[Fields]
    """What was run, and what came of it."""

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record from a file."""
        return cls(path, **json.loads(path.read_text(encoding="utf-8")))

    def go_on(self) -> None:
        """Take the runs that the file has, if it is there.

        Raises:
            SystemExit: they are of another machine, version or setting.
        """
        if not self.path.exists():
            return
        known = Record.load(self.path)
        theirs, ours = (
            {"benchmark": one.benchmark, "machine": one.machine, "versions": one.versions}
            | one.setting
            for one in (known, self)
        )
        if differing := [name for name in ours if theirs.get(name) != ours[name]]:
            sys.exit(
                f"{self.path}: was measured with other {', '.join(differing)}; "
                "remove the file, or name another one with --record"
            )
        self.runs = known.runs

    def select(self, **wanted: Any) -> list[Fields]:
        """Return the runs that have these fields."""
        return [run for run in self.runs if wanted.items() <= run.items()]

    def groups(self, *names: str, **wanted: Any) -> dict[Any, list[Fields]]:
        """Return the runs with these fields by the values of others, in order of appearance.

        The keys are tuples, or values where there is one name.
        """
        found: dict[Any, list[Fields]] = {}
        for run in self.select(**wanted):
            key = tuple(run[name] for name in names)
            found.setdefault(key if len(names) > 1 else key[0], []).append(run)
        return found

    def values(self, name: str) -> list[Any]:
        """Return what a field is in the runs, each value once, in order of appearance."""
        return list(self.groups(name))

    def missing(self, keys: Iterable[Fields]) -> list[Fields]:
        """Return those runs that are not known."""
        return [key for key in keys if not self.select(**key)]

    def measure(
        self, keys: Iterable[Fields], work: Callable[[Fields], Fields | None], jobs: int = 1
    ) -> None:
        """Do the runs that are not known, `jobs` of them at a time; None is nothing to keep."""
        keys = self.missing(keys)
        with ThreadPoolExecutor(jobs) as pool:
            # One job has this thread: nothing is written while it is measured.
            found = map(work, keys) if jobs == 1 else pool.map(work, keys)
            for key, figures in zip(keys, found, strict=True):
                if figures is not None:
                    tell(_listed(key | figures))
                    self.put(key, figures)

    def put(self, key: Fields, figures: Fields) -> None:
        """Keep a run, in place of what is known of it."""
        others = [run for run in self.runs if not key.items() <= run.items()]
        self.runs = [*others, key | figures]
        content = {name: one for name, one in vars(self).items() if name != "path"}
        text = json.dumps(content, indent=1, ensure_ascii=False)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(_INNERMOST.sub(_on_a_line, text) + "\n", encoding="utf-8")


def _on_a_line(found: re.Match[str]) -> str:
    inside = " ".join(line.strip() for line in found[0][1:-1].splitlines())
    return f"{found[0][0]}{inside.strip()}{found[0][-1]}"


def _listed(run: Fields) -> str:
    plain = {name: one for name, one in run.items() if not isinstance(one, dict | list)}
    return ", ".join(f"{name} {rounded(one)}" for name, one in plain.items())


def rounds(number: int, **variants: Sequence[Any]) -> list[Fields]:
    """Return the runs of some rounds: every combination of the variants in each of them.

    Within a round variants take turns, so that what else the machine does falls on all of them.
    """
    keys: list[Fields] = [{}]
    for name, values in {"round": range(1, number + 1), **variants}.items():
        keys = [key | {name: value} for key in keys for value in values]
    return keys


def rounded(value: Any, digits: int = 4) -> Any:
    """Return a number with a number of significant digits, and all else as it is."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value
