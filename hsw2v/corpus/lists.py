"""Words that a user chooses: to keep, to drop, or the whole vocabulary; of files, or given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config, CorpusConfig, GivenWords
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
    """The words of a file, or of a setting, each once, in their order."""

    source: str
    """The file, or the name of the setting."""
    words: list[str]
    counts: NDArray[np.int64] | None = None
    """(n,) int64, how often each occurs, if that is told."""

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

    def spared(self, config: CorpusConfig) -> frozenset[str]:
        """Return the words that `max_types` is not to drop while a text is read.

        With them are the parts of those that are phrases.
        """
        if not config.max_types:
            return frozenset()
        words = [word for one in (self.keep, self.vocab) if one is not None for word in one.words]
        parts = [word.split(config.delimiter) for word in words] if config.phrases else []
        return frozenset(chain(words, filter(None, chain.from_iterable(parts))))

    def tell_missing(self, words: Vocabulary, types: Vocabulary, listener: Listener) -> None:
        """Tell of words of the lists not in the vocabulary, or not in a text of T types."""
        for one, then, where in (
            (self.keep, "left out", words),
            (self.vocab, "not trained", types),
        ):
            if one is None:
                continue
            name, missing = readable(one.source), _missing(one.words, where)
            if missing:
                some = f"{len(missing):,} of the {len(one.words):,} words of {name}"
                listener(Notice(f"not in the text, and {then}: {some} ({named(missing)})"))
        # Of lists of stop words some are always missing; all, if they are cased otherwise.
        if self.drop is not None and not self.drop.among(types).any():
            some = f"{readable(self.drop.source)} ({named(self.drop.words)})"
            listener(Notice(f"not in the text, so that none is dropped: the words of {some}"))

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
                hint="take them out of --drop-words, or train a new model",
            )


NO_LISTS = WordLists()


def read_lists(config: Config, listener: Listener) -> WordLists:
    """Return the words that the settings name or have, if any; tell of those that are there twice.

    With `lowercase` words are lower-cased as those of the text are.

    Raises:
        MissingInputError: a file cannot be read.
        CorruptInputError, EncodingError: it is not UTF-8, has no words, or a line that is none of
            a vocabulary.
        UsageError: the lists contradict each other, or `max_vocab`.
    """
    settings, lower = config.vocabulary, config.corpus.lowercase
    keep, drop, vocab = settings.keep_words, settings.drop_words, settings.vocab
    if vocab is not None and (keep is not None or drop is not None):
        raise UsageError(
            "vocab tells all words, and keep_words or drop_words would change them",
            hint="leave --vocab out, or change its words",
        )
    found = WordLists(
        None if keep is None else _words_of(keep, "keep_words", lower, listener),
        None if drop is None else _words_of(drop, "drop_words", lower, listener),
        None if vocab is None else _vocabulary_of(vocab, lower),
    )
    _check(found, config)
    return found


def _check(found: WordLists, config: Config) -> None:
    if found.keep is not None and found.drop is not None:
        dropped = set(found.drop.words)
        if both := [word for word in found.keep.words if word in dropped]:
            raise UsageError(
                f"has words that are to be kept: {named(both)}",
                where=found.drop.source,
                hint="take them out of --keep-words or of --drop-words",
            )
    most = config.vocabulary.max_vocab
    if found.keep is not None and most and len(found.keep.words) > most:
        raise UsageError(
            f"has {len(found.keep.words):,} words to be kept, and max_vocab is {most:,}",
            where=found.keep.source,
            hint="raise --max-vocab, or keep fewer words",
        )


class _Line(NamedTuple):
    number: int
    text: str
    times: int | None = None


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
        MissingInputError, CorruptInputError, EncodingError: it cannot be read, or has no words, or
            counts beside them.
    """
    return list(dict.fromkeys(_one_a_line(source)))


def _one_a_line(source: str) -> list[str]:
    words = []
    for line in _lines(source):
        if "\t" in line.text:
            raise CorruptInputError(
                f"there is a tab within {line.text!r}, and a line has one word",
                where=f"{source}, line {line.number}",
                hint="leave out what follows: cut -f 1 FILE",
            )
        words.append(line.text)
    return words


def _words_of(given: str | GivenWords, setting: str, lower: bool, listener: Listener) -> WordList:
    if isinstance(given, GivenWords):
        source, lines = setting, list(given.words)
    else:
        source, lines = given, _one_a_line(given)
    words = list(dict.fromkeys(line.lower() if lower else line for line in lines))
    if again := len(lines) - len(words):
        times = "time" if again == 1 else "times"
        listener(
            Notice(f"{readable(source)} names words again that it has named, {again:,} {times}")
        )
    return WordList(source, words)


def _vocabulary_of(given: str | GivenWords, lower: bool) -> WordList:
    """Return words with their counts, after a tab or a blank, or without any."""
    source, place, entries = _entries(given)
    wrong = UsageError if isinstance(given, GivenWords) else CorruptInputError
    lines: dict[str, int] = {}
    counts: list[int] = []
    for line in entries:
        where = f"{source}, {place} {line.number}"
        word, times = line.text.lower() if lower else line.text, line.times
        first = lines.setdefault(word, line.number)
        if first != line.number:
            cased = ", in lower case," if lower else ""
            raise wrong(
                f"the word {word!r}{cased} is there already, in {place} {first}",
                where=where,
                hint="leave one of them",
            )
        if len(lines) > 1 and (times is None) == bool(counts):
            raise wrong(
                f"the word {word!r} has {'no' if times is None else 'a'} count, unlike those "
                "before it",
                where=where,
                hint="give all words a count, or none",
            )
        if times is not None:
            counts.append(times)
    if counts and not 0 < sum(counts) <= _MOST:
        what = "add up to more than 2^63 - 1" if sum(counts) else "are all 0"
        raise wrong(f"its counts {what}", where=source, hint="check them")
    return WordList(source, list(lines), np.array(counts, np.int64) if counts else None)


def _entries(given: str | GivenWords) -> tuple[str, str, Iterable[_Line]]:
    """Return where the words of a vocabulary are, what a place there is called, and the words."""
    if isinstance(given, GivenWords):
        counts = given.counts or repeat(None)
        return "vocab", "word", map(_Line, count(1), given.words, counts)
    split = (_Line(line.number, *_word_and_count(line.text)) for line in _lines(given))
    return given, "line", split


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
