"""Texts on a cluster: read by its workers, or read here and handed out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any, TypeVar, cast

import numpy as np

from hsw2v.config import CorpusConfig, TrainingConfig
from hsw2v.corpus.encoded import EncodedCorpus, Reading
from hsw2v.corpus.parts import Part
from hsw2v.corpus.sources import Path, Source, is_text, names_of
from hsw2v.corpus.stream import bytes_of, shown
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import without_credentials
from hsw2v.events import CorpusProgress, Listener, Notice, Pace
from hsw2v.files import is_address, stored_size
from hsw2v.training.cluster import Cluster
from hsw2v.training.reader import Slice, Totals, remap_of, together
from hsw2v.training.remote import Common, own_texts
from hsw2v.training.runner import no_tick
from hsw2v.training.schedule import own_blocks

PATIENCE = 0.2
"""Seconds between reports of a worker that reads."""

Answer = TypeVar("Answer")


def names_to_part(source: Source, training: TrainingConfig) -> list[str] | None:
    """Return the files and addresses of a source that workers can read by themselves; else None.

    They cannot where all ids are needed in one place, for a tree or classes by neighbouring words
    or for recordings of gradients; nor sentences, nor pipes. Addresses with credentials are sent to
    nobody.

    Raises:
        MissingInputError: a path does not exist.
    """
    by_neighbours = training.tree == "brown" or training.classes == "exchange"
    if not is_text(source) or by_neighbours or training.record_gradients:
        return None
    names = names_of(cast(Path | Sequence[Path], source))
    if any(without_credentials(name) != name for name in names):
        return None
    if any(stored_size(name) is None and not is_address(name) for name in names):
        return None
    return [name if is_address(name) else os.path.abspath(name) for name in names]


def all_see(cluster: Cluster, names: Sequence[str], listener: Listener) -> bool:
    """Tell whether all workers have the files among some names; the listener is told if not."""
    files = [(name, size) for name in names if (size := stored_size(name)) is not None]

    def see() -> list[Any]:
        asked = [worker.reader.remote("sees", files) for worker in cluster.workers]
        return cluster.wait(asked, no_tick)

    if not files or all(_patiently(cluster, see)):
        return True
    listener(
        Notice(f"machines of the cluster do not have {shown(names)}: it is read here, and sent")
    )
    return False


def read_on(
    cluster: Cluster,
    parts: list[list[Part]],
    config: CorpusConfig,
    listener: Listener,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Let each worker of a cluster read parts of a corpus; types that are `spared` are not dropped.

    Raises:
        What `encode` raises.
    """
    config = there(config)
    totals, types, blocks = _patiently(
        cluster, lambda: _read_once(cluster, parts, config, listener, spared)
    )
    return together(parts, totals, types, blocks, None, config, listener, spared)


def _read_once(
    cluster: Cluster,
    parts: list[list[Part]],
    config: CorpusConfig,
    listener: Listener,
    spared: Collection[str],
) -> tuple[list[Totals], Vocabulary, Any]:
    workers, pace = cluster.workers, Pace()
    # They are asked again and again.
    shared = cluster.put(spared)
    total = bytes_of([part for some in parts for part in some])
    while True:
        asked = [
            worker.reader.remote("read", some, config, PATIENCE, shared)
            for worker, some in zip(workers, parts, strict=True)
        ]
        told: list[Totals | CorpusProgress | None] = cluster.wait(asked, no_tick)
        begun = [one for one in told if one is not None]
        listener(
            CorpusProgress(
                bytes_read=sum(one.bytes_read for one in begun),
                bytes_total=total,
                tokens=sum(one.tokens for one in begun),
                types=sum(one.types for one in begun),
                seconds=pace.seconds,
            )
        )
        totals = [one for one in told if isinstance(one, Totals)]
        if len(totals) == len(workers):
            break
    types = [worker.reader.remote("types") for worker in workers]
    while len(types) > 1:
        pairs = [types[at : at + 2] for at in range(0, len(types), 2)]
        types = [
            workers[number].reader.remote("merge", *pair) if len(pair) > 1 else pair[0]
            for number, pair in enumerate(pairs)
        ]
    blocks, rest, begin = [np.zeros(1, np.int64)], np.empty(0, np.int32), 0
    for worker in workers:
        last = worker is workers[-1]
        ((ends, rest),) = cluster.wait([worker.reader.remote("cut", rest, last)], no_tick)
        blocks.append(begin + ends)
        begin = int(blocks[-1][-1]) if len(ends) else begin
    return totals, cluster.wait(types, no_tick)[0], np.concatenate(blocks)


def there(config: CorpusConfig) -> CorpusConfig:
    """Return settings as they mean the same where a worker runs."""
    folder = config.cache_dir
    return dataclasses.replace(config, cache_dir=folder and os.path.abspath(folder))


def employ(
    cluster: Cluster,
    encoded: EncodedCorpus,
    vocabulary: Vocabulary,
    config: CorpusConfig,
    common: Common,
) -> None:
    """Let each worker own its part of a corpus, and be ready for those that replace one.

    Raises:
        OutputError, DiskFullError: a worker cannot write it.
    """
    workers, borders = cluster.workers, encoded.blocks
    own = own_blocks(len(borders) - 1, len(workers))
    if encoded.stored is not None:
        shared = cluster.put(common)
        for text in own_texts(encoded.ids, borders, own):
            cluster.texts.append(partial(_own, shared, cluster.put(text)))
            encoded.forget()
        return
    config = there(config)
    remapped = common.windowing._replace(remap=remap_of(len(vocabulary)))
    shared, words = cluster.put(common._replace(windowing=remapped)), cluster.put(vocabulary)
    reading = config, cluster.put(encoded.spared)
    asked = []
    for number, blocks in enumerate(own):
        ends = borders[blocks.start : blocks.stop + 1]
        found = _slices(encoded.apart, int(ends[0]), int(ends[-1]))
        where = {reader: place for place, reader in enumerate(found)}
        slices, place = list(found.values()), (ends - ends[0], blocks.start)
        cluster.texts.append(partial(_own_slices, shared, reading, words, slices, None, place, []))
        sent = [
            workers[reader].reader.remote("send", words, one.begin, one.end)
            for reader, one in found.items()
            if reader != number
        ]
        # One that has read nothing of its own is sent all.
        at = where.get(number, -1)
        asked.append(partial(_own_slices, shared, reading, words, slices, at, place, sent))
    try:
        cluster.wait([ask(worker) for ask, worker in zip(asked, workers, strict=True)], no_tick)
    except cluster.lost as error:
        # Whoever has no text then reads by itself.
        cluster.died(error)


def _slices(apart: Sequence[Reading], begin: int, end: int) -> dict[int, Slice]:
    """Return which of the ids from one to another each reader has, by its number, in order."""
    found, borders = {}, accumulate((one.ids for one in apart), initial=0)
    for number, (first, last) in enumerate(pairwise(borders)):
        if max(begin, first) < min(end, last):
            ids = max(begin, first) - first, min(end, last) - first
            found[number] = Slice(apart[number].parts, *ids)
    return found


def _own(shared: Any, text: Any, worker: Any) -> Any:
    return worker.own.remote(shared, text)


def _own_slices(
    shared: Any,
    reading: tuple[CorpusConfig, Any],
    words: Any,
    slices: list[Slice],
    own: int | None,
    place: tuple[Any, int],
    sent: list[Any],
    worker: Any,
) -> Any:
    return worker.own_slices.remote(shared, *reading, words, slices, own, *place, *sent)


def _patiently(cluster: Cluster, ask: Callable[[], Answer]) -> Answer:
    """Return what workers answer, asked again where one died.

    Raises:
        ResourceError: they die again and again.
    """
    while True:
        try:
            answer = ask()
        except cluster.lost as error:
            cluster.died(error)
            for worker in cluster.workers:
                cluster.answer(worker, "at")
        else:
            cluster.alive()
            return answer
