"""Which tree training begins with, and how it is grown."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TREES, Config, TrainingConfig
from hsw2v.corpus.background import apart
from hsw2v.corpus.vocabulary import Vocabulary, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.errors import MissingInputError, UsageError
from hsw2v.events import Listener, Notice, TreeProgress, TreeReady
from hsw2v.training.report import PROGRESS_SECONDS
from hsw2v.training.warmup import warm_up_semantic
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
    if training.loss == "hs" and training.tree == "semantic":
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


LEAST_AFTER = 2.0
"""Epochs that must be left to a tree that takes the place of another semantic one."""


def growths_of(training: TrainingConfig, blocks: NDArray[np.int64], epoch: int) -> list[int]:
    """Return the blocks of an epoch before which a semantic tree is grown, from 0 as the epoch.

    `blocks (K+1,)` are their borders in the corpus. The moments asked for are moved to the next
    border, the first of them at latest to the last block, so that something is trained on the tree.
    Nothing is grown before anything is trained, and not for other trees.
    """
    if training.loss != "hs" or training.tree != "semantic":
        return []
    assert training.retree_at is not None
    at, count = training.retree_at, len(blocks) - 1
    moments = [at]
    if training.retree_every:
        # Between two blocks is as often as can be.
        every = max(training.retree_every, 1.0 / count)
        last = min(epoch + 1.0, training.epochs - LEAST_AFTER) + 1e-9
        first = max(1, math.floor((epoch - 1.0 - at) / every))
        moments += (at + n * every for n in range(first, math.floor((last - at) / every) + 1))
    before = {min(_place(one, blocks), training.epochs * count - 1) for one in moments}
    return sorted(one - epoch * count for one in before if one and one // count == epoch)


def _place(moment: float, blocks: NDArray[np.int64]) -> int:
    """Return how many blocks, of all epochs, are trained before a moment in epochs."""
    epoch, part = divmod(moment, 1.0)
    return int(epoch) * (len(blocks) - 1) + int(np.searchsorted(blocks, part * blocks[-1]))


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
        if training.epochs * (len(corpus.encoded.blocks) - 1) < 2:
            told = "the text is too short to grow a semantic tree in one epoch: Huffman's is used"
            listener(Notice(told))
        elif training.retree_from == "ns":
            return None
    report = _Report(name, listener)
    weights = kept_counts(vocabulary.counts, config.vocabulary.sample)
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
    # On a first run it may be compiling still.
    apart(warm_up_semantic)
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
