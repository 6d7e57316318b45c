"""Why a word is not in the vocabulary, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hsw2v.config import known_settings
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError

Reasons = Callable[[str], str]


def explained(words: Sequence[str], reason: Reasons, most: int = 5) -> str:
    """Return words that are missing, and of the first ones why, as they are told."""
    why = [reason(word) for word in words[:most]] + [""] * len(words[most:])
    return ", ".join(
        f"{word!r} ({one})" if one else repr(word) for word, one in zip(words, why, strict=True)
    )


def why_missing(
    word: str,
    oov: Vocabulary | None,
    config: Mapping[str, Any],
    words: int,
    phrases: Phrases | None = None,
) -> str:
    """Return why a word is not in a vocabulary of so many words; nothing where that is not known.

    `oov` are the types that are no words, with their counts, if they are known; `config` are the
    settings that the vocabulary was chosen by, and `phrases` those that were joined before.
    """
    if oov is None:
        return ""
    try:
        known = known_settings(config)
    except UsageError:
        # Of a file that somebody else has written.
        return ""
    settings = known.vocabulary
    (row,) = oov.find([word])
    if row < 0 and phrases is not None and (phrase := phrases.with_word(word)) is not None:
        return f"occurs in the text within phrases alone, such as {phrase!r}"
    if row < 0:
        dropped = ", or was dropped by --max-types" if known.corpus.max_types else ""
        return f"does not occur in the text{dropped}"
    count = int(oov.counts[row])
    if settings.vocab is not None:
        why = "not in --vocab"
    elif count < settings.min_count:
        why = f"below --min-count {settings.min_count}"
    else:
        beyond = f"not among the {words:,} words of --max-vocab" if settings.max_vocab else ""
        dropped = "dropped by --drop-words" if settings.drop_words is not None else ""
        why = " or ".join(filter(None, (dropped, beyond)))
    times = "once" if count == 1 else f"{count:,} times"
    return f"occurs {times} in the text" + (f", {why}" if why else "")
