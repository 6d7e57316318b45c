"""Figures of a tree: how deep its words lie, and what that costs against the least there can be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree


@dataclass(frozen=True)
class Cost:
    """What the word that occurs next costs in a tree, in decisions, which are bits."""

    mean: float
    """Mean path length, weighted."""
    entropy: float
    """Entropy of the weights: no binary tree can cost less (Shannon 1948)."""
    huffman: float
    """Mean path length of the Huffman tree of the weights: the least of any binary tree."""

    @property
    def redundancy(self) -> float:
        """How much the tree costs beyond the entropy."""
        return self.mean - self.entropy


def depths(tree: Tree) -> NDArray[np.int64]:
    """Return how many decisions lead to each word, (V,) int64."""
    depth = np.zeros(len(tree), np.int64)
    for below_root, level in enumerate(tree.levels):
        children = tree.children[level]
        depth[~children[children < 0]] = below_root + 1
    return depth


def cost(depth: NDArray[np.int64], weights: NDArray[np.number]) -> Cost:
    """Return what words of these depths (V,) cost if they occur with weights (V,).

    Weights are not negative, and not all of them 0.
    """
    share = weights / weights.sum()
    occurring = share[share > 0]
    return Cost(
        mean=float(share @ depth),
        # Of one word alone it is 0, not -0.
        entropy=abs(float(occurring @ np.log2(occurring))),
        huffman=huffman_length(share),
    )


def node_keep(tree: Tree, weights: NDArray[np.floating], node_sample: float) -> NDArray[np.float64]:
    """Return the probability of each inner node to take part in a window of a word below it.

    That is min(1, sqrt(t / p)), (V-1,) float64, for a node that carries a share p of the weights
    (V,) of the words, with t = `node_sample`: 1 of all nodes if that is 0. It does not fall along
    a path. The rule is that of Mikolov et al. (2013, section 2.3) for frequent words, applied to
    frequent decisions.
    """
    return _keep(tree.node_weights(weights) / weights.sum(), node_sample)


def _keep(share: NDArray[np.float64], node_sample: float) -> NDArray[np.float64]:
    """Return the probability to take part in a window of what these shares of targets pass."""
    if not node_sample:
        return np.ones(len(share))
    # What nothing passes takes part whenever it could.
    tiny = np.finfo(np.float64).tiny
    keep: NDArray[np.float64] = np.sqrt(np.minimum(1.0, node_sample / np.maximum(share, tiny)))
    return keep


def class_keep(
    classes: Classes, weights: NDArray[np.float64], node_sample: float
) -> NDArray[np.float64]:
    """Return the probability of each choice to take part in a window, (1+C,) float64.

    The first is that of the class, which every target passes, the others those among the words of
    each class: they are the nodes of a tree of two levels, and the rule is that of `node_keep`.
    `weights (V,)` are how often each word is a target.
    """
    share = np.bincount(classes.of, weights, classes.count) / weights.sum()
    return _keep(np.append(1.0, share), node_sample)


def step_cost(classes: Classes, weights: NDArray[np.float64], node_sample: float = 0.0) -> float:
    """Return how many output rows take part in a step, in the mean.

    These are C and those of the target's class, each as often as `class_keep` says. `weights (V,)
    float64` are how often each word is a target.
    """
    keep = class_keep(classes, weights, node_sample)
    rows = keep[0] * classes.count + (keep[1:] * classes.sizes)[classes.of]
    return float(np.average(rows, weights=weights))


def trained_length(tree: Tree, weights: NDArray[np.floating], node_sample: float) -> float:
    """Return how many decisions of a target take part in training, in the mean (`node_keep`)."""
    keep = node_keep(tree, weights, node_sample)
    return float(keep @ tree.node_weights(weights) / weights.sum())


def huffman_length(share: NDArray[np.float64]) -> float:
    """Return the mean path length of the Huffman tree of shares (V,), which add up to 1."""
    rising = np.sort(share)
    length = 0.0
    while len(rising) > 1:
        # Whatever is no heavier than the lightest pair together goes before any such pair, so
        # that all of it can be paired at once.
        ready = np.searchsorted(rising, rising[0] + rising[1], side="right")
        pairs = max(2, int(ready)) // 2
        merged = rising[: 2 * pairs].reshape(-1, 2).sum(axis=1)
        length += float(merged.sum())
        rising = np.sort(np.concatenate((merged, rising[2 * pairs :])), kind="stable")
    return length
