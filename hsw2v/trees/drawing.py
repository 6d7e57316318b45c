"""Trees in formats of other programs: nested JSON, Newick, and DOT for Graphviz."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from numbers import Integral
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from hsw2v.errors import UsageError
from hsw2v.files import STDOUT, compression_of, write_text
from hsw2v.trees.decisions import first_words, words_below
from hsw2v.trees.svg import svg
from hsw2v.trees.tree import Tree

FORMATS = ("json", "newick", "dot")
EXTENSIONS = {".json": "json", ".nwk": "newick", ".newick": "newick", ".dot": "dot", ".gv": "dot"}
DEEPEST = 10
"""Levels that still make a picture."""
EXAMPLES = 5
"""Words that are named of a subtree that is cut off."""


class _Part(NamedTuple):
    """A step of a walk through a tree from left to right."""

    kind: str
    """word, open (an inner node), next (between its children), close, or cut: an inner node
    whose subtree is cut off."""
    number: int = -1
    """The word, or the inner node."""
    parent: int = -1
    """The node above; -1 for the root."""
    turn: int = 0
    depth: int = 0


class Drawing:
    """A tree, perhaps cut off at some depth, in several formats."""

    def __init__(
        self,
        tree: Tree,
        words: Sequence[str],
        counts: NDArray[np.int64] | None = None,
        depth: int | None = None,
    ) -> None:
        """Take a tree over words that occur `counts (V,)` times.

        Subtrees whose root has the given depth, 1 or more, become leaves.
        """
        self._children: list[list[int]] = tree.children.tolist()
        self._words, self._counts, self._depth = words, counts, depth
        self._sizes: list[int] = words_below(tree).tolist()
        self._first = None if depth is None else first_words(tree, EXAMPLES)

    def json(self) -> Iterator[str]:
        """Yield the pieces of one nested object.

        Inner nodes have `node`, `words` (a number) and two `children`; leaves have a `word` and its
        `count`; subtrees that are cut off have `examples` instead of children.
        """
        for kind, number, *_ in self._walk():
            if kind == "word":
                count = "" if self._counts is None else f', "count": {self._counts[number]}'
                yield f'{{"word": {_json(self._words[number])}{count}}}'
            elif kind == "next":
                yield ", "
            elif kind == "close":
                yield "]}"
            else:
                below = '"children": [' if kind == "open" else f'"examples": {self._cut(number)}}}'
                yield f'{{"node": {number}, "words": {self._sizes[number]}, {below}'
        yield "\n"

    def newick(self) -> Iterator[str]:
        """Yield the pieces of a tree in Newick format, with quoted leaves and unnamed nodes."""
        marks = {"open": "(", "next": ",", "close": ")"}
        for part in self._walk():
            yield marks.get(part.kind) or "'" + self._label(part).replace("'", "''") + "'"
        yield ";\n"

    def dot(self) -> Iterator[str]:
        """Yield the lines of a directed graph: edges have the turn, words are `w` and their id."""
        yield "digraph tree {\n  node [shape=plaintext];\n  edge [arrowhead=none];\n"
        for part in self._walk():
            if part.kind in ("next", "close"):
                continue
            name = f"{'w' if part.kind == 'word' else 'n'}{part.number}"
            look = "shape=point" if part.kind == "open" else f"label={_dot(self._label(part))}"
            yield f"  {name} [{look}];\n"
            if part.parent >= 0:
                yield f"  n{part.parent} -> {name} [label={part.turn}];\n"
        yield "}\n"

    def svg(self) -> str:
        """Return a picture of the tree, the root to the left; a deep one has to be cut off."""
        return svg(orjson.loads("".join(self.json())), self._title())

    def _title(self) -> str:
        top = "A" if self._depth is None else "The top of a"
        return f"{top} tree of {len(self._words):,} words"

    def __repr__(self) -> str:
        depth = "" if self._depth is None else f", cut off at depth {self._depth}"
        return f"<hsw2v.trees.Drawing: {len(self._words):,} words{depth}>"

    def _repr_html_(self) -> str:
        # As an image, so that its style is of nothing else on the page.
        image = base64.b64encode(self.svg().encode()).decode()
        return f'<img alt="{escape(self._title())}" src="data:image/svg+xml;base64,{image}">'

    def _walk(self) -> Iterator[_Part]:
        # Not by recursion: trees may be deep.
        waiting = [self._part(0 if self._children else ~0, parent=-1, turn=0, depth=0)]
        while waiting:
            part = waiting.pop()
            yield part
            if part.kind == "open":
                first, second = (
                    self._part(child, parent=part.number, turn=turn, depth=part.depth + 1)
                    for turn, child in enumerate(self._children[part.number])
                )
                waiting += (_Part("close"), second, _Part("next"), first)

    def _part(self, child: int, *, parent: int, turn: int, depth: int) -> _Part:
        if child < 0:
            return _Part("word", ~child, parent, turn, depth)
        return _Part("cut" if depth == self._depth else "open", child, parent, turn, depth)

    def _label(self, part: _Part) -> str:
        if part.kind == "word":
            return self._words[part.number]
        return f"{' '.join(self._examples(part.number))} ({self._sizes[part.number]:,} words)"

    def _cut(self, node: int) -> str:
        return "[" + ", ".join(map(_json, self._examples(node))) + "]"

    def _examples(self, node: int) -> list[str]:
        assert self._first is not None
        return [self._words[word] for word in self._first[node] if word < len(self._words)]


def check_depth(depth: int) -> None:
    """Make sure that so many levels make a picture.

    Raises:
        UsageError: the depth is not from 1 to 10.
    """
    if not isinstance(depth, Integral) or not 1 <= depth <= DEEPEST:
        raise UsageError(f"the depth is {depth!r}", hint=f"it must be from 1 to {DEEPEST}")


def format_for(path: str, format: str | None = None) -> str:
    """Return the format of a file to write: the given one, or that of its extension.

    Raises:
        UsageError: the format or the extension is unknown.
    """
    if format is None:
        bare = path[: len(path) - len(compression_of(path))]
        format = EXTENSIONS.get(PurePath(bare).suffix.lower(), "")
        if not format:
            raise UsageError(
                "the extension is not that of a format of trees",
                where="standard output" if path == STDOUT else path,
                hint=f"use {', '.join(EXTENSIONS)}, or give the format",
            )
    if format not in FORMATS:
        raise UsageError(
            f"unknown format {format!r}", hint="it must be one of " + ", ".join(FORMATS)
        )
    return format


def write_drawing(
    path: str, drawing: Drawing, *, format: str | None = None, force: bool = False
) -> None:
    """Write a drawing to a file by `atomic_write`, compressed by its extension.

    Raises:
        UsageError: the format or the extension is unknown.
        OutputExistsError, OutputError, DiskFullError
    """
    pieces: Iterator[str] = getattr(drawing, format_for(path, format))()
    write_text(path, pieces, force=force)


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


def _dot(text: str) -> str:
    """Return a quoted label: backslashes and & have a meaning in Graphviz."""
    escapes: dict[str, str | int | None] = {"\\": "\\\\", '"': '\\"', "&": "&amp;", "\n": "\\n"}
    return '"' + text.translate(str.maketrans(escapes)) + '"'
