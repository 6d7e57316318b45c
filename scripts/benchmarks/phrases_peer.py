#!/usr/bin/env python3
"""Find phrases with gensim, join them in a text, and write that, as its users do.

phrases_peer.py CORPUS OUTPUT [SETTINGS]    SETTINGS is JSON: see `joined`
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any

WHOLE = 2**62
"""Words of a sentence that is not cut."""


def joined(
    corpus: str,
    *,
    passes: int = 1,
    scoring: str = "default",
    threshold: float = 10.0,
    min_count: int = 5,
    english: bool = False,
    frozen: bool = True,
) -> Iterable[list[str]]:
    """Return the sentences of a file with their phrases joined.

    A model that is frozen is faster, and not exact from the second pass on: it splits words at the
    delimiter, and takes the counts of the first part and of the last.
    """
    from gensim.models.phrases import ENGLISH_CONNECTOR_WORDS, Phrases
    from gensim.models.word2vec import LineSentence

    sentences: Any = LineSentence(corpus, max_sentence_length=WHOLE)
    words = ENGLISH_CONNECTOR_WORDS if english else frozenset()
    for _ in range(passes):
        found = Phrases(
            sentences,
            min_count=min_count,
            threshold=threshold,
            scoring=scoring,
            connector_words=words,
        )
        sentences = (found.freeze() if frozen else found)[sentences]
    return sentences


def main() -> None:
    """Write the joined text."""
    corpus, output, *settings = sys.argv[1:]
    given: dict[str, Any] = json.loads(settings[0]) if settings else {}
    with open(output, "w", encoding="utf-8") as file:
        file.writelines(" ".join(words) + "\n" for words in joined(corpus, **given))


if __name__ == "__main__":
    main()
