"""The text of a column of a Parquet file: the only door to pyarrow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, BinaryIO

from hsw2v.corpus.formats import listed
from hsw2v.corpus.values import Place, Values
from hsw2v.errors import CorruptInputError, Hsw2vError, missing_extra
from hsw2v.files import explain_read_error, is_address

BATCH = 1 << 19
"""Bytes of text at a time, about."""
_MOST_ROWS = 1 << 12
_BUFFER = 1 << 20


class ColumnValues:
    """Values of a column, as bytes that are UTF-8 or should be."""

    def __init__(self, array: Any, first: int, *, strict: bool) -> None:
        """Take an array, of which the first value is in a row, counted from 1."""
        self._array, self._strict = array, strict
        self.place: Place = lambda number: f"row {first + number}"

    def text(self) -> bytes:
        """Return all of them as one text, joined without a Python object for each."""
        from pyarrow import LargeListArray, compute, scalar, types

        nested = types.is_list(self._array.type) or types.is_large_list(self._array.type)
        if nested or self._array.null_count:
            raise TypeError("values are to be read one by one")
        whole = LargeListArray.from_arrays([0, len(self._array)], self._array)
        text: bytes = compute.binary_join(whole, scalar(b"\n", self._array.type))[0].as_py()
        if self._strict:
            text.decode()
        return text

    def each(self) -> Iterable[object]:
        """Return the values one by one."""
        return map(_decoded, self._array.to_pylist())


def _decoded(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return [_decoded(one) for one in value] if isinstance(value, list) else value


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
        parquet = check_parquet(source)
        self._source, self._begin, self._strict = source, begin, strict
        with _explained(source):
            self._file = parquet.ParquetFile(stream, buffer_size=_BUFFER, pre_buffer=False)
            self._end = stream.seek(0, os.SEEK_END) if end is None else end
            self._path, self._type = _found(self._file.schema_arrow, field, source)
        self.position = begin
        """Bytes of the file that are passed."""

    def values(self) -> Iterator[Values]:
        """Yield the values, some at a time."""
        with _explained(self._source):
            metadata = self._file.metadata
            groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
            rows = accumulate((group.num_rows for group in groups), initial=1)
            for number, (group, first) in enumerate(zip(groups, rows, strict=False)):
                if self._begin <= _start(group) < self._end:
                    self.position = _start(group)
                    yield from self._of_group(number, group, first)
        self.position = self._end

    def _of_group(self, number: int, group: Any, first: int) -> Iterator[Values]:
        name = ".".join(self._path)
        columns = [group.column(one) for one in range(group.num_columns)]
        sizes = [
            one.total_uncompressed_size
            for one in columns
            if f"{one.path_in_schema}.".startswith(f"{name}.")
        ]
        rows = BATCH * group.num_rows // max(1, sum(sizes))
        for batch in self._file.iter_batches(
            max(1, min(rows, _MOST_ROWS)), row_groups=[number], columns=[name], use_threads=False
        ):
            array = self._column_of(batch)
            yield ColumnValues(array, first, strict=self._strict)
            first += len(array)

    def _column_of(self, batch: Any) -> Any:
        from pyarrow import compute, types

        array = batch.column(batch.schema.get_field_index(self._path[0]))
        for name in self._path[1:]:
            array = compute.struct_field(array, name)
        if types.is_dictionary(array.type):
            array = array.dictionary_decode()
        return array.cast(self._type)


def check_parquet(source: str) -> Any:
    """Return the module of pyarrow that reads and writes Parquet.

    Raises:
        UsageError: it is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise missing_extra("Parquet needs pyarrow", "parquet", error, where=source) from error
    return parquet


def _start(group: Any) -> int:
    column = group.column(0)
    places = (column.dictionary_page_offset, column.data_page_offset)
    return int(min(one for one in places if one))


def _found(schema: Any, field: str, source: str) -> tuple[Sequence[str], Any]:
    """Return the path to a field, and the type of its text as bytes.

    Raises:
        CorruptInputError: there is none, or it is no text.
    """
    from pyarrow import types

    def missing(names: Sequence[str]) -> CorruptInputError:
        return CorruptInputError(
            f"there is no column '{field}'", where=source, hint=f"its {listed(names, 'columns')}"
        )

    path = [field] if field in schema.names else field.split(".")
    if schema.names.count(path[0]) != 1:
        raise missing(schema.names)
    kind = schema.field(path[0]).type
    for name in path[1:]:
        if not types.is_struct(kind) or kind.get_field_index(name) < 0:
            inner = [one.name for one in kind] if types.is_struct(kind) else []
            raise missing(inner or schema.names)
        kind = kind.field(name).type
    found = _as_bytes(kind)
    if found is None:
        texts = [one.name for one in schema if _as_bytes(one.type) is not None]
        hint = f"its {listed(texts, 'columns of text')}" if texts else "it has no column of text"
        if types.is_struct(kind):
            hint = f"its {listed([f'{field}.{one.name}' for one in kind])}"
        raise CorruptInputError(
            f"the column '{field}' is {kind}, not text", where=source, hint=hint
        )
    return path, found


def _as_bytes(kind: Any) -> Any:
    """Return the type that has the bytes of one of text, or of lists of text; None for others."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return pyarrow.large_binary()
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind):
        return pyarrow.large_binary()
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _as_bytes(kind.value_type)
        return None if inner is None else pyarrow.large_list(inner)
    return None


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Let errors of pyarrow, and of the stream that it reads, be ours.

    Raises:
        CorruptInputError: the file is damaged, or is none of Parquet.
        MissingInputError: it cannot be read.
    """
    from pyarrow import ArrowException

    try:
        yield
    except (Hsw2vError, MemoryError):
        raise
    except Exception as error:
        cause = None if is_address(source) else error
        # An error of the system has a number, and one of a damaged file has none.
        damaged = isinstance(error, ArrowException) or (type(error) is OSError and not error.errno)
        if not damaged:
            raise explain_read_error(error, source) from cause
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise CorruptInputError(
            f"is no Parquet file, or is damaged ({reason})",
            where=source,
            hint="fetch or write the file again",
        ) from cause
