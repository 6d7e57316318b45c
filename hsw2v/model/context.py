"""What a word is predicted from: words that a caller lists, or a text with a gap."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from hsw2v.config import Config, CorpusConfig
from hsw2v.corpus.phrases import Phrases
from hsw2v.errors import UsageError

GAP = "_"
"""The word of a text that stands for the one to predict."""

_APOSTROPHES = "'\u2019"


@dataclass(frozen=True)
class Context:
    """The words around a gap: those that count, and those that do not."""

    words: tuple[str, ...]
    """Words within the window that have vectors."""
    unknown: tuple[str, ...] = ()
    """Words that have no vector: left out, as in training, before the window is cut."""
    out_of_window: tuple[str, ...] = ()
    """Words that have vectors, and are too far from the gap."""


def context_of_text(
    text: str,
    config: Config,
    known: Callable[[list[str]], Collection[str]],
    phrases: Phrases | None = None,
) -> Context:
    """Return the context of the gap in a text, with its words made as in training.

    `known` tells which of some words have vectors. On either side of the gap, phrases are joined.

    Raises:
        UsageError: the text does not have exactly one gap.
    """
    tokens = list(_tokens(text, config.corpus))
    gaps = tokens.count(None)
    if gaps != 1:
        raise UsageError(
            f"{text!r} has {gaps or 'no'} gap{'s' if gaps > 1 else ''}",
            hint=f"put one {GAP} between spaces where the word is to be; to ask for {GAP} itself, "
            "list the words",
        )
    gap = tokens.index(None)
    window = config.training.window
    sides = [[word for word in side if word] for side in (tokens[:gap], tokens[gap + 1 :])]
    if phrases is not None:
        sides = [phrases.join(side) for side in sides]
    vocabulary = known([word for side in sides for word in side])
    before, after = ([word for word in side if word in vocabulary] for side in sides)
    return Context(
        words=(*before[-window:], *after[:window]),
        unknown=tuple(word for side in sides for word in side if word not in vocabulary),
        out_of_window=(*before[:-window], *after[window:]),
    )


def tokens_of(text: str, config: CorpusConfig) -> list[str]:
    """Return the tokens of a text, as those of a corpus are made."""
    if config.lowercase:
        text = text.lower()
    if config.tokens == "words":
        text = _without_punctuation(text).replace(GAP, " ")
    return text.split()


def _tokens(text: str, config: CorpusConfig) -> Iterator[str | None]:
    """Yield the tokens of a text as the corpus' are made, and None for a gap."""
    if config.lowercase:
        text = text.lower()
    if config.tokens == "space":
        for token in text.split():
            yield None if token == GAP else token
        return
    for run in _without_punctuation(text).split():
        if run == GAP:
            yield None
        else:
            yield from run.replace(GAP, " ").split()


def _without_punctuation(text: str) -> str:
    """Return a text with spaces in place of all but words and gaps.

    A word is a run of letters, marks and numbers; an apostrophe between two of them belongs to it.
    """
    in_word = [False, *(unicodedata.category(one)[0] in "LMN" for one in text), False]
    kept = [
        one == GAP or inside or (one in _APOSTROPHES and before and after)
        for one, before, inside, after in zip(text, in_word, in_word[1:], in_word[2:], strict=False)
    ]
    return "".join(one if keep else " " for one, keep in zip(text, kept, strict=True))
