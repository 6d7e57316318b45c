"""Columns written as a Parquet file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from hsw2v.files import atomic_write


def write_columns(
    path: str | os.PathLike[str], columns: Mapping[str, Any], *, force: bool = False
) -> None:
    """Write columns, lists or arrays of one length by their names, as a Parquet file.

    Raises:
        OutputExistsError, OutputError, DiskFullError
    """
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({name: pyarrow.array(column) for name, column in columns.items()})
    with atomic_write(path, force=force) as stream:
        parquet.write_table(table, stream)
