"""Parts of sources, for readers that each read some of a corpus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hsw2v.config import CorpusConfig
from hsw2v.corpus.formats import DELIMITERS, format_of
from hsw2v.files import compression_of, open_stored, reading, stored_size

_AT_ONCE = 1 << 20
_WHOLE = (*DELIMITERS, "arrow")
"""Formats that are not cut."""


class Part(NamedTuple):
    """Some of a source: all of it, or whole lines of an uncompressed file.

    Of Parquet, the row groups that begin in it.
    """

    source: str
    begin: int = 0
    """The byte where it begins."""
    end: int | None = None
    """The byte where it ends; None: where the source does."""


def divided(
    names: Sequence[str], readers: int, config: CorpusConfig | None = None
) -> list[list[Part]]:
    """Return which parts of some files and addresses each reader reads, in their order.

    All of them read about as many bytes, as stored. An uncompressed file on this machine is cut at
    ends of lines, or where it is Parquet anywhere; any other, and CSV, in which a line may end
    within a row, and Arrow are read whole by one of them, and are taken to be as large as the mean
    of the others where their size is not known. `config` says the formats, by default plain text.

    Raises:
        MissingInputError: a file cannot be read.
        UsageError: the format of one is not known.
    """
    config = config or CorpusConfig()
    known = [stored_size(name) for name in names]
    there = [size for size in known if size is not None]
    mean = max(1, sum(there) // len(there)) if there else 1
    sizes = [mean if size is None else size for size in known]
    total = sum(sizes)
    cuts = [total * number // readers for number in range(1, readers)]
    found: list[list[Part]] = [[] for _ in range(readers)]
    reader = before = 0
    for name, size, real in zip(names, sizes, known, strict=True):
        format = format_of(name, config)
        within = real is not None and not compression_of(name) and format not in _WHOLE
        begin = 0
        while reader < len(cuts) and cuts[reader] < before + size:
            if within:
                end = max(begin, cuts[reader] - before)
                if format != "parquet":
                    end = _after_line(name, end, size)
                if begin < end:
                    found[reader].append(Part(name, begin, end))
                begin = end
            elif cuts[reader] > before + size // 2:
                # More than half of it comes before the cut.
                break
            reader += 1
        if begin < size or not within or size == 0:
            found[reader].append(Part(name, begin))
        before += size
    return found


def _after_line(name: str, begin: int, size: int) -> int:
    """Return the byte after the line that a byte of a file is in."""
    if begin == 0:
        return 0
    with open_stored(name) as stream, reading(name):
        # A line may end just before it.
        stream.seek(begin - 1)
        at = begin - 1
        while some := stream.read(_AT_ONCE):
            place = some.find(b"\n")
            if place >= 0:
                return min(at + place + 1, size)
            at += len(some)
    return size


def sources_of(parts: Sequence[Sequence[Part]]) -> list[str]:
    """Return the sources that parts are of, each once."""
    return list(dict.fromkeys(part.source for some in parts for part in some))


def parts_of(stored: object) -> list[Part]:
    """Return parts that were kept as JSON.

    Raises:
        TypeError, ValueError: they are something else.
    """
    if not isinstance(stored, list):
        raise TypeError("parts are of another type")
    found = [Part(*one) for one in stored]
    for source, begin, end in found:
        numbers = (begin, 0 if end is None else end)
        if not isinstance(source, str) or not all(type(one) is int for one in numbers):
            raise TypeError("parts are of another type")
    return found
