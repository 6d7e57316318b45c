"""Trees as text: on every line a word, a tab, and its code, the turns from the root.

A 0 turns to the first child of a node, a 1 to the second. Words may hold anything but line feeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hsw2v.errors import CorruptInputError, Hsw2vError, UsageError
from hsw2v.files import read_text
from hsw2v.trees.tree import Tree

_NAMED = 5
_SHOWN = 40


@dataclass(frozen=True)
class Codes:
    """The tree of a file, over the words that the file names."""

    source: str
    words: list[str]
    """In rising order of their codes."""
    shape: Tree
    """Its leaf `~i` is `words[i]`."""

    def tree(self, vocabulary: Sequence[str]) -> Tree:
        """Return the tree over the V words of a vocabulary: its word w is the leaf `~w`.

        Raises:
            UsageError: the file and the vocabulary do not hold the same words.
        """
        ids = dict(zip(vocabulary, range(len(vocabulary)), strict=True))
        unknown = [word for word in self.words if word not in ids]
        if unknown or len(self.words) != len(ids):
            raise self._misfit(unknown, vocabulary)
        return self.shape.renamed(np.array([ids[word] for word in self.words]))

    def _misfit(self, unknown: list[str], vocabulary: Sequence[str]) -> UsageError:
        coded = set(self.words)
        missing = [word for word in vocabulary if word not in coded]
        differences = []
        if missing:
            differences.append(f"has no code for {_counted(missing)} of the vocabulary")
        if unknown:
            differences.append(f"has codes for {_counted(unknown)} outside the vocabulary")
        return UsageError(
            " and ".join(differences),
            where=self.source,
            hint="train with the corpus, --min-count and --max-vocab it was made for, or make it "
            "again",
        )


def read_codes(source: str) -> Codes:
    """Read a tree from a path, an address or `-`, decompressed by its extension.

    Lines end in LF or CRLF; empty ones are skipped. The code is what follows the last tab. A tree
    of one word has the empty code.

    Raises:
        MissingInputError: the file cannot be read.
        CorruptInputError, EncodingError: it is not UTF-8, a line is not a word and a code, a word
            or a code is there twice, a code is the beginning of another, a node has one child, or
            the codes are too long (see `Tree.check`).
    """
    leaves = sorted(_lines(source))
    if not leaves:
        raise CorruptInputError("holds no words", where=source, hint="check the file")
    _check_prefix_free(source, leaves)
    _check_complete(source, leaves)
    shape = _built([leaf.code for leaf in leaves])
    try:
        shape.check()
    except ValueError as error:
        raise CorruptInputError(str(error), where=source, hint="use shorter codes") from error
    return Codes(source, [leaf.word for leaf in leaves], shape)


def code_lines(tree: Tree, words: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the words in their order, without line feeds.

    Raises:
        UsageError: a word holds a line feed.
    """
    broken = [word for word in words if "\n" in word]
    if broken:
        raise UsageError(
            f"there is a line feed in {_counted(broken)}",
            hint="a file of codes has a word on each line: write the tree as JSON",
        )
    paths = tree.paths()
    turns = (paths.codes + np.uint8(ord("0"))).tobytes().decode("ascii")
    for word, (begin, end) in zip(words, pairwise(paths.offsets.tolist()), strict=True):
        yield f"{word}\t{turns[begin:end]}"


class _Leaf(NamedTuple):
    code: str
    line: int
    word: str


def _lines(source: str) -> list[_Leaf]:
    leaves: list[_Leaf] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(source).split("\n"), start=1):
        word, tab, code = line.removesuffix("\r").rpartition("\t")
        if not tab and not code:
            continue
        if not word or code.strip("01"):
            raise _complaint(
                source, number, f"is not a word, a tab and a code of 0 and 1: {_shown(line)}"
            )
        first = lines.setdefault(word, number)
        if first != number:
            raise _complaint(source, number, f"{word!r} has a code already, in line {first}")
        leaves.append(_Leaf(code, number, word))
    return leaves


def _check_prefix_free(source: str, leaves: list[_Leaf]) -> None:
    # In sorted order, codes that begin with another follow it.
    for leaf, after in pairwise(leaves):
        if after.code.startswith(leaf.code):
            how = "is also" if after.code == leaf.code else "is the beginning of"
            raise _complaint(
                source,
                leaf.line,
                f"the code of {leaf.word!r}, {_shown(leaf.code)}, {how} "
                f"that of {after.word!r} in line {after.line}",
            )


def _check_complete(source: str, leaves: list[_Leaf]) -> None:
    """Check that every node has two children; the leaves are prefix-free and sorted."""
    first, last = leaves[0], leaves[-1]
    if "1" in first.code:
        raise _gap(source, first, first.code.index("1"))
    for leaf, after in pairwise(leaves):
        # Two neighbours part at a node, one to its 0 and then only to 1, the other to its 1 and
        # then only to 0.
        if leaf.code.rstrip("1")[:-1] != after.code.rstrip("0")[:-1]:
            turns = enumerate(zip(leaf.code, after.code, strict=False))
            fork = next(turn for turn, (one, other) in turns if one != other)
            turn = leaf.code.find("0", fork + 1)
            if turn >= 0:
                raise _gap(source, leaf, turn)
            raise _gap(source, after, after.code.index("1", fork + 1))
    if "0" in last.code:
        raise _gap(source, last, last.code.index("0"))


def _gap(source: str, leaf: _Leaf, turn: int) -> Hsw2vError:
    """Return the error of a node with one child, which the code of a leaf passes at a turn."""
    there = leaf.code[: turn + 1]
    absent = there[:-1] + ("0" if there[-1] == "1" else "1")
    return _complaint(
        source,
        leaf.line,
        f"the code of {leaf.word!r} begins with {_shown(there)}, but none with {_shown(absent)}",
    )


def _built(codes: list[str]) -> Tree:
    """Return the tree with the i-th of the sorted, complete codes as leaf `~i`."""
    # From left to right, leaves and inner nodes alternate. A stable sort by depth gives the levels,
    # whose nodes after the root are the children of the inner nodes, in pairs.
    depth = np.empty(2 * len(codes) - 1, np.int64)
    depth[::2] = [len(code) for code in codes]
    depth[1::2] = [len(code.rstrip("1")) - 1 for code in codes[:-1]]
    order = np.argsort(depth, kind="stable")
    inner = order % 2 == 1
    number = np.where(inner, np.cumsum(inner) - 1, ~(order // 2))
    return Tree(number[1:].reshape(-1, 2).astype(np.int32))


def _complaint(source: str, line: int, what: str) -> CorruptInputError:
    return CorruptInputError(
        what,
        where=f"{source}, line {line}",
        hint="no code may be the beginning of another, and every node needs two children",
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def _counted(words: Sequence[str]) -> str:
    """Return the number of some words, and the first of them."""
    named = ", ".join(repr(word) for word in words[:_NAMED])
    more = ", ..." if len(words) > _NAMED else ""
    return f"{len(words):,} word{'s' if len(words) > 1 else ''} ({named}{more})"
