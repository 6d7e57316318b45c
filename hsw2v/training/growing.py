"""Which tree training begins with, and how it is grown."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TREES, Config, TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary, keep_probability
from hsw2v.errors import UsageError
from hsw2v.events import Listener, TreeProgress, TreeReady
from hsw2v.training.corpus import TrainingCorpus
from hsw2v.trees.balanced import balanced
from hsw2v.trees.brown import brown
from hsw2v.trees.codes import Codes, read_codes
from hsw2v.trees.huffman import huffman
from hsw2v.trees.semantic import semantic
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
    return None if training.tree in TREES else read_codes(training.tree)


def first_tree(
    config: Config,
    codes: Codes | None,
    vocabulary: Vocabulary,
    corpus: TrainingCorpus,
    listener: Listener,
) -> Tree:
    """Return the tree that training begins with; `codes` is that of a file, if one is given.

    Raises:
        UsageError: the tree of the file is not one of this vocabulary.
    """
    begun = time.perf_counter()
    weights = target_weights(vocabulary, config)
    name = config.training.tree
    if codes is not None:
        tree = codes.tree(vocabulary.words).ordered(weights)
    elif name == "balanced":
        tree = balanced(np.arange(len(vocabulary))).ordered(weights)
    elif name == "random":
        chance = np.random.default_rng(config.training.seed)
        tree = balanced(chance.permutation(len(vocabulary))).ordered(weights)
    elif name == "brown":
        tree = _brown_tree(config, weights, corpus, listener).ordered(weights)
    else:
        name = "huffman"
        # Counts left after subsampling would make paths a little shorter, and vectors worse.
        tree = huffman(vocabulary.counts.astype(np.float64))
    listener(tree_ready(name, tree, weights, time.perf_counter() - begun))
    return tree


def target_weights(vocabulary: Vocabulary, config: Config) -> NDArray[np.float64]:
    """Return how often each word is a target, (V,) float64: its count after subsampling."""
    return vocabulary.counts * keep_probability(vocabulary.counts, config.vocabulary.sample)


def _brown_tree(
    config: Config, weights: NDArray[np.float64], corpus: TrainingCorpus, listener: Listener
) -> Tree:
    begun = time.perf_counter()

    def tell(stage: str, done: int, total: int, objective: float | None) -> None:
        corpus.encoded.forget()
        seconds = time.perf_counter() - begun
        listener(TreeProgress("brown", stage, done, total, objective, seconds))

    threads = config.training.threads
    assert threads is not None
    encoded = corpus.encoded
    return brown(encoded.ids, encoded.blocks, corpus.remap, weights, threads=threads, tell=tell)


def semantic_tree(
    vectors: NDArray[np.float32], weights: NDArray[np.float64], threads: int, listener: Listener
) -> Tree:
    """Grow the semantic tree of word vectors under training (V, P)."""
    begun = time.perf_counter()

    def tick(done: int) -> None:
        seconds = time.perf_counter() - begun
        listener(TreeProgress("semantic", "splitting", done, len(weights) - 1, None, seconds))

    tree = semantic(vectors, weights, threads, tick).ordered(weights)
    listener(tree_ready("semantic", tree, weights, time.perf_counter() - begun))
    return tree


def tree_ready(name: str, tree: Tree, weights: NDArray[np.float64], seconds: float) -> TreeReady:
    """Describe a tree that training goes on with."""
    share = weights / weights.sum()
    lengths = tree.paths().lengths
    return TreeReady(
        tree=name,
        mean_length=float(share @ lengths),
        longest=int(lengths.max()),
        entropy=float(-(share @ np.log2(share))),
        seconds=seconds,
    )
