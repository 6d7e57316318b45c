"""Where the tables are that training changes."""

from __future__ import annotations

from hsw2v.errors import UsageError

MEMORY = "memory"
MAPPED = "mapped:"


def mapped(folder: str) -> str:
    """Return the setting of tables in files in a folder."""
    return MAPPED + folder


def folder_of_tables(tables: str) -> str | None:
    """Return DIR of "mapped:DIR"; None for "memory".

    Raises:
        UsageError: it is written otherwise.
    """
    folder = tables.removeprefix(MAPPED)
    if tables == MEMORY:
        return None
    if not folder or folder == tables or "\0" in folder:
        raise UsageError(
            f"tables is {tables[:100]!r}", hint="it must be memory or mapped:DIR, DIR a folder"
        )
    return folder
