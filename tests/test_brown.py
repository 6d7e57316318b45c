"""Brown's tree: neighbours are counted as training sees them, and no step makes classes worse."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v import reference
from hsw2v.trees import bigrams as bigrams_module
from hsw2v.trees.bigrams import Bigrams, Rows, count_bigrams
from hsw2v.trees.brown import brown, grafted
from hsw2v.trees.classes import Classes
from hsw2v.trees.exchange import (
    class_counts,
    exchange,
    first_classes,
    move,
    objective,
    propose,
)
from hsw2v.trees.huffman import huffman
from hsw2v.trees.merge import merge

WORDS, CLASSES = 8, 3
LEAST_RISE = 1e-3
"""Nats that a move must gain."""
seeds = st.integers(0, 2**32 - 1)


def text(seed: int, size: int = 200, words: int = WORDS) -> tuple[np.ndarray, ...]:
    """Return ids, blocks and a remap: words by falling count, ends of sentences, rare types."""
    rng = np.random.default_rng(seed)
    types = rng.zipf(1.5, size) % (words + 3)
    ids = rng.permutation(words + 3)[types].astype(np.int32)
    remap = np.concatenate(([-1], rng.permutation(np.r_[np.arange(words), -2, -2])))
    inner = np.sort(rng.choice(np.arange(1, size), rng.integers(0, 4), replace=False))
    return ids, np.concatenate(([0], inner, [size])), remap.astype(np.int32)


def dense(rows: Rows) -> np.ndarray:
    words = len(rows.offsets) - 1
    counts = np.zeros((words, words), np.int64)
    for row, (a, b) in enumerate(itertools.pairwise(rows.offsets)):
        assert np.all(np.diff(rows.columns[a:b]) > 0)
        counts[row, rows.columns[a:b]] = rows.counts[a:b]
    return counts


def case(seed: int) -> tuple[Bigrams, np.ndarray, np.ndarray]:
    """Return bigrams of a text, the same dense, and random classes."""
    counted = count_bigrams(*text(seed), WORDS)
    chosen = np.random.default_rng(seed + 1).integers(0, CLASSES, WORDS).astype(np.int32)
    return counted, dense(counted.followers), chosen


@given(seeds)
def test_bigrams_are_the_neighbours_that_training_sees(seed: int) -> None:
    ids, blocks, remap = text(seed)
    keep = np.full(WORDS, 2**32, np.uint64)
    plan = reference.Plan(
        remap, keep, window=1, shrink=False, cbow=False, first_rate=0, last_rate=0
    )
    expected = np.zeros((WORDS, WORDS), np.int64)
    for a, b in itertools.pairwise(blocks):
        for sentence, _ in reference.keep_tokens(ids[a:b], plan, key=0):
            for pair in itertools.pairwise(sentence):
                expected[pair] += 1
    counted = count_bigrams(ids, blocks, remap, WORDS)
    assert np.array_equal(dense(counted.followers), expected)
    assert np.array_equal(dense(counted.leaders), expected.T)


def test_counting_in_slices_changes_nothing_and_tells_of_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids, blocks, remap = text(1, size=5000)
    blocks = np.arange(0, 5001, 50)
    whole = count_bigrams(ids, blocks, remap, WORDS)
    monkeypatch.setattr(bigrams_module, "_IDS_AT_ONCE", 100)
    monkeypatch.setattr(bigrams_module, "_ROWS_AT_ONCE", 3)
    told: list[tuple[int, int]] = []
    sliced = count_bigrams(ids, blocks, remap, WORDS, lambda *done: told.append(done))
    for one, other in zip(sum(whole, ()), sum(sliced, ()), strict=True):
        assert np.array_equal(one, other)
    assert len(told) > 50
    assert told[-1] == (10_000, 10_000)


def test_of_a_text_that_is_too_long_blocks_from_all_over_it_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bigrams_module, "MOST_IDS", 300)
    ids, _, remap = text(2, size=1000)
    counted = count_bigrams(ids, np.arange(0, 1001, 10), remap, WORDS)
    starts = range(0, 1000, 40)
    some = np.concatenate([ids[a : a + 10] for a in starts])
    expected = count_bigrams(some, np.arange(0, len(some) + 1, 10), remap, WORDS)
    assert np.array_equal(dense(counted.followers), dense(expected.followers))


@given(seeds)
def test_the_objective_is_the_likelihood_of_each_word_after_the_one_before(seed: int) -> None:
    counted, counts, classes = case(seed)
    pairs = reference.class_bigrams(counts, classes, CLASSES)
    total = 0.0
    for v, w in np.argwhere(counts):
        of_class = pairs[classes[v], classes[w]] / pairs[classes[v]].sum()
        of_word = counts[:, w].sum() / pairs[:, classes[w]].sum()
        total += counts[v, w] * math.log(of_class * of_word)
    found = objective(class_counts(counted, classes, CLASSES)) * max(counts.sum(), 1)
    assert found == pytest.approx(total, abs=1e-9)
    after = counts.sum(0)[counts.sum(0) > 0]
    constant = float((after * np.log(after)).sum())
    assert found == pytest.approx(reference.class_likelihood(pairs) + constant, abs=1e-9)


@given(seeds)
def test_the_class_proposed_for_a_word_is_the_best(seed: int) -> None:
    counted, counts, classes = case(seed)
    proposals = np.empty(WORDS, np.int32)
    state = class_counts(counted, classes, CLASSES)
    propose(counted, classes, state, 0, WORDS, proposals)
    for word in range(WORDS):
        gains = reference.exchange_gains(counts, classes, CLASSES, word)
        assert gains[proposals[word]] == pytest.approx(gains.max(), abs=1e-9)


@given(seeds, st.lists(st.integers(0, CLASSES - 1), min_size=WORDS, max_size=WORDS))
def test_words_move_only_where_the_likelihood_rises(seed: int, proposed: list[int]) -> None:
    counted, counts, classes = case(seed)
    state = class_counts(counted, classes, CLASSES)
    expected = classes.copy()
    for word, one in enumerate(proposed):
        if reference.exchange_gains(counts, expected, CLASSES, word)[one] > LEAST_RISE:
            expected[word] = one
    moved = move(counted, classes, state, 0, WORDS, np.array(proposed, np.int32))
    assert np.array_equal(classes, expected)
    assert moved == np.count_nonzero(classes != case(seed)[2])
    # The counts are as if made anew.
    for kept, anew in zip(state, class_counts(counted, classes, CLASSES), strict=True):
        assert np.array_equal(kept, anew)


@given(seeds)
def test_the_objective_never_falls_and_ends_where_no_word_can_raise_it(seed: int) -> None:
    counted, counts, classes = case(seed)
    objectives = exchange(counted, classes, CLASSES, sweeps=100)
    assert np.all(np.diff(objectives) >= 0)
    assert objectives[-1] == objective(class_counts(counted, classes, CLASSES))
    for word in range(WORDS):
        gains = reference.exchange_gains(counts, classes, CLASSES, word)
        assert gains.max() < 1.1 * LEAST_RISE


def test_the_objective_never_falls_where_counts_are_large() -> None:
    """The table of small counts ends at 65,536."""
    rng = np.random.default_rng(3)
    counts = (10 ** rng.uniform(0, 6.5, (40, 40))).astype(np.int32)
    columns = np.tile(np.arange(40, dtype=np.int32), 40)
    offsets = np.arange(0, 1601, 40)
    counted = Bigrams(
        Rows(offsets, columns, counts.ravel()), Rows(offsets, columns, counts.T.ravel().copy())
    )
    classes = first_classes(40, 6)
    objectives = exchange(counted, classes, 6)
    assert len(objectives) > 2
    assert np.all(np.diff(objectives) >= 0)
    for word in range(40):
        gains = reference.exchange_gains(counts, classes, 6, word)
        assert gains.max() < 1.1 * LEAST_RISE


def test_threads_have_no_part_in_the_classes() -> None:
    counted = count_bigrams(*text(4, size=20_000, words=500), 500)
    one, three = first_classes(500, 20), first_classes(500, 20)
    assert np.array_equal(
        exchange(counted, one, 20, threads=1), exchange(counted, three, 20, threads=3)
    )
    assert np.array_equal(one, three)


@given(seeds, st.integers(1, 12))
def test_the_pair_is_merged_that_loses_least_for_its_weight(seed: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, 1000, (size, size)) * rng.integers(0, 2, (size, size))
    weights = rng.random(size)
    tree = merge(pairs, weights)
    tree.check()
    classes: dict[int, int] = {~one: one for one in range(size)}
    counts, weights = pairs.astype(np.float64), weights.copy()
    for node in reversed(range(size - 1)):
        costs = {
            (i, j): reference.merging_loss(counts, i, j) * (weights[i] + weights[j])
            for i, j in itertools.combinations(sorted(classes.values()), 2)
        }
        i, j = sorted(classes.pop(child) for child in tree.children[node].tolist())
        assert costs[i, j] == pytest.approx(min(costs.values()), abs=1e-6)
        counts = reference.class_bigrams(
            counts, np.where(np.arange(size) == j, i, np.arange(size)), size
        )
        weights[i] += weights[j]
        classes[node] = i


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), seeds)
def test_words_of_a_class_hang_below_its_leaf_as_huffman_has_it(
    chosen: list[int], seed: int
) -> None:
    classes = np.unique(chosen, return_inverse=True)[1].astype(np.int32)
    weights = np.random.default_rng(seed).random(len(classes))
    top = huffman(np.ones(classes.max() + 1))
    tree = grafted(top, Classes(classes, len(top)), weights)
    tree.check()
    lengths = top.paths().lengths[classes]
    for one in range(len(top)):
        lengths[classes == one] += huffman(weights[classes == one]).paths().lengths
    assert np.array_equal(tree.paths().lengths, lengths)
    paths, above = tree.paths(), top.paths()
    for word, one in enumerate(classes):
        a, b = above.offsets[one], above.offsets[one + 1]
        begin = paths.offsets[word]
        assert np.array_equal(paths.codes[begin : begin + b - a], above.codes[a:b])


def planted(size: int = 12_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a text of four kinds of words, 10 each, in turn: word w is of kind w % 4."""
    words = np.arange(size) % 4 + 4 * np.random.default_rng(5).integers(0, 10, size)
    return words.astype(np.int32) + 1, np.array([0, size]), np.arange(-1, 40, dtype=np.int32)


@pytest.mark.parametrize("classes", [4, 7])
def test_words_of_one_kind_have_a_branch_of_their_own(classes: int) -> None:
    paths = brown(*planted(), np.ones(40), classes=classes).paths()
    codes = [paths.codes[a:b].tolist() for a, b in itertools.pairwise(paths.offsets)]
    for kind in range(4):
        alike = zip(*codes[kind::4], strict=False)
        shared = len(list(itertools.takewhile(lambda code: len(set(code)) == 1, alike)))
        inside = [word for word in range(40) if codes[word][:shared] == codes[kind][:shared]]
        assert inside == list(range(kind, 40, 4))


def test_building_reports_its_stages_and_a_rising_objective() -> None:
    told: list[tuple[str, int, int, float | None]] = []
    brown(*planted(), np.ones(40), tell=lambda *news: told.append(news))
    stages = [name for name, _ in itertools.groupby(stage for stage, *_ in told)]
    assert stages == ["counting", "exchanging", "merging"]
    assert all(0 <= done <= total for _, done, total, _ in told)
    objectives = [value for *_, value in told if value is not None]
    assert objectives == sorted(objectives)
    assert objectives[-1] > objectives[0]


@pytest.mark.parametrize("stage", ["counting", "exchanging", "merging"])
def test_building_ends_when_its_listener_raises(stage: str) -> None:
    def tell(now: str, *_: object) -> None:
        if now == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        brown(*planted(), np.ones(40), tell=tell)


@pytest.mark.parametrize("words", [1, 2, 3, 10])
@pytest.mark.parametrize("classes", [None, 1, 2, 100])
def test_every_vocabulary_has_a_tree_even_without_neighbours(
    words: int, classes: int | None
) -> None:
    alone = np.array([1, 0] * 5, np.int32)
    remap = np.array([-1, 0], np.int32)
    tree = brown(alone, np.array([0, 10]), remap, np.ones(words), classes=classes)
    tree.check()
    assert len(tree) == words
