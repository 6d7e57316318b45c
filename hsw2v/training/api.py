"""`train`: from a corpus to a model, in one call; and many models from one reading of a corpus."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, nullcontext
from typing import Any

from hsw2v.config import Config, read_config
from hsw2v.corpus.lists import read_lists
from hsw2v.corpus.sources import Path, Source, stored_as
from hsw2v.errors import UsageError
from hsw2v.events import Event, Listener, Notice, ignore
from hsw2v.graphs.graph import Graph
from hsw2v.model import Model
from hsw2v.model.export import check_model_name
from hsw2v.network.parameters import check_tables
from hsw2v.progress import with_progress
from hsw2v.training.checkpoint import open_run, read_run
from hsw2v.training.checks import check_training, memory_explained, tell_unused
from hsw2v.training.cluster import connected
from hsw2v.training.continuing import Earlier
from hsw2v.training.fitting import Trained, fit
from hsw2v.training.graphs import chosen_source, defaults
from hsw2v.training.initial import InitialVectors
from hsw2v.training.output import ModelOutput
from hsw2v.training.plotting import TrainingPlot, plot_again
from hsw2v.training.texts import Texts, read_again, read_texts
from hsw2v.training.warmup import WarmUp


@with_progress
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
    plot: Path | None = None,
    listener: Listener = ignore,
    progress: bool = False,
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
    The last three, and `connector_words`, are files, or the words themselves: a list or a set of
    them, and for `vocab` also a mapping of words to counts, such as a `Counter`. The settings of a
    model tell how many there were, and a digest. With `init`, a file that `hsw2v.load` opens, words
    that it has start from their vectors there.

    With `output` the model is saved there when it is complete; `force` replaces a file of that
    name. Until then the training is kept in the folder OUTPUT.checkpoint every `checkpoint_every`
    minutes (0: never) and when it is interrupted, and `resume` goes on with it; so does `resumed`,
    if the same texts, settings and output were asked for. `notes`, JSON, are kept there, too;
    those under "info" become part of the model's. With `keep_epochs` the model after each epoch N
    but the last is written beside it, as NAME.epoch-N.safetensors.

    With `plot`, the name of an .svg or .png, losses, speed and learning rate are drawn there over
    the tokens passed, when the training is complete or was interrupted; `resume` draws them again.

    Nothing is printed. `listener` is called with every event (`hsw2v.events`); with `progress` they
    are shown as the command line does, on standard error, or as the bar of a notebook.

    Raises:
        UsageError: a setting is unknown or out of bounds, or there is no held-out loss with it, or
            `plot` is no name of a figure, or `output` one of vectors for other programs, as
            vectors.bin is; or it contradicts `from_model` or how a `Graph` was
            read, or the model has no output layer or no counts; or there are neither a source
            nor a graph, or both.
        MissingInputError, CorruptInputError, EncodingError: a source cannot be read, or the file
            of a graph, of a tree or of `from_model`.
        EmptyCorpusError: there is nothing to train on.
        OutputExistsError: the output is there, or a training for it that was interrupted.
        OutputError, DiskFullError: the output cannot be written, another run writes it, or the
            encoded corpus cannot be written to `cache_dir`, or mapped `tables` to their folder.
        DivergedError: training ran away, at an eighth of the learning rate, too.
        ResourceError: there is not enough memory.
    """
    if output is not None:
        check_model_name(output)
    drawn = None if plot is None else TrainingPlot(plot, force=force or resumed)
    earlier = None if from_model is None else Earlier.of(from_model, listener)
    first = defaults(graph, None if earlier is None else earlier.settings)
    base = config if isinstance(config, Config) else read_config(config, first) if config else first
    asked = base.replace(**settings)
    if earlier is not None:
        has_lr = config is not None or "lr" in settings
        asked = earlier.checked(asked, has_lr=has_lr, text=graph is None)
        notes = dict(notes or {})
        notes["info"] = {**earlier.info, **notes.get("info", {})}
    if plot is not None:
        notes = {**(notes or {}), "plot": os.path.abspath(plot)}
    source, asked = chosen_source(source, graph, asked, listener)
    chosen = asked.resolved()
    codes = check_training(
        chosen.training,
        heldout=heldout is not None,
        normalize_exactly=normalize_exactly,
        built=earlier is not None,
    )
    lists, initial = read_lists(chosen, listener), InitialVectors.of(chosen.training, listener)
    if earlier is not None:
        lists.check_extends(earlier.model.vocabulary, earlier.model.name)
    tell_unused(asked, listener, first)
    warm_up = WarmUp(chosen.training)
    with memory_explained(), ExitStack() as context:
        kept = None
        if drawn is not None:
            listener = context.enter_context(drawn).beside(listener)
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
                if drawn is not None:
                    drawn.recall(kept.notes)
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
                spared=lists.spared(chosen.corpus),
            )
        )
        return fit(
            *(texts, chosen, codes, warm_up, listener, kept),
            earlier=earlier,
            cluster=cluster,
            lists=lists,
            initial=initial,
        ).model


@with_progress
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
    plot: Path | None = None,
    listener: Listener = ignore,
    progress: bool = False,
) -> Model:
    """Go on with a training that was interrupted, from its folder OUTPUT.checkpoint.

    The text is not read again, unless workers of a cluster had read it. Schedule, windows and
    random numbers are those of the uninterrupted training: with one thread, so is the model, to the
    bit. What is not given here is as it was:
    `output` and `force`, which tell where the model is saved, `checkpoint_every`, `threads`,
    `tables` and `plot`; and for deterministic training `engine`, "local" or "ray", which comes to
    the same model. The address of a Ray cluster is not kept: `ray_address`, or RAY_ADDRESS, names
    it again. `listener` and `progress` are those of `train`.

    Raises:
        UsageError: another engine would come to another model.
        MissingInputError, ModelFileError: there is no such folder, or a file of it is damaged.
        And what `train` raises.
    """
    if output is not None:
        check_model_name(output)
    was = read_run(checkpoint).notes
    drawn = plot_again(was.notes, plot, listener, force=bool(force))
    if drawn is not None:
        listener = drawn.beside(listener)
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
    with drawn or nullcontext():
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
        return fit(
            *(texts, config, None, WarmUp(config.training), listener, kept),
            resumed=True,
            known=run.vocabulary,
            continues="from_model" in kept.asked,
            cluster=cluster,
        ).model


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
    lists, initial = read_lists(chosen, listener), InitialVectors.of(chosen.training, listener)
    with memory_explained(), connected(chosen.training, listener) as cluster:
        # What is compared is what was asked for: nothing is tried again.
        return fit(
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
    files = config.files
    if earlier is not None and earlier.model.phrases is not None:
        # Its phrases are known, with their connector words.
        files.pop("connector_words", None)
    if files:
        asked["files"] = stored_as(list(files.values()))
    return asked if earlier is None else {**asked, "from_model": earlier.digest}


def _beginning(warm_up: WarmUp, listener: Listener) -> Listener:
    """Return the listener, with the warm-up begun at the first news of the corpus."""

    def listen(event: Event) -> None:
        warm_up.begin()
        listener(event)

    return listen
