"""An encoded corpus: provisional ids in a file without a name, cut into blocks."""

from __future__ import annotations

import mmap
import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.corpus.parts import Part
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.tokens import cut_blocks
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import Hsw2vError
from hsw2v.files import explain_folder_error

BLOCK = 8192
"""The most ids of a block."""
IDS_AT_ONCE = 1 << 20

Ids = NDArray[np.int32]


class IdFile:
    """The ids in a file, in memory as far as they were touched lately.

    A file without a name is gone when it is closed or the process ends, however.
    """

    def __init__(self, file: IO[bytes]) -> None:
        """Map a file of one id at least."""
        self._file = file
        self._map: mmap.mmap | None = mmap.mmap(file.fileno(), 0)
        # Shared and writable: the file is ours alone, and compiled code sees a plain array.
        self.ids: Ids = np.frombuffer(self._map, np.int32)
        """(N',) int32."""

    def forget(self) -> None:
        """Release the memory of ids that were read; they stay in the file."""
        if self._map is not None and hasattr(self._map, "madvise"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def checksum(self) -> int:
        """Return the CRC-32 of all ids."""
        found = 0
        for ids in self.parts():
            found = zlib.crc32(ids.data, found)
        return found

    def parts(self, begin: int = 0, end: int | None = None) -> Iterator[Ids]:
        """Yield the ids from one to another in order, in arrays of bounded size.

        They need not fit in memory.
        """
        ids = self.ids[begin:end]
        for start in range(0, len(ids), IDS_AT_ONCE):
            yield ids[start : start + IDS_AT_ONCE]
            self.forget()

    def close(self) -> None:
        """Release the ids, and the disk where there is no other array of them."""
        self.ids, self._map = np.empty(0, np.int32), None
        self._file.close()


class IdWriter:
    """A file without a name that ids are written to, closed by an error in its context."""

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        """Open a file in a folder, by default the system's for temporary files.

        Raises:
            OutputError, DiskFullError: there can be none.
        """
        self._folder = str(folder or tempfile.gettempdir())
        self.written = 0
        """Ids that were."""
        try:
            self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115
        except OSError as error:
            raise self._no_room(error) from error

    def write(self, ids: Ids) -> None:
        """Write ids after those before.

        Raises:
            OutputError, DiskFullError: they cannot be written.
        """
        view = ids.data.cast("B")
        try:
            while len(view):
                view = view[self._file.write(view) :]
        except OSError as error:
            raise self._no_room(error) from error
        self.written += len(ids)

    def again(self) -> Iterator[Ids]:
        """Yield the ids, in arrays of bounded size, while fewer are written in their place.

        What is not overwritten is cut off.
        """
        before = np.memmap(self._file, np.int32, "r")
        self._file.seek(0)
        self.written = 0
        for begin in range(0, len(before), IDS_AT_ONCE):
            yield before[begin : begin + IDS_AT_ONCE]
        del before
        self._file.truncate(4 * self.written)

    def finish(self) -> IdFile | None:
        """Return the ids; None if there are none."""
        if self.written:
            return IdFile(self._file)
        self.close()
        return None

    def close(self) -> None:
        """Give up what was written."""
        self._file.close()

    def _no_room(self, error: OSError) -> Hsw2vError:
        return explain_folder_error(error, self._folder, "the ids of the corpus", "--cache-dir")

    def __enter__(self) -> IdWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Without an error the ids have the file.
        if kind:
            self.close()


def cut(
    parts: Iterable[Ids], before: Ids | None = None, *, last: bool = True
) -> tuple[NDArray[np.int64], Ids]:
    """Cut ids that come in parts into blocks of up to 8,192, at ends of sentences if possible.

    `before` are ids of no block yet that precede them. Returns where blocks end (k,) int64, counted
    from the first of those, and the ids after the last block: none where these are the `last` ids.
    """
    rest = np.empty(0, np.int32) if before is None else before
    ends: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    begin = 0
    for some in parts:
        rest = np.concatenate((rest, some))
        borders = _borders(rest)
        # Only blocks that could have been longer are final.
        final = int(np.count_nonzero(borders[:-1] + BLOCK <= len(rest)))
        ends.append(borders[1 : final + 1] + begin)
        begin += int(borders[final])
        rest = rest[borders[final] :]
    if last:
        ends.append(_borders(rest)[1:] + begin)
        rest = rest[len(rest) :]
    return np.concatenate(ends), np.array(rest)


def borders_of(stored: IdFile) -> NDArray[np.int64]:
    """Return the borders (K+1,) int64 of the blocks of all ids."""
    return np.concatenate((np.zeros(1, np.int64), cut(stored.parts())[0]))


def _borders(ids: Ids) -> NDArray[np.int64]:
    # Neighbouring blocks hold more than BLOCK ids together, or they would be one.
    borders = np.empty(2 * len(ids) // BLOCK + 3, np.int64)
    return borders[: cut_blocks(ids, BLOCK, borders)]


class Reading(NamedTuple):
    """What one of several readers has read."""

    parts: list[Part]
    ids: int
    """How many there are in these parts."""
    checksum: int
    """Their CRC-32, as the reader has numbered them."""


@dataclass(eq=False)
class EncodedCorpus:
    """A corpus as provisional ids, of its types in order of arrival."""

    stored: IdFile | None
    """The ids; None where workers on other machines have them."""
    source: str
    """What it was read from, for messages."""
    types: Vocabulary
    """All types, in order of arrival."""
    tokens: int
    """Tokens read, those of dropped types included."""
    sentences: int
    bytes_read: int
    """Bytes of input, as stored."""
    replaced_bytes: int
    """Bytes that were not valid UTF-8, replaced or left out."""
    dropped_types: int
    blocks: NDArray[np.int64]
    """(K+1,) int64 borders of blocks of up to 8,192 ids, at ends of sentences if possible."""
    skipped_records: int = 0
    """Bad records that were left out."""
    looks: str = ""
    """What a source looks like that was read as plain text, as a sentence; empty if like that."""
    apart: list[Reading] = field(default_factory=list)
    """What each worker has read, where these have the ids."""
    phrases: Phrases | None = None
    """Those that were joined."""
    spared: frozenset[str] = frozenset()
    """Types that were not to be dropped."""

    @property
    def ids(self) -> Ids:
        """(N',) int32 provisional ids: 0 an end of a sentence, k the k-th type to arrive.

        None are here where workers have them.
        """
        return np.empty(0, np.int32) if self.stored is None else self.stored.ids

    def forget(self) -> None:
        """Release the memory of ids that were read; they stay in the file."""
        if self.stored is not None:
            self.stored.forget()

    def parts(self, end: int | None = None) -> Iterator[Ids]:
        """Yield the ids in order, perhaps up to an end, in arrays of bounded size.

        They need not fit in memory.
        """
        if self.stored is not None:
            yield from self.stored.parts(0, end)

    def longest_sentence(self) -> int:
        """Return the number of tokens of the longest sentence."""
        longest = begin = start = 0
        for ids in self.parts():
            ends = start + np.flatnonzero(ids == 0)
            if len(ends):
                longest = max(longest, int(np.diff(ends, prepend=begin - 1).max()) - 1)
                begin = int(ends[-1]) + 1
            start += len(ids)
        return max(longest, start - begin)

    def close(self) -> None:
        """Release the ids."""
        if self.stored is not None:
            self.stored.close()

    def __enter__(self) -> EncodedCorpus:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
