"""From texts that are read to a model."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import NO_LISTS, WordLists
from hsw2v.corpus.vocabulary import Vocabulary, left_out
from hsw2v.corpus.words import WordCorpus, choose_words
from hsw2v.errors import DivergedError, EmptyCorpusError
from hsw2v.events import Listener, Notice, Resumed, VocabularyReady
from hsw2v.model import Model
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.network import Network, Unpadded
from hsw2v.network.outputs import Structure
from hsw2v.network.subwords import subwords_of
from hsw2v.training.building import check_phases, check_tree, first_structure
from hsw2v.training.checkpoint import read_state
from hsw2v.training.cluster import Cluster
from hsw2v.training.continuing import WORST_CONTINUED, Earlier, WarmStart
from hsw2v.training.initial import InitialVectors
from hsw2v.training.output import ModelOutput
from hsw2v.training.texts import Texts
from hsw2v.training.trainer import HALVINGS, WORST, Trainer
from hsw2v.training.warmup import WarmUp
from hsw2v.trees.classes import Classes
from hsw2v.trees.codes import Codes

BEARABLE = 30_000
"""Words of a softmax over all of them that need no warning."""


class Trained(NamedTuple):
    """A model, and what training it took."""

    model: Model
    seconds: float
    """Of building trees and training, without reading and measuring."""


def fit(
    texts: Texts,
    chosen: Config,
    codes: Codes | None,
    warm_up: WarmUp,
    listener: Listener,
    kept: ModelOutput | None = None,
    *,
    resumed: bool = False,
    halvings: int = HALVINGS,
    earlier: Earlier | None = None,
    known: Vocabulary | None = None,
    continues: bool = False,
    cluster: Cluster | None = None,
    lists: WordLists = NO_LISTS,
    initial: InitialVectors | None = None,
) -> Trained:
    """Train on texts, or go on with words that are `known`.

    It `continues` a model, which is `earlier` unless this is resumed.
    """
    begun = time.perf_counter()
    encoded = texts.corpus
    open_epochs = chosen.training.epochs is None
    chosen = chosen.resolved(encoded.tokens)
    check_phases(chosen.training)
    start: WarmStart | None = None
    if earlier is not None:
        start = WarmStart(earlier, encoded.types, chosen.vocabulary, listener, lists)
        known, continues = start.vocabulary, True
        lists.tell_missing(known, encoded.types, listener)
    if known is None:
        vocabulary, corpus = choose_words(encoded, chosen.vocabulary, lists, listener)
        # The text alone does not tell them.
        known = vocabulary if lists.given else None
    else:
        vocabulary = known
        corpus = _words_of(encoded, vocabulary, "text, or lower --min-count")
    held = None
    if texts.heldout is not None:
        held = _words_of(texts.heldout, vocabulary, "held-out text")
    totals = {
        "tokens": encoded.tokens,
        "sentences": encoded.sentences,
        "types": len(encoded.types) + encoded.dropped_types,
        "tokens_in_vocabulary": int(encoded.types.counts[corpus.remap[1:] >= 0].sum()),
        "bytes_read": encoded.bytes_read,
        "replaced_bytes": encoded.replaced_bytes,
    }
    if encoded.skipped_records:
        totals["skipped_records"] = encoded.skipped_records
    if chosen.training.loss == "softmax" and len(vocabulary) > BEARABLE:
        listener(
            Notice(
                f"every prediction takes the softmax over {len(vocabulary):,} words: this takes "
                "long; --max-vocab bounds it, and loss sampled learns nearly the same"
            )
        )
    read = time.perf_counter()
    reading = texts.seconds + read - begun
    listener(
        VocabularyReady(
            words=len(vocabulary),
            types=totals["types"],
            tokens=totals["tokens"],
            sentences=totals["sentences"],
            tokens_in_vocabulary=totals["tokens_in_vocabulary"],
            seconds=reading,
        )
    )
    if open_epochs:
        many = f"{chosen.training.epochs} epochs, for a text of {encoded.tokens:,} tokens"
        listener(Notice(f"{many} (--epochs sets another number)"))
    warm_up.wait()

    def again() -> Structure | None:
        if continues or chosen.training.init is not None:
            begun_with = "model that it continues is" if continues else "vectors of --init are"
            raise DivergedError(
                f"training diverged, and the {begun_with} not here to begin again",
                hint="train again with a lower --lr",
            )
        found = check_tree(chosen.training)
        return first_structure(chosen, found, vocabulary, corpus, listener)

    state = None
    base: Structure | Callable[[], Structure | None] | None = None
    if resumed and kept is not None:
        base = again
        state = read_state(kept.folder, chosen.training, vocabulary, len(encoded.blocks) - 1)
        listener(Resumed(state.epoch + 1, state.block, str(kept.folder)))
    elif start is not None:
        base = start.structure
        start.tell(chosen, listener)
    else:
        base = first_structure(chosen, codes, vocabulary, corpus, listener)
    given = None if initial is None else initial.start(vocabulary, listener)
    begins = start or given
    notes = dict(kept.notes.get("info", {})) if kept else dict(earlier.info if earlier else {})
    if given is not None:
        notes |= given.info
        if kept is not None:
            kept.notes["info"] = notes
    trainer = Trainer(
        chosen,
        vocabulary,
        base,
        state=state,
        halvings=halvings,
        fill=None if begins is None else begins.fill,
        worst=WORST_CONTINUED if continues else WORST,
        cluster=cluster,
    )
    if kept is not None:
        # A cluster may have another address when training goes on.
        kept.begin(chosen.replace(ray_address=None), texts, known, trainer.state)
    built = time.perf_counter() - read
    info: dict[str, Any] = {"versions": _versions(), "corpus": totals}
    others = partial(left_out, encoded.types, corpus.remap)

    def save_epoch(epoch: int) -> None:
        if kept is not None:
            network, about = trainer.network, {**info, "epoch": epoch, **notes}
            # The output layer of that epoch need not be that of the end.
            config = chosen.replace(loss=network.output.name, pretrain="")
            norm, trained = network.norm, network.unpadded()
            kept.save_epoch(
                lambda: _model(config, texts, vocabulary, network, norm, trained, about, others),
                epoch,
            )

    measuring = trainer.train(corpus, listener, held, kept, save_epoch)
    seconds = built + trainer.state.seconds
    if not chosen.training.deterministic:
        info["seconds"] = {"reading": reading, "training": seconds, "measuring": measuring}
    if trainer.state.halvings:
        info["learning_rate_halved"] = trainer.state.halvings
    network, norm = trainer.network, trainer.network.norm
    about = {**info, **notes}
    model = _model(chosen, texts, vocabulary, network, norm, network.compact(), about, others)
    if kept is not None:
        kept.save(model)
    return Trained(model, seconds)


def _model(
    config: Config,
    texts: Texts,
    vocabulary: Vocabulary,
    network: Network,
    norm: NDArray[np.float32] | None,
    trained: Unpadded,
    info: Mapping[str, Any],
    others: Callable[[], Vocabulary],
) -> Model:
    """Return the model of a network: of `norm (4, P)`, and of what is trained.

    `others` returns the types that are no words.
    """
    structure = network.output.built_of
    if config.training.deterministic:
        # These have no part in the model, whose file is to have the same bytes everywhere.
        config = config.replace(threads=None, cache_dir=None, engine="threads", ray_address=None)
        config = config.replace(tables="memory")
    subwords, inputs = subwords_of(config.training), network.inputs
    ngrams = None
    if subwords is not None and inputs is not None and trained.ngrams is not None:
        whole = config.training.whole_words
        ngrams = SubwordVectors(subwords, inputs.buckets, trained.ngrams, whole_words=whole)
    return Model(
        vocabulary,
        trained.vectors,
        trained.outputs,
        None if isinstance(structure, Classes) else structure,
        classes=structure if isinstance(structure, Classes) else None,
        batch_norm=None if norm is None else norm[:, : network.dim].copy(),
        subwords=ngrams,
        phrases=texts.corpus.phrases,
        config=config.to_dict(),
        info=info,
        oov=others,
    )


def _words_of(encoded: EncodedCorpus, vocabulary: Vocabulary, another: str) -> WordCorpus:
    corpus = WordCorpus.of(encoded, vocabulary)
    if corpus.remap.max() < 0:
        raise EmptyCorpusError(
            "no word of it is in the vocabulary",
            where=encoded.source,
            hint=f"name another {another}",
        )
    return corpus


def _versions() -> dict[str, str]:
    names = ("hsw2v", "numpy", "numba")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
