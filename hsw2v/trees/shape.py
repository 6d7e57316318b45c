"""The cost of a tree or of classes, and the subsampling of their decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree


@dataclass(frozen=True)
class Cost:
    """The expected number of decisions to a word of a tree, and its lower bounds, in bits."""

    mean: float
    """Mean path length, weighted."""
    entropy: float
    """Entropy of the weights: no binary tree has a smaller mean (Shannon 1948)."""
    huffman: float
    """Mean path length of the Huffman tree of the weights: the least of any binary tree."""

    @property
    def redundancy(self) -> float:
        """The mean path length less the entropy."""
        return self.mean - self.entropy


def cost(lengths: NDArray[np.int64], weights: NDArray[np.number]) -> Cost:
    """Return the cost of path lengths (V,) for words of some weights (V,).

    Weights are not negative, and not all 0.
    """
    share = weights / weights.sum()
    occurring = share[share > 0]
    return Cost(
        mean=float(share @ lengths),
        # 0 for a single word, not -0.
        entropy=abs(float(occurring @ np.log2(occurring))),
        huffman=huffman_length(share),
    )


def node_keep(tree: Tree, weights: NDArray[np.floating], node_sample: float) -> NDArray[np.float64]:
    """Return the probability of each inner node to be trained at a word below it, (V-1,) float64.

    That is min(1, sqrt(t / p)) for a node below which a share p of the weights (V,) lies, with t =
    `node_sample`, and 1 if t is 0. It does not fall along a path. It is the rule of Mikolov et al.
    (2013, section 2.3) for frequent words, applied to frequent decisions.
    """
    return _keep(tree.node_weights(weights) / weights.sum(), node_sample)


def _keep(share: NDArray[np.float64], node_sample: float) -> NDArray[np.float64]:
    """Return the probability to be trained of decisions that these shares of targets pass."""
    if not node_sample:
        return np.ones(len(share))
    # 1 for a share of 0.
    tiny = np.finfo(np.float64).tiny
    keep: NDArray[np.float64] = np.sqrt(np.minimum(1.0, node_sample / np.maximum(share, tiny)))
    return keep


def class_keep(
    classes: Classes, weights: NDArray[np.float64], node_sample: float
) -> NDArray[np.float64]:
    """Return the probability of each choice to be trained, (1+C,) float64.

    The first is the choice of the class, which every target passes, the others those among the
    words of each class. The rule is that of `node_keep` for the nodes of a tree of two levels.
    `weights (V,)` are how often each word is a target.
    """
    share = np.bincount(classes.of, weights, classes.count) / weights.sum()
    return _keep(np.append(1.0, share), node_sample)


def step_cost(classes: Classes, weights: NDArray[np.float64], node_sample: float = 0.0) -> float:
    """Return the mean number of output rows of a step.

    These are C and those of the target's class, each with the probability of `class_keep`.
    `weights (V,) float64` are how often each word is a target.
    """
    keep = class_keep(classes, weights, node_sample)
    rows = keep[0] * classes.count + (keep[1:] * classes.sizes)[classes.of]
    return float(np.average(rows, weights=weights))


def trained_length(tree: Tree, weights: NDArray[np.floating], node_sample: float) -> float:
    """Return the mean number of decisions that are trained at a target (see `node_keep`)."""
    below, total = tree.node_weights(weights), weights.sum()
    return float(_keep(below / total, node_sample) @ below / total)


def huffman_length(share: NDArray[np.float64]) -> float:
    """Return the mean path length of the Huffman tree of shares (V,), which add up to 1."""
    rising = np.sort(share)
    length = 0.0
    while len(rising) > 1:
        # Whatever weighs no more than the lightest pair is merged before any merged pair, so that
        # all of it is paired in one step.
        ready = np.searchsorted(rising, rising[0] + rising[1], side="right")
        pairs = max(2, int(ready)) // 2
        merged = rising[: 2 * pairs].reshape(-1, 2).sum(axis=1)
        length += float(merged.sum())
        rising = np.sort(np.concatenate((merged, rising[2 * pairs :])), kind="stable")
    return length
