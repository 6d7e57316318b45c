"""Figures as files: kept as they come, so that a benchmark goes on where it was stopped."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.processes import tell

Fields = dict[str, Any]
_INNERMOST = re.compile(r"[\[{][^\[\]{}]*[\]}]")


@dataclass
class Record:
    """The figures of a benchmark, and where and how they were measured."""

    benchmark: str
    machine: str
    versions: str
    command: str
    setting: Fields
    """What all runs have in common."""
    runs: list[Fields] = field(default_factory=list)
    """What was run, and what came of it."""

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record from a file."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

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
        """Return what a field is in some run, each value once, in order of appearance."""
        return list(dict.fromkeys(run[name] for run in self.runs if name in run))


class Recorder:
    """A record that is being measured, and its file."""

    def __init__(self, path: Path, fresh: Record) -> None:
        """Go on with the record in the file, or begin one.

        Raises:
            SystemExit: the file holds figures of another machine, version or setting.
        """
        self.path, self.record = path, fresh
        if path.exists():
            known = Record.load(path)
            differing = _differing(asdict(known), asdict(fresh))
            if differing:
                sys.exit(
                    f"{path}: was measured with other {', '.join(differing)}; "
                    "remove the file, or name another one with --record"
                )
            fresh.runs = known.runs

    def __contains__(self, key: Fields) -> bool:
        return bool(self.record.select(**key))

    def put(self, key: Fields, figures: Fields) -> None:
        """Keep a run, in place of what is known of it."""
        runs, run = self.record.runs, key | figures
        known = next((i for i, one in enumerate(runs) if key.items() <= one.items()), len(runs))
        runs[known : known + 1] = [run]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(_as_json(asdict(self.record)), encoding="utf-8")

    def missing(self, keys: Iterable[Fields]) -> list[Fields]:
        """Return those runs that are not known."""
        return [key for key in keys if key not in self]

    def measure(
        self, keys: Iterable[Fields], work: Callable[[Fields], Fields | None], jobs: int = 1
    ) -> None:
        """Do the runs that are not known, `jobs` of them at a time; None is nothing to keep."""
        for key, figures in _results(self.missing(keys), work, jobs):
            if figures is not None:
                tell(f"{_listed(key)}: {_listed(figures)}")
                self.put(key, figures)


def _results(
    keys: Sequence[Fields], work: Callable[[Fields], Fields | None], jobs: int
) -> Iterator[tuple[Fields, Fields | None]]:
    """Yield runs with what came of them: one by one in order, or as they end."""
    if jobs == 1:
        yield from ((key, work(key)) for key in keys)
        return
    pool = ThreadPoolExecutor(jobs)
    try:
        begun = {pool.submit(work, key): key for key in keys}
        yield from ((begun[done], done.result()) for done in as_completed(begun))
    finally:
        pool.shutdown(cancel_futures=True)


def rounds(number: int, **variants: Sequence[Any]) -> list[Fields]:
    """Return the runs of some rounds: every combination of the variants in each of them.

    Within a round variants take turns, so that what else the machine does falls on all of them.
    """
    keys: list[Fields] = [{}]
    for name, values in {"round": range(1, number + 1), **variants}.items():
        keys = [key | {name: value} for key in keys for value in values]
    return keys


def rounded(value: Any, digits: int = 4) -> Any:
    """Return a number with so many significant digits, and all else as it is."""
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _differing(known: Fields, wanted: Fields) -> list[str]:
    names = ("benchmark", "machine", "versions")
    found = [name for name in names if known[name] != wanted[name]]
    theirs, ours = known["setting"], wanted["setting"]
    return found + [name for name in ours if theirs.get(name) != ours[name]]


def _listed(fields: Fields) -> str:
    shown = {name: one for name, one in fields.items() if not isinstance(one, dict | list)}
    return ", ".join(f"{name} {rounded(one)}" for name, one in shown.items())


def _as_json(found: Fields) -> str:
    """Return JSON with the innermost lists and objects on a line each."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    return _INNERMOST.sub(_on_a_line, text) + "\n"


def _on_a_line(found: re.Match[str]) -> str:
    inside = " ".join(line.strip() for line in found[0][1:-1].splitlines())
    return f"{found[0][0]}{inside.strip()}{found[0][-1]}"
