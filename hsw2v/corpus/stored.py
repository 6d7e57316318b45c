"""The bytes of sources as they are stored, decompressed: in order, from the first on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from hsw2v.corpus.parts import Part
from hsw2v.corpus.values import LONGEST_RECORD
from hsw2v.errors import CorruptInputError
from hsw2v.files import reading

BLOCK = 1 << 18
"""Bytes read at a time."""

_MAGIC = 16
_SHORTEST = 4
_BOM = b"\xef\xbb\xbf"
_ANOTHER = "name a plain text"


def _columns(format: str) -> str:
    return f"{_ANOTHER}, or its column of texts with --format {format} --field COLUMN"


def _utf_16(order: str) -> tuple[str, str]:
    return "UTF-16 text", f"convert it first: iconv -f UTF-16{order} -t UTF-8 FILE"


_BINARY = (
    (b"\x1f\x8b\x08", "gzip data", "name it .gz, or decompress it first"),
    (b"(\xb5/\xfd", "zstd data", "name it .zst, or decompress it first"),
    (b"\xfd7zXZ\x00", "xz data", "name it .xz, or decompress it first"),
    (b"BZh", "bzip2 data", "name it .bz2, or decompress it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first"),
    (b"%PDF-", "a PDF document", "extract its text first"),
    (b"\x7fELF", "a program", _ANOTHER),
    (b"\x89PNG\r\n", "a picture", _ANOTHER),
    (b"\x93NUMPY", "a NumPy array", _ANOTHER),
    (b"SQLite format 3\x00", "a database", _ANOTHER),
    (b"\xff\xfe", *_utf_16("")),
    (b"\xfe\xff", *_utf_16("")),
    (b"PAR1", "a Parquet file", _columns("parquet")),
    (b"ARROW1", "an Arrow file", _columns("arrow")),
    (b"\xff\xff\xff\xff", "an Arrow stream", _columns("arrow")),
    (b"FEA1", "a Feather file of version 1", "write it as version 2, or as Parquet"),
)


class Stored:
    """The decompressed bytes of a part of a source, in their order."""

    def __init__(self, part: Part, raw: BinaryIO, stream: BinaryIO) -> None:
        self._part, self._stream = part, stream
        self.read = 0
        """Bytes that are."""
        self._ended = False
        if part.begin:
            with reading(part.source):
                raw.seek(part.begin)

    def open(self) -> tuple[bytes, int]:
        """Return the first bytes without a byte order mark, and the bytes of that.

        Raises:
            CorruptInputError: it is another kind of file.
        """
        if self._part.begin:
            return b"", 0
        first = bytearray(_MAGIC)
        first = first[: self.fill(memoryview(first))]
        mark = opening(self._part.source, bytes(first))
        return bytes(first[mark:]), mark

    def fill(self, view: memoryview) -> int:
        """Read until a view is full or the part ends, and return the bytes read."""
        most = len(view)
        if self._part.end is not None:
            most = min(most, self._part.end - self._part.begin - self.read)
        # A terminal that is read on after Ctrl-D would ask for more.
        filled = 0 if self._ended else _read_full(self._part.source, self._stream, view[:most])
        self._ended = filled < most
        self.read += filled
        return filled

    def blocks(self) -> Iterator[bytes]:
        """Yield all of the bytes, many at a time."""
        first, _ = self.open()
        buffer = memoryview(bytearray(BLOCK))
        while filled := self.fill(buffer):
            yield first + bytes(buffer[:filled])
            first = b""
        if first:
            yield first


def opening(source: str, first: bytes) -> int:
    """Check that a source is no other kind of file; return the length of its byte order mark.

    Raises:
        CorruptInputError: its first bytes are those of one.
    """
    for magic, what, hint in _BINARY:
        bzip = magic != b"BZh" or first[4:10] == b"1AY&SY"
        if first.startswith(magic) and bzip:
            raise _no_text(source, what, hint)
    for order, zeros, others in (("LE", first[1::2], first[::2]), ("BE", first[::2], first[1::2])):
        # What is in ASCII, without a byte order mark.
        if len(first) >= _SHORTEST and not any(zeros) and all(others):
            raise _no_text(source, *_utf_16(order))
    if first[8:10] == b'{"' and b"\x00" in first[:8]:
        raise _no_text(source, "a safetensors file", _ANOTHER)
    return len(_BOM) if first.startswith(_BOM) else 0


def _no_text(source: str, what: str, hint: str) -> CorruptInputError:
    return CorruptInputError(f"is {what}, not text", where=source, hint=hint)


def position(raw: BinaryIO, otherwise: int) -> int:
    """Return where a stream is, as stored; `otherwise` if it does not know."""
    try:
        return raw.tell()
    except (OSError, ValueError):
        return otherwise


def _read_full(source: str, stream: BinaryIO, view: memoryview) -> int:
    """Read until the view is full or the stream ends, and return the bytes read."""
    filled = 0
    while filled < len(view):
        with reading(source):
            got: int | None = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if got is None:
            # A non-blocking stream has no data yet.
            time.sleep(0.01)
        elif got == 0:
            break
        else:
            filled += got
    return filled


def whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of blocks in pieces that end with a line feed, but for the last.

    Of a line that is longer than a record may be only the beginning is kept, which still tells so.
    """
    rest = bytearray()
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            yield bytes(rest) + block[:end]
            rest = bytearray(block[end:])
        else:
            rest += block[: max(0, LONGEST_RECORD + 2 - len(rest))]
    if rest:
        yield bytes(rest)
