"""The texts of a training: a corpus and perhaps a held-out text, read once."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import starmap
from typing import cast

import numpy as np

from hsw2v.config import CorpusConfig, TrainingConfig
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.parts import divided, sources_of
from hsw2v.corpus.phrases import Phrases
from hsw2v.corpus.reading import check_sources
from hsw2v.corpus.sources import Path, Source, encode_source, is_text, names_of
from hsw2v.errors import CorruptInputError
from hsw2v.events import Listener, Notice, ignore
from hsw2v.files import stored_size
from hsw2v.training.cluster import Cluster
from hsw2v.training.cluster_texts import all_see, names_to_part, read_on
from hsw2v.training.reader import encode_apart


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
    phrases: Phrases | None = None,
    training: TrainingConfig | None = None,
    cluster: Cluster | None = None,
    listener: Listener = ignore,
    spared: Collection[str] = (),
) -> Iterator[Texts]:
    """Read a corpus, and perhaps a held-out text, once; they are gone at the end of the context.

    Where phrases are to be joined, they are those given, or else those of the corpus. For a
    `training` on a `cluster` its workers read the corpus, if they can. `spared` are types of the
    corpus that stay, whatever `max_types` says.

    Raises:
        What `train` raises of sources.
    """
    begun = time.perf_counter()
    if heldout is not None and is_text(heldout):
        # Before the corpus is read.
        check_sources(names_of(cast(Path | Sequence[Path], heldout)), config)
    with ExitStack() as texts:
        found = _corpus(source, config, phrases, training, cluster, listener, spared)
        corpus = texts.enter_context(found)
        held = None
        if heldout is not None:
            unbounded = dataclasses.replace(config, max_types=0)
            found = encode_source(heldout, unbounded, _notices(listener), phrases=corpus.phrases)
            held = texts.enter_context(found)
        yield Texts(corpus, held, config, time.perf_counter() - begun)


def _corpus(
    source: Source,
    config: CorpusConfig,
    phrases: Phrases | None,
    training: TrainingConfig | None,
    cluster: Cluster | None,
    listener: Listener,
    spared: Collection[str],
) -> EncodedCorpus:
    names = None
    # The pairs of words that are phrases are counted in one place.
    if training is not None and training.in_rounds and not config.phrases:
        names = names_to_part(source, training)
    if training is not None and names is not None:
        check_sources(names, config)
        if cluster is not None and all_see(cluster, names, listener):
            parts = divided(names, training.workers, config)
            return read_on(cluster, parts, config, listener, spared)
        if training.workers > 1 and config.max_types:
            # Each worker has a table of types of its own, wherever it is.
            parts = divided(names, training.workers, config)
            return encode_apart(parts, config, listener, spared)
    return encode_source(source, config, listener, phrases=phrases, spared=spared)


@contextmanager
def read_again(
    texts: Texts, cluster: Cluster | None, listener: Listener = ignore
) -> Iterator[Texts]:
    """Read a corpus again that workers of a cluster have read, if they have.

    Raises:
        CorruptInputError: it is not the same text.
        And what `train` raises of sources.
    """
    was, config = texts.corpus, texts.config
    if was.stored is not None:
        yield texts
        return
    parts = [one.parts for one in was.apart]
    for part in (part for some in parts for part in some):
        if part.end is not None and part.end > (stored_size(part.source) or 0):
            raise _changed(part.source)
    if cluster is None or not all_see(cluster, sources_of(parts), listener):
        found = encode_apart(parts, config, listener, was.spared)
    else:
        found = read_on(cluster, parts, config, listener, was.spared)
    with found:
        _check_same(was, found)
        yield dataclasses.replace(texts, corpus=found)


def _check_same(was: EncodedCorpus, found: EncodedCorpus) -> None:
    pairs = (
        *((was.types.blob, found.types.blob), (was.types.offsets, found.types.offsets)),
        *((was.types.counts, found.types.counts), (was.blocks, found.blocks)),
    )
    if was.apart != found.apart or not all(starmap(np.array_equal, pairs)):
        raise _changed(was.source)


def _changed(source: str) -> CorruptInputError:
    return CorruptInputError(
        "has changed since the training began",
        where=source,
        hint="bring the text back that it began with, or begin the training again with --force",
    )


def _notices(listener: Listener) -> Listener:
    return lambda event: listener(event) if isinstance(event, Notice) else None
