"""`train`: from a corpus to a model, in one call; and many models from one reading of a corpus."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config, TrainingConfig, read_config
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import NO_LISTS, WordLists, read_lists
from hsw2v.corpus.sources import Path, Source, stored_as
from hsw2v.corpus.vocabulary import Vocabulary, left_out
from hsw2v.corpus.words import WordCorpus, choose_words
from hsw2v.errors import DivergedError, EmptyCorpusError, ResourceError, UsageError
from hsw2v.events import Event, Listener, Notice, Resumed, VocabularyReady, ignore
from hsw2v.graphs.graph import Graph
from hsw2v.model import Model
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.network import Network, Unpadded
from hsw2v.network.outputs import Structure, is_normalized, unused_settings
from hsw2v.network.parameters import check_tables
from hsw2v.network.subwords import subwords_of
from hsw2v.training.building import check_phases, check_tree, first_structure
from hsw2v.training.checkpoint import open_run, read_run, read_state
from hsw2v.training.cluster import Cluster, connected
from hsw2v.training.continuing import WORST_CONTINUED, Earlier, WarmStart
from hsw2v.training.graphs import chosen_source, defaults
from hsw2v.training.initial import InitialVectors
from hsw2v.training.output import ModelOutput
from hsw2v.training.texts import Texts, read_again, read_texts
from hsw2v.training.trainer import HALVINGS, WORST, Trainer
from hsw2v.training.warmup import WarmUp
from hsw2v.trees.classes import Classes
from hsw2v.trees.codes import Codes

BEARABLE = 30_000
"""Words of a softmax over all of them that need no warning."""


def train(
    source: Source | None = None,
    *,
    graph: Graph | Path | Sequence[Path] | None = None,
    from_model: Model | Path | None = None,
    config: Config | Path | None = None,
    heldout: Source | None = None,
    normalize_exactly: bool = False,
    output: Path | None = None,
    force: bool = False,
    checkpoint_every: float = 10.0,
    keep_epochs: bool = False,
    resumed: bool = False,
    notes: Mapping[str, Any] | None = None,
    listener: Listener = ignore,
    **settings: Any,
) -> Model:
    """Train word vectors on a corpus.

    The source is a path, address, directory or pattern, a list of these, or an iterable of
    sentences that are lists of tokens; it is read once. Tokens are strings or whole numbers, whose
    words are their digits; arrays of whole numbers, of one or two dimensions, are read fast.
    Settings are those of `hsw2v.config`, by
    name, over those of `config`, a `Config` or a TOML file: `train("corpus.txt", dim=200,
    model="cbow")`. `heldout` is a source whose exact loss is told to the listener after every
    epoch; the scores of loss ns and sampled are no probabilities, and with `normalize_exactly`
    it is that of their softmax over all words, which takes long. One thread gives the same
    vectors, bit by bit, for the same corpus, settings, version and kind of processor; more
    threads give the same windows, but update the tables as they come (Hogwild). With
    `deterministic` any number of threads gives the same model file, byte for byte.

    With `graph` in place of a source, a `Graph` or what `Graph.read` reads, training is on random
    walks over it: `train(graph="edges.txt", p=0.5, walk_length=80)`. The defaults are then those of
    configs/graph-walks.toml. The walks are never a text; they are a function of the seed.

    With `from_model`, a model or the path of its file, training continues that model on this text;
    the model itself does not change. Its words stay, with their vectors and output vectors, and
    those of the text that are frequent enough join: in new leaves of the tree, or in the classes
    that are there. Counts are those of all texts together. Settings are those of the model, but
    for what is given here; a `Config` is taken as a whole. The learning rate begins at `lr` again,
    and the state of the optimizer at zero. The tree or the classes are rebuilt only if `rebuild_at`
    is given.

    Words are those that `min_count`, `max_vocab`, `keep_words`, `drop_words` or `vocab` choose.
    With `init`, a file that `hsw2v.load` opens, words that it has start from their vectors there.

    With `output` the model is saved there when it is complete; `force` replaces a file of that
    name. Until then the training is kept in the folder OUTPUT.checkpoint every `checkpoint_every`
    minutes (0: never) and when it is interrupted, and `resume` goes on with it; so does `resumed`,
    if the same texts, settings and output were asked for. `notes`, JSON, are kept there, too;
    those under "info" become part of the model's. With `keep_epochs` the model after each epoch N
    but the last is written beside it, as NAME.epoch-N.safetensors.

    Raises:
        UsageError: a setting is unknown or out of bounds, or there is no held-out loss with it; or
            it contradicts `from_model`, or that has no output layer or no counts; or there are
            neither a source nor a graph, or both.
        MissingInputError, CorruptInputError, EncodingError: a source cannot be read, or the file
            of a graph, of a tree or of `from_model`.
        EmptyCorpusError: there is nothing to train on.
        OutputExistsError: the output is there, or a training for it that was interrupted.
        OutputError, DiskFullError: the output cannot be written, another run writes it, or the
            encoded corpus cannot be written to `cache_dir`, or mapped `tables` to their folder.
        DivergedError: training ran away, at an eighth of the learning rate, too.
        ResourceError: there is not enough memory.
    """
    earlier = None if from_model is None else Earlier.of(from_model)
    first = defaults(graph) if earlier is None else earlier.settings
    base = config if isinstance(config, Config) else read_config(config, first) if config else first
    asked = base.replace(**settings)
    if earlier is not None:
        asked = earlier.checked(asked, has_lr=config is not None or "lr" in settings)
        notes = dict(notes or {})
        notes["info"] = {**earlier.info, **notes.get("info", {})}
    source, asked = chosen_source(source, graph, asked, listener)
    chosen = asked.resolved()
    codes = check_training(
        chosen.training,
        heldout=heldout is not None,
        normalize_exactly=normalize_exactly,
        built=earlier is not None,
    )
    lists, initial = read_lists(chosen, listener), InitialVectors.of(chosen.training)
    if earlier is not None:
        lists.check_extends(earlier.model.vocabulary, earlier.model.name)
    tell_unused(asked, listener, first)
    warm_up = WarmUp(chosen.training)
    with memory_explained(), ExitStack() as context:
        kept = None
        if output is not None:
            kept = ModelOutput(
                output,
                force=force,
                every=checkpoint_every,
                keep_epochs=keep_epochs,
                listener=listener,
                asked=_asked(source, heldout, normalize_exactly, asked, earlier),
                notes=notes,
            )
            if resumed and kept.is_interrupted():
                now = chosen.training
                machine = {"threads": now.threads, "tables": now.tables}
                return _resume(kept, listener, ray_address=now.ray_address, **machine)
            context.enter_context(kept)
            kept.check_new()
            if resumed:
                listener(Notice("there is no interrupted training to go on with: this one is new"))
        cluster = context.enter_context(connected(chosen.training, listener))
        texts = context.enter_context(
            read_texts(
                source,
                chosen.corpus,
                heldout,
                phrases=None if earlier is None else earlier.model.phrases,
                training=chosen.training,
                cluster=cluster,
                listener=_beginning(warm_up, listener),
            )
        )
        return _train(
            *(texts, chosen, codes, warm_up, listener, kept),
            earlier=earlier,
            cluster=cluster,
            lists=lists,
            initial=initial,
        ).model


def resume(
    checkpoint: Path,
    *,
    output: Path | None = None,
    force: bool | None = None,
    checkpoint_every: float | None = None,
    threads: int | None = None,
    tables: str | None = None,
    engine: str | None = None,
    ray_address: str | None = None,
    listener: Listener = ignore,
) -> Model:
    """Go on with a training that was interrupted, from its folder OUTPUT.checkpoint.

    The text is not read again, unless workers of a cluster had read it. Schedule, windows and
    random numbers are those of the uninterrupted training: with one thread, so is the model, to the
    bit. What is not given here is as it was:
    `output` and `force`, which tell where the model is saved, `checkpoint_every`, `threads` and
    `tables`; and for deterministic training `engine`, "local" or "ray", which comes to the same
    model. The address of a Ray cluster is not kept: `ray_address`, or RAY_ADDRESS, names it again.

    Raises:
        UsageError: another engine would come to another model.
        MissingInputError, ModelFileError: there is no such folder, or a file of it is damaged.
        And what `train` raises.
    """
    was = read_run(checkpoint).notes
    kept = ModelOutput(
        was.output if output is None else output,
        force=was.force if force is None else force,
        every=was.checkpoint_every if checkpoint_every is None else checkpoint_every,
        keep_epochs=was.keep_epochs,
        listener=listener,
        asked=was.asked,
        notes=was.notes,
        folder=checkpoint,
    )
    now = {"threads": threads, "tables": tables, "engine": engine, "ray_address": ray_address}
    return _resume(kept, listener, **now)


def _resume(kept: ModelOutput, listener: Listener, **now: Any) -> Model:
    """Go on, with what is said of the machine `now` where that is not None."""
    with ExitStack() as context:
        context.enter_context(memory_explained())
        context.enter_context(kept)
        run, texts = context.enter_context(open_run(kept.folder))
        given = {name: one for name, one in now.items() if one is not None}
        was = run.config.training
        if given.get("engine", was.engine) != was.engine and (
            not was.deterministic or given["engine"] == "threads"
        ):
            raise UsageError(
                f"engine {given['engine']} would come to another model than engine {was.engine}",
                where=str(kept.folder),
                hint="leave --engine out",
            )
        config = run.config.replace(**given)
        check_tables(config.training)
        cluster = context.enter_context(connected(config.training, listener))
        texts = context.enter_context(read_again(texts, cluster, listener))
        return _train(
            *(texts, config, None, WarmUp(config.training), listener, kept),
            resumed=True,
            known=run.vocabulary,
            continues="from_model" in kept.asked,
            cluster=cluster,
        ).model


class Trained(NamedTuple):
    """A model, and what training it took."""

    model: Model
    seconds: float
    """Of building trees and training, without reading and measuring."""


def train_on(
    texts: Texts, config: Config, *, normalize_exactly: bool = False, listener: Listener = ignore
) -> Trained:
    """Train word vectors on texts that are read, as `train` does; they stay as they are.

    The settings are free but for those of the corpus, which it was read with.

    Raises:
        UsageError: the settings of the corpus are others.
        And what `train` raises.
    """
    chosen = config.resolved()
    if chosen.corpus != texts.config:
        raise UsageError("the corpus was read with other settings", hint="read it again")
    codes = check_training(
        chosen.training, heldout=texts.heldout is not None, normalize_exactly=normalize_exactly
    )
    lists, initial = read_lists(chosen, listener), InitialVectors.of(chosen.training)
    with memory_explained(), connected(chosen.training, listener) as cluster:
        # What is compared is what was asked for: nothing is tried again.
        return _train(
            *(texts, chosen, codes, WarmUp(chosen.training), listener),
            halvings=0,
            cluster=cluster,
            lists=lists,
            initial=initial,
        )


def _asked(
    source: Source,
    heldout: Source | None,
    normalize_exactly: bool,
    config: Config,
    earlier: Earlier | None,
) -> dict[str, Any]:
    """Return what decides on a model, as JSON: by it a training is known again."""
    texts = [None if one is None else stored_as(one) for one in (source, heldout)]
    config = config.replace(ray_address=None, tables="memory")
    asked = {"texts": texts, "normalize_exactly": normalize_exactly, "config": config.to_dict()}
    if files := list(config.files.values()):
        asked["files"] = stored_as(files)
    return asked if earlier is None else {**asked, "from_model": earlier.digest}


def check_training(
    training: TrainingConfig,
    *,
    heldout: bool,
    normalize_exactly: bool = False,
    built: bool = False,
) -> Codes | None:
    """Find out, before any work, what training would refuse; read the tree if it is a file.

    The file is not read if the tree is `built` already.

    Raises:
        UsageError: a held-out loss is wanted of an output layer without probabilities, or one that
            is normalized exactly without a held-out text, or the semantic tree is to be built when
            training is over.
        MissingInputError, CorruptInputError, EncodingError: the file is not there, or is no tree.
        And what `check_tables` raises.
    """
    check_tables(training)
    if heldout and not is_normalized(training.loss) and not normalize_exactly:
        raise UsageError(
            f"there is no exact held-out loss with loss {training.loss}: its scores are no "
            "probabilities",
            hint="leave the held-out text out, use loss hs, class or softmax, or take the softmax "
            "of the scores with --normalize-exactly",
        )
    if normalize_exactly and not heldout:
        raise UsageError(
            "it is the loss of a held-out text that is normalized exactly, and there is none",
            hint="name one with --heldout, or leave --normalize-exactly out",
        )
    if built:
        check_phases(training)
        return None
    return check_tree(training)


def check_on(vocabulary: Vocabulary, tokens: int, config: Config, codes: Codes | None) -> None:
    """Find out, before any work, what training on so many tokens that are read would refuse.

    `codes` is the tree of a file, as `check_training` read it.

    Raises:
        UsageError: the tree or classes would be built when training is over, or the tree of a file
            is not one of the vocabulary.
    """
    check_phases(config.resolved(tokens).training)
    if codes is not None:
        codes.tree(vocabulary.words)


def tell_unused(config: Config, listener: Listener, base: Config | None = None) -> None:
    """Tell of the settings without effect, if there are some that are not as in `base`.

    And of threads that deterministic training has no use for.
    """
    training, first = config.training, (base or Config()).training
    unused = [
        name for name in unused_settings(config) if getattr(training, name) != getattr(first, name)
    ]
    if unused:
        listener(Notice(without_effect(unused, config)))
    words, none = config.vocabulary, Config().vocabulary
    chosen = [
        name for name in ("min_count", "max_vocab") if getattr(words, name) != getattr(none, name)
    ]
    if words.vocab is not None and chosen:
        listener(Notice(f"{no_effect(chosen)} (vocab)"))
    threads = config.resolved().training.threads or 1
    if training.in_rounds and training.engine != "ray" and threads > training.workers:
        listener(
            Notice(
                f"{threads - training.workers} of {threads} threads have no worker: --workers "
                f"{threads} gives them some, and comes to another model"
            )
        )


def without_effect(unused: Sequence[str], config: Config) -> str:
    """Return the sentence that tells of settings without effect."""
    training = config.training
    because = f"loss {training.loss}"
    if "num_trees" in unused and training.has_tree:
        because += f", tree {training.tree}"
    if not training.subwords and {"buckets", "whole_words"} & set(unused):
        because += ", no subwords"
    if not training.in_rounds and {"workers", "round"} & set(unused):
        because += ", not deterministic"
    if {"worker_threads", "ray_address"} & set(unused):
        because += f", engine {training.engine}"
    return f"{no_effect(unused)} ({because})"


def no_effect(unused: Sequence[str]) -> str:
    """Return the beginning of such a sentence."""
    return " and ".join(unused) + (" have" if len(unused) > 1 else " has") + " no effect"


def _train(
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
        lists.tell_missing(known, encoded.types, encoded.dropped_types, listener)
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


def _beginning(warm_up: WarmUp, listener: Listener) -> Listener:
    """Return the listener, with the warm-up begun at the first news of the corpus."""

    def listen(event: Event) -> None:
        warm_up.begin()
        listener(event)

    return listen


def _words_of(encoded: EncodedCorpus, vocabulary: Vocabulary, another: str) -> WordCorpus:
    corpus = WordCorpus.of(encoded, vocabulary)
    if corpus.remap.max() < 0:
        raise EmptyCorpusError(
            "no word of it is in the vocabulary",
            where=encoded.source,
            hint=f"name another {another}",
        )
    return corpus


@contextmanager
def memory_explained() -> Iterator[None]:
    """Let a lack of memory be a `ResourceError` with what to do."""
    try:
        yield
    except MemoryError as error:
        if isinstance(error, ResourceError):
            raise
        detail = f" ({error})" if str(error) else ""
        raise ResourceError(
            f"there is not enough memory{detail}",
            hint="lower --dim or --threads, raise --min-count, or set --max-vocab",
        ) from error


def _versions() -> dict[str, str]:
    names = ("hsw2v", "numpy", "numba")
    return {"python": platform.python_version()} | {name: metadata.version(name) for name in names}
