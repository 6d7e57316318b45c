"""The general kernel does what the reference does: every output layer, optimizer and remedy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from some_parameters import SomeSubwords, norm_of, reference_trees, state_of
from some_trees import shuffled_tree

from hsw2v import reference
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import OPTIMIZERS
from hsw2v.kernels.arguments import (
    BATCH,
    CLASSES,
    HIERARCHICAL,
    HYBRID,
    NEGATIVE,
    SAMPLED,
    Layer,
    Plan,
    Tables,
)
from hsw2v.kernels.block import train_block
from hsw2v.kernels.general import train_batches
from hsw2v.kernels.output.classes import ClassMembers
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import noise_distribution
from hsw2v.kernels.output.sampled import TOGETHER, Proposal
from hsw2v.kernels.random import thresholds
from hsw2v.kernels.sampled import train_sampled
from hsw2v.kernels.windows import Windowing
from hsw2v.reference import general as definition
from hsw2v.reference import sampled
from hsw2v.reference.normalisation import Norm
from hsw2v.reference.optimizers import State
from hsw2v.training import workspace
from hsw2v.trees.classes import Classes
from hsw2v.trees.forest import joined_paths
from hsw2v.trees.huffman import huffman
from hsw2v.trees.shape import class_keep, node_keep

OUTPUTS = {
    "hs": HIERARCHICAL,
    "hs+ns": HYBRID,
    "ns": NEGATIVE,
    "class": CLASSES,
    "sampled": SAMPLED,
}
KEY = 0xFEDCBA9876543210
Kernel = Callable[..., tuple[float, int, int]]


@dataclass
class Case:
    """A block, and everything that decides what training on it does."""

    loss: str = "hs"
    optimizer: str = "sgd"
    l2: float = 0.0
    batch_norm: bool = False
    cbow: bool = False
    words: int = 40
    dim: int = 20
    window: int = 5
    shrink: bool = True
    loss_every: int = 1
    classes: int = 6
    drawn: int = 7
    length: int = 400
    rates: tuple[float, float] = (0.05, 0.02)
    private_nodes: int = 0
    node_sample: float = 0.0
    trees: int = 1
    ngrams: int = 0

    def __str__(self) -> str:
        changed = [
            f"{name}={value}" for name, value in vars(self).items() if value != vars(Case())[name]
        ]
        return ",".join(changed) or "plain"


class Setting:
    """The arrays of a case, for the kernel and for the reference."""

    def __init__(self, case: Case) -> None:
        rng = np.random.default_rng(7)
        words, dim, width = case.words, case.dim, padded(case.dim)
        self.case = case
        self.ids = np.random.default_rng(5).integers(0, words + 2, case.length).astype(np.int32)
        self.remap = np.array([-1, *range(words), -2], np.int32)
        self.keep = np.full(words, int(0.8 * 2**32), np.uint64)
        weights = rng.random(words)
        others = [shuffled_tree(words, number) for number in range(1, case.trees)]
        self.trees = [huffman(weights), *others]
        self.paths = joined_paths(self.trees)
        self.node_keep = np.stack([node_keep(one, weights, case.node_sample) for one in self.trees])
        on_trees = case.trees * (words - 1)
        nodes = on_trees if case.loss == "hs+ns" else 0
        self.noise = noise_distribution(rng.random(words), case.drawn, nodes)
        of = rng.permutation(np.arange(words) % min(case.classes, words)).astype(np.int32)
        self.classes = Classes(of, min(case.classes, words))
        self.class_keep = class_keep(self.classes, weights, case.node_sample)
        self.corrections = rng.normal(size=words).astype(np.float32)
        rows = {"hs": on_trees, "hs+ns": nodes + words, "class": words + self.classes.count}
        rows = rows.get(case.loss, words)
        self.tables = Tables(
            aligned_zeros(words, width),
            aligned_zeros(rows, width),
            state_of(case.optimizer, words, width),
            state_of(case.optimizer, rows, width),
            norm_of(case.optimizer, dim),
        )
        self.tables.vectors[:, :dim] = rng.normal(size=(words, dim))
        self.tables.outputs[:, :dim] = rng.normal(size=(rows, dim)) * 0.5
        self.vectors = self.tables.vectors[:, :dim].astype(np.float64)
        self.outputs = self.tables.outputs[:, :dim].astype(np.float64)
        if case.ngrams:
            self.subwords = SomeSubwords(self.tables.vectors, self.vectors, case.ngrams)

    def train(self, kernel: Kernel = train_batches) -> tuple[float, int, int]:
        case, of = self.case, self.classes
        both = case.trees * int(self.paths.lengths.max()) + 1 + case.drawn
        most = max(both, of.count, int(of.sizes.max()))
        width = self.tables.vectors.shape[1]
        return kernel(
            self.ids,
            np.uint64(KEY),
            Plan(
                case.cbow,
                *case.rates,
                case.loss_every,
                OPTIMIZERS.index(case.optimizer),
                case.l2,
                case.batch_norm,
            ),
            Windowing(self.remap, self.keep, case.window, case.shrink),
            self.tables,
            Layer(
                OUTPUTS[case.loss],
                tree_paths(self.paths.offsets, self.paths.nodes, self.paths.codes, self.node_keep),
                workspace.private_top(case.trees * case.private_nodes, width),
                self.noise,
                ClassMembers(of.of, of.places, of.members, of.offsets, thresholds(self.class_keep)),
                Proposal(self.noise.columns, self.corrections, case.drawn),
            ),
            workspace.scratch(
                len(self.ids),
                case.window,
                most,
                width,
                cbow=case.cbow,
                batch_norm=case.batch_norm,
                samples=case.drawn,
                words=case.words,
            ),
            *((self.subwords.composing(len(self.ids), self.ring()),) if case.ngrams else ()),
        )

    def ring(self) -> int:
        together = 2 * BATCH if self.case.batch_norm else TOGETHER
        return workspace.ring_size(self.case.window, together)

    def composing(self) -> reference.Composing | None:
        return self.subwords.reference if self.case.ngrams else None

    def layer(self) -> reference.Layer:
        case = self.case
        on_tree = reference_trees(self.outputs, self.trees, self.node_keep)
        sampling = reference.Negative(self.outputs, self.noise.columns, case.drawn)
        layers: dict[str, reference.Layer] = {
            "hs": on_tree,
            "ns": sampling,
            "hs+ns": reference.Hybrid(self.outputs, on_tree, sampling),
            "class": definition.Classed(self.outputs, self.classes.of, self.class_keep),
            "sampled": definition.Sampled(
                self.outputs, self.noise.columns, self.corrections, case.drawn
            ),
        }
        return layers[case.loss]

    def plan(self) -> reference.Plan:
        case = self.case
        return reference.Plan(
            self.remap,
            self.keep,
            case.window,
            case.shrink,
            case.cbow,
            *case.rates,
            case.loss_every,
            case.l2,
        )

    def expected(self) -> tuple[float, int, int, Norm]:
        case = self.case
        norm = Norm.of(case.dim)
        figures = definition.train_batches(
            self.ids,
            KEY,
            self.plan(),
            self.vectors,
            self.layer(),
            definition.Training(
                case.optimizer,
                case.l2,
                State.of(self.vectors),
                State.of(self.outputs),
                norm if case.batch_norm else None,
                State.of(norm.parameters),
            ),
            self.composing(),
        )
        return *figures, norm


CASES = [
    *(
        Case(loss=loss, optimizer=optimizer, cbow=cbow)
        for loss in OUTPUTS
        for optimizer in OPTIMIZERS
        for cbow in (False, True)
    ),
    *(
        Case(loss=loss, optimizer=optimizer, batch_norm=True, cbow=cbow, length=900)
        for loss in OUTPUTS
        for optimizer, cbow in (("sgd", False), ("adam", True))
    ),
    *(Case(loss=loss, optimizer=one, l2=0.3) for loss in OUTPUTS for one in ("sgd", "rmsprop")),
    *(Case(loss=loss, window=17, shrink=False, loss_every=3) for loss in OUTPUTS),
    *(Case(loss=loss, words=1, drawn=3) for loss in OUTPUTS),
    *(Case(loss=loss, words=2, drawn=3, dim=1) for loss in OUTPUTS),
    Case(loss="class", words=300, classes=2, dim=113),
    Case(loss="class", words=300, classes=150),
    Case(loss="class", words=300, classes=2, optimizer="adagrad"),
    Case(loss="sampled", words=300, drawn=150, dim=64),
    Case(loss="sampled", words=300, drawn=150, optimizer="adam"),
    Case(loss="ns", words=300, drawn=100, optimizer="adagrad"),
    Case(loss="hs+ns", node_sample=0.03, loss_every=3, optimizer="adagrad"),
    Case(batch_norm=True, length=12),
    Case(private_nodes=12),
    Case(private_nodes=12, l2=0.3, cbow=True),
    Case(private_nodes=12, batch_norm=True),
    *(Case(node_sample=0.03, optimizer=one) for one in OPTIMIZERS),
    Case(node_sample=0.03, cbow=True, l2=0.3, loss_every=3),
    Case(node_sample=0.03, batch_norm=True, private_nodes=12),
    Case(node_sample=1e-6, optimizer="adam"),
    *(Case(trees=2, node_sample=0.03, optimizer=one) for one in OPTIMIZERS),
    Case(trees=3, node_sample=0.03, private_nodes=12, loss_every=3, batch_norm=True),
    Case(trees=2, loss="hs+ns", node_sample=0.03, cbow=True, l2=0.3),
    Case(trees=2, loss="hs+ns", optimizer="adam", loss_every=3),
    *(Case(loss=loss, ngrams=30, cbow=cbow) for loss in OUTPUTS for cbow in (False, True)),
    *(
        Case(ngrams=30, optimizer=one, cbow=cbow, l2=0.3)
        for one in OPTIMIZERS
        for cbow in (False, True)
    ),
    *(Case(loss=loss, ngrams=30, batch_norm=True, length=900) for loss in OUTPUTS),
    Case(ngrams=1, words=3, batch_norm=True, length=900, cbow=True, optimizer="adam"),
    *(
        Case(loss="class", node_sample=0.05, optimizer=one, loss_every=some)
        for one in OPTIMIZERS
        for some in (1, 5)
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernel_equals_reference(case: Case) -> None:
    setting = Setting(case)
    found = setting.train()
    *expected, norm = setting.expected()
    dim = case.dim
    # What Adam divides by is tiny where a gradient has been zero: an ulp of it is a step.
    close = (
        {"rtol": 1e-3, "atol": 2e-4} if case.optimizer != "sgd" else {"rtol": 2e-4, "atol": 2e-5}
    )
    np.testing.assert_allclose(setting.tables.vectors[:, :dim], setting.vectors, **close)
    np.testing.assert_allclose(setting.tables.outputs[:, :dim], setting.outputs, **close)
    assert found[1:] == tuple(expected[1:])
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert not setting.tables.vectors[:, dim:].any()
    assert not setting.tables.outputs[:, dim:].any()
    if case.batch_norm:
        trained = setting.tables.norm
        np.testing.assert_allclose(trained.parameters[:, :dim], norm.parameters, **close)
        np.testing.assert_allclose(trained.running[:, :dim], norm.running, rtol=1e-4, atol=1e-5)
    if case.ngrams:
        setting.subwords.assert_alike(**close)


SAMPLED_CASES = [
    Case(),
    Case(cbow=True),
    *(Case(l2=0.3, cbow=cbow) for cbow in (False, True)),
    *(
        Case(window=17, shrink=False, loss_every=3, cbow=cbow, rates=(0.01, 0.005))
        for cbow in (False, True)
    ),
    *(Case(words=1, drawn=3, cbow=cbow) for cbow in (False, True)),
    Case(words=2, drawn=3, dim=1),
    Case(words=3, drawn=40),
    Case(words=300, drawn=150, dim=64),
    Case(words=300, drawn=150, cbow=True, l2=0.3),
    Case(words=300, drawn=1, dim=113),
    Case(length=5),
    *(Case(ngrams=30, cbow=cbow) for cbow in (False, True)),
    *(Case(ngrams=30, cbow=cbow, l2=0.3, window=17) for cbow in (False, True)),
]


@pytest.mark.parametrize("case", SAMPLED_CASES, ids=str)
def test_plain_steps_of_sampled_softmax_equal_their_reference(case: Case) -> None:
    case = dataclasses.replace(case, loss="sampled")
    setting = Setting(case)
    found = setting.train(train_sampled)
    layer = setting.layer()
    assert isinstance(layer, definition.Sampled)
    expected = sampled.train_block(
        setting.ids, KEY, setting.plan(), setting.vectors, layer, setting.composing()
    )
    if case.ngrams:
        setting.subwords.assert_alike(rtol=2e-4, atol=2e-5)
    dim = case.dim
    np.testing.assert_allclose(
        setting.tables.vectors[:, :dim], setting.vectors, rtol=2e-4, atol=2e-5
    )
    np.testing.assert_allclose(
        setting.tables.outputs[:, :dim], setting.outputs, rtol=2e-4, atol=2e-5
    )
    assert found[1:] == expected[1:]
    assert found[0] == pytest.approx(expected[0], rel=1e-5, abs=1e-4)
    assert not setting.tables.vectors[:, dim:].any()
    assert not setting.tables.outputs[:, dim:].any()


def test_errors_of_sampled_softmax_are_the_slopes_of_its_loss() -> None:
    layer = Setting(Case(loss="sampled", words=9, dim=3)).layer()
    assert isinstance(layer, definition.Sampled)
    hidden = np.random.default_rng(2).normal(size=(3, 3))
    words, drawn = [4, 0, 4, 7], {4: 2, 1: 1, 8: 3}
    pairs = [(0, [0, 2]), (1, [1]), (3, [0])]

    def found() -> sampled.Errors:
        return sampled.errors(hidden, pairs, words, drawn, layer)

    by_outputs = slopes(lambda: sum(found().losses), layer.outputs)
    expected = np.zeros_like(layer.outputs)
    errors = found()
    np.add.at(expected, list(drawn), errors.drawn.T @ hidden)
    for place, right in errors.right:
        for row, error in right:
            expected[words[place]] += error * hidden[row]
    np.testing.assert_allclose(by_outputs, -expected, atol=1e-5)


@pytest.mark.parametrize(("loss", "trees"), [("hs", 1), ("hs", 2), ("ns", 1), ("hs+ns", 2)])
@pytest.mark.parametrize("cbow", [False, True])
def test_plain_steps_are_those_of_the_plain_kernel(loss: str, trees: int, cbow: bool) -> None:
    case = Case(loss=loss, cbow=cbow, node_sample=0.03, trees=trees)
    one, other = Setting(case), Setting(case)
    found = one.train()
    plain = other.train(train_block)
    assert found[1:] == plain[1:]
    assert found[0] == pytest.approx(plain[0], rel=1e-6)
    np.testing.assert_allclose(one.tables.vectors, other.tables.vectors, atol=1e-6)
    np.testing.assert_allclose(one.tables.outputs, other.tables.outputs, atol=1e-6)


@pytest.mark.parametrize("loss", OUTPUTS)
def test_steps_of_rate_zero_change_nothing(loss: str) -> None:
    setting = Setting(Case(loss=loss, rates=(0.0, 0.0)))
    before = [table.copy() for table in setting.tables[:2]]
    assert setting.train()[0] > 0.0
    np.testing.assert_array_equal(setting.tables.vectors, before[0])
    np.testing.assert_array_equal(setting.tables.outputs, before[1])


@pytest.mark.parametrize("loss", OUTPUTS)
def test_the_gradients_of_the_reference_are_the_slopes_of_its_loss(loss: str) -> None:
    """With plain steps too small for their order to matter, rows move by rate times gradient."""
    rate = 1e-7
    case = Case(loss=loss, optimizer="sgd", words=9, dim=3, drawn=3, classes=3, length=9)
    layer = Setting(case).layer()
    hidden = np.random.default_rng(2).normal(size=(3, 3))
    groups, decided = definition.groups_of(layer, hidden, 4, KEY, 0)

    def loss_of() -> float:
        total = 0.0
        for group in groups:
            scores = hidden @ layer.outputs[group.rows].T
            if group.biases is None:
                total += float(reference.decision_loss(scores, group.labels).sum())
            else:
                total += group.loss(scores)
        return total

    by_hidden = slopes(loss_of, hidden)
    by_outputs = slopes(loss_of, layer.outputs)
    before = layer.outputs.copy()
    state = State.of(before)
    training = definition.Training("sgd", 0.0, state, state, None, state)
    gradient, lost = definition.step(hidden, layer.outputs, groups, rate, training)
    # Negative sampling beside a tree moves rows too, though it is no part of the loss.
    if loss != "hs+ns":
        assert decided + lost == pytest.approx(loss_of(), rel=1e-4)
    np.testing.assert_allclose(gradient / rate, -by_hidden, atol=1e-5)
    np.testing.assert_allclose((layer.outputs - before) / rate, -by_outputs, atol=1e-5)


def slopes(loss: Callable[[], float], array: np.ndarray, width: float = 1e-6) -> np.ndarray:
    found = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + width
        above = loss()
        array[place] = kept - width
        found[place] = (above - loss()) / (2 * width)
        array[place] = kept
    return found
