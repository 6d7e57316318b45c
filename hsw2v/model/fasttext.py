"""fastText's .bin files, versions 11 and 12: reading, from first byte to last.

All is little-endian. After a magic number and the version come the arguments of the training, the
dictionary (words, then labels of a classifier), whether matrices are quantised, and two matrices:
rows of words and then of buckets, and the output rows. With hierarchical softmax these are nodes of
the tree that the counts make. docs/file-format.md has the layout.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from hsw2v.arrays import all_finite
from hsw2v.config import Config
from hsw2v.config.subwords import LONGEST
from hsw2v.corpus.subwords import Subwords
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, ModelFileError, UsageError
from hsw2v.model.fasttext_content import AGAIN, BYTES_AT_ONCE, Content, broken
from hsw2v.model.reading import GrowingTable, distinct, first_not_finite
from hsw2v.model.report import LoadingReport
from hsw2v.model.subwords import SubwordVectors, composed
from hsw2v.query.neighbours import Floats
from hsw2v.trees.fasttext import UNMADE, fasttext_tree
from hsw2v.trees.tree import Tree

MAGIC, VERSIONS = 793712314, (11, 12)
START = struct.Struct("<2i")
ARGUMENTS = struct.Struct("<12id")
DICTIONARY = struct.Struct("<3i2q")
FLAG = struct.Struct("<?")
MATRIX = struct.Struct("<2q")
NOT_PRUNED = -1
WORD = 0
END_OF_SENTENCE = "</s>"
"""fastText's word for it, which has no n-grams."""
LOSSES = {1: "hs", 2: "ns", 3: "softmax", 4: "one-vs-all"}
MODELS = {1: "cbow", 2: "skipgram", 3: "supervised"}
SUPERVISED = "supervised"
OF_NODES = "hs"
"""The loss whose output rows are those of nodes, in the order in which they are made."""
SCORED = ("ns", "softmax", OF_NODES)
WORDS_AT_ONCE = 1 << 16

_LARGEST_DIM = 1 << 16
_ROWS_AT_ONCE = 1 << 12


class Arguments(NamedTuple):
    """fastText's arguments, as the file has them, under fastText's names."""

    dim: int
    ws: int
    epoch: int
    minCount: int
    neg: int
    wordNgrams: int
    loss: int
    model: int
    bucket: int
    minn: int
    maxn: int
    lrUpdateRate: int
    t: float

    @property
    def subwords(self) -> Subwords | None:
        """Which n-grams have vectors; None without any."""
        shortest = max(1, self.minn)
        if self.maxn < shortest or not self.bucket:
            return None
        return Subwords(shortest, self.maxn, self.bucket)

    @property
    def scored(self) -> bool:
        """Whether the output rows predict words."""
        return LOSSES[self.loss] in SCORED and MODELS[self.model] != SUPERVISED

    @property
    def of_nodes(self) -> bool:
        """Whether they are those of the nodes of a tree over words."""
        return self.scored and LOSSES[self.loss] == OF_NODES


class Read(NamedTuple):
    """What is read of a file."""

    vocabulary: Vocabulary
    vectors: Floats
    """(V, D) float32, of words with their n-grams."""
    subwords: SubwordVectors | None
    has_outputs: bool
    """Whether its output rows predict words: `read_outputs` reads them."""
    of_nodes: bool
    """Whether they are those of nodes: `tree_of` makes the tree."""
    config: dict[str, Any]
    info: dict[str, Any]


def is_fasttext(beginning: bytes) -> bool:
    """Tell from how a file begins whether it is one of fastText's."""
    return beginning[:4] == struct.pack("<i", MAGIC)


def read_fasttext(pieces: Iterator[bytes], name: str, report: LoadingReport | None = None) -> Read:
    """Read a file in order, from its pieces; a report is told of the words as they are composed.

    Words that are not UTF-8, which fastText allows, have backslashes in place of such bytes. Labels
    and output rows are passed over. Where all of a tree are zeros, as `write_fasttext` has them for
    a model without, there are none.

    Raises:
        ModelFileError: it is quantised or pruned, of another version, or not as fastText writes it.
        CorruptInputError: it is truncated, goes on after its end, or a word or a number is none.
        ResourceError: its matrix does not fit in memory.
    """
    content = Content(pieces, name)
    arguments = _arguments(content)
    words, counts = _dictionary(content)
    own, buckets = _input(content, arguments, words)
    rows = _outputs(content, arguments, len(words))
    trained = content.skip(4 * arguments.dim * rows)
    content.end()
    if arguments.of_nodes and trained and max(counts) >= UNMADE:
        raise content.broken("the counts of its words are out of bounds")
    vocabulary = distinct([_utf8(word) for word in words], name, "entry", 1, counts)
    subwords = None
    if arguments.subwords is not None:
        every = np.arange(arguments.bucket, dtype=np.int32)
        subwords = SubwordVectors(arguments.subwords, every, buckets)
        _compose(own, words, subwords, report or LoadingReport())
    info = {"fasttext": arguments._asdict()}
    has_outputs = arguments.scored and (trained or not arguments.of_nodes)
    return Read(
        vocabulary, own, subwords, has_outputs, arguments.of_nodes, _config(arguments), info
    )


def read_outputs(pieces: Iterator[bytes], name: str) -> Floats:
    """Read the output vectors, and pass over what is before them.

    They are those of words, (V, D) float32, or of the nodes of `tree_of`, (V-1, D) float32.

    Raises:
        ModelFileError, CorruptInputError, ResourceError: as `read_fasttext`.
    """
    content = Content(pieces, name)
    arguments = _arguments(content)
    words, _ = _dictionary(content)
    rows, dim = _matrix(content, "quantised", (len(words) + arguments.bucket, arguments.dim))
    content.skip(4 * dim * rows)
    outputs = _table(content, _outputs(content, arguments, len(words)), dim)
    if not arguments.of_nodes:
        _check_finite(outputs, words, name)
        return outputs
    if not all_finite(outputs):
        raise _not_finite("a node", name)
    # The last of the rows, as many as words, belongs to no node.
    return _reversed(outputs[:-1])


def tree_of(vocabulary: Vocabulary, name: str) -> Tree:
    """Return the tree whose nodes the output rows of a file are, given its words.

    Raises:
        ModelFileError: memory cannot hold the paths of such a tree.
    """
    tree = fasttext_tree(vocabulary.counts)
    try:
        tree.check()
    except ValueError as error:
        raise broken(str(error), name) from error
    return tree


def _reversed(table: Floats) -> Floats:
    """Reverse the order of rows in place, in bounded memory."""
    half = len(table) // 2
    for start in range(0, half, _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, half)
        one, other = table[start:stop], table[len(table) - stop : len(table) - start]
        kept = one[::-1].copy()
        one[:] = other[::-1]
        other[:] = kept
    return table


def _input(content: Content, arguments: Arguments, words: list[bytes]) -> tuple[Floats, Floats]:
    """Return the rows of words, (V, D), and of buckets, none where there are no n-grams."""
    rows = (len(words) + arguments.bucket, arguments.dim)
    _matrix(content, "quantised", rows)
    own = _table(content, len(words), arguments.dim)
    buckets = _table(content, arguments.bucket if arguments.subwords else 0, arguments.dim)
    # Word n-grams of a classifier are in buckets, too.
    content.skip(4 * arguments.dim * (rows[0] - len(own) - len(buckets)))
    _check_finite(own, words, content.name)
    if not all_finite(buckets):
        raise _not_finite("an n-gram", content.name)
    return own, buckets


def _outputs(content: Content, arguments: Arguments, words: int) -> int:
    """Read what stands before the output rows, and return how many there are."""
    rows = None if MODELS[arguments.model] == SUPERVISED else words
    return _matrix(content, "quantised in its output", (rows, arguments.dim))[0]


def _arguments(content: Content) -> Arguments:
    mark, version = content.unpack(START)
    if mark != MAGIC:
        raise content.broken("it does not begin as one")
    if version not in VERSIONS:
        raise ModelFileError(
            f"is a fastText file of version {version}, and this hsw2v reads "
            + " and ".join(map(str, VERSIONS)),
            where=content.name,
            hint="write it again with a fastText of today",
        )
    found = Arguments(*content.unpack(ARGUMENTS))
    if version == VERSIONS[0] and MODELS.get(found.model) == SUPERVISED:
        # Classifiers had no n-grams of characters then.
        found = found._replace(maxn=0)
    whole = 1 <= found.dim <= _LARGEST_DIM and found.bucket >= 0 and found.maxn <= LONGEST
    if not (whole and found.loss in LOSSES and found.model in MODELS):
        raise content.broken(f"its arguments are out of bounds: {found._asdict()}")
    return found


def _dictionary(content: Content) -> tuple[list[bytes], list[int]]:
    """Return the words and their counts; labels are left out."""
    size, words, labels, tokens, pruned = content.unpack(DICTIONARY)
    if min(words - 1, labels, tokens) < 0 or size != words + labels:
        raise content.broken(f"its dictionary tells of {words} words and {labels} labels")
    if pruned != NOT_PRUNED:
        raise ModelFileError(
            "is a fastText file that is pruned, as quantising does (.ftz)",
            where=content.name,
            hint="load the .bin file that it was made of",
        )
    entries = list(content.entries(size))
    kinds = [kind for _, _, kind in entries]
    if any(kinds[:words]) or not all(kinds[words:]):
        raise content.broken("labels stand among the words of its dictionary")
    counts = [count for _, count, _ in entries[:words]]
    if min(counts) < 0 or sum(counts) >= 1 << 63:
        raise content.broken("the counts of its words are out of bounds")
    return [word for word, _, _ in entries[:words]], counts


def _matrix(content: Content, kind: str, expected: tuple[int | None, int]) -> tuple[int, int]:
    """Read what stands before a matrix, and return its shape, which must be as expected."""
    (quantised,) = content.unpack(FLAG)
    if quantised:
        raise ModelFileError(
            f"is a fastText file that is {kind} (.ftz)",
            where=content.name,
            hint="load the .bin file that it was made of",
        )
    rows, columns = content.unpack(MATRIX)
    if rows < 0 or expected[0] not in (None, rows) or columns != expected[1]:
        raise content.broken(f"a matrix has the shape ({rows}, {columns})")
    return rows, columns


def _table(content: Content, rows: int, dim: int) -> Floats:
    table = GrowingTable(rows, dim, content.name)
    step = max(1, BYTES_AT_ONCE // (4 * dim))
    for start in range(0, rows, step):
        some = min(step, rows - start)
        table.add(np.frombuffer(content.take(4 * dim * some), "<f4").reshape(some, dim))
    return table.whole()


def _compose(
    own: Floats, words: list[bytes], subwords: SubwordVectors, report: LoadingReport
) -> None:
    """Make the vectors of words of their own rows, in place."""
    ends = [at for at, word in enumerate(words) if word == END_OF_SENTENCE.encode()]
    alone = own[ends]
    for part, some in parts(Vocabulary.from_encoded(words, [0] * len(words))):
        own[part] = composed(own[part], subwords.settings.ngrams(some), subwords)
        report.tell("composing", part.stop, len(words))
    own[ends] = alone


def parts(words: Vocabulary) -> Iterator[tuple[slice, Vocabulary]]:
    """Cut a vocabulary, so that there are not all n-grams of it at once."""
    for start in range(0, len(words), WORDS_AT_ONCE):
        part = slice(start, min(start + WORDS_AT_ONCE, len(words)))
        offsets = words.offsets[part.start : part.stop + 1]
        yield part, Vocabulary(words.blob, offsets, words.counts[part])


def _config(arguments: Arguments) -> dict[str, Any]:
    """Return what fastText was told, in the words of our settings."""
    training = {
        "dim": arguments.dim,
        "window": arguments.ws,
        "epochs": arguments.epoch,
        "negative": arguments.neg,
        "loss": LOSSES[arguments.loss],
        "model": MODELS[arguments.model],
    }
    if (subwords := arguments.subwords) is not None:
        training["subwords"] = str(subwords)
        training["buckets"] = subwords.buckets
    if arguments.of_nodes:
        training["tree"] = "huffman"
    vocabulary = {"min_count": arguments.minCount, "sample": arguments.t}
    return {"vocabulary": _allowed(vocabulary), "training": _allowed(training)}


def _allowed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings whose values can be ours: fastText has others as well."""
    found = {}
    for name, value in settings.items():
        with contextlib.suppress(UsageError):
            Config().replace(**{name: value})
            found[name] = value
    return found


def _utf8(word: bytes) -> bytes:
    return word.decode(errors="backslashreplace").encode()


def _check_finite(vectors: Floats, words: list[bytes], name: str) -> None:
    row = first_not_finite(vectors)
    if row is not None:
        raise _not_finite(repr(_utf8(words[row]).decode()), name)


def _not_finite(whose: str, name: str) -> CorruptInputError:
    return CorruptInputError(
        f"the vector of {whose} holds a number that is not finite", where=name, hint=AGAIN
    )
