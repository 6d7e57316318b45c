"""`train`: from a corpus to a model, in one call."""

from __future__ import annotations

import platform
import time
from contextlib import ExitStack
from importlib import metadata
from typing import Any

from hsw2v.config import Config, read_config
from hsw2v.corpus.sources import Path, Source, encode_source
from hsw2v.corpus.stream import EncodedCorpus
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import WordCorpus, choose_words
from hsw2v.errors import EmptyCorpusError, ResourceError, UsageError
from hsw2v.events import Event, Listener, Notice, VocabularyReady, ignore
from hsw2v.model import Model
from hsw2v.training.growing import check_tree, first_tree
from hsw2v.training.trainer import Trainer
from hsw2v.training.warmup import WarmUp
from hsw2v.trees.codes import Codes


def train(
    source: Source,
    *,
    config: Config | Path | None = None,
    heldout: Source | None = None,
    listener: Listener = ignore,
    **settings: Any,
) -> Model:
    """Train word vectors on a corpus.

    The source is a path, address, directory or pattern, a list of these, or an iterable of
    sentences that are lists of tokens; it is read once. Settings are those of `hsw2v.config`, by
    name, over those of `config`, a `Config` or a TOML file: `train("corpus.txt", dim=200,
    model="cbow")`. `heldout` is a source whose exact loss is told to the listener after every
    epoch. One thread gives the same vectors, bit by bit, for the same corpus, settings, version
    and kind of processor; more threads give the same windows, but update the tables as they come
    (Hogwild).

    Raises:
        UsageError: a setting is unknown or out of bounds.
        MissingInputError, CorruptInputError, EncodingError: a source cannot be read, or the file
            of a tree.
        EmptyCorpusError: there is nothing to train on.
        OutputError, DiskFullError: the encoded corpus cannot be written to `cache_dir`.
        DivergedError: training ran away.
        ResourceError: there is not enough memory.
    """
    base = config if isinstance(config, Config) else read_config(config) if config else Config()
    chosen = base.replace(**settings).resolved()
    if heldout is not None and chosen.training.loss == "ns":
        raise UsageError(
            "there is no exact held-out loss of negative sampling: it has no probabilities",
            hint="leave the held-out corpus out, or use loss hs",
        )
    codes = check_tree(chosen.training)
    try:
        return _train(source, chosen, codes, heldout, listener)
    except MemoryError as error:
        if isinstance(error, ResourceError):
            raise
        raise ResourceError(
            f"there is not enough memory ({error})",
            hint="lower --dim or --threads, raise --min-count, or set --max-vocab",
        ) from error


def _train(
    source: Source,
    chosen: Config,
    codes: Codes | None,
    heldout: Source | None,
    listener: Listener,
) -> Model:
    begun = time.perf_counter()
    training = chosen.training
    warm_up = WarmUp(training.tree if training.loss == "hs" else "")
    with ExitStack() as corpora:
        encoded = corpora.enter_context(
            encode_source(source, chosen.corpus, _beginning(warm_up, listener))
        )
        vocabulary, corpus = choose_words(encoded, chosen.vocabulary)
        held = None
        if heldout is not None:
            unbounded = chosen.replace(max_types=0)
            text = corpora.enter_context(
                encode_source(heldout, unbounded.corpus, _notices(listener))
            )
            held = _held_out(text, vocabulary)
        totals = {
            "tokens": encoded.tokens,
            "sentences": encoded.sentences,
            "types": len(encoded.types) + encoded.dropped_types,
            "tokens_in_vocabulary": int(vocabulary.counts.sum()),
            "bytes_read": encoded.bytes_read,
            "mended_bytes": encoded.mended_bytes,
        }
        read = time.perf_counter()
        listener(
            VocabularyReady(
                words=len(vocabulary),
                types=totals["types"],
                tokens=totals["tokens"],
                sentences=totals["sentences"],
                tokens_in_vocabulary=totals["tokens_in_vocabulary"],
                seconds=read - begun,
            )
        )
        warm_up.wait()
        tree = first_tree(chosen, codes, vocabulary, corpus, listener)
        trainer = Trainer(chosen, vocabulary, tree)
        trainer.train(corpus, listener, held)
    vectors, outputs = trainer.finish()
    return Model(
        vocabulary,
        vectors,
        outputs,
        trainer.tree,
        config=chosen.to_dict(),
        info={
            "versions": _versions(),
            "corpus": totals,
            "seconds": {"reading": read - begun, "training": time.perf_counter() - read},
        },
    )


def _beginning(warm_up: WarmUp, listener: Listener) -> Listener:
    """Return the listener, with the warm-up begun at the first news of the corpus."""

    def listen(event: Event) -> None:
        warm_up.begin()
        listener(event)

    return listen


def _notices(listener: Listener) -> Listener:
    return lambda event: listener(event) if isinstance(event, Notice) else None


def _held_out(encoded: EncodedCorpus, vocabulary: Vocabulary) -> WordCorpus:
    corpus = WordCorpus.of(encoded, vocabulary)
    if corpus.remap.max() < 0:
        raise EmptyCorpusError(
            "no word of it is in the vocabulary",
            where=encoded.source,
            hint="name another held-out text",
        )
    return corpus


def _versions() -> dict[str, str]:
    names = ("hsw2v", "numpy", "numba")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
