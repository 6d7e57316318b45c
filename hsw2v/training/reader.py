"""Workers that read: each some parts of the sources, to ids on its own disk.

What a worker owns, one of W parts of all blocks, need not be what it has read: what is missing is
sent by those that have read it. So the ids, blocks and words are those of one reader of it all, and
nobody needs to have all of it.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus.encoded import (
    EncodedCorpus,
    IdFile,
    Ids,
    IdWriter,
    Reading,
    borders_of,
    cut,
)
from hsw2v.corpus.parts import Part, sources_of
from hsw2v.corpus.stream import empty, encode_parts, shown, tell_replaced, tell_skipped
from hsw2v.corpus.table import merged, places
from hsw2v.corpus.vocabulary import END_OF_SENTENCE, UNKNOWN, Vocabulary
from hsw2v.errors import EmptyCorpusError
from hsw2v.events import CorpusProgress, Event, Listener, Notice, ignore


class LostError(Exception):
    """A worker does not have what it is asked about: it is a new one."""


class Totals(NamedTuple):
    """What a worker has read."""

    ids: int = 0
    checksum: int = 0
    """Of the ids, a CRC-32."""
    tokens: int = 0
    sentences: int = 0
    types: int = 0
    bytes_read: int = 0
    replaced_bytes: int = 0
    dropped_types: int = 0
    skipped_records: int = 0
    looks: str = ""


class Slice(NamedTuple):
    """Some of the ids that a worker has read."""

    parts: list[Part]
    begin: int
    end: int


class Reader:
    """What a worker knows of texts; it may be asked again for whatever it was asked for."""

    def __init__(self) -> None:
        """Have read nothing."""
        self._thread: threading.Thread | None = None
        self._progress: CorpusProgress | None = None
        self._error: BaseException | None = None
        self._read: EncodedCorpus | None = None
        self._totals = Totals()
        self._word_ids: Ids | None = None
        self._done = False

    def sees(self, files: Sequence[tuple[str, int]]) -> bool:
        """Tell whether all of some files are there, each of so many bytes."""
        return all(os.path.isfile(name) and os.path.getsize(name) == size for name, size in files)

    def read(
        self,
        parts: list[Part],
        config: CorpusConfig,
        patience: float,
        spared: Collection[str] = (),
    ) -> Totals | CorpusProgress | None:
        """Read some parts; return what was read or, after so many seconds, how far that is.

        `spared` are the types that are not dropped.

        Raises:
            What `encode` raises, but for a lack of tokens.
        """
        if self._thread is None and not self._done:
            self._thread = threading.Thread(
                target=self._encode, args=(parts, config, spared), daemon=True
            )
            self._thread.start()
        if self._thread is not None:
            self._thread.join(patience)
            if self._thread.is_alive():
                return self._progress
            self._thread, self._done = None, self._error is None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._totals

    def _encode(self, parts: list[Part], config: CorpusConfig, spared: Collection[str]) -> None:
        try:
            self._read = encoded_if_any(parts, config, self._listen, spared)
            if self._read is not None:
                self._totals = totals_of(self._read)
        except BaseException as error:
            self._error = error

    def _listen(self, event: Event) -> None:
        if isinstance(event, CorpusProgress):
            self._progress = event

    def types(self) -> Vocabulary:
        """Return the types that it has read.

        Raises:
            LostError: it has read nothing.
        """
        self._check()
        return Vocabulary.from_words([], []) if self._read is None else self._read.types

    def merge(self, *several: Vocabulary) -> Vocabulary:
        """Return the types of texts that follow each other."""
        return merged(several)

    def cut(self, before: Ids, last: bool) -> tuple[NDArray[np.int64], Ids]:
        """Return where blocks end, after the ids of another that are of no block yet: see `cut`.

        Raises:
            LostError: it has read nothing.
        """
        self._check()
        return cut([] if self._read is None else self._read.parts(), before, last=last)

    def send(self, vocabulary: Vocabulary, begin: int, end: int) -> Ids:
        """Return some of the ids that it has read, as `word_ids`.

        Raises:
            LostError: it has read nothing.
        """
        self._check()
        assert self._read is not None
        found: Ids = self._own_word_ids(self._read, vocabulary)[self._read.ids[begin:end]]
        return found

    def _own_word_ids(self, read: EncodedCorpus, vocabulary: Vocabulary) -> Ids:
        if self._word_ids is None:
            self._word_ids = word_ids(read.types, vocabulary)
        return self._word_ids

    def gather(
        self,
        config: CorpusConfig,
        vocabulary: Vocabulary,
        slices: Sequence[Slice],
        own: int | None,
        sent: Sequence[Ids] = (),
        spared: Collection[str] = (),
    ) -> IdFile | None:
        """Return the ids of slices one after the other, as `word_ids`; None if there are none.

        Slice number `own` is of what it has read itself, and the others are `sent`; a number of
        none where it has read nothing of it. With `own` None it reads all of them again: it is to
        replace another worker. What it had read before it gives up.

        Raises:
            LostError: it has read nothing.
            OutputError, DiskFullError: the ids cannot be written.
            And what `encode` raises.
        """
        if own is not None:
            self._check()
        others = iter(sent)
        with IdWriter(config.cache_dir) as writer:
            for number, one in enumerate(slices):
                if own is not None and number != own:
                    writer.write(next(others))
                    continue
                read = self._read
                if own is None:
                    read = encoded_if_any(one.parts, config, ignore, spared)
                if read is None or read.stored is None:
                    continue
                if own is None:
                    ids = word_ids(read.types, vocabulary)
                else:
                    ids = self._own_word_ids(read, vocabulary)
                for some in read.stored.parts(one.begin, one.end):
                    writer.write(ids[some])
                if own is None:
                    read.close()
            self.close()
            return writer.finish()

    def close(self) -> None:
        """Give up what it has read; types and totals stay."""
        if self._read is not None:
            self._read.close()

    def _check(self) -> None:
        if not self._done:
            raise LostError


def encoded_if_any(
    parts: list[Part], config: CorpusConfig, listener: Listener, spared: Collection[str] = ()
) -> EncodedCorpus | None:
    """Encode parts of sources; return None where they have no tokens.

    Raises:
        What `encode` raises otherwise.
    """
    try:
        return encode_parts(parts, config, listener=listener, spared=spared) if parts else None
    except EmptyCorpusError:
        return None


def totals_of(read: EncodedCorpus) -> Totals:
    """Return the totals of what was read."""
    assert read.stored is not None
    return Totals(
        ids=len(read.ids),
        checksum=read.stored.checksum(),
        tokens=read.tokens,
        sentences=read.sentences,
        types=len(read.types),
        bytes_read=read.bytes_read,
        replaced_bytes=read.replaced_bytes,
        dropped_types=read.dropped_types,
        skipped_records=read.skipped_records,
        looks=read.looks,
    )


def together(
    parts: list[list[Part]],
    totals: Sequence[Totals],
    types: Vocabulary,
    blocks: NDArray[np.int64],
    stored: IdFile | None,
    config: CorpusConfig,
    listener: Listener,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Return the corpus of which each of some readers has read parts.

    The listener is told of bytes that were replaced, and of types that were dropped.

    Raises:
        EmptyCorpusError: there are no tokens.
    """
    source = shown(sources_of(parts))
    tokens = sum(one.tokens for one in totals)
    skipped = sum(one.skipped_records for one in totals)
    if not tokens:
        raise empty(source, skipped)
    looks = next((one.looks for one in totals if one.looks), "")
    if looks:
        listener(Notice(looks))
    replaced = sum(one.replaced_bytes for one in totals)
    tell_replaced(replaced, config, listener)
    tell_skipped(skipped, listener)
    if dropped := sum(one.dropped_types for one in totals):
        listener(
            Notice(
                f"{dropped:,} types were dropped to keep the table of each worker within "
                f"{config.max_types:,}"
            )
        )
    read = zip(parts, totals, strict=True)
    return EncodedCorpus(
        stored,
        source,
        types,
        tokens=tokens,
        sentences=sum(one.sentences for one in totals),
        bytes_read=sum(one.bytes_read for one in totals),
        replaced_bytes=replaced,
        dropped_types=dropped,
        blocks=blocks,
        skipped_records=skipped,
        looks=looks,
        apart=[Reading(some, one.ids, one.checksum) for some, one in read],
        spared=frozenset(spared),
    )


def word_ids(types: Vocabulary, vocabulary: Vocabulary) -> NDArray[np.int32]:
    """Return what provisional ids become, (T+1,) int32, where workers exchange ids.

    0 stays the end of a sentence, a word is 1 more than in the vocabulary of V words, and V + 1 is
    any other type.
    """
    found = places(types, vocabulary)
    ids = np.zeros(len(types) + 1, np.int32)
    ids[1:] = np.where(found < 0, len(vocabulary), found) + 1
    return ids


def remap_of(words: int) -> NDArray[np.int32]:
    """Return the remap (V+2,) int32 of such ids, as that of `WordCorpus`."""
    remap = np.arange(-1, words + 1, dtype=np.int32)
    remap[0], remap[-1] = END_OF_SENTENCE, UNKNOWN
    return remap


def encode_apart(
    parts: list[list[Part]],
    config: CorpusConfig,
    listener: Listener,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Encode parts of sources one after the other, each with a table of types of its own.

    That is what workers come to: types are dropped by each of them alone, but for those that are to
    be `spared`.

    Raises:
        What `encode` raises.
    """
    with ExitStack() as context:
        found: list[EncodedCorpus] = []
        totals = []
        for some in parts:
            encoded = encoded_if_any(some, config, _after(found, listener), spared)
            if encoded is not None:
                found.append(context.enter_context(encoded))
            totals.append(Totals() if encoded is None else totals_of(encoded))
        types = merged([one.types for one in found])
        with IdWriter(config.cache_dir) as writer:
            for one in found:
                ids = word_ids(one.types, types)
                for provisional in one.parts():
                    writer.write(ids[provisional])
            stored = writer.finish()
        blocks = np.zeros(1, np.int64) if stored is None else borders_of(stored)
        return together(parts, totals, types, blocks, stored, config, listener, spared)


def _after(before: Sequence[EncodedCorpus], listener: Listener) -> Listener:
    """Return a listener to which progress is told as that after other corpora, and no notices."""
    read, tokens = sum(one.bytes_read for one in before), sum(one.tokens for one in before)

    def listen(event: Event) -> None:
        if isinstance(event, CorpusProgress):
            event = dataclasses.replace(
                event,
                bytes_read=read + event.bytes_read,
                bytes_total=None,
                tokens=tokens + event.tokens,
            )
            listener(event)

    return listen
