"""Classes of words: of equal weight, of like vectors, of like neighbours; none empty or vast."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.trees.classes import Classes
from hsw2v.trees.grouping import (
    LARGEST,
    ROUNDS,
    divided,
    exchange_classes,
    frequency_classes,
    kmeans_classes,
)
from hsw2v.trees.shape import step_cost

seeds = st.integers(0, 2**32 - 1)
some_weights = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=60)


def zipf(words: int) -> np.ndarray:
    return 1e6 / np.arange(1.0, words + 1)


@given(some_weights, st.integers(1, 70))
def test_frequent_words_come_first_and_no_class_is_empty(weights: list[float], count: int) -> None:
    falling = np.sort(weights)[::-1]
    classes = frequency_classes(falling, count)
    classes.check()
    assert classes.count == min(count, len(weights))
    assert np.all(np.diff(classes.of) >= 0)


def test_words_of_like_weight_are_cut_evenly() -> None:
    assert frequency_classes(np.ones(12), 4).sizes.tolist() == [3, 3, 3, 3]
    assert frequency_classes(np.array([4.0, 2, 2, 1, 1, 1, 1]), 3).sizes.tolist() == [1, 2, 4]


def test_a_word_that_outweighs_a_class_is_alone_and_the_rest_is_shared_evenly() -> None:
    weights = np.array([90.0, *[1.0] * 12])
    assert frequency_classes(weights, 5).sizes.tolist() == [1, 3, 3, 3, 3]


def test_a_step_over_classes_of_equal_weight_costs_about_twice_the_root() -> None:
    """Σ p_w |class(w)| is V / C where every class has the weight 1 / C."""
    weights = np.minimum(zipf(10_000), 2_000.0)
    assert step_cost(frequency_classes(weights, 100), weights) == pytest.approx(200, rel=0.02)


def directions(kinds: int, of_each: int, seed: int = 0) -> np.ndarray:
    """Return vectors of any length about directions at right angles: word w is of kind w % k."""
    rng = np.random.default_rng(seed)
    vectors = np.tile(np.eye(kinds, 16), (of_each, 1)) + rng.normal(0, 0.01, (kinds * of_each, 16))
    return (vectors * rng.uniform(0.1, 10, (len(vectors), 1))).astype(np.float32)


def test_words_about_one_direction_are_one_class() -> None:
    classes = kmeans_classes(directions(8, 20), np.ones(160), 8)
    classes.check()
    for kind in range(8):
        assert classes.words(classes.of[kind]).tolist() == list(range(kind, 160, 8))


@given(
    st.integers(1, 60), st.integers(1, 70), seeds, st.sampled_from(["any", "few", "one", "none"])
)
def test_whatever_the_vectors_no_class_is_empty_or_vast(
    words: int, count: int, seed: int, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    vectors = {
        "any": rng.normal(size=(words, 3)),
        "few": rng.integers(-1, 2, (words, 2)),
        "one": np.ones((words, 4)),
        "none": np.zeros((words, 2)),
    }[kind].astype(np.float32)
    classes = kmeans_classes(vectors, rng.uniform(0.1, 100, words), count, seed)
    classes.check()
    assert classes.count == min(count, words)
    assert classes.sizes.max() <= math.ceil(LARGEST * words / classes.count)


def test_of_a_class_that_is_too_full_the_farthest_words_leave_for_the_next() -> None:
    """Of 58 words about one direction 40 may stay; of two others one is nearer to them."""
    angles = np.concatenate((np.linspace(0.0, 0.3, 58), [1.5, 3.0]))
    vectors = np.column_stack((np.cos(angles), np.sin(angles))).astype(np.float32)
    weights = np.concatenate((np.ones(58), [1e6, 1e6]))
    classes = kmeans_classes(vectors, weights, 3)
    assert classes.words(classes.of[59]).tolist() == [59]
    kept = classes.words(classes.of[30])
    assert np.array_equal(kept, np.arange(kept[0], kept[0] + 40))


def test_vectors_make_the_same_classes_again_and_other_seeds_others() -> None:
    vectors = np.random.default_rng(3).normal(size=(300, 8)).astype(np.float32)
    one, same, other = (kmeans_classes(vectors, zipf(300), 12, seed).of for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_finding_centres_tells_how_far_it_is_and_can_be_stopped() -> None:
    told: list[tuple[int, int]] = []
    kmeans_classes(directions(4, 5), np.ones(20), 4, tell=lambda *news: told.append(news))
    assert dict.fromkeys(told) == {(20 * turn, 20 * ROUNDS): None for turn in range(ROUNDS + 1)}
    assert told == sorted(told)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kmeans_classes(directions(4, 5), np.ones(20), 4, tell=stop)


def planted(size: int = 12_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a text of four kinds of words, 10 each, in turn: word w is of kind w % 4."""
    words = np.arange(size) % 4 + 4 * np.random.default_rng(5).integers(0, 10, size)
    return words.astype(np.int32) + 1, np.array([0, size]), np.arange(-1, 40, dtype=np.int32)


def test_words_with_like_neighbours_are_one_class() -> None:
    told: list[str] = []
    classes = exchange_classes(
        *planted(), np.ones(40), 5, tell=lambda stage, *_: told.append(stage)
    )
    classes.check()
    kinds = [set(classes.of[kind::4].tolist()) for kind in range(4)]
    assert sum(map(len, kinds)) == len(set().union(*kinds)) == classes.count == 5
    assert [stage for stage, _ in itertools.groupby(told)] == ["counting", "exchanging"]


def test_there_are_as_many_classes_as_asked_for_even_without_neighbours() -> None:
    alone, remap = np.array([1, 0] * 5, np.int32), np.array([-1, 0], np.int32)
    for words, count in ((1, 5), (3, 2), (10, 100)):
        classes = exchange_classes(alone, np.array([0, 10]), remap, np.ones(words), count)
        classes.check()
        assert (len(classes), classes.count) == (words, min(count, words))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 12), seeds)
def test_dividing_cuts_where_a_step_gets_cheapest(chosen: list[int], count: int, seed: int) -> None:
    used, of = np.unique(chosen, return_inverse=True)
    whole = Classes(of.astype(np.int32), len(used))
    weights = np.sort(np.random.default_rng(seed).uniform(1, 9, len(chosen)))[::-1]
    found = divided(whole, weights, min(count, len(chosen)))
    found.check()
    assert found.count == max(min(count, len(chosen)), whole.count)
    cuts = [
        step_cost(Classes(np.where((of == one) & (np.arange(len(of)) >= word), 99, of), 0), weights)
        for one in range(whole.count)
        for word in whole.words(one)[1:]
    ]
    if found.count == whole.count + 1:
        assert step_cost(found, weights) == pytest.approx(min(cuts) + found.count)
    for one in range(found.count):
        assert len(set(of[found.words(one)])) == 1
