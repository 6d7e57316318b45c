"""The one pass over a corpus: sources or sentences to ids on disk.

    reading ──pieces──▶ scanning ──tokens──▶ interning ──ids──▶ file

Reading (with decompression) and scanning run in threads of their own; the caller's thread gives the
ids, which depend only on the order of the tokens.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus import integers
from hsw2v.corpus.background import Background, Pool, apart
from hsw2v.corpus.encoded import BLOCK, EncodedCorpus, IdWriter, borders_of
from hsw2v.corpus.parts import Part, sources_of
from hsw2v.corpus.reading import PIECE, Piece, check_sources, prepare, read_pieces
from hsw2v.corpus.table import TypeTable
from hsw2v.corpus.tokens import cut_blocks
from hsw2v.corpus.vocabulary import UNKNOWN
from hsw2v.errors import (
    EmptyCorpusError,
    ResourceError,
    UsageError,
    without_credentials,
)
from hsw2v.events import CorpusProgress, Listener, Notice, Pace, ignore
from hsw2v.files import STDIN, expand_sources, stored_size

_PIECES = 4
_BATCH = 1 << 15
_MOST_IDS = 2**31 - 2**24
"""Ids are int32, and a piece adds no more than the difference."""

Source = str | os.PathLike[str]
Token = str | int


def encode(
    sources: Source | Iterable[Source],
    config: CorpusConfig,
    *,
    listener: Listener = ignore,
    piece_bytes: int = PIECE,
    most_bytes: int | None = None,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Read every source once, and encode its tokens as provisional ids.

    Sources are what `files.expand_sources` takes. Memory depends on the number of types and the
    longest token, not on the length of sources or lines; `piece_bytes` are read at a time. With
    `most_bytes` reading ends with the first piece that ends beyond so many bytes, as stored. Types
    that are to be `spared` are not dropped, whatever `config.max_types` says.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: a source cannot be read as text, or as
            records with text in `config.field`.
        UsageError: the format of a source is not known.
        EmptyCorpusError: there is no token.
        OutputError, DiskFullError: the ids cannot be written to `config.cache_dir`.
        ResourceError: there are too many types.
    """
    names = expand_sources([sources] if isinstance(sources, str | os.PathLike) else sources)
    check_sources(names, config)
    parts = [Part(name) for name in names]
    return encode_parts(
        parts,
        config,
        listener=listener,
        piece_bytes=piece_bytes,
        most_bytes=most_bytes,
        spared=spared,
    )


def encode_parts(
    parts: Sequence[Part],
    config: CorpusConfig,
    *,
    listener: Listener = ignore,
    piece_bytes: int = PIECE,
    most_bytes: int | None = None,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Read parts of sources, as `encode` reads whole ones."""
    with _Encoder(config, listener, bytes_of(parts), spared) as encoder, Background() as background:
        pool = Pool((Piece() for _ in range(_PIECES)), background)
        read = background.ahead(read_pieces(parts, pool.take, piece_bytes, config))
        for piece in background.ahead(_tokenised(read, config)):
            encoder.add(piece)
            if most_bytes is not None and piece.stored >= most_bytes:
                break
            pool.give_back(piece)
        return encoder.finish(shown(sources_of([parts])))


def shown(names: Sequence[str]) -> str:
    """Return the names of sources, as they are told."""
    return ", ".join(map(without_credentials, names[:3])) + (" …" if len(names) > 3 else "")


def tell_replaced(replaced: int, config: CorpusConfig, listener: Listener) -> None:
    """Tell of bytes that were not valid UTF-8, if there were any."""
    if replaced:
        done = "replaced" if config.encoding_errors == "replace" else "left out"
        what, were = ("byte", "was") if replaced == 1 else ("bytes", "were")
        listener(Notice(f"{replaced:,} {what} {were} not valid UTF-8 and {were} {done}"))


def tell_skipped(records: int, listener: Listener) -> None:
    """Tell of bad records that were left out, if there were any."""
    if records:
        listener(Notice(f"{records:,} bad record{'s were' if records > 1 else ' was'} left out"))


def empty(where: str, skipped: int) -> EmptyCorpusError:
    """Return the error of a corpus without tokens, but perhaps with bad records."""
    bad = f": {skipped:,} bad records were left out" if skipped else ""
    hint = "see what is wrong with them without --skip-bad-records" if skipped else "name a text"
    return EmptyCorpusError(f"there are no tokens{bad}", where=where, hint=hint)


def bytes_of(parts: Sequence[Part]) -> int | None:
    """Return the bytes of parts, as stored; None where the size of one is unknown."""
    ends = [stored_size(part.source) if part.end is None else part.end for part in parts]
    begins = sum(part.begin for part in parts)
    return None if None in ends else sum(end or 0 for end in ends) - begins


def _tokenised(pieces: Iterable[Piece], config: CorpusConfig) -> Iterator[Piece]:
    for piece in pieces:
        prepare(piece, config)
        piece.tokenise()
        yield piece


def encode_sentences(
    sentences: Iterable[Iterable[Token]],
    config: CorpusConfig,
    *,
    listener: Listener = ignore,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Encode sentences, which are lists of tokens, or arrays of whole numbers.

    Tokens may hold any characters; a whole number is the token of its digits. Of the settings only
    `lowercase`, `max_types` and `cache_dir` matter. Empty sentences are left out.

    Raises:
        UsageError: a sentence is a string, or a token is empty, or neither a string nor a whole
            number.
        EmptyCorpusError, OutputError, DiskFullError, ResourceError: as `encode`.
    """
    if config.tokens != "space":
        raise UsageError(
            f"tokens='{config.tokens}' is for text, not for lists of tokens",
            hint="leave it out, or write the text to a file",
        )
    if config.field is not None:
        raise UsageError(
            "field is for files of records, not for lists of tokens", hint="leave it out"
        )
    numbered = enumerate([sentences] if isinstance(sentences, str) else sentences, 1)
    with _Encoder(config, listener, None, spared) as encoder:
        for piece in _sentence_pieces(numbered, config.lowercase):
            encoder.add(piece)
        return encoder.finish("sentences")


def _sentence_pieces(numbered: Iterable[tuple[int, Any]], lowercase: bool) -> Iterator[Piece]:
    piece = Piece()
    for kind, some in itertools.groupby(numbered, lambda one: integers.type_of_array(one[1])):
        if kind:
            for numbers, ends in integers.batches((one for _, one in some), _BATCH):
                last = integers.fill_with_numbers(piece, numbers, ends)
                piece.stored += piece.size - len(last)
                yield piece
        else:
            for tokens, last in _batches(some):
                _fill_with_tokens(piece, tokens, last, lowercase)
                piece.stored += piece.size - len(last)
                yield piece


def _batches(numbered: Iterable[tuple[int, Any]]) -> Iterator[tuple[list[Token], list[int]]]:
    """Yield batches of tokens, with a line feed after each sentence, and the positions of these."""
    tokens: list[Token] = []
    last: list[int] = []
    for number, sentence in numbered:
        if isinstance(sentence, str | bytes) or not isinstance(sentence, Iterable):
            raise UsageError(
                f"sentence {number} is {_short(sentence)}, not a list of tokens",
                hint="give lists of strings, such as line.split()",
            )
        if isinstance(sentence, Mapping):
            # Its tokens would be the names of its fields.
            raise UsageError(
                f"sentence {number} is {_short(sentence)}, a record and not a list of tokens",
                hint="give lists of strings, such as (one['text'].split() for one in records)",
            )
        rest = iter(sentence)
        while some := list(itertools.islice(rest, _BATCH)):
            tokens.extend(some)
            if len(tokens) >= _BATCH:
                yield tokens, last
                tokens, last = [], []
        last.append(len(tokens))
        tokens.append("\n")
        if len(last) >= _BATCH:
            yield tokens, last
            tokens, last = [], []
    yield tokens, last


def _fill_with_tokens(piece: Piece, tokens: list[Token], last: list[int], lowercase: bool) -> None:
    try:
        encoded = _encoded(tokens, lowercase)
    except (AttributeError, TypeError, UnicodeEncodeError) as error:
        words = list(map(integers.as_text, tokens))
        wrong = [token for token in words if not _is_token(token)]
        if wrong:
            raise UsageError(
                f"the token {_short(wrong[0])} is not a string of valid characters",
                hint="make every token a string, or a whole number",
            ) from error
        encoded = _encoded(words, lowercase)
    lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
    if not lengths.all():
        raise UsageError("a token is an empty string", hint="leave empty tokens out")
    piece.fill_with_tokens(b"".join(encoded), np.cumsum(lengths), last)


def _encoded(tokens: list[Any], lowercase: bool) -> list[bytes]:
    return [(token.lower() if lowercase else token).encode() for token in tokens]


def _is_token(token: object) -> bool:
    try:
        return isinstance(token, str) and token.encode() is not None
    except UnicodeEncodeError:
        return False


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


class _Encoder:
    """Gives the tokens of pieces their ids, and writes these to a file."""

    def __init__(
        self,
        config: CorpusConfig,
        listener: Listener,
        bytes_total: int | None,
        spared: Collection[str],
    ) -> None:
        # Before anything is called that is not compiled yet.
        apart(_warm_up)
        self._config = config
        self._listener = listener
        self._bytes_total = bytes_total
        self._bytes_read = 0
        self._replaced = 0
        self._skipped = 0
        self._looks = ""
        self._spared = spared
        self._table = TypeTable(config.max_types, spared)
        self._ids: NDArray[np.int32] = np.empty(0, np.int32)
        self._pace = Pace()
        self._out = IdWriter(config.cache_dir)

    def add(self, piece: Piece) -> None:
        """Give the tokens of a piece their ids."""
        if len(self._ids) < piece.count:
            self._ids = np.empty(piece.count, np.int32)
        try:
            given = self._table.add(piece, self._ids)
        except MemoryError as error:
            raise ResourceError(
                f"there is no memory for more than {self._table.types:,} types",
                where=piece.source,
                hint="limit them with --max-types",
            ) from error
        if self._table.arrived > _MOST_IDS:
            raise ResourceError(
                f"more than {_MOST_IDS:,} types were read",
                where=piece.source,
                hint="train on less text",
            )
        self._out.write(self._ids[:given])
        self._bytes_read = piece.stored
        self._replaced += piece.replaced
        self._skipped += piece.skipped
        if piece.looks and not self._looks:
            name = "standard input" if piece.source == STDIN else piece.source
            self._looks = f"{without_credentials(name)} looks like {piece.looks}"
            self._listener(Notice(self._looks))
        if self._pace.due():
            self._report_progress()

    def finish(self, where: str) -> EncodedCorpus:
        """Return what was encoded."""
        tokens, sentences = self._out.written - self._table.sentences, self._table.sentences
        if not tokens:
            raise empty(where, self._skipped)
        self._report_progress()
        self._report_notices()
        arrivals = self._table.arrivals()
        if arrivals is not None:
            sentences = self._renumber(arrivals)
        stored = self._out.finish()
        assert stored is not None
        return EncodedCorpus(
            stored,
            where,
            self._table.vocabulary(),
            tokens=tokens,
            sentences=sentences,
            bytes_read=self._bytes_read,
            replaced_bytes=self._replaced,
            skipped_records=self._skipped,
            looks=self._looks,
            dropped_types=self._table.dropped,
            blocks=borders_of(stored),
            spared=frozenset(self._spared),
        )

    def _renumber(self, arrivals: NDArray[np.int64]) -> int:
        """Number the types that were not dropped without gaps, and return the sentences left.

        Tokens of dropped types, and sentences of nothing else, are removed from the file.
        """
        number = np.full(self._table.arrived, UNKNOWN, np.int32)
        number[arrivals] = np.arange(len(arrivals))
        sentences = former = 0
        for provisional in self._out.again():
            ids = number[provisional]
            ids = ids[ids != UNKNOWN]
            former_of = np.concatenate((np.array([former], np.int32), ids[:-1]))
            former = int(ids[-1]) if len(ids) else former
            ids = ids[(ids != 0) | (former_of[: len(ids)] != 0)]
            sentences += int(np.count_nonzero(ids == 0))
            self._out.write(ids)
        return sentences

    def _report_progress(self) -> None:
        self._listener(
            CorpusProgress(
                bytes_read=self._bytes_read,
                bytes_total=self._bytes_total,
                tokens=self._out.written - self._table.sentences,
                types=self._table.types,
                seconds=self._pace.seconds,
            )
        )

    def _report_notices(self) -> None:
        tell_replaced(self._replaced, self._config, self._listener)
        tell_skipped(self._skipped, self._listener)
        if self._table.dropped:
            self._listener(
                Notice(
                    f"{self._table.dropped:,} types were dropped to keep the table within "
                    f"{self._config.max_types:,}; none had occurred more than "
                    f"{self._table.dropped_count:,} times since it was last in the table"
                )
            )

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Without an error the corpus has the file.
        if kind:
            self._out.close()


def _warm_up() -> None:
    """Call once all compiled code that the caller's thread runs."""
    table, piece = TypeTable(), Piece()
    piece.fill(b"a\n")
    piece.tokenise()
    ids = np.empty(piece.count, np.int32)
    table.add(piece, ids)
    table.enlarge()
    cut_blocks(ids, BLOCK, np.empty(3, np.int64))
