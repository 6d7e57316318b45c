"""The output layer under training: what it is made from, and its arrays for the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary, drawing_odds
from hsw2v.kernels.general import Layer
from hsw2v.kernels.output.classes import ClassMembers
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import alias_table, noise_distribution
from hsw2v.kernels.output.sampled import Proposal
from hsw2v.kernels.random import thresholds
from hsw2v.training.tables import padded
from hsw2v.training.workspace import private_top
from hsw2v.trees.classes import Classes
from hsw2v.trees.shape import class_keep, node_keep
from hsw2v.trees.tree import Tree


@dataclass(frozen=True, eq=False)
class OutputLayer:
    """An output layer of some words."""

    loss: str
    """Which one, as the setting `loss` names it."""
    tree: Tree | None
    """That of hierarchical softmax."""
    classes: Classes | None
    """Those of loss class."""
    arrays: Layer
    rows: int
    """Output rows there are."""
    most_rows: int
    """Output rows of one group of decisions at most; 1 for the softmax over all words."""


def output_layer(
    training: TrainingConfig,
    vocabulary: Vocabulary,
    weights: NDArray[np.float64],
    base: Tree | Classes | None,
) -> OutputLayer:
    """Return the output layer upon a tree or classes, or the one that the settings name.

    `weights (V,)` is how often each word is a target.
    Without a tree, hierarchical softmax is negative sampling: it begins so with `retree_from`.
    """
    assert training.node_sample is not None
    words = len(vocabulary)
    loss, rows, most = training.loss, words, 1
    tree = classes = None
    empty = Tree(np.empty((0, 2), np.int32)).paths()
    paths = tree_paths(empty.offsets, empty.nodes, empty.codes)
    noise = noise_distribution(np.ones(1), 1)
    none, nothing = np.empty(0, np.int32), np.empty(0, np.uint64)
    members = ClassMembers(none, none, none, np.zeros(1, np.int64), nothing)
    proposal = Proposal(noise.accept, noise.alias, np.zeros(1, np.float32), 1)
    if isinstance(base, Tree):
        tree = base
        found = tree.paths()
        keep = node_keep(tree, weights, training.node_sample)
        paths = tree_paths(found.offsets, found.nodes, found.codes, keep)
        rows, most = words - 1, int(found.lengths.max(initial=0))
    elif isinstance(base, Classes):
        classes = base
        chosen = thresholds(class_keep(classes, weights, training.node_sample))
        members = ClassMembers(classes.of, classes.places, classes.members, classes.offsets, chosen)
        rows, most = classes.count + words, max(classes.count, int(classes.sizes.max()))
    elif loss == "sampled":
        proposal = _proposal(vocabulary.counts, training.ns_exponent, training.samples)
        most = 1 + training.samples
    elif loss != "softmax":
        loss = "ns"
        odds = drawing_odds(vocabulary.counts, training.ns_exponent)
        noise = noise_distribution(odds, training.negative)
        most = 1 + training.negative
    top = private_top(0, padded(training.dim))
    return OutputLayer(loss, tree, classes, Layer(paths, top, noise, members, proposal), rows, most)


def _proposal(counts: NDArray[np.int64], exponent: float, samples: int) -> Proposal:
    odds = drawing_odds(counts, exponent)
    accept, alias = alias_table(odds)
    # Odds of zero are never drawn, but their words are targets.
    expected = samples * np.maximum(odds / odds.sum(), np.finfo(np.float32).tiny)
    return Proposal(accept, alias, -np.log(expected).astype(np.float32), samples)
