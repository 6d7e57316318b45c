"""Which trees or classes training begins with, and when and how they are rebuilt."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, blas_threads, padded
from hsw2v.config import MOST_EPOCHS, TREE_LOSSES, TREES, Config, TrainingConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.vocabulary import Vocabulary, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import MissingInputError, UsageError, without_credentials
from hsw2v.events import ClassesReady, Listener, Notice, Pace, TreeProgress, TreeReady
from hsw2v.network.outputs import OUTPUTS, Structure
from hsw2v.network.outputs.classes import class_count
from hsw2v.training.warmup import warm_up_semantic
from hsw2v.trees.balanced import balanced
from hsw2v.trees.brown import brown
from hsw2v.trees.classes import Classes
from hsw2v.trees.codes import Codes, read_codes
from hsw2v.trees.forest import Forest, forest_of
from hsw2v.trees.grouping import (
    Tell,
    exchange_classes,
    frequency_classes,
    kmeans_classes,
)
from hsw2v.trees.huffman import huffman
from hsw2v.trees.semantic import semantic
from hsw2v.trees.shape import cost, step_cost, trained_length
from hsw2v.trees.tree import Tree


def check_phases(training: TrainingConfig) -> None:
    """Make sure that every output layer is trained, upon what it is built of.

    Raises:
        UsageError: one would take over, or be built of the word vectors, when training is over; or
            a tree that is not built of them would follow another output layer.
    """
    if training.deterministic and training.engine == "ray" and training.worker_threads > 1:
        raise UsageError(
            "deterministic training on Ray has workers of one thread",
            hint="leave --worker-threads or --deterministic out",
        )
    first, *others = training.phases
    if training.has_tree and training.tree == "semantic" and training.num_trees > training.dim:
        raise UsageError(
            f"{training.num_trees} trees cannot be built of {training.dim} dimensions",
            hint="lower --num-trees",
        )
    # As long as the text is not read, there may be as many epochs as there are at most.
    epochs = training.epochs or MOST_EPOCHS
    most = "" if training.epochs else "at most "
    if others:
        if others[-1].begins >= epochs:
            raise UsageError(
                f"loss {training.loss} is to begin after {others[-1].begins:g} epochs of {most}"
                f"{epochs}",
                hint="leave some epochs to it: lower those of --pretrain, or raise --epochs",
            )
        for one in others:
            kind = OUTPUTS[one.loss]
            if kind.structure is not None and not kind.rebuilt(training):
                what = f"tree {training.tree}" if one.loss in TREE_LOSSES else f"loss {one.loss}"
                raise UsageError(
                    f"{what} cannot follow another output layer: it is not built of word vectors",
                    hint="use --tree semantic, or leave --pretrain out",
                )
        if training.loss == "class":
            raise UsageError(
                "loss class cannot follow another output layer", hint="leave --pretrain out"
            )
    elif OUTPUTS[first.loss].rebuilt(training) and (training.rebuild_at or 0.0) >= epochs:
        what = "the tree is" if training.has_tree else "classes are"
        raise UsageError(
            f"{what} to be built after {training.rebuild_at:g} epochs of {most}{epochs}",
            hint="lower --rebuild-at, or raise --epochs",
        )


def check_tree(training: TrainingConfig) -> Codes | None:
    """Find out, before any work, what is wrong with the tree asked for; read it if it is a file.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: the file is not there, or is no tree.
        UsageError: as `check_phases`.
    """
    check_phases(training)
    if training.tree_file is None:
        return None
    try:
        return read_codes(training.tree_file)
    except MissingInputError as error:
        hint = f"name a file, or one of the trees {', '.join(TREES)}"
        raise MissingInputError(error.what, where=error.where, hint=hint) from error


LEAST_AFTER = 2.0
"""Epochs that must be left to a tree that takes the place of another semantic one."""


class Switch(NamedTuple):
    """Another output layer takes over, or the same one upon a new tree or new classes."""

    block: int
    """Before this block of an epoch."""
    loss: str


def switches_of(training: TrainingConfig, borders: NDArray[np.int64], epoch: int) -> list[Switch]:
    """Return the switches of an epoch, from 0, in order.

    `borders (K+1,)` are those of the blocks in the corpus. The moments asked for are moved to the
    next border, or back so that something is trained after them. Nothing is built before anything
    is trained, and only what is built of vectors.
    """
    assert training.epochs is not None
    count = len(borders) - 1
    total, phases = training.epochs * count, training.phases
    found: dict[int, str] = {}
    begun = 0
    for number, (loss, begins) in enumerate(phases):
        rebuilt = OUTPUTS[loss].rebuilt(training)
        follow = phases[number + 1 :]
        end = follow[0].begins if follow else float(training.epochs)
        moments = [begins] if number else []
        at = begins
        if not number and rebuilt and training.rebuild_at and training.rebuild_at < end:
            at = training.rebuild_at
            moments = [at]
        if moments and rebuilt and training.rebuild_every:
            # Between two blocks is as often as can be.
            every = max(training.rebuild_every, 1.0 / count)
            last = min(epoch + 1.0, end - LEAST_AFTER) + 1e-9
            first = max(1, math.floor((epoch - 1.0 - at) / every))
            moments += (at + n * every for n in range(first, math.floor((last - at) / every) + 1))
        places = [min(_place(one, borders), total - 1 - len(follow)) for one in moments]
        if number:
            begun = max(places[0], begun + 1)
            # Where borders are far apart, the phase before ends earlier than it was to.
            found = {place: before for place, before in found.items() if place < begun}
        found |= {max(place, begun): loss for place in places}
    return [
        Switch(one - epoch * count, loss)
        for one, loss in sorted(found.items())
        if one and one // count == epoch
    ]


def _place(moment: float, blocks: NDArray[np.int64]) -> int:
    """Return how many blocks, of all epochs, are trained before a moment in epochs."""
    epoch, part = divmod(moment, 1.0)
    return int(epoch) * (len(blocks) - 1) + int(np.searchsorted(blocks, part * blocks[-1]))


class Wanted(NamedTuple):
    """What a tree, or classes, are built from before anything is trained."""

    training: TrainingConfig
    vocabulary: Vocabulary
    codes: Codes | None
    """The tree of a file, if one is given."""
    weights: NDArray[np.float64]
    """(V,), how often each word is a target."""
    corpus: WordCorpus
    listener: Listener

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each word occurs, (V,)."""
        return self.vocabulary.counts


def first_structure(
    config: Config,
    codes: Codes | None,
    vocabulary: Vocabulary,
    corpus: WordCorpus,
    listener: Listener,
) -> Structure | None:
    """Return the tree or the classes that training begins with, if any.

    `codes` is the tree of a file, if one is given.

    Raises:
        UsageError: the tree of the file is not one of this vocabulary, or the text too short.
    """
    training = config.training
    assert training.epochs is not None
    blocks, phases = training.epochs * (len(corpus.encoded.blocks) - 1), training.phases
    if blocks < len(phases):
        raise UsageError(
            f"the text is too short for {len(phases)} output layers one after another",
            hint="leave --pretrain out, or raise --epochs",
        )
    first = phases[0].loss
    if OUTPUTS[first].structure is None:
        return None
    weights = kept_counts(vocabulary.counts, config.vocabulary.sample)
    build = _first_tree if first in TREE_LOSSES else _first_classes
    return build(Wanted(training, vocabulary, codes, weights, corpus, listener))


def rebuilt_structure(
    loss: str,
    training: TrainingConfig,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    listener: Listener,
) -> Structure:
    """Build the semantic trees, or classes, of word vectors under training (V, P)."""
    build = _semantic_trees if loss in TREE_LOSSES else _kmeans_classes
    return build(training, vectors, weights, listener)


def _huffman_tree(wanted: Wanted, report: Report) -> Tree:
    # Counts left after subsampling would make paths a little shorter, and vectors worse.
    return huffman(wanted.counts.astype(np.float64))


def _balanced_tree(wanted: Wanted, report: Report) -> Tree:
    return balanced(np.arange(len(wanted.counts))).ordered(wanted.weights)


def _random_tree(wanted: Wanted, report: Report) -> Tree:
    rng = np.random.default_rng(wanted.training.seed)
    return balanced(rng.permutation(len(wanted.counts))).ordered(wanted.weights)


def _brown_tree(wanted: Wanted, report: Report) -> Tree:
    assert wanted.training.threads is not None
    encoded, remap = wanted.corpus.encoded, wanted.corpus.remap
    threads, tell = wanted.training.threads, report.tell_of(encoded)
    tree = brown(encoded.ids, encoded.blocks, remap, wanted.weights, threads=threads, tell=tell)
    return tree.ordered(wanted.weights)


BUILDERS: dict[str, Callable[[Wanted, Report], Tree]] = {
    "huffman": _huffman_tree,
    "balanced": _balanced_tree,
    "random": _random_tree,
    "brown": _brown_tree,
}
"""What builds each of `config.TREES`, but for the semantic one, which needs trained vectors."""


def _first_tree(wanted: Wanted) -> Tree:
    training, name = wanted.training, wanted.training.tree
    if name == "semantic":
        name = "huffman"
        if never := _never_rebuilt(training, wanted.corpus):
            wanted.listener(Notice(f"{never}: Huffman's tree is used"))
    report = Report(name, training, wanted.listener)
    if wanted.codes is not None:
        tree = wanted.codes.tree(wanted.vocabulary.words).ordered(wanted.weights)
    else:
        tree = BUILDERS[name](wanted, report)
    report.trees_ready([tree], wanted.weights)
    return tree


def _never_rebuilt(training: TrainingConfig, corpus: WordCorpus) -> str:
    """Return why nothing is built of the vectors of this training; "" if something is."""
    assert training.epochs is not None
    if len(training.phases) > 1:
        return ""
    if not training.rebuild_at:
        return "nothing is rebuilt in one epoch" if training.epochs == 1 else "nothing is rebuilt"
    # There is no border of blocks to rebuild anything at.
    short = training.epochs * (len(corpus.encoded.blocks) - 1) < 2
    return "the text is too short to rebuild anything in one epoch" if short else ""


def _first_classes(wanted: Wanted) -> Classes:
    training, weights = wanted.training, wanted.weights
    name, count = training.classes, class_count(training, len(weights))
    assert training.threads is not None
    if name == "kmeans":
        name = "frequency"
        if never := _never_rebuilt(training, wanted.corpus):
            wanted.listener(Notice(f"{never}: classes are by frequency"))
    report = Report(name, training, wanted.listener)
    if name == "exchange":
        encoded, remap = wanted.corpus.encoded, wanted.corpus.remap
        ids, blocks, tell = encoded.ids, encoded.blocks, report.tell_of(encoded)
        classes = exchange_classes(ids, blocks, remap, weights, count, training.threads, tell)
    else:
        classes = frequency_classes(weights, count)
    report.classes_ready(classes, weights)
    return classes


def _semantic_trees(
    training: TrainingConfig,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    listener: Listener,
) -> Tree | Forest:
    # On a first run it may be compiling still.
    apart(warm_up_semantic)
    assert training.threads is not None
    report = Report("semantic", training, listener)
    count, words = training.num_trees, len(weights)
    trees: list[Tree] = []

    def tick(done: int) -> None:
        report.tell("splitting", len(trees) * words + done, count * words)

    for part in [vectors] if count == 1 else _parts(vectors, training):
        trees.append(semantic(part, weights, training.threads, tick).ordered(weights))
    report.trees_ready(trees, weights)
    return forest_of(trees)


ROTATED_AT_ONCE = 1 << 16
"""Rows."""


def _parts(vectors: NDArray[np.float32], training: TrainingConfig) -> Iterator[NDArray[np.float32]]:
    """Yield what each tree of a forest is built of: some dimensions of vectors (V, P), rotated.

    A random rotation, so that each tree sees something else of the vectors; what is alike in most
    directions is near in most trees.
    """
    dim, rng = training.dim, np.random.default_rng(training.seed)
    # One thread, whose products are the same whatever the number of threads.
    with blas_threads(1):
        rotation = np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32)
    for own in np.array_split(rotation, training.num_trees, axis=1):
        part = aligned_zeros(len(vectors), padded(own.shape[1]))
        with blas_threads(1):
            for start in range(0, len(vectors), ROTATED_AT_ONCE):
                rows = slice(start, start + ROTATED_AT_ONCE)
                part[rows, : own.shape[1]] = vectors[rows, :dim] @ own
        yield part


def _kmeans_classes(
    training: TrainingConfig,
    vectors: NDArray[np.float32],
    weights: NDArray[np.float64],
    listener: Listener,
) -> Classes:
    report = Report("kmeans", training, listener)

    def tick(done: int, total: int) -> None:
        report.tell("clustering", done, total)

    count = class_count(training, len(weights))
    classes = kmeans_classes(vectors, weights, count, training.seed, tick)
    report.classes_ready(classes, weights)
    return classes


class Report:
    """Tells how the building of a tree or of classes goes."""

    def __init__(self, name: str, training: TrainingConfig, listener: Listener) -> None:
        assert training.node_sample is not None
        self._name, self._node_sample = without_credentials(name), training.node_sample
        self._listener = listener
        self._pace = Pace()
        self._objective: float | None = None

    def tell(self, stage: str, done: int, total: int, objective: float | None = None) -> None:
        """Tell of a stage, unless something was told just now."""
        self._objective = objective
        if self._pace.due():
            seconds = self._pace.seconds
            self._listener(TreeProgress(self._name, stage, done, total, objective, seconds))

    def tell_of(self, encoded: EncodedCorpus) -> Tell:
        """Return `tell` for while ids of a corpus are read: those that were are let go."""

        def tell(stage: str, done: int, total: int, objective: float | None) -> None:
            encoded.forget()
            self.tell(stage, done, total, objective)

        return tell

    def trees_ready(self, trees: Sequence[Tree], weights: NDArray[np.float64]) -> None:
        """Describe the trees that training goes on with."""
        costs = [cost(tree.lengths, weights) for tree in trees]
        trained = [trained_length(tree, weights, self._node_sample) for tree in trees]
        self._listener(
            TreeReady(
                tree=self._name,
                trees=len(trees),
                mean_length=sum(one.mean for one in costs) / len(trees),
                trained_length=sum(trained) / len(trees),
                longest=max(int(tree.lengths.max()) for tree in trees),
                entropy=costs[0].entropy,
                objective=self._objective,
                seconds=self._pace.seconds,
            )
        )

    def classes_ready(self, classes: Classes, weights: NDArray[np.float64]) -> None:
        """Describe the classes that training goes on with."""
        self._listener(
            ClassesReady(
                classes=self._name,
                count=classes.count,
                mean_rows=step_cost(classes, weights),
                trained_rows=step_cost(classes, weights, self._node_sample),
                largest=int(classes.sizes.max()),
                objective=self._objective,
                seconds=self._pace.seconds,
            )
        )
