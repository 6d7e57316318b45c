"""Columns of text of tables as pyarrow has them: those of Parquet and Arrow files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from hsw2v.corpus.formats import listed
from hsw2v.corpus.jsonlines import picked
from hsw2v.corpus.values import Place, Values
from hsw2v.errors import CorruptInputError, Hsw2vError, ResourceError, missing_extra
from hsw2v.files import explain_read_error, is_address

BATCH = 1 << 19
"""Bytes of text at a time, about."""
MOST_ROWS = 1 << 12
"""Rows at a time, at most."""
WITH_PYARROW = {"parquet": ("Parquet", "pyarrow.parquet"), "arrow": ("Arrow", "pyarrow.ipc")}
"""The names of formats, and what reads them."""


def pyarrow_for(format: str, source: str) -> Any:
    """Return the module of pyarrow for a format, `parquet` or `arrow`, of a file.

    Raises:
        UsageError: it is not installed.
    """
    name, module = WITH_PYARROW[format]
    try:
        return import_module(module)
    except ImportError as error:
        raise missing_extra(f"{name} needs pyarrow", "parquet", error, where=source) from error


class Column:
    """A column of text of a table, or a field of one: where it is, and its values."""

    def __init__(self, schema: Any, field: str, source: str, *, strict: bool) -> None:
        """Find a field by the schema of a table.

        Raises:
            CorruptInputError: there is none, or it is no text.
        """
        self._path, self._type, self._within_lists = _found(schema, field, source)
        self.number: int = schema.get_field_index(self._path[0])
        """The number of the column among those of the table."""
        self.name = self._path[0] if self._within_lists else ".".join(self._path)
        """What is to be read: the field, or where it is within lists the column."""
        self._strict = strict

    def values(self, batch: Any, first: int) -> Values:
        """Return the values in a batch of rows, the first of which has a number, from 1 on."""
        from pyarrow import compute, types

        array = batch.column(batch.schema.get_field_index(self._path[0]))
        if self._within_lists:
            return ColumnValues(array.cast(self._type), first, self._path, strict=self._strict)
        for name in self._path[1:]:
            array = compute.struct_field(array, name)
        if types.is_dictionary(array.type):
            array = array.dictionary_decode()
        return ColumnValues(array.cast(self._type), first, strict=self._strict)


class ColumnValues:
    """Values of a column, as bytes that are UTF-8 or should be."""

    def __init__(self, array: Any, first: int, path: Sequence[str] = (), *, strict: bool) -> None:
        """Take an array, of which the first value is in a row, counted from 1.

        With a path its values are objects, or lists of them, in which the field is.
        """
        self._array, self._path, self._strict = array, path, strict
        self.place: Place = lambda number: f"row {first + number}"

    def text(self) -> bytes:
        """Return all of them as one text, joined without a Python object for each."""
        from pyarrow import LargeListArray, compute, scalar, types

        plain = types.is_large_binary(self._array.type)
        if not plain or self._array.null_count:
            raise TypeError("values are to be read one by one")
        whole = LargeListArray.from_arrays([0, len(self._array)], self._array)
        text: bytes = compute.binary_join(whole, scalar(b"\n", self._array.type))[0].as_py()
        if self._strict:
            text.decode()
        return text

    def each(self) -> Iterable[object]:
        """Return the values one by one."""
        return map(self._value, self._array.to_pylist())

    def _value(self, value: object) -> object:
        try:
            within = picked({self._path[0]: value}, ".".join(self._path)) if self._path else value
        except Hsw2vError as error:
            return error
        return _decoded(within)


def _decoded(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode(errors="surrogateescape")
    return [_decoded(one) for one in value] if isinstance(value, list) else value


def _found(schema: Any, field: str, source: str) -> tuple[Sequence[str], Any, bool]:
    """Return the path to a field, the type of its text as bytes, and if it is within lists.

    Then the type is that of the whole column.

    Raises:
        CorruptInputError: there is none, or it is no text.
    """
    from pyarrow import types

    def missing(names: Sequence[str]) -> CorruptInputError:
        what = "more than one" if names.count(path[0]) > 1 else "no"
        return CorruptInputError(
            f"there is {what} column '{field}'",
            where=source,
            hint=f"its {listed(names, 'columns')}",
        )

    path = [field] if field in schema.names else field.split(".")
    if schema.names.count(path[0]) != 1:
        raise missing(schema.names)
    column = kind = schema.field(path[0]).type
    within_lists = False
    for name in path[1:]:
        within_lists |= _is_list(kind)
        kind = _of_items(kind)
        if not types.is_struct(kind) or kind.get_field_index(name) < 0:
            inner = [one.name for one in kind] if types.is_struct(kind) else []
            raise missing(inner or schema.names)
        kind = kind.field(name).type
    found = _as_bytes(kind)
    if found is None:
        texts = [one.name for one in schema if _as_bytes(one.type) is not None]
        hint = f"its {listed(texts, 'columns of text')}" if texts else "it has no column of text"
        if types.is_struct(items := _of_items(kind)):
            hint = f"its {listed([f'{field}.{one.name}' for one in items])}"
        raise CorruptInputError(
            f"the column '{field}' is {kind}, not text", where=source, hint=hint
        )
    return path, _with_bytes(column) if within_lists else found, within_lists


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind))


def _of_items(kind: Any) -> Any:
    """Return the type of what is in lists, or in lists of lists; else the type itself."""
    while _is_list(kind):
        kind = kind.value_type
    return kind


def _with_bytes(kind: Any) -> Any:
    """Return a type with bytes for all text in its lists and structs."""
    import pyarrow
    from pyarrow import types

    if _is_list(kind):
        return pyarrow.large_list(_with_bytes(kind.value_type))
    if types.is_struct(kind):
        return pyarrow.struct([(one.name, _with_bytes(one.type)) for one in kind])
    return _as_bytes(kind) or kind


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
    if _is_list(kind):
        inner = _as_bytes(kind.value_type)
        return None if inner is None else pyarrow.large_list(inner)
    return None


@contextmanager
def explained(source: str, what: str) -> Iterator[None]:
    """Let errors of pyarrow, and of the stream that it reads, be ours.

    Raises:
        CorruptInputError: the file is damaged, or is not what it is said to be.
        ResourceError: there is no memory for some of it.
        MissingInputError: it cannot be read.
    """
    from pyarrow import ArrowException

    try:
        yield
    except Hsw2vError:
        raise
    except MemoryError as error:
        raise ResourceError(
            f"there is no memory for some rows of it ({error})",
            where=source,
            hint="it is damaged, or its rows are to be written in smaller groups or batches",
        ) from error
    except Exception as error:
        cause = None if is_address(source) else error
        # An error of the system has a number, and one of a damaged file has none.
        damaged = isinstance(error, ArrowException | UnicodeError) or (
            type(error) is OSError and not error.errno
        )
        if not damaged:
            raise explain_read_error(error, source) from cause
        reason = str(error).split("\n", 1)[0].rstrip(".")
        raise CorruptInputError(
            f"is {what}, or is damaged ({reason})",
            where=source,
            hint="fetch or write the file again, or name its format with --format",
        ) from cause
