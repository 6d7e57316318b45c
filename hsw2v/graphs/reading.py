"""Files of edges or of neighbours to arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import CorpusConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.parts import Part
from hsw2v.corpus.reading import Piece, prepare, read_pieces
from hsw2v.corpus.stream import bytes_of, shown, tell_replaced
from hsw2v.corpus.table import TypeTable
from hsw2v.corpus.tokens import END_OF_LINE
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, EmptyCorpusError, UsageError
from hsw2v.events import CorpusProgress, Listener, Pace
from hsw2v.graphs.foreign import check_beginning, check_metis, check_names

COLUMNS = {"edges": 2, "weighted": 3}
"""Of the formats that have a fixed number."""
HEAVIEST = 1e30
"""The largest weight: sums of them are finite."""
_COMMENTS = np.frombuffer(b"#%", np.uint8)
_LONGEST_NUMBER = 64
_FEW = 0.1
"""The share of lines that may be mistakes in a list of edges, though no node begins two."""
_SHORT = 100
"""Lines of a file in which each neighbour is looked for at the beginning of a line."""
_NODES_AND_MORE = 4
"""Columns that are too many for an edge: a node and its neighbours."""
_EXAMPLES = {
    "edges": "two nodes a line, as 'a b'",
    "weighted": "two nodes and a weight a line, as 'a b 0.5'",
    "adjacency": "a node and its neighbours a line, as 'a b c d'",
}

Bools = NDArray[np.bool_]
Ids = NDArray[np.int32]


class Edges(NamedTuple):
    """What a file says: E edges between n nodes."""

    names: Vocabulary
    """The nodes, in order of arrival."""
    sources: Ids
    """(E,) int32, the nodes that edges lead from."""
    targets: Ids
    """(E,) int32."""
    weights: NDArray[np.float64] | None
    """(E,)."""
    graph_format: str
    bytes_read: int
    replaced_bytes: int
    """Bytes that were not valid UTF-8."""


def check_settings(config: CorpusConfig) -> None:
    """Find out whether the settings of a corpus have any that no graph has.

    Raises:
        UsageError: there is one.
    """
    usual = CorpusConfig()
    for name in ("tokens", "field", "format", "phrases"):
        value = getattr(config, name)
        if value != getattr(usual, name):
            raise UsageError(
                f"{name}={value!r} is for text, not for graphs",
                hint=f"leave it out or, where it comes from a model or a file of settings, give "
                f"{name}={getattr(usual, name)}",
            )


def read_edges(
    names: Sequence[str], graph_format: str, config: CorpusConfig, listener: Listener
) -> Edges:
    """Read edges from files, one after the other.

    Columns are separated by white space or commas. Lines that begin with `#` or `%` are comments.

    Raises:
        UsageError: a setting is for text, or the format cannot be told from the first lines.
        CorruptInputError: a line is not of the format, or a weight is not a number from 0 to 1e30,
            or the file is a graph in a format of other programs.
        EmptyCorpusError: there are no edges.
        And what `read_pieces` raises.
    """
    check_settings(config)
    check_names(names)
    apart(lambda: _Reader("edges").add(_lines_of(b"a b\n")))
    parts, reader, pace = [Part(name) for name in names], _Reader(graph_format), Pace()
    total = bytes_of(parts)
    for piece in _whole_lines(parts, config):
        reader.add(piece)
        if pace.due():
            tokens, types = reader.mentioned, reader.table.types
            listener(CorpusProgress(piece.stored, total, tokens, types, pace.seconds))
    found = reader.finish(shown(names))
    tell_replaced(found.replaced_bytes, config, listener)
    return found


def _lines_of(text: bytes) -> Piece:
    piece = Piece()
    piece.fill(text)
    return piece


def _whole_lines(parts: Sequence[Part], config: CorpusConfig) -> Iterator[Piece]:
    """Read pieces that end with a line; the longest line has to fit in memory."""
    read, whole, rest, line, replaced = Piece(), Piece(), list[bytes](), 1, 0
    for piece in read_pieces(parts, lambda: read):
        if piece.line == 1:
            line = 1
            check_beginning(piece.source, piece.text(), piece.looks)
        prepare(piece, config)
        replaced += piece.replaced
        text = piece.text()
        end = text.rfind(b"\n") + 1
        rest.append(text[:end])
        if end:
            whole.fill(b"".join(rest))
            whole.source, whole.line, whole.stored = piece.source, line, piece.stored
            whole.replaced, replaced = replaced, 0
            line += text.count(b"\n")
            yield whole
            rest = [text[end:]]
        else:
            rest[-1] = text


class _Lines:
    """The tokens of whole lines, as columns; comments are left out."""

    def __init__(self, piece: Piece) -> None:
        count, data = piece.count, piece.data
        self.piece = piece
        starts, lengths = piece.starts[:count], piece.ends[:count] - piece.starts[:count]
        ends = (piece.heads[:count] == END_OF_LINE) & (lengths == 1)
        places = np.arange(count)
        after = np.maximum.accumulate(np.where(ends, places + 1, 0))
        begins = np.concatenate((np.zeros(1, np.int64), after[:-1]))
        self.line = np.cumsum(ends) - ends
        """(count,) of each token, from 0."""
        # Those of empty lines and of comments.
        skipped = ends[begins] | np.isin(data[starts[begins]], _COMMENTS)
        self.column = places - begins
        """(count,) of each token, from 0."""
        self.is_node = ~(ends | skipped)
        """(count,) whether a token is one; or else a weight."""
        closing = ends & ~skipped
        self.widths = self.column[closing]
        """(lines,) tokens of the lines that have some."""
        self.numbers = self.line[closing]
        """(lines,) which lines these are, from 0."""

    def spelled(self, some: Bools) -> NDArray[np.bytes_]:
        """Return tokens as fixed-width bytes, what is too long for a number cut."""
        piece, which = self.piece, np.flatnonzero(some)
        starts = piece.starts[which].astype(np.int64)
        lengths = piece.ends[which] - starts
        width = min(int(lengths.max(initial=1)), _LONGEST_NUMBER)
        places = np.arange(width)
        # The text is padded by more than that.
        letters = piece.data[starts[:, None] + places]
        letters[places >= lengths[:, None]] = 0
        spelled: NDArray[np.bytes_] = letters.view(f"S{width}")[:, 0]
        return spelled

    def where(self, line: int) -> str:
        """Return the file and the number of a line, counted from 0 in the piece."""
        return f"{self.piece.source}, line {(self.piece.line or 1) + line}"


class _Reader:
    """Takes the tokens of pieces of whole lines for nodes and weights."""

    def __init__(self, graph_format: str) -> None:
        self.graph_format = graph_format
        self.table = TypeTable()
        self.mentioned = 0
        self._ids: Ids = np.empty(0, np.int32)
        self._sources: list[Ids] = []
        self._targets: list[Ids] = []
        self._weights: list[NDArray[np.float64]] = []
        self._stored = self._replaced = 0

    def add(self, piece: Piece) -> None:
        """Take the lines of a piece."""
        text = piece.data[: piece.size]
        text[text == ord(",")] = ord(" ")
        piece.tokenise()
        self._stored = piece.stored
        self._replaced += piece.replaced
        lines = _Lines(piece)
        if not len(lines.widths):
            return
        if self.graph_format == "auto":
            check_metis(piece.source, piece.text())
            self.graph_format = told_format(lines)
        self._check_widths(lines)
        if self.graph_format == "weighted":
            self._weights.append(_numbers(lines, lines.is_node & (lines.column == 2)))
            lines.is_node &= lines.column < 2
        self._add_nodes(piece, lines)

    def _add_nodes(self, piece: Piece, lines: _Lines) -> None:
        kept = np.flatnonzero(lines.is_node)
        for array in (piece.starts, piece.ends, piece.heads, piece.tails):
            array[: len(kept)] = array[kept]
        piece.count = len(kept)
        if len(self._ids) < len(kept):
            self._ids = np.empty(len(kept), np.int32)
        self.table.add(piece, self._ids)
        self.mentioned += len(kept)
        nodes = self._ids[: len(kept)] - 1
        begins = lines.column[kept] == 0
        sources = nodes[np.maximum.accumulate(np.where(begins, np.arange(len(kept)), 0))]
        self._sources.append(sources[~begins])
        self._targets.append(nodes[~begins])

    def _check_widths(self, lines: _Lines) -> None:
        wanted = COLUMNS.get(self.graph_format)
        wrong = np.flatnonzero(lines.widths != (wanted or lines.widths))
        if len(wrong):
            width = int(lines.widths[wrong[0]])
            raise CorruptInputError(
                f"has {width} column{'' if width == 1 else 's'}, not {wanted}",
                where=lines.where(int(lines.numbers[wrong[0]])),
                hint=f"'{self.graph_format}' is {_EXAMPLES[self.graph_format]}; another format is "
                "named by --graph-format",
            )

    def finish(self, where: str) -> Edges:
        """Return what was read."""
        names = self.table.vocabulary()
        sources, targets = _joined(self._sources), _joined(self._targets)
        if not len(sources):
            raise EmptyCorpusError(
                "there are no edges" + (", only nodes" if len(names) else ""),
                where=where,
                hint="a line is two nodes, or more, with blanks, tabs or commas between them",
            )
        weights = np.concatenate(self._weights) if self._weights else None
        read = self._stored, self._replaced
        return Edges(names, sources, targets, weights, self.graph_format, *read)


def _joined(parts: list[Ids]) -> Ids:
    joined = np.concatenate([np.empty(0, np.int32), *parts])
    parts.clear()
    return joined


def _numbers(lines: _Lines, some: Bools) -> NDArray[np.float64]:
    """Return tokens as weights.

    Raises:
        CorruptInputError: one is not a number from 0 to `HEAVIEST`.
    """
    spelled = lines.spelled(some)
    weights = _floats(spelled)
    wrong = np.flatnonzero(~((weights >= 0.0) & (weights <= HEAVIEST)))
    if len(wrong):
        shown = spelled[wrong[0]].decode(errors="replace")
        raise CorruptInputError(
            f"the weight {shown!r} is not a number from 0 to {HEAVIEST:g}",
            where=lines.where(int(lines.line[np.flatnonzero(some)[wrong[0]]])),
            hint="correct it, or put a # before a line that is no edge",
        )
    return weights


def _floats(spelled: NDArray[np.bytes_]) -> NDArray[np.float64]:
    """Return tokens as numbers, NaN for what is none."""
    try:
        return spelled.astype(np.float64)
    except ValueError:
        return np.array([_float(one) for one in spelled.tolist()])


def _float(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def told_format(lines: _Lines) -> str:
    """Return what the format of lines is.

    Two columns are edges, three whose last is a number are weighted edges, anything else is a node
    and its neighbours.

    Raises:
        UsageError: they may be one thing or the other.
    """
    names = lines.spelled(lines.is_node & (lines.column == 0)).tolist()
    distinct = len(set(names)) == len(names)
    edges, weighted = lines.widths == COLUMNS["edges"], lines.widths == COLUMNS["weighted"]
    thirds = lines.spelled(lines.is_node & (lines.column == 2))[lines.widths[lines.widths > 2] == 3]
    listed = distinct and set(thirds.tolist()) <= set(names)
    numbers = np.isfinite(_floats(thirds))
    if edges.all():
        if _has_header(lines):
            raise _odd(lines, 0, "whose nodes are numbers")
        return "edges"
    if weighted.all() and numbers.all():
        if listed:
            raise _unclear(lines, "the third column may be weights or nodes")
        return "weighted"
    if weighted.all() and numbers.any() and not listed:
        raise _odd(lines, int(np.argmin(numbers)), "whose third column is a number")
    weighted[weighted] = numbers
    for those, what in ((edges, "of 2 columns"), (weighted, "of two nodes and a weight")):
        share = np.count_nonzero(~those) / len(those)
        if share <= _FEW or (share < 0.5 and not (distinct and _have_lines(lines, names))):
            raise _odd(lines, int(np.argmin(those)), what)
    if distinct or lines.widths.max() >= _NODES_AND_MORE:
        return "adjacency"
    found = map(str, sorted(set(lines.widths.tolist())))
    raise _unclear(lines, f"lines have {' or '.join(found)} columns")


def _has_header(lines: _Lines) -> bool:
    """Tell whether only the nodes of the first line are no numbers, as in a table with a header."""
    nodes = lines.spelled(lines.is_node)
    try:
        nodes[2:].astype(np.float64)
    except ValueError:
        return False
    return len(nodes) > 2 and not np.isfinite(_floats(nodes[:2])).any()


def _have_lines(lines: _Lines, names: list[bytes]) -> bool:
    """Tell whether each neighbour has a line of its own, too; so it may be if lines are many.

    A short list of edges, a line of which is a mistake, is no list of neighbours.
    """
    others = lines.spelled(lines.is_node & (lines.column > 0))
    return len(names) > _SHORT or set(others.tolist()) <= set(names)


def _odd(lines: _Lines, line: int, others: str) -> UsageError:
    where = lines.where(int(lines.numbers[line]))
    return _unclear(lines, f"this line is not as others, {others}", where)


def _unclear(lines: _Lines, why: str, where: str | None = None) -> UsageError:
    return UsageError(
        f"the format cannot be told: {why}",
        where=where or lines.piece.source,
        hint=("correct it, or put a # before it if it is no edge, or " if where else "")
        + "name the format with --graph-format: "
        + "; ".join(_formats()),
    )


def _formats() -> Iterable[str]:
    return (f"{name} ({example})" for name, example in _EXAMPLES.items())
