"""The plain step and a block of it: the definition of `kernels.block.train_block`.

A word vector is a row of W (V, D), an output row (a node of the tree, or a word of negative
sampling) a row of O.
"""

from __future__ import annotations

from collections.abc import Iterator, Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.reference.subwords import Composing

Floats = NDArray[np.floating]

MAX_CONTEXT = 10
"""Hidden rows of one step at most: the rows of larger windows are taken in pieces, in order."""
MAX_OUTPUT = 64
"""Output rows of one step at most, likewise."""

_MASK = 2**64 - 1
LOSS_KEY = 0x6C6F7373
NOISE_KEY = 0x6E6F6973
NODE_KEY = 0x6E6F6465


def draw(key: int, counter: int) -> int:
    """Return 64 random bits for a key and a counter (SplitMix64; Steele, Lea & Flood 2014)."""
    state = (key + counter * 0x9E3779B97F4A7C15) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return state ^ (state >> 31)


def below(half: int, bound: int) -> int:
    """Return a number in [0, bound) from 32 random bits."""
    return (half * bound) >> 32


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))


def decision_loss(scores: Floats, labels: Floats) -> Floats:
    """Return -log P of decisions in nats: log(1 + exp(-x)) for label 1, log(1 + exp(x)) for 0."""
    return np.logaddexp(0.0, np.where(labels > 0.5, -scores, scores))


def errors(hidden: Floats, output: Floats, labels: Floats) -> Floats:
    """Return y - sigmoid(H Rᵀ), (n, m): how wrong each decision is."""
    return labels - sigmoid(hidden @ output.T)


def gradients(hidden: Floats, output: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Return the negative gradients of the loss: by H (n, D), and by R (m, D).

    With E the errors these are E R and Eᵀ H (Morin & Bengio 2005; Mikolov et al. 2013).
    """
    error = errors(hidden, output, labels)
    return error @ output, error.T @ hidden


def move_in_turn(scaled: Floats, hidden: Floats, output: Floats) -> Floats:
    """Move output rows R (m, D) in place, and return what the hidden rows (n, D) are to move by.

    `scaled (n, m)` are errors times the learning rate. Each hidden row's gradient is taken of the
    output rows as the hidden rows before it have moved them.
    """
    moved = np.empty_like(hidden)
    for row in range(len(hidden)):
        moved[row] = scaled[row] @ output
        output += np.outer(scaled[row], hidden[row])
    return moved


def update(hidden: Floats, output: Floats, labels: Floats, rate: float) -> Floats:
    """Do one plain step of decisions: `move_in_turn` by the errors before the step."""
    return move_in_turn(rate * errors(hidden, output, labels), hidden, output)


def plain_step(hidden: Floats, output: Floats, labels: Floats, rate: float) -> Floats:
    """Do the plain step of a window in pieces, as `update`; hidden rows move after it alone."""
    moved = np.zeros_like(hidden)
    for some in _pieces(hidden, MAX_CONTEXT):
        for piece in _pieces(output, MAX_OUTPUT):
            moved[some] += update(hidden[some], output[piece], labels[piece], rate)
    return moved


@dataclass
class Layer:
    """An output layer: the rows and labels of a target."""

    outputs: Floats
    """(V-1, D) or (V, D)."""

    def rows(self, word: int, key: int, counter: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the numbers of distinct output rows (m,) and their labels (m,)."""
        raise NotImplementedError

    def taking_part(self, rows: NDArray[np.int64], key: int, counter: int) -> NDArray[np.bool_]:
        """Return which of a window's output rows its step moves, (m,) bool."""
        return np.ones(len(rows), np.bool_)

    def loss(self, hidden: Floats, rows: NDArray[np.int64], labels: Floats) -> float:
        """Return the negative log-likelihood of all rows of a window, from hidden rows (n, D)."""
        return loss(hidden, self.outputs[rows], labels)


@dataclass
class Hierarchical(Layer):
    """Hierarchical softmax: the nodes on the target's path, labelled 1 - code."""

    offsets: NDArray[np.int64]
    nodes: NDArray[np.int32]
    codes: NDArray[np.uint8]
    keep: Floats | None = None
    """(V-1,), the probability of each node to take part in a window; it does not fall along a
    path."""

    def rows(self, word: int, key: int, counter: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the inner nodes of the word's path, from the root down."""
        path = slice(self.offsets[word], self.offsets[word + 1])
        return self.nodes[path].astype(np.int64), 1.0 - self.codes[path]

    def taking_part(self, rows: NDArray[np.int64], key: int, counter: int) -> NDArray[np.bool_]:
        """Return which nodes of a path take part in a window: one draw decides on all."""
        if self.keep is None:
            return super().taking_part(rows, key, counter)
        drawn = (draw(key ^ NODE_KEY, counter) >> 32) / 2**32
        part: NDArray[np.bool_] = self.keep[rows] > drawn
        return part


@dataclass
class Trees(Layer):
    """Hierarchical softmax of several trees, a word's probability being the mean of theirs.

    The rows of the nodes of one tree follow those of another.
    """

    trees: list[Hierarchical]

    @property
    def nodes(self) -> int:
        """The number of rows of a tree."""
        return len(self.outputs) // len(self.trees)

    def _parts(self, rows: NDArray[np.int64]) -> list[NDArray[np.bool_]]:
        """Return which rows are of each tree."""
        owner = rows // self.nodes
        return [owner == number for number in range(len(self.trees))]

    def rows(self, word: int, key: int, counter: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the inner nodes of the word's path in one tree after the other."""
        found = [tree.rows(word, key, counter) for tree in self.trees]
        rows = [number * self.nodes + path for number, (path, _) in enumerate(found)]
        return np.concatenate(rows), np.concatenate([labels for _, labels in found])

    def taking_part(self, rows: NDArray[np.int64], key: int, counter: int) -> NDArray[np.bool_]:
        """Return which nodes take part in a window: one draw for each tree."""
        count = len(self.trees)
        parts = [
            tree.taking_part(rows[part] - number * self.nodes, key, counter * count + number)
            for number, (tree, part) in enumerate(zip(self.trees, self._parts(rows), strict=True))
        ]
        return np.concatenate(parts)

    def loss(self, hidden: Floats, rows: NDArray[np.int64], labels: Floats) -> float:
        """Return the negative logarithm of the mean of the paths' probabilities."""
        scores = decision_loss(hidden @ self.outputs[rows].T, labels)
        paths = np.array([scores[:, part].sum(axis=1) for part in self._parts(rows)])
        mixed = np.logaddexp.reduce(-paths, axis=0) - np.log(len(self.trees))
        return -float(mixed.sum())


def drawn_word(columns: NDArray[np.uint32], bits: int) -> int:
    """Return the word that 64 random bits draw from the columns (V, 2) of an alias table."""
    column = below(bits >> 32, len(columns))
    accept, alias = columns[column].tolist()
    return column if bits & 0xFFFFFFFF < accept else int(alias)


@dataclass
class Negative(Layer):
    """Negative sampling: the target, labelled 1, and drawn words, labelled 0."""

    columns: NDArray[np.uint32]
    """(V, 2), those of the alias table."""
    negative: int

    def rows(self, word: int, key: int, counter: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the target and the words drawn for it, each once."""
        chosen = [word]
        for place in range(self.negative):
            drawn = drawn_word(self.columns, draw(key, counter * self.negative + place))
            if drawn not in chosen:
                chosen.append(drawn)
        return np.array(chosen), np.arange(len(chosen)) == 0


@dataclass
class Hybrid(Layer):
    """Hierarchical softmax and negative sampling in one step: the rows of both.

    The rows of words follow those of the nodes in `outputs`. The loss is that of the trees.
    """

    tree: Hierarchical | Trees
    sampling: Negative

    @property
    def nodes(self) -> int:
        """The number of rows of nodes."""
        return len(self.outputs) - len(self.sampling.columns)

    def rows(self, word: int, key: int, counter: int) -> tuple[NDArray[np.int64], Floats]:
        """Return the nodes of the word's paths, then the target and the words drawn for it."""
        nodes, turns = self.tree.rows(word, key, counter)
        words, labels = self.sampling.rows(word, key, counter)
        return np.concatenate((nodes, self.nodes + words)), np.concatenate((turns, labels))

    def taking_part(self, rows: NDArray[np.int64], key: int, counter: int) -> NDArray[np.bool_]:
        """Return which rows take part in a window: all words do."""
        part = rows >= self.nodes
        part[~part] = self.tree.taking_part(rows[~part], key, counter)
        return part

    def loss(self, hidden: Floats, rows: NDArray[np.int64], labels: Floats) -> float:
        """Return the loss of the trees."""
        part = rows < self.nodes
        return self.tree.loss(hidden, rows[part], labels[part])


@dataclass
class Plan:
    """The settings of a block: what `kernels.block.Plan` and `kernels.windows.Windowing` hold."""

    remap: NDArray[np.int32]
    keep: NDArray[np.uint64]
    window: int
    shrink: bool
    cbow: bool
    first_rate: float
    last_rate: float
    loss_every: int = 1
    l2: float = 0.0


def keep_tokens(
    ids: NDArray[np.int32], plan: Plan, key: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the sentences of a block: the words kept of each, and how far each word sees."""
    words: list[int] = []
    reach: list[int] = []
    for position, word in enumerate(plan.remap[ids].tolist()):
        if word >= 0:
            bits = draw(key, position)
            if bits >> 32 < int(plan.keep[word]):
                words.append(word)
                shrunk = 1 + below(bits & 0xFFFFFFFF, plan.window)
                reach.append(shrunk if plan.shrink else plan.window)
        elif word == -1 and words:
            yield words, reach
            words, reach = [], []
    if words:
        yield words, reach


def step(
    vectors: Floats,
    context: list[int],
    outputs: Floats,
    rows: NDArray[np.int64],
    labels: Floats,
    rate: float,
    cbow: bool,
    l2: float = 0.0,
) -> None:
    """Do the step of one window in place: context rows of W (V, D), and `rows` of O.

    Skip-gram: H = W[context]. CBOW: H = mean(W[context]), whose gradient goes to each of them.
    After the step the rows that moved decay by l2.
    """
    output = outputs[rows]
    if cbow:
        mean = vectors[context].mean(axis=0, keepdims=True)
        np.add.at(vectors, context, plain_step(mean, output, labels, rate))
    else:
        for some in _pieces(context, MAX_CONTEXT):
            for piece in _pieces(rows, MAX_OUTPUT):
                hidden = vectors[context[some]]
                moved = update(hidden, output[piece], labels[piece], rate)
                np.add.at(vectors, context[some], moved)
    factor = max(0.0, 1.0 - rate * l2)
    outputs[rows] = output * factor
    if len(rows):
        np.multiply.at(vectors, context, factor)


def _pieces(rows: Sized, length: int) -> list[slice]:
    return [slice(first, first + length) for first in range(0, len(rows), length)]


def loss(hidden: Floats, output: Floats, labels: Floats) -> float:
    """Return the negative log-likelihood in nats, summed over the n predictions from H (n, D)."""
    return float(decision_loss(hidden @ output.T, labels).sum())


def bounds_of(
    ids: NDArray[np.int32], plan: Plan, key: int
) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Return the kept words of a block, and of each its place and the bounds of its window.

    These are the place of its first word, and that after its last; its own is between.
    """
    kept: list[int] = []
    bounds = []
    for words, reaches in keep_tokens(ids, plan, key):
        start, end = len(kept), len(kept) + len(words)
        for place, reach in enumerate(reaches, start):
            bounds.append((place, max(start, place - reach), min(end, place + reach + 1)))
        kept += words
    return kept, bounds


def windows_of(ids: NDArray[np.int32], plan: Plan, key: int) -> list[tuple[int, list[int]]]:
    """Return the kept words of a block, and the context of each; it may be empty."""
    words, bounds = bounds_of(ids, plan, key)
    return [
        (words[place], words[first:place] + words[place + 1 : last])
        for place, first, last in bounds
    ]


def near(
    ids: NDArray[np.int32], plan: Plan, key: int, vectors: Floats, composing: Composing | None
) -> tuple[list[tuple[int, list[int]]], Floats]:
    """Return the kept words of a block, of each the rows of its context, and the table of these.

    They are those of words in `vectors (V, D)`, or of places in a block that is composed.
    """
    if composing is None:
        return windows_of(ids, plan, key), vectors
    words, bounds = bounds_of(ids, plan, key)
    composing.begin(words)
    windows = [
        (words[place], [*range(first, place), *range(place + 1, last)])
        for place, first, last in bounds
    ]
    return windows, composing.vectors


def train_block(
    ids: NDArray[np.int32],
    key: int,
    plan: Plan,
    vectors: Floats,
    layer: Layer,
    composing: Composing | None = None,
) -> tuple[float, int, int]:
    """Train on one block in place; return the sampled loss, its predictions, the words kept.

    With `composing`, whose own rows are `vectors`, words have n-grams.
    """
    windows, vectors = near(ids, plan, key, vectors, composing)
    slope = (plan.last_rate - plan.first_rate) / max(len(windows), 1)
    lossy = draw(key ^ LOSS_KEY, 0) % plan.loss_every
    total, predictions = 0.0, 0
    for number, (word, context) in enumerate(windows):
        if composing:
            composing.move_on(number - plan.window, number + plan.window + 1)
        if not context:
            continue
        rows, labels = layer.rows(word, key ^ NOISE_KEY, number)
        if number % plan.loss_every == lossy:
            hidden = vectors[context]
            if plan.cbow:
                hidden = hidden.mean(axis=0, keepdims=True)
            total += layer.loss(hidden, rows, labels)
            predictions += len(hidden)
        rate = plan.first_rate + slope * number
        part = layer.taking_part(rows, key ^ NOISE_KEY, number)
        rows, labels = rows[part], labels[part]
        step(vectors, context, layer.outputs, rows, labels, rate, plan.cbow, plan.l2)
    if composing:
        composing.end()
    return total, predictions, len(windows)
