"""Tables as Parquet, row group by row group; with `parquet.py` the door to pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from hsw2v.corpus.columns import pyarrow_for
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.files import atomic_write


def write_parquet(
    path: str,
    tables: Iterable[Mapping[str, Any]],
    *,
    words: Mapping[str, Vocabulary] | None = None,
    force: bool = False,
) -> None:
    """Write tables, each a row group: columns by name, of numbers (n,), vectors (n, D), or a list.

    A list holds strings or records. Those that are named in `words` are rows of a vocabulary, and
    are written as its words.

    Raises:
        UsageError: pyarrow is not installed.
        OutputExistsError, OutputError, DiskFullError
    """
    parquet = pyarrow_for("parquet", path)
    import pyarrow

    spelled = {name: _strings(one) for name, one in (words or {}).items()}

    def columns(table: Mapping[str, Any]) -> Any:
        found = {
            name: spelled[name].take(pyarrow.array(one)) if name in spelled else _column(one)
            for name, one in table.items()
        }
        return pyarrow.table(found)

    writer = None
    with atomic_write(path, force=force) as stream:
        try:
            for table in map(columns, tables):
                if writer is None:
                    writer = parquet.ParquetWriter(stream, table.schema, compression="zstd")
                writer.write_table(table, row_group_size=max(1, len(table)))
        finally:
            # Also where something went wrong: it would close itself later, when the stream is gone.
            if writer is not None:
                writer.close()


def _column(values: NDArray[Any] | list[Any]) -> Any:
    import pyarrow

    if isinstance(values, list) or values.ndim == 1:
        return pyarrow.array(values)
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.ravel()), values.shape[1])


def _strings(vocabulary: Vocabulary) -> Any:
    import pyarrow

    buffers = (pyarrow.py_buffer(one) for one in (vocabulary.offsets, vocabulary.blob))
    return pyarrow.LargeStringArray.from_buffers(len(vocabulary), *buffers).cast(pyarrow.string())
