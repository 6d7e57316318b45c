"""Sources to pieces of text in which no token is cut, ready for the tokeniser."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus.columns import WITH_PYARROW, pyarrow_for
from hsw2v.corpus.formats import WITH_COLUMNS, check_formats, format_of, looks_like
from hsw2v.corpus.parts import Part
from hsw2v.corpus.records import open_records
from hsw2v.corpus.stored import Stored, position
from hsw2v.corpus.text import (
    PAD,
    blank_punctuation,
    first_invalid,
    last_break,
    lower_ascii,
    word_characters,
)
from hsw2v.corpus.tokens import AHEAD, END_OF_LINE, LONG, make_keys, scan
from hsw2v.corpus.vectors import VECTOR
from hsw2v.errors import CorruptInputError, EncodingError
from hsw2v.files import check_address, decompressed, open_stored, stored_size

PIECE = 1 << 18
"""Bytes of a piece, unless a token is longer."""
LONGEST = 1 << 20
"""The most bytes without white space: memory is bounded by it."""

_SAMPLE = 4096
_MOST_CONTROLS = 0.02
"""The greatest share of control characters in a text of another encoding."""
_HEAD = 1 << 16
"""Bytes that tell what a text looks like."""


class Piece:
    """A piece of text and its tokens, in reusable buffers."""

    def __init__(self) -> None:
        self.data: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.size = 0
        self.source = ""
        self.offset = 0
        """The byte of the source where the piece begins."""
        self.line: int | None = 1
        """The line of the source where the piece begins; None where that is not known."""
        self.stored = 0
        """Bytes of input, as stored, read up to the end of the piece."""
        self.replaced = 0
        """Bytes that were not valid UTF-8."""
        self.skipped = 0
        """Bad records that were left out."""
        self.looks = ""
        """What the source looks like, if not like the plain text that it is read as."""
        self.count = 0
        self.starts: NDArray[np.int32] = np.empty(0, np.int32)
        self.ends: NDArray[np.int32] = np.empty(0, np.int32)
        self.heads: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.tails: NDArray[np.uint64] = np.empty(0, np.uint64)

    def reserve(self, size: int) -> None:
        """Make room for `size` bytes of text and its padding; the present text may be lost."""
        if len(self.data) < size + PAD:
            self.data = np.empty(size + PAD, np.uint8)

    def fill(self, text: bytes | memoryview) -> None:
        """Replace the text."""
        self.size = len(text)
        self.reserve(self.size)
        self.data[: self.size] = np.frombuffer(text, np.uint8)
        self.seal()

    def seal(self) -> None:
        """Pad the text."""
        self.data[self.size : self.size + PAD] = ord(" ")

    def text(self) -> bytes:
        """Return a copy of the text."""
        return self.data[: self.size].tobytes()

    def reserve_tokens(self, most: int) -> None:
        """Make room for `most` tokens; pages that are not written to take no memory."""
        if len(self.heads) < most + VECTOR + AHEAD:
            self.starts = np.empty(most + VECTOR, np.int32)
            self.ends = np.empty(most + VECTOR, np.int32)
            self.heads = np.zeros(most + VECTOR + AHEAD, np.uint64)
            self.tails = np.zeros(most + VECTOR + AHEAD, np.uint64)

    def fill_with_tokens(
        self, text: bytes | memoryview, ends: NDArray[np.int64], last: Sequence[int] = ()
    ) -> None:
        """Replace the text by that of tokens (n,), given where each ends.

        Of those that are line feeds only the `last` ones, given their places, end a sentence.
        """
        self.fill(text)
        self.count = len(ends)
        self.reserve_tokens(self.count)
        lengths = np.diff(ends, prepend=0)
        self.ends[: self.count] = ends
        self.starts[: self.count] = ends - lengths
        make_keys(self.data, self.starts, self.ends, self.count, self.heads, self.tails)
        ends_line = (self.heads[: self.count] == END_OF_LINE) & (lengths == 1)
        ends_line[list(last)] = False
        self.tails[: self.count][ends_line] = LONG

    def tokenise(self) -> None:
        """Find the tokens."""
        self.reserve_tokens(self.size)
        self.count = scan(self.data, self.size, self.starts, self.ends, self.heads, self.tails)


def read_pieces(
    parts: Sequence[Part],
    take: Callable[[], Piece],
    size: int = PIECE,
    config: CorpusConfig | None = None,
    *,
    one_line: bool = False,
) -> Iterator[Piece]:
    """Read parts of sources, in pieces of about `size` bytes that end in white space.

    `take` returns a free piece. A byte order mark is dropped; the last line of a part is ended. Of
    records (`config`, by default plain text) the pieces are of their text, each on a line if
    `one_line` is set.

    Raises:
        MissingInputError: a source cannot be read.
        CorruptInputError: a source is truncated, is not text, has more than `LONGEST` bytes
            without white space, or a bad record.
        EncodingError: the text of a record is not valid UTF-8, and `encoding_errors` is strict.
        UsageError: the format of a source is not known.
    """
    config = config or CorpusConfig()
    stored_before = 0
    for part in parts:
        source, begin = part.source, part.begin
        stored, end = begin, stored_size(source) if part.end is None else part.end
        with open_stored(source) as raw, decompressed(raw, source) as stream:
            is_text = format_of(source, config) == "text"
            given = (part, raw, stream, take, size, config)
            pieces = _pieces_of_text(*given) if is_text else _pieces_of_records(*given, one_line)
            for piece in pieces:
                stored = piece.stored
                piece.stored = stored_before + stored - begin
                yield piece
        # Of compressed data the end is known by the decompressor.
        if stream is raw and end is not None and stored < end:
            raise CorruptInputError(
                f"was truncated while it was read, from {end:,} bytes to {stored:,}",
                where=source,
                hint="train again when it is whole",
            )
        stored_before += stored - begin


def check_sources(names: Sequence[str], config: CorpusConfig) -> None:
    """Check, before the work, the formats of sources, and how files begin.

    Raises:
        UsageError: the format of one is not known, or a package for it is not there.
        And what `read_pieces` raises of the first bytes or records.
    """
    check_formats(names, config)
    for name in names:
        check_address(name)
        if (format := format_of(name, config)) in WITH_PYARROW:
            pyarrow_for(format, name)
    for name in names:
        if stored_size(name) is not None:
            with open_stored(name) as raw, decompressed(raw, name) as stream:
                if config.field is None:
                    Stored(Part(name), raw, stream).open()
                elif format_of(name, config) not in WITH_COLUMNS or stream is raw:
                    # What is read from its end, and compressed, would be copied for this alone.
                    with open_records(Part(name), raw, stream, config, LONGEST) as records:
                        records.text.peek()


def _pieces_of_text(
    part: Part,
    raw: BinaryIO,
    stream: BinaryIO,
    take: Callable[[], Piece],
    size: int,
    config: CorpusConfig,
) -> Iterator[Piece]:
    stored = Stored(part, raw, stream)
    first, mark = stored.open()
    whole = part.begin == 0
    for piece in _pieces_of(
        part.source, stored.fill, take, size, first, part.begin + mark, 1 if whole else None
    ):
        piece.stored = position(raw, piece.offset + piece.size)
        if whole and piece.offset == mark and config.format == "auto":
            piece.looks = looks_like(part.source, bytes(piece.data[: min(piece.size, _HEAD)]))
        yield piece


def _pieces_of_records(
    part: Part,
    raw: BinaryIO,
    stream: BinaryIO,
    take: Callable[[], Piece],
    size: int,
    config: CorpusConfig,
    one_line: bool,
) -> Iterator[Piece]:
    with open_records(part, raw, stream, config, LONGEST, one_line=one_line) as records:
        text = records.text
        for piece in _pieces_of(part.source, text.fill, take, size, b"", 0, None):
            piece.stored, piece.skipped = records.position(), text.skipped()
            yield piece


def _pieces_of(
    source: str,
    fill: Callable[[memoryview], int],
    take: Callable[[], Piece],
    size: int,
    rest: bytes,
    offset: int,
    line: int | None,
) -> Iterator[Piece]:
    """Yield the pieces of a text: its first bytes are the `rest`, and `fill` reads the others."""
    ended = False
    while not ended:
        if len(rest) > LONGEST:
            raise CorruptInputError(
                f"holds more than {LONGEST:,} bytes without white space",
                where=_place(source, line, offset),
                hint="separate its tokens by spaces or line feeds",
            )
        piece = take()
        # Twice the rest, so that a long token is moved only a few times; what fills the most there
        # can be without a break is too long, wherever pieces begin.
        room = max(size, min(2 * len(rest), LONGEST + 1))
        piece.reserve(room + 1)
        piece.data[: len(rest)] = np.frombuffer(rest, np.uint8)
        view = piece.data.data
        filled = len(rest) + fill(view[len(rest) : room])
        ended = filled < room
        if ended:
            piece.data[filled] = ord("\n")
            filled += 1
        piece.size = filled if ended else last_break(piece.data, filled)
        rest = bytes(view[piece.size : filled])
        piece.source, piece.offset, piece.line, piece.replaced = source, offset, line, 0
        piece.skipped, piece.looks = 0, ""
        piece.seal()
        offset += piece.size
        if line is not None:
            line += int(np.count_nonzero(piece.data[: piece.size] == ord("\n")))
        yield piece


def _place(source: str, line: int | None, offset: int) -> str:
    return f"{source}, byte {offset}" if line is None else f"{source}, line {line}, byte {offset}"


def prepare(piece: Piece, config: CorpusConfig) -> None:
    """Make the text of a piece valid UTF-8, and lower-case or split it as the settings say.

    No step looks past white space, so the result does not depend on where pieces are cut.

    Raises:
        EncodingError: the text is not valid UTF-8, and `encoding_errors` is strict.
        CorruptInputError: it looks binary.
    """
    invalid = first_invalid(piece.data, piece.size)
    if invalid >= 0:
        if config.encoding_errors == "strict":
            if _looks_binary(piece):
                raise CorruptInputError(
                    "is binary, not text", where=piece.source, hint="name a plain text"
                )
            raise _encoding_error(piece, invalid)
        text = piece.text()
        piece.replaced = len(text) - len(text.decode(errors="ignore").encode())
        piece.fill(text.decode(errors=config.encoding_errors).encode())
    if config.lowercase:
        lower_ascii(piece.data, piece.size)
        text = piece.text()
        if not text.isascii():
            piece.fill(text.decode().lower().encode())
    if config.tokens == "words":
        blank_punctuation(piece.data, piece.size, word_characters())


def _looks_binary(piece: Piece) -> bool:
    """Tell whether a piece that is not UTF-8 has more control characters than a text has."""
    some = piece.data[: min(piece.size, _SAMPLE)]
    controls = int(np.count_nonzero((some < 32) & ((some < 9) | (some > 13)) & (some != 27)))
    return controls > _MOST_CONTROLS * len(some)


def _encoding_error(piece: Piece, at: int) -> EncodingError:
    line = piece.line
    if line is not None:
        line += int(np.count_nonzero(piece.data[:at] == ord("\n")))
    byte = int(piece.data[at])
    return EncodingError(
        f"is not valid UTF-8 (byte 0x{byte:02x})",
        where=_place(piece.source, line, piece.offset + at),
        hint="convert it to UTF-8, or use --encoding-errors replace|ignore",
    )
