"""The texts of a training: a corpus and perhaps a held-out text, read once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from hsw2v.config import CorpusConfig
from hsw2v.corpus.sources import Source, encode_source
from hsw2v.corpus.stream import EncodedCorpus
from hsw2v.events import Listener, Notice, ignore


@dataclass(frozen=True)
class Texts:
    """A corpus and perhaps a held-out text, encoded: what any number of models is trained on."""

    corpus: EncodedCorpus
    heldout: EncodedCorpus | None
    config: CorpusConfig
    seconds: float
    """What reading them took."""


@contextmanager
def read_texts(
    source: Source,
    config: CorpusConfig,
    heldout: Source | None = None,
    *,
    listener: Listener = ignore,
) -> Iterator[Texts]:
    """Read a corpus, and perhaps a held-out text, once; they are gone at the end of the context.

    Raises:
        What `train` raises of sources.
    """
    begun = time.perf_counter()
    with ExitStack() as texts:
        corpus = texts.enter_context(encode_source(source, config, listener))
        held = None
        if heldout is not None:
            unbounded = dataclasses.replace(config, max_types=0)
            held = texts.enter_context(encode_source(heldout, unbounded, _notices(listener)))
        yield Texts(corpus, held, config, time.perf_counter() - begun)


def _notices(listener: Listener) -> Listener:
    return lambda event: listener(event) if isinstance(event, Notice) else None
