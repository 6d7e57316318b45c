"""The words of a model that begin with some letters, without opening all of it."""

from __future__ import annotations

import bisect
import json
import mmap
import struct
import time
from collections.abc import Iterator
from itertools import islice

_SECONDS = 0.2
"""How long to look for words."""


def words_beginning(path: str, prefix: str, count: int) -> list[str]:
    """Return the most frequent words of a model file that begin so, as many as `count`.

    For shells that wait: no array is loaded, checked or made a dict, and there are fewer words if
    it would take long. Raises OSError, ValueError or KeyError if the file is no model.
    """
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as file:
        (length,) = struct.unpack("<Q", file[:8])
        header = json.loads(file[8 : 8 + length])
        start = 8 + length
        begin, end = (start + at for at in header["words"]["data_offsets"])
        first, last = (start + at for at in header["word_offsets"]["data_offsets"])
        with memoryview(file) as whole, whole[first:last] as raw, raw.cast("q") as offsets:
            found = _beginning(file, begin, end, offsets, prefix.encode())
            return [word.decode() for word in islice(found, count)]


def _beginning(
    file: mmap.mmap, begin: int, end: int, offsets: memoryview[int], prefix: bytes
) -> Iterator[bytes]:
    """Yield the words between two places of a file that begin so, in their order."""
    until = time.monotonic() + _SECONDS
    place = file.find(prefix, begin, end)
    while 0 <= place < end and time.monotonic() < until:
        word = bisect.bisect_right(offsets, place - begin) - 1
        first, last = begin + offsets[word], begin + offsets[word + 1]
        if first == place and last >= place + len(prefix):
            yield file[first:last]
        place = file.find(prefix, last, end)
