"""The text of a column of an Arrow file, record batch by record batch.

There are two formats of the same messages: the stream, as Hugging Face datasets keep it, and the
file, which is Feather, too, and has a table of its batches at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from hsw2v.corpus.columns import BATCH, MOST_ROWS, Column, explained, pyarrow_for
from hsw2v.corpus.values import Values

MAGIC = b"ARROW1"
"""What a file begins with; a stream does not."""
_NO_ARROW = "no Arrow file"


class ArrowColumn:
    """A column of an Arrow file or stream."""

    def __init__(self, stream: BinaryIO, source: str, field: str, *, strict: bool = True) -> None:
        """Open a stream that can seek.

        Raises:
            CorruptInputError: it is not of Arrow, or has no such column of text.
            UsageError: pyarrow is not installed.
        """
        ipc = pyarrow_for("arrow", source)
        self._stream, self._source = stream, source
        with explained(source, _NO_ARROW):
            is_file = stream.read(len(MAGIC)) == MAGIC
            stream.seek(0)
            opened = ipc.open_file if is_file else ipc.open_stream
            self._column = Column(opened(stream).schema, field, source, strict=strict)
            stream.seek(0)
            # Other columns are not even decompressed.
            chosen = ipc.IpcReadOptions(included_fields=[self._column.number])
            self._reader = opened(stream, options=chosen)
            self._is_file = is_file

    @property
    def position(self) -> int:
        """Bytes of the file that are passed."""
        return self._stream.tell()

    def values(self) -> Iterator[Values]:
        """Yield the values, some at a time."""
        first = 1
        with explained(self._source, _NO_ARROW):
            for batch in self._batches():
                _check(batch.column(0))
                rows = max(1, min(BATCH * batch.num_rows // max(1, batch.nbytes), MOST_ROWS))
                for begin in range(0, batch.num_rows, rows):
                    some = batch.slice(begin, rows)
                    yield self._column.values(some, first + begin)
                first += batch.num_rows
        self._stream.seek(0, 2)

    def _batches(self) -> Iterator[Any]:
        if not self._is_file:
            yield from self._reader
            return
        for number in range(self._reader.num_record_batches):
            yield self._reader.get_batch(number)


def _check(array: Any) -> None:
    """Make sure that nothing in an array lies outside of it; text need not be UTF-8."""
    import pyarrow
    from pyarrow import types

    if types.is_string(array.type):
        array = array.view(pyarrow.binary())
    elif types.is_large_string(array.type):
        array = array.view(pyarrow.large_binary())
    array.validate(full=True)
