"""The lines of a source as lists of tokens: every line, empty ones too, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from hsw2v.config import CorpusConfig
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import PIECE, Piece, check_sources, prepare, read_pieces
from hsw2v.files import expand_sources

Line = list[str]
"""Its tokens."""

_TEXTS_AT_ONCE = 1 << 12


class Lines(NamedTuple):
    """Some consecutive lines, and what reading them has passed."""

    tokens: list[Line]
    stored: int
    """Bytes of input, as stored, read so far; 0 of texts."""
    replaced: int
    """Bytes of these that were not valid UTF-8."""
    skipped: int
    """Bad records of these, which are empty lines."""


def read_lines(source: str, config: CorpusConfig) -> Iterator[Lines]:
    """Read the lines of sources, some at a time; of records each is a line, whatever it holds.

    Tokens are those that `stream.encode` would find. Memory is bounded by the longest line.

    Raises:
        What `stream.encode` does, but for a source without tokens.
    """
    names = expand_sources([source])
    check_sources(names, config)
    for name in names:
        begun, before = b"", None
        for piece in read_pieces([Part(name)], Piece, PIECE, config, one_line=True):
            if before is not None:
                found, begun = _lines(begun + before.text(), before)
                yield found
            prepare(piece, config)
            before = piece
        if before is not None:
            # Reading has added a line feed, which ends the last line if there is none of its own.
            text = (begun + before.text())[:-1]
            yield _lines(text if not text or text.endswith(b"\n") else text + b"\n", before)[0]


def tokens_of(texts: Iterable[str], config: CorpusConfig) -> Iterator[Lines]:
    """Split texts into tokens as those of a source are, some at a time."""
    remaining = iter(texts)
    while some := list(islice(remaining, _TEXTS_AT_ONCE)):
        piece = Piece()
        piece.fill("".join(one.replace("\n", " ") + "\n" for one in some).encode(errors="replace"))
        prepare(piece, config)
        yield _lines(piece.text(), piece)[0]


def _lines(text: bytes, piece: Piece) -> tuple[Lines, bytes]:
    """Return the lines that end in a text, which is that of a piece at last, and what is left."""
    whole, _, rest = text.rpartition(b"\n")
    lines = whole.split(b"\n") if len(rest) < len(text) else []
    tokens = [line.decode().split() for line in lines]
    return Lines(tokens, piece.stored, piece.replaced, piece.skipped), rest
