"""Why a word is not in the vocabulary, as far as that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hsw2v.config import known_settings
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError

Reasons = Callable[[str], str]


def reasons_of(oov: Vocabulary | None, config: Mapping[str, Any], words: int) -> Reasons:
    """Return what tells why a word is missing: the sentence without the word, or nothing.

    `oov` are the types that are no words, with their counts, if they are known; `config` are the
    settings that the vocabulary of so many words was chosen by.
    """
    if oov is None:
        return lambda word: ""
    try:
        known = known_settings(config)
    except UsageError:
        # Of a file that somebody else has written.
        return lambda word: ""
    settings, types = known.vocabulary, oov

    def reason(word: str) -> str:
        (row,) = types.find([word])
        if row < 0:
            dropped = ", or was dropped by --max-types" if known.corpus.max_types else ""
            return f"does not occur in the text{dropped}"
        count = int(types.counts[row])
        times = "once" if count == 1 else f"{count:,} times"
        if settings.vocab is not None:
            why = "not in the file of --vocab"
        elif count < settings.min_count:
            why = f"below --min-count {settings.min_count}"
        else:
            beyond = f"not among the {words:,} words of --max-vocab" if settings.max_vocab else ""
            dropped = "in the file of --drop-words" if settings.drop_words is not None else ""
            why = " or ".join(filter(None, (dropped, beyond)))
        return f"occurs {times} in the text" + (f", {why}" if why else "")

    return reason
