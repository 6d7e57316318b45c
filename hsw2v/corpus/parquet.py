"""The text of a column of a Parquet file, row group by row group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, BinaryIO

from hsw2v.corpus.columns import BATCH, MOST_ROWS, Column, explained, pyarrow_for
from hsw2v.corpus.values import Values

_BUFFER = 1 << 20
_NO_PARQUET = "no Parquet file"


class ParquetColumn:
    """A column of a Parquet file, read row group by row group."""

    def __init__(
        self,
        stream: BinaryIO,
        source: str,
        field: str,
        begin: int = 0,
        end: int | None = None,
        *,
        strict: bool = True,
    ) -> None:
        """Open a stream that can seek, for the row groups that begin from `begin` to `end`.

        Raises:
            CorruptInputError: it is no Parquet file, or has no such column of text.
            UsageError: pyarrow is not installed.
        """
        parquet = pyarrow_for("parquet", source)
        self._source, self._begin = source, begin
        with explained(source, _NO_PARQUET):
            self._file = parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
            self._end = stream.seek(0, os.SEEK_END) if end is None else end
            self._column = Column(self._file.schema_arrow, field, source, strict=strict)
        self.position = begin
        """Bytes of the file that are passed."""

    def values(self) -> Iterator[Values]:
        """Yield the values, some at a time."""
        with explained(self._source, _NO_PARQUET):
            metadata = self._file.metadata
            groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
            rows = accumulate((group.num_rows for group in groups), initial=1)
            for number, (group, first) in enumerate(zip(groups, rows, strict=False)):
                if self._begin <= _start(group) < self._end:
                    self.position = _start(group)
                    yield from self._of_group(number, group, first)
        self.position = self._end

    def _of_group(self, number: int, group: Any, first: int) -> Iterator[Values]:
        name = self._column.name
        columns = [group.column(one) for one in range(group.num_columns)]
        sizes = [
            one.total_uncompressed_size
            for one in columns
            if f"{one.path_in_schema}.".startswith(f"{name}.")
        ]
        rows = BATCH * group.num_rows // max(1, sum(sizes))
        for batch in self._file.iter_batches(
            max(1, min(rows, MOST_ROWS)), row_groups=[number], columns=[name], use_threads=False
        ):
            yield self._column.values(batch, first)
            first += batch.num_rows


def _start(group: Any) -> int:
    column = group.column(0)
    places = (column.dictionary_page_offset, column.data_page_offset)
    return int(min(one for one in places if one))
