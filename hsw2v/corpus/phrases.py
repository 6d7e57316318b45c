"""Phrases: which pairs of words are joined, pass by pass, and what joining is on lists of words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from hsw2v.config import CorpusConfig, GivenWords
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.files import read_text
from hsw2v.markup import table

ENGLISH_WORDS = frozenset(
    {"a", "an", "the", "for", "of", "with", "without", "at", "from", "to", "in", "on", "by"}
    | {"and", "or"}
)
"""Connector words of English, those that gensim has."""


_SHOWN = 20
"""Phrases of a table in a notebook."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pair of words, and connector words between them, that is joined."""

    words: tuple[str, ...]
    """Any of them may be a phrase of an earlier pass."""
    count: int
    """How often they follow each other before they are joined."""
    score: float


class PhraseRow(NamedTuple):
    """A phrase as a word, in a table of them."""

    phrase: str
    count: int  # type: ignore[assignment]
    score: float

    def __repr__(self) -> str:
        return tuple.__repr__(self)


@dataclass(frozen=True, repr=False)
class Phrases:
    """The phrases of a corpus."""

    passes: tuple[tuple[Phrase, ...], ...]
    """Those of each pass, which joins over the result of the one before."""
    delimiter: str = "_"
    connectors: frozenset[str] = field(default_factory=frozenset)
    """Words that may be inside a phrase, but neither begin nor end one."""

    def __len__(self) -> int:
        """Return how many phrases there are."""
        return sum(map(len, self.passes))

    def __repr__(self) -> str:
        return f"<hsw2v.Phrases: {len(self):,} phrases, {len(self.passes)} passes>"

    def _repr_html_(self) -> str:
        return table(PhraseRow._fields, self.table[:_SHOWN], repr(self).strip("<>"))

    def joined(self, phrase: Phrase) -> str:
        """Return the word that a phrase becomes."""
        return self.delimiter.join(phrase.words)

    @property
    def table(self) -> list[PhraseRow]:
        """All phrases as words, with counts and scores, the highest score first."""
        every = (one for some in self.passes for one in some)
        rows = [PhraseRow(self.joined(one), one.count, one.score) for one in every]
        return sorted(rows, key=lambda row: -row.score)

    def join(self, sentence: Iterable[str]) -> list[str]:
        """Return the words of a sentence with its phrases joined, from left to right.

        Raises:
            UsageError: the sentence is a string.
        """
        if isinstance(sentence, str):
            raise UsageError("the sentence is a string", hint="give a list of words: text.split()")
        words = list(sentence)
        for known in self._known:
            words = list(self._joined_once(words, known))
        return words

    def with_word(self, word: str) -> str | None:
        """Return a phrase of a word and others, if there is one."""
        found = (self.joined(one) for some in self.passes for one in some if word in one.words)
        return next(found, None)

    @cached_property
    def _known(self) -> list[dict[tuple[str, ...], str]]:
        return [{one.words: self.joined(one) for one in some} for some in self.passes]

    def _joined_once(
        self, sentence: Sequence[str], known: Mapping[tuple[str, ...], str]
    ) -> Iterator[str]:
        waiting: list[str] = []
        for word in sentence:
            if word in self.connectors:
                if waiting:
                    waiting.append(word)
                else:
                    yield word
            elif (phrase := known.get((*waiting, word))) is not None:
                yield phrase
                waiting = []
            else:
                yield from waiting
                waiting = [word]
        yield from waiting

    def to_json(self) -> bytes:
        """Return all of it as JSON in UTF-8."""
        plain = {
            "delimiter": self.delimiter,
            "connectors": sorted(self.connectors),
            "passes": [[(one.words, one.count, one.score) for one in some] for some in self.passes],
        }
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Phrases:
        """Return what `to_json` has written.

        Raises:
            ValueError: it is something else.
        """
        try:
            plain = json.loads(text)
            passes = tuple(tuple(map(_phrase, some)) for some in plain["passes"])
            connectors = frozenset(map(_word, plain["connectors"]))
            return cls(passes, _word(plain["delimiter"]), connectors)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"phrases are none ({error})") from error


def _phrase(plain: Any) -> Phrase:
    words, count, score = plain
    if type(count) is not int or type(score) is not float or len(words) < 2:
        raise TypeError("a phrase is none")
    return Phrase(tuple(map(_word, words)), count, score)


def _word(plain: Any) -> str:
    if not isinstance(plain, str) or not plain:
        raise TypeError("a word is none")
    return plain


def connectors_of(config: CorpusConfig) -> frozenset[str]:
    """Return the connector words that settings name: those of English, of a file, or none.

    With `lowercase` those of a file, or given in Python, are lower-cased as the text is.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: the file cannot be read.
    """
    source = config.connector_file
    if isinstance(config.connector_words, GivenWords):
        given = config.connector_words.words
        return frozenset(one.lower() if config.lowercase else one for one in given)
    if source is not None:
        text = read_text(source)
        words = frozenset((text.lower() if config.lowercase else text).split())
        if not words:
            raise CorruptInputError("holds no words", where=source, hint="check the file")
        return words
    return ENGLISH_WORDS if config.connector_words else frozenset()
