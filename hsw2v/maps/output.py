"""A map as files, each in the format that its extension says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import PurePath
from typing import Any

from hsw2v.errors import UsageError, missing_extra
from hsw2v.files import check_writable
from hsw2v.maps.wordmap import Path, WordMap
from hsw2v.plots import check_installed as check_matplotlib

Write = Callable[..., list[str]]

_WRITERS = {
    ".html": ("hsw2v.maps.page", "write_page", "bokeh", "map"),
    ".png": ("hsw2v.maps.plate", "write_plate", "matplotlib", "plot"),
    ".svg": ("hsw2v.maps.plate", "write_plate", "matplotlib", "plot"),
    ".csv": ("hsw2v.maps.tables", "write_csv", "", ""),
    ".jsonl": ("hsw2v.maps.tables", "write_jsonl", "", ""),
    ".parquet": ("hsw2v.maps.tables", "write_parquet", "pyarrow", "parquet"),
    ".tsv": ("hsw2v.maps.tables", "write_projector", "", ""),
}
"""By extension where it is written, what library that takes, and the extra that brings it."""


def check_outputs(paths: Iterable[Path], *, force: bool = False) -> None:
    """Make sure, before any work, that a map can be written to these files.

    Raises:
        UsageError: an extension is unknown, a file is named twice, or a library is not installed.
        OutputExistsError, OutputError: as `check_writable`.
    """
    files: list[str] = []
    for path in [os.fspath(one) for one in paths]:
        library, extra = _writer(path)[2:]
        if library:
            _check_installed(path, library, extra)
        files += files_of(path)
    for file in files:
        if files.count(file) > 1:
            raise UsageError("is named twice", where=file, hint="name another")
        check_writable(file, force=force)


def check_words(words: Sequence[str], paths: Iterable[Path]) -> None:
    """Make sure, before any work, that these words can be written to these files.

    Raises:
        UsageError: a word has a tab or an end of line in it, and a file is for the projector, whose
            format has no escape for them.
    """
    for path in [os.fspath(one) for one in paths]:
        if _extension(path) != ".tsv":
            continue
        for word in words:
            if any(one in word for one in "\t\n\r"):
                raise UsageError(
                    f"the word {word!r} does not fit into a file of tab-separated values",
                    where=path,
                    hint="write .csv, .jsonl or .parquet",
                )


def files_of(path: str) -> list[str]:
    """Return the files that a map is written to under a name."""
    return [path, metadata_of(path)] if _extension(path) == ".tsv" else [path]


def metadata_of(path: str) -> str:
    """Return the name of the file of words beside that of positions."""
    return path[: -len(".tsv")] + ".metadata.tsv"


def write_map(found: WordMap, path: str, *, force: bool = False) -> list[str]:
    """Write a map to a file, and return the files written."""
    module, name, *_ = _writer(path)
    write: Any = getattr(import_module(module), name)
    write(found, path, force=force)
    return files_of(path)


def _extension(path: str) -> str:
    return PurePath(path).suffix.lower()


def _writer(path: str) -> tuple[str, str, str, str]:
    found = _WRITERS.get(_extension(path))
    if found is None:
        raise UsageError(
            "the extension is not that of a map",
            where=path,
            hint="let it be one of " + ", ".join(_WRITERS),
        )
    return found


def _check_installed(path: str, library: str, extra: str) -> None:
    if library == "matplotlib":
        check_matplotlib(path)
        return
    try:
        import_module(library)
    except ImportError as error:
        raise missing_extra(f"it needs {library}", extra, error, where=path) from error
