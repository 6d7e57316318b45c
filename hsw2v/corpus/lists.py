"""Words that a user chooses: files of words to keep, to drop, or of the whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.events import Listener, Notice
from hsw2v.files import read_text, readable

if TYPE_CHECKING:
    from hsw2v.corpus.vocabulary import Vocabulary

_NAMED = 3
_MOST = 2**63 - 1
_DIGITS = 20


@dataclass(frozen=True)
class WordList:
    """The words of a file, each once, in its order."""

    source: str
    words: list[str]
    counts: NDArray[np.int64] | None = None
    """(n,) int64, how often each occurs, if the file tells."""

    def among(self, types: Vocabulary) -> NDArray[np.bool_]:
        """Return which of T types are words of the list and occur, (T,) bool."""
        found = np.zeros(len(types), np.bool_)
        ids = types.find(self.words)
        found[ids[ids >= 0]] = True
        return found & (types.counts > 0)


class WordLists(NamedTuple):
    """The words that a user chooses; at most `keep` and `drop`, or `vocab` alone."""

    keep: WordList | None = None
    """Words whatever their counts."""
    drop: WordList | None = None
    """No words."""
    vocab: WordList | None = None
    """All words."""

    @property
    def given(self) -> bool:
        """Whether there are any."""
        return any(one is not None for one in self)

    def tell_missing(
        self, words: Vocabulary, types: Vocabulary, dropped_types: int, listener: Listener
    ) -> None:
        """Tell of words of the lists that are not in the vocabulary, or not in a text of T types.

        Of its types so many were dropped (`max_types`), words of the lists perhaps.
        """
        lost = "or dropped by --max-types, and" if dropped_types else "and"
        for one, then, where in (
            (self.keep, "left out", words),
            (self.vocab, "not trained", types),
        ):
            if one is None:
                continue
            name, missing = readable(one.source), _missing(one.words, where)
            if missing:
                count = f"{len(missing):,} of the {len(one.words):,} words of {name}"
                listener(Notice(f"not in the text, {lost} {then}: {count} ({named(missing)})"))
            if dropped_types:
                why = "--max-types has dropped types, whatever they are"
                listener(Notice(f"words of {name} may have counts that are too low: {why}"))

    def check_extends(self, known: Vocabulary, where: str) -> None:
        """Make sure that training can go on with the words of a model: none is to be dropped.

        Raises:
            UsageError: one is.
        """
        if self.drop is None:
            return
        others = set(_missing(self.drop.words, known))
        if there := [word for word in self.drop.words if word not in others]:
            raise UsageError(
                f"has words that are to be dropped, and no word of a model is lost: {named(there)}",
                where=where,
                hint="take them out of the file of --drop-words, or train a new model",
            )


NO_LISTS = WordLists()


def read_lists(config: Config, listener: Listener) -> WordLists:
    """Read the files of words that the settings name, if any; tell of words that are there twice.

    With `lowercase` words are lower-cased as those of the text are.

    Raises:
        MissingInputError: a file cannot be read.
        CorruptInputError, EncodingError: it is not UTF-8, has no words, or a line that is none of
            a vocabulary.
        UsageError: the files contradict each other, or `max_vocab`.
    """
    settings, lower = config.vocabulary, config.corpus.lowercase
    keep, drop, vocab = settings.keep_words, settings.drop_words, settings.vocab
    if vocab is not None and (keep is not None or drop is not None):
        raise UsageError(
            "vocab tells all words, and keep_words or drop_words would change them",
            hint="leave --vocab out, or change its file",
        )
    if vocab is not None:
        return WordLists(vocab=_read_vocabulary(vocab, lower))
    found = WordLists(
        None if keep is None else _read_words(keep, lower, listener),
        None if drop is None else _read_words(drop, lower, listener),
    )
    if found.keep is not None and found.drop is not None:
        dropped = set(found.drop.words)
        if both := [word for word in found.keep.words if word in dropped]:
            raise UsageError(
                f"has words that are to be kept: {named(both)}",
                where=found.drop.source,
                hint="take them out of the file of --keep-words or of --drop-words",
            )
    most = settings.max_vocab
    if found.keep is not None and most and len(found.keep.words) > most:
        raise UsageError(
            f"has {len(found.keep.words):,} words to be kept, and max_vocab is {most:,}",
            where=found.keep.source,
            hint="raise --max-vocab, or keep fewer words",
        )
    return found


class _Line(NamedTuple):
    number: int
    text: str


def _lines(source: str) -> Iterator[_Line]:
    """Yield the lines of a file that are not blank, without white space around them."""
    some = False
    for number, line in enumerate(read_text(source).split("\n"), 1):
        if text := line.strip():
            some = True
            yield _Line(number, text)
    if not some:
        raise CorruptInputError("holds no words", where=source, hint="check the file")


def read_words(source: str) -> list[str]:
    """Return the words of a file, one a line, each once, in its order.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: it cannot be read, or has no words.
    """
    return list(dict.fromkeys(line.text for line in _lines(source)))


def _read_words(source: str, lower: bool, listener: Listener) -> WordList:
    lines = [line.text for line in _lines(source)]
    words = list(dict.fromkeys(line.lower() if lower else line for line in lines))
    if again := len(lines) - len(words):
        times = "time" if again == 1 else "times"
        listener(
            Notice(f"{readable(source)} names words again that it has named, {again:,} {times}")
        )
    return WordList(source, words)


def _read_vocabulary(source: str, lower: bool) -> WordList:
    """Read words with their counts, after a tab or a blank, or without any."""
    lines: dict[str, int] = {}
    counts: list[int] = []
    for line in _lines(source):
        where = f"{source}, line {line.number}"
        word, count = _word_and_count(line.text)
        word = word.lower() if lower else word
        first = lines.setdefault(word, line.number)
        if first != line.number:
            cased = ", in lower case," if lower else ""
            raise CorruptInputError(
                f"the word {word!r}{cased} is there already, in line {first}",
                where=where,
                hint="leave one of them",
            )
        if len(lines) > 1 and (count is None) == bool(counts):
            raise CorruptInputError(
                f"the word {word!r} has {'no' if count is None else 'a'} count, unlike those "
                "before it",
                where=where,
                hint="give all words a count, or none",
            )
        if count is not None:
            counts.append(count)
    if counts and not 0 < sum(counts) <= _MOST:
        what = "add up to more than 2^63 - 1" if sum(counts) else "are all 0"
        raise CorruptInputError(f"its counts {what}", where=source, hint="check the file")
    return WordList(source, list(lines), np.array(counts, np.int64) if counts else None)


def _word_and_count(line: str) -> tuple[str, int | None]:
    for blank in ("\t", " "):
        word, found, count = line.rpartition(blank)
        if found and word.strip() and count.isascii() and count.isdigit():
            return word.strip(), int(count) if len(count) < _DIGITS else _MOST + 1
    return line, None


def _missing(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    rows = vocabulary.find(words)
    return [word for word, row in zip(words, rows, strict=True) if row < 0]


def named(words: Sequence[str]) -> str:
    """Return the first of some words, and how many more there are."""
    more = f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else ""
    return ", ".join(map(repr, words[:_NAMED])) + more
