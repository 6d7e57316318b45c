"""Windows that are looked at are windows that training visits."""

from __future__ import annotations

import numpy as np
import pytest

from hsw2v.config import Config
from hsw2v.corpus.stream import encode_sentences
from hsw2v.corpus.vocabulary import END_OF_SENTENCE, UNKNOWN
from hsw2v.corpus.words import choose_words
from hsw2v.diagnosis.windows import Sampling, Windows, draw_windows, sampled_windows

REMAP = np.array([END_OF_SENTENCE, 0, 1, 2, UNKNOWN], np.int32)


def listed(found: Windows) -> list[tuple[int, list[int]]]:
    ends = np.cumsum(found.counts)
    return [
        (int(target), found.contexts[end - count : end].tolist())
        for target, end, count in zip(found.targets, ends, found.counts, strict=True)
    ]


def by_loop(sentences: list[list[int]], window: int) -> list[tuple[int, list[int]]]:
    return [
        (word, sentence[max(0, place - window) : place] + sentence[place + 1 : place + 1 + window])
        for sentence in sentences
        if len(sentence) > 1
        for place, word in enumerate(sentence)
    ]


def test_without_chance_they_are_all_the_windows_there_are() -> None:
    ids = np.array([1, 4, 2, 3, 0, 1, 0, 4, 0, 3, 3, 2, 1], np.int32)
    sampling = Sampling(np.ones(3), window=2, shrink=False)
    found = draw_windows(ids, REMAP, sampling, 100, np.random.default_rng(1))
    assert listed(found) == by_loop([[0, 1, 2], [0], [2, 2, 1, 0]], 2)


def test_words_are_left_out_as_often_as_subsampling_leaves_them_out() -> None:
    ids = np.tile(np.array([1, 2], np.int32), 5_000)
    sampling = Sampling(np.array([0.25, 1.0, 1.0]), window=1, shrink=False)
    found = draw_windows(ids, REMAP, sampling, 10_000, np.random.default_rng(1))
    kept = np.bincount(found.targets)
    assert kept[1] == 5_000
    assert kept[0] == pytest.approx(1_250, rel=0.1)
    # A word that was left out is no neighbour either.
    assert listed(found)[1][1] != [0, 0]
    assert np.count_nonzero(found.contexts == 1) > 2 * np.count_nonzero(found.contexts == 0)


def test_windows_shrink_to_every_reach_alike() -> None:
    ids = np.arange(3_000, dtype=np.int32) % 3 + 1
    sampling = Sampling(np.ones(3), window=4, shrink=True)
    found = draw_windows(ids, REMAP, sampling, 3_000, np.random.default_rng(1))
    reaches = np.bincount(found.counts[10:-10], minlength=9)
    assert np.all(abs(reaches[[2, 4, 6, 8]] - 745) < 100)
    assert reaches[[1, 3, 5, 7]].sum() == 0


def test_some_of_a_block_are_drawn_from_all_of_it_and_each_once() -> None:
    ids = np.full(1_000, 1, np.int32)
    remap = np.array([END_OF_SENTENCE, 0], np.int32)
    rng = np.random.default_rng(1)
    found = draw_windows(ids, remap, Sampling(np.ones(1), 1, False), 100, rng)
    assert len(found.targets) == 100
    nothing = draw_windows(ids[:1], remap, Sampling(np.ones(1), 1, False), 5, rng)
    assert len(nothing.targets) == 0
    assert len(nothing.contexts) == 0


def test_a_text_is_sampled_evenly_and_the_same_each_time() -> None:
    # Two sentences: the words tell which half of the text a window is from.
    sentences = [[f"a{n % 5}" for n in range(60_000)], [f"b{n % 5}" for n in range(60_000)]]
    config = Config().replace(sample=0, window=2)
    with encode_sentences(sentences, config.corpus) as encoded:
        vocabulary, text = choose_words(encoded, config.vocabulary)
        sampling = Sampling.of(config, vocabulary.counts)
        found = list(sampled_windows(text, sampling, 1_000, 1))
        again = list(sampled_windows(text, sampling, 1_000, 1))
        other = list(sampled_windows(text, sampling, 1_000, 2))
    assert sum(len(one.targets) for one in found) == 1_000
    words = np.array(vocabulary.words)[np.concatenate([one.targets for one in found])]
    assert abs(sum(word.startswith("a") for word in words) - 500) < 40
    first, second, third = (
        [window for one in windows for window in listed(one)] for windows in (found, again, other)
    )
    assert first == second
    assert first != third


def test_a_short_text_gives_all_it_has() -> None:
    config = Config().replace(sample=0, min_count=1)
    with encode_sentences([["a", "b", "c"], ["d"]], config.corpus) as encoded:
        vocabulary, text = choose_words(encoded, config.vocabulary)
        (found,) = sampled_windows(text, Sampling.of(config, vocabulary.counts), 50, 1)
    assert len(found.targets) == 3
