"""The compiled kernels do what `hsw2v.reference` says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from some_parameters import SomeSubwords, norm_of, reference_trees, some_layer, state_of
from some_trees import shuffled_tree

from hsw2v import reference
from hsw2v.arrays import PADDING, aligned_zeros, padded
from hsw2v.jit import compiled
from hsw2v.kernels import block, tiles
from hsw2v.kernels.arguments import HIERARCHICAL, HYBRID, NEGATIVE, Plan, Tables
from hsw2v.kernels.emit import LANES
from hsw2v.kernels.optimizers import SGD
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import alias_table, noise_distribution
from hsw2v.kernels.windows import Windowing
from hsw2v.training import workspace
from hsw2v.trees.forest import joined_paths
from hsw2v.trees.huffman import huffman
from hsw2v.trees.shape import node_keep
from hsw2v.trees.tree import Tree


@dataclass
class Case:
    """One block, and everything that decides what training on it does."""

    words: int = 40
    dim: int = 20
    window: int = 5
    shrink: bool = True
    cbow: bool = False
    negative: int = 0
    hybrid: bool = False
    private_nodes: int = 0
    loss_every: int = 1
    keep_share: float = 0.8
    trees: int = 1
    tree: Tree | None = None
    node_sample: float = 0.0
    l2: float = 0.0
    ngrams: int = 0

    def ids(self) -> np.ndarray:
        rng = np.random.default_rng(5)
        ids = rng.integers(0, self.words + 3, 400).astype(np.int32)
        ids[ids == self.words + 2] = 1
        return ids

    def run(self) -> tuple[np.ndarray, np.ndarray, tuple, np.ndarray, np.ndarray, tuple]:
        """Return vectors, outputs and figures of the kernel, then of the reference."""
        rng = np.random.default_rng(7)
        # Provisional id 0 ends a sentence, the last type is too rare to be a word.
        remap = np.array([-1, *range(self.words), -2], np.int32)
        keep = np.full(self.words, int(self.keep_share * 2**32), np.uint64)
        on_trees = self.hybrid or not self.negative
        nodes = self.trees * (self.words - 1) if on_trees else 0
        outputs_count = nodes + (self.words if self.negative else 0)
        width = padded(self.dim)
        vectors = aligned_zeros(self.words, width)
        outputs = aligned_zeros(outputs_count, width)
        vectors[:, : self.dim] = rng.normal(size=(self.words, self.dim))
        outputs[:, : self.dim] = rng.normal(size=(outputs_count, self.dim)) * 0.5
        expected_vectors = vectors[:, : self.dim].astype(np.float64)
        expected_outputs = outputs[:, : self.dim].astype(np.float64)
        weights = rng.random(self.words)
        others = [shuffled_tree(self.words, number) for number in range(1, self.trees)]
        trees = [self.tree or huffman(weights), *others]
        paths = joined_paths(trees)
        taking_part = np.stack([node_keep(tree, weights, self.node_sample) for tree in trees])
        noise = noise_distribution(rng.random(self.words), self.negative, nodes)
        kind = HYBRID if self.hybrid else NEGATIVE if self.negative else HIERARCHICAL
        key = 0xFEDCBA9876543210
        rates = (0.05, 0.02)
        subwords = SomeSubwords(vectors, expected_vectors, self.ngrams) if self.ngrams else None
        ring = workspace.ring_size(self.window)
        figures = block.train_block(
            self.ids(),
            np.uint64(key),
            Plan(self.cbow, *rates, self.loss_every, SGD, self.l2, False),
            Windowing(remap, keep, self.window, self.shrink),
            Tables(
                vectors,
                outputs,
                state_of("sgd", self.words, width),
                state_of("sgd", outputs_count, width),
                norm_of("sgd", self.dim),
            ),
            some_layer(self.dim)._replace(
                kind=kind,
                paths=tree_paths(paths.offsets, paths.nodes, paths.codes, taking_part),
                top=workspace.private_top(self.trees * self.private_nodes, width),
                noise=noise,
            ),
            workspace.scratch(
                len(self.ids()),
                self.window,
                self.trees * int(paths.lengths.max()) + 1 + self.negative,
                width,
                cbow=self.cbow,
            ),
            *((subwords.composing(len(self.ids()), ring),) if subwords else ()),
        )
        on_tree = reference_trees(expected_outputs, trees, taking_part)
        sampling = reference.Negative(expected_outputs, noise.columns, self.negative)
        layer: reference.Layer = sampling if self.negative else on_tree
        if self.hybrid:
            layer = reference.Hybrid(expected_outputs, on_tree, sampling)
        plan = reference.Plan(
            remap, keep, self.window, self.shrink, self.cbow, *rates, self.loss_every, self.l2
        )
        expected = reference.train_block(
            *(self.ids(), key, plan, expected_vectors, layer), subwords and subwords.reference
        )
        if subwords:
            subwords.assert_alike(rtol=2e-4, atol=2e-5)
        assert not vectors[:, self.dim :].any()
        assert not outputs[:, self.dim :].any()
        return (
            vectors[:, : self.dim],
            outputs[:, : self.dim],
            figures,
            expected_vectors,
            expected_outputs,
            expected,
        )


@compiled
def gradient_row(width, hidden, output, vectors, labels, rate, gradient):
    tiles.gradient_row(width, hidden, output, vectors, labels, rate, gradient)


def errors_of_scores(scores: np.ndarray) -> np.ndarray:
    """Return 0 - sigmoid(x) of the kernel: each score is the product of rows of one number."""
    width = PADDING
    hidden, output = aligned_zeros(1, width), aligned_zeros(tiles.TILE_WIDTH, width)
    hidden[0, 0] = 1.0
    hidden_rows = np.array([hidden.ctypes.data])
    output_rows = output.ctypes.data + np.arange(tiles.TILE_WIDTH) * output.strides[0]
    labels = np.zeros(tiles.TILE_WIDTH, np.float32)
    found = np.empty((len(scores), tiles.TILE_WIDTH), np.float32)
    for row, some in enumerate(scores):
        output[:, 0] = some
        gradient_row(
            tiles.TILE_WIDTH,
            hidden_rows.ctypes.data,
            output_rows.ctypes.data,
            width // LANES,
            labels.ctypes.data,
            np.float32(1.0),
            found[row].ctypes.data,
        )
    return found


def chain(words: int) -> Tree:
    """Return the deepest tree there is: path lengths 1, 2, …, V-1."""
    children = np.array([[~j, j + 1] for j in range(words - 1)], np.int32)
    children[-1, 1] = ~(words - 1)
    return Tree(children)


CASES = {
    "skip-gram": Case(),
    "CBOW": Case(cbow=True),
    "skip-gram, negative sampling": Case(negative=5),
    "CBOW, negative sampling": Case(cbow=True, negative=5),
    "one dimension": Case(dim=1),
    "dimensions that fill their vectors": Case(dim=64),
    "odd dimensions": Case(dim=113),
    "many dimensions, CBOW": Case(dim=333, cbow=True),
    "a window of one word": Case(window=1),
    "a window larger than a step": Case(window=17, shrink=False),
    "a window larger than a step, CBOW": Case(window=17, shrink=False, cbow=True),
    "sentences longer than the window": Case(window=3, shrink=False, keep_share=1.0),
    "two words": Case(words=2),
    "two words, negative sampling": Case(words=2, negative=5),
    "one word": Case(words=1),
    "one word, negative sampling": Case(words=1, negative=3),
    "paths longer than a step": Case(words=150, tree=chain(150)),
    "paths longer than a step, CBOW": Case(words=150, tree=chain(150), cbow=True),
    "more drawn words than a step": Case(words=300, negative=100),
    "loss of some windows": Case(loss_every=7),
    "private copies of the top of the tree": Case(private_nodes=12),
    "weight decay": Case(l2=0.5),
    "weight decay, CBOW": Case(l2=0.5, cbow=True),
    "weight decay, negative sampling": Case(l2=0.5, negative=5),
    "weight decay, subsampled decisions": Case(l2=0.5, node_sample=0.03),
    "subsampled decisions": Case(node_sample=0.03),
    "subsampled decisions, CBOW": Case(node_sample=0.03, cbow=True),
    "subsampled decisions, loss of some windows": Case(node_sample=0.03, loss_every=7),
    "windows of which no decision is left": Case(node_sample=1e-6),
    "windows of which no decision is left, CBOW": Case(node_sample=1e-6, cbow=True),
    "subsampled decisions, copies of the top": Case(node_sample=0.03, private_nodes=12),
    "subsampled decisions, paths longer than a step": Case(
        words=150, tree=chain(150), node_sample=0.2
    ),
    "two trees": Case(trees=2),
    "two trees, CBOW": Case(trees=2, cbow=True),
    "three trees, subsampled decisions": Case(trees=3, node_sample=0.03),
    "two trees, loss of some windows": Case(trees=2, node_sample=0.03, loss_every=7),
    "two trees, no decision is left": Case(trees=2, node_sample=1e-6),
    "two trees, copies of the tops": Case(trees=2, private_nodes=12, node_sample=0.03),
    "two trees, paths longer than a step": Case(words=150, trees=2, tree=chain(150)),
    "two trees, weight decay, CBOW": Case(trees=2, l2=0.5, cbow=True, node_sample=0.03),
    "three trees of two words": Case(words=2, trees=3),
    "two trees of one word": Case(words=1, trees=2),
    "both": Case(hybrid=True, negative=5),
    "both, CBOW": Case(hybrid=True, negative=5, cbow=True),
    "both, subsampled decisions": Case(hybrid=True, negative=3, node_sample=0.03),
    "both, no decision is left": Case(hybrid=True, negative=3, node_sample=1e-6),
    "both, loss of some windows": Case(hybrid=True, negative=3, node_sample=0.03, loss_every=7),
    "both, copies of the top": Case(hybrid=True, negative=3, private_nodes=12),
    "both, more rows than a step": Case(words=300, hybrid=True, negative=100),
    "both, weight decay, CBOW": Case(hybrid=True, negative=3, l2=0.5, cbow=True),
    "both, two trees": Case(hybrid=True, negative=3, trees=2, node_sample=0.03),
    "both, two trees, loss of some windows": Case(
        hybrid=True, negative=3, trees=2, node_sample=0.03, loss_every=7, cbow=True
    ),
    "n-grams": Case(ngrams=30),
    "n-grams, CBOW": Case(ngrams=30, cbow=True),
    "n-grams, negative sampling": Case(ngrams=30, negative=5, dim=64),
    "n-grams, both": Case(ngrams=30, hybrid=True, negative=3, node_sample=0.03, loss_every=7),
    "n-grams, a window of one word": Case(ngrams=30, window=1),
    "n-grams, a window larger than a step": Case(ngrams=30, window=17, shrink=False),
    "n-grams, weight decay, two trees": Case(ngrams=30, l2=0.5, trees=2, private_nodes=12),
    "both, two words": Case(words=2, hybrid=True, negative=5),
    "both, one word": Case(words=1, hybrid=True, negative=3),
}


@pytest.mark.parametrize("name", CASES)
def test_kernel_equals_reference(name: str) -> None:
    vectors, outputs, figures, expected_vectors, expected_outputs, expected = CASES[name].run()
    np.testing.assert_allclose(vectors, expected_vectors, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(outputs, expected_outputs, rtol=2e-4, atol=2e-5)
    assert figures[1:] == expected[1:]
    assert figures[0] == pytest.approx(expected[0], rel=1e-5)


def test_sigmoid_of_the_kernel_is_close_and_never_stops_learning() -> None:
    """A confidently wrong decision keeps its gradient, unlike in word2vec.c."""
    scores = np.linspace(-60, 60, 4_000).astype(np.float32).reshape(-1, tiles.TILE_WIDTH)
    chances = -errors_of_scores(scores).astype(np.float64)
    assert np.abs(chances - reference.sigmoid(scores.astype(np.float64))).max() < 3e-7
    assert chances[scores > 7].min() > 0.999


def test_extreme_scores_give_finite_gradients_and_nan_stays_nan() -> None:
    scores = np.zeros((1, tiles.TILE_WIDTH), np.float32)
    scores[0, :4] = [np.inf, -np.inf, 3e38, -3e38]
    output = -errors_of_scores(scores)[0]
    assert output[:4].tolist() == pytest.approx([1.0, 0.0, 1.0, 0.0], abs=1e-30)
    scores[:] = np.nan
    assert np.isnan(errors_of_scores(scores)).all()


def test_alias_table_gives_the_weights_back() -> None:
    weights = np.random.default_rng(3).random(57) ** 4
    accept, alias = alias_table(weights).T
    own = accept.astype(np.float64) / 2**32
    chances = own.copy()
    np.add.at(chances, alias, 1 - own)
    np.testing.assert_allclose(chances / len(weights), weights / weights.sum(), atol=1e-9)
