"""Which tree training begins with, and how it is grown."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TREES, Config, TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import MissingInputError, UsageError
from hsw2v.events import Listener, Notice, TreeProgress, TreeReady
from hsw2v.training.report import PROGRESS_SECONDS
from hsw2v.trees.balanced import balanced
from hsw2v.trees.brown import brown
from hsw2v.trees.codes import Codes, read_codes
from hsw2v.trees.huffman import huffman
from hsw2v.trees.semantic import semantic
from hsw2v.trees.shape import cost, depths
from hsw2v.trees.tree import Tree


def check_tree(training: TrainingConfig) -> Codes | None:
    """Find out, before any work, what is wrong with the tree asked for; read it if it is a file.

    Raises:
        MissingInputError, CorruptInputError, EncodingError: the file is not there, or is no tree.
        UsageError: the semantic tree is to be grown when training is over.
    """
    if training.loss != "hs":
        return None
    if training.tree == "semantic":
        assert training.retree_at is not None
        if training.retree_at >= training.epochs:
            raise UsageError(
                f"the tree is to be grown after {training.retree_at:g} epochs of {training.epochs}",
                hint="lower --retree-at, or raise --epochs",
            )
    if training.tree in TREES:
        return None
    try:
        return read_codes(training.tree)
    except MissingInputError as error:
        hint = f"name a file, or one of the trees {', '.join(TREES)}"
        raise MissingInputError(error.what, where=error.where, hint=hint) from error


@dataclass(frozen=True, order=True)
class Growth:
    """When the semantic tree is grown: before this block of this epoch, both counted from 0."""

    epoch: int
    block: int


LEAST_AFTER = 2.0
"""Epochs that must be left to a tree that takes the place of another semantic one."""


def growths_of(training: TrainingConfig, blocks: NDArray[np.int64]) -> list[Growth]:
    """Return when semantic trees are grown in a corpus of these borders of blocks (K+1,).

    None are for other trees, nor where no block would be trained before the first or none after.
    """
    if training.loss != "hs" or training.tree != "semantic":
        return []
    assert training.retree_at is not None
    done = len(blocks) - 1
    moments = [training.retree_at]
    if training.retree_every:
        # Between two blocks is as often as can be.
        every = max(training.retree_every, 1.0 / done)
        last = training.epochs - LEAST_AFTER
        moments.extend(np.arange(training.retree_at + every, last + 1e-9, every).tolist())
    epochs, parts = np.divmod(moments, 1.0)
    before = epochs.astype(np.int64) * done + np.searchsorted(blocks, parts * blocks[-1])
    before = np.unique(np.minimum(before, training.epochs * done - 1)).tolist()
    return [Growth(*divmod(one, done)) for one in before] if before[0] else []


def first_tree(
    config: Config,
    codes: Codes | None,
    vocabulary: Vocabulary,
    corpus: WordCorpus,
    listener: Listener,
) -> Tree | None:
    """Return the tree that training begins with; `codes` is that of a file, if one is given.

    None if it begins with negative sampling.

    Raises:
        UsageError: the tree of the file is not one of this vocabulary.
    """
    training = config.training
    name = training.tree
    if training.loss == "ns":
        return None
    if name == "semantic":
        name = "huffman"
        if not growths_of(training, corpus.encoded.blocks):
            listener(Notice("the text is too short to grow a semantic tree: Huffman's is used"))
        elif training.retree_from == "ns":
            return None
    report = _Report(name, listener)
    weights = target_weights(vocabulary, config)
    if codes is not None:
        tree = codes.tree(vocabulary.words).ordered(weights)
    elif name == "balanced":
        tree = balanced(np.arange(len(vocabulary))).ordered(weights)
    elif name == "random":
        chance = np.random.default_rng(training.seed)
        tree = balanced(chance.permutation(len(vocabulary))).ordered(weights)
    elif name == "brown":
        tree = _brown_tree(config, weights, corpus, report).ordered(weights)
    else:
        # Counts left after subsampling would make paths a little shorter, and vectors worse.
        tree = huffman(vocabulary.counts.astype(np.float64))
    report.ready(name, tree, weights)
    return tree


def target_weights(vocabulary: Vocabulary, config: Config) -> NDArray[np.float64]:
    """Return how often each word is a target, (V,) float64: its count after subsampling."""
    return vocabulary.counts * keep_probability(vocabulary.counts, config.vocabulary.sample)


def _brown_tree(
    config: Config, weights: NDArray[np.float64], corpus: WordCorpus, report: _Report
) -> Tree:
    def tell(stage: str, done: int, total: int, objective: float | None) -> None:
        corpus.encoded.forget()
        report.tell(stage, done, total, objective)

    threads = config.training.threads
    assert threads is not None
    encoded = corpus.encoded
    return brown(encoded.ids, encoded.blocks, corpus.remap, weights, threads=threads, tell=tell)


def semantic_tree(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], threads: int, listener: Listener
) -> Tree:
    """Grow the semantic tree of word vectors under training (V, P)."""
    report = _Report("semantic", listener)

    def tick(done: int) -> None:
        report.tell("splitting", done, len(weights) - 1)

    tree = semantic(vectors, weights, threads, tick).ordered(weights)
    report.ready("semantic", tree, weights)
    return tree


class _Report:
    """Tells how the growing of a tree goes."""

    def __init__(self, tree: str, listener: Listener) -> None:
        self._tree, self._listener = tree, listener
        self._begun = self._told = time.perf_counter()
        self._objective: float | None = None

    def tell(self, stage: str, done: int, total: int, objective: float | None = None) -> None:
        """Tell of a stage, unless something was told just now."""
        self._objective = objective
        now = time.perf_counter()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            seconds = now - self._begun
            self._listener(TreeProgress(self._tree, stage, done, total, objective, seconds))

    def ready(self, name: str, tree: Tree, weights: NDArray[np.float64]) -> None:
        """Describe the tree that training goes on with."""
        depth = depths(tree)
        found = cost(depth, weights)
        self._listener(
            TreeReady(
                tree=name,
                mean_length=found.mean,
                longest=int(depth.max()),
                entropy=found.entropy,
                objective=self._objective,
                seconds=time.perf_counter() - self._begun,
            )
        )
