"""What was measured, as files that can be shown and read again."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

Described = TypeVar("Described", bound=Any)


def save(record: Any, path: str) -> None:
    """Write a dataclass of figures as JSON."""
    Path(path).write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def load(path: str) -> dict[str, Any]:
    """Read what `save` wrote."""
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a dataclass, of which JSON made lists, as tuples again."""
    return {name: tuple(one) if isinstance(one, list) else one for name, one in fields.items()}


def without_folders(described: Described) -> Described:
    """Return a dataclass that has a corpus, pairs and analogies with the names of files alone."""
    return replace(
        described,
        corpus=Path(described.corpus).name,
        pairs=tuple(Path(one).name for one in described.pairs),
        analogies=tuple(Path(one).name for one in described.analogies),
    )
