"""The neighbours of all words, computed and written some words at a time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.events import Listener, Pace, VectorsProgress, ignore
from hsw2v.files import atomic_write, compressing, compression_of
from hsw2v.model.arguments import check_positive
from hsw2v.model.tables import check_table
from hsw2v.query.neighbours import Floats, Indexes, UnitRows, nearest, slices

if TYPE_CHECKING:
    from hsw2v.model.indexing import Index
    from hsw2v.model.model import Model

EXTENSIONS = (".parquet", ".tsv", ".jsonl")
COLUMNS = ("word", "rank", "neighbour", "similarity")

_WORDS_AT_ONCE = 1 << 12


class RankedNeighbour(NamedTuple):
    """A word and one of its nearest words."""

    word: str
    rank: int
    """From 1."""
    neighbour: str
    similarity: float
    """Cosine."""


class _Block(NamedTuple):
    """Neighbours of some words, column by column, (n,) each."""

    words: Indexes
    ranks: NDArray[np.int32]
    neighbours: Indexes
    similarities: Floats


def neighbours(
    model: Model,
    k: int,
    *,
    top: int | None = None,
    index: Index | None = None,
    listener: Listener = ignore,
) -> Iterator[RankedNeighbour]:
    """Return an iterator over what `Model.neighbours` tells; errors come here, not later."""
    blocks = _blocks(model, k, top, index, listener)
    return chain.from_iterable(_ranked(model.vocabulary, block) for block in blocks)


def _ranked(vocabulary: Vocabulary, block: _Block) -> Iterator[RankedNeighbour]:
    words, near = (vocabulary.spelled(one.tolist()) for one in (block.words, block.neighbours))
    return map(RankedNeighbour, words, block.ranks.tolist(), near, block.similarities.tolist())


def write_neighbours(
    model: Model,
    path: str,
    k: int,
    *,
    top: int | None = None,
    index: Index | None = None,
    force: bool = False,
    listener: Listener = ignore,
) -> int:
    """Write what `Model.write_neighbours` tells; return the number of rows."""
    check_table(path, EXTENSIONS, force=force)
    blocks = _counted(_blocks(model, k, top, index, listener))
    if path.endswith(".parquet"):
        from hsw2v.corpus.parquet_writing import write_parquet

        words = dict.fromkeys(("word", "neighbour"), model.vocabulary)
        tables: Iterator[dict[str, NDArray[Any]]] = (
            dict(zip(COLUMNS, block, strict=True)) for block in blocks
        )
        write_parquet(path, tables, words=words, force=force)
        return blocks.rows
    text = path.removesuffix(compression_of(path)).endswith(".tsv")
    names = model.vocabulary.words
    if text:
        _check_words(names)
    with atomic_write(path, force=force) as stream, compressing(stream, path) as out:
        if text:
            out.write("\t".join(COLUMNS).encode() + b"\n")
        for block in blocks:
            out.write(_tsv(names, block) if text else _jsonl(names, block))
    return blocks.rows


class _counted:
    """Blocks, and how many rows they had."""

    def __init__(self, blocks: Iterator[_Block]) -> None:
        self._blocks, self.rows = blocks, 0

    def __iter__(self) -> Iterator[_Block]:
        for block in self._blocks:
            self.rows += len(block.words)
            yield block


def _blocks(
    model: Model, k: int, top: int | None, index: Index | None, listener: Listener
) -> Iterator[_Block]:
    check_positive("k", k)
    count, unit = len(model), UnitRows(model.vectors)
    if top is not None:
        check_positive("top", top)
        if index is not None and top < count:
            raise UsageError("an index is of all words", hint="leave out top, or the index")
        count = min(top, count)
        unit = unit.first(count)
    ask = nearest if index is None else index.nearest
    if index is not None:
        index.check(model)

    def blocks() -> Iterator[_Block]:
        pace = Pace()
        for some in slices(count, _WORDS_AT_ONCE):
            rows = np.arange(some.start, some.stop)
            found, cosines = ask(unit, model.vectors[some], k, rows[:, None])
            # What an index did not find.
            known = np.isfinite(cosines)
            ranks = np.broadcast_to(np.arange(1, found.shape[1] + 1, dtype=np.int32), found.shape)
            words = np.broadcast_to(rows[:, None], found.shape)
            yield _Block(words[known], ranks[known], found[known], cosines[known])
            if pace.due():
                listener(VectorsProgress("neighbours", some.stop, count, pace.seconds))

    return blocks()


def _tsv(names: list[str], block: _Block) -> bytes:
    rows = zip(*(one.tolist() for one in block), strict=True)
    lines = (f"{names[a]}\t{rank}\t{names[b]}\t{one:.6f}\n" for a, rank, b, one in rows)
    return "".join(lines).encode()


def _jsonl(names: list[str], block: _Block) -> bytes:
    def record(word: int, rank: int, neighbour: int, similarity: Any) -> bytes:
        values = (names[word], rank, names[neighbour], similarity)
        return orjson.dumps(
            dict(zip(COLUMNS, values, strict=True)), option=orjson.OPT_SERIALIZE_NUMPY
        )

    columns = (block.words.tolist(), block.ranks.tolist(), block.neighbours.tolist())
    lines = [record(*row) for row in zip(*columns, block.similarities, strict=True)]
    return b"".join(line + b"\n" for line in lines)


def _check_words(words: list[str]) -> None:
    for word in words:
        if not {"\t", "\n", "\r"}.isdisjoint(word):
            raise UsageError(
                f"the word {word!r} cannot be written as tab-separated text",
                hint="write .parquet or .jsonl",
            )
