"""Types that `max_types` does not drop: the words of `keep_words` and of `vocab`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import run

import hsw2v
from hsw2v.config import Config, CorpusConfig
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import read_lists
from hsw2v.corpus.parts import divided
from hsw2v.corpus.stream import encode, encode_parts, encode_sentences
from hsw2v.events import Notice, ignore
from hsw2v.experiments.comparing import compare
from hsw2v.experiments.experiment import Experiment, Setting
from hsw2v.training.reader import Reader, Slice, Totals, encode_apart, word_ids

MOST = 8
CONFIG = CorpusConfig(max_types=MOST)
RARE = ("néphrite", "king", "seldom-met-and-long", "3")


def sentences() -> list[list[str]]:
    """A text of far more types than the table holds, in which the rare words are apart."""
    rng = random.Random(5)
    found = [[f"w{rng.randrange(400)}" for _ in range(rng.randrange(1, 12))] for _ in range(600)]
    for place in (3, 200, 310, 599):
        for word in RARE:
            found[place].insert(rng.randrange(len(found[place]) + 1), word)
    return found


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"{' '.join(one)}\n" for one in sentences()), encoding="utf-8")
    return path


def check(found: EncodedCorpus, spared: Collection[str]) -> None:
    """Counts of spared types, and their occurrences among the ids, are those of the text."""
    with found:
        counts = dict(zip(found.types.words, found.types.counts.tolist(), strict=True))
        expected = Counter(word for one in sentences() for word in one if word in spared)
        assert {word: counts.get(word, 0) for word in spared} == expected
        occurring = np.bincount(found.ids, minlength=len(found.types) + 1)[1:]
        rows = found.types.find(list(spared))
        assert occurring[rows].tolist() == [expected[word] for word in spared]
        assert found.dropped_types > 100


def test_without_them_rare_words_are_dropped(text: Path) -> None:
    with encode(text, CONFIG) as found:
        assert len(found.types) <= MOST
        assert (found.types.find(list(RARE)) < 0).any()


@pytest.mark.parametrize("spared", [RARE, RARE[:1], [f"w{n}" for n in range(40)]])
def test_counts_of_spared_types_are_exact(text: Path, spared: Collection[str]) -> None:
    check(encode(text, CONFIG, spared=spared, piece_bytes=200), spared)
    check(encode_sentences(sentences(), CONFIG, spared=spared), spared)
    check(encode_apart(divided([str(text)], 3), CONFIG, ignore, spared), spared)


def test_others_have_the_room_that_they_always_had(text: Path) -> None:
    # Spared types that do not occur change nothing.
    with encode(text, CONFIG) as usual, encode(text, CONFIG, spared=["nowhere"]) as found:
        assert found.types.words == usual.types.words
        assert np.array_equal(found.ids, usual.ids)
    for most in (1, 3):
        config = CorpusConfig(max_types=most)
        with encode_sentences(sentences()[:40], config, spared=RARE) as found:
            assert len(RARE) <= len(found.types) <= len(RARE) + most


def test_a_worker_spares_them_and_so_does_one_that_replaces_it(text: Path) -> None:
    parts = divided([str(text)], 2)[1]
    with encode_parts(parts, CONFIG, spared=RARE) as expected:
        worker, types = Reader(), expected.types
        while not isinstance(told := worker.read(parts, CONFIG, 1.0, RARE), Totals):
            pass
        assert told.types == len(types)
        assert worker.types().words == types.words
        worker.close()
        whole = [Slice(parts, 0, told.ids)]
        found = Reader().gather(CONFIG, types, whole, None, (), RARE)
        assert found is not None
        assert np.array_equal(found.ids, word_ids(types, types)[expected.ids])
        found.close()


def test_they_are_the_words_of_the_lists(tmp_path: Path) -> None:
    def spared(**settings: Any) -> frozenset[str]:
        config = Config().replace(**settings)
        return read_lists(config, ignore).spared(config.corpus)

    keep = ["New_York", "b"]
    assert spared(max_types=9, keep_words=keep, drop_words=["c"]) == {"New_York", "b"}
    assert spared(max_types=9, vocab={"x": 3, "y": 0}) == {"x", "y"}
    assert spared(keep_words=keep) == frozenset()
    # What a phrase is joined of is to be there before it is.
    found = spared(max_types=9, keep_words=keep, phrases=1, lowercase=True)
    assert found == {"new_york", "new", "york", "b"}


def test_a_phrase_that_is_kept_is_found_though_types_are_dropped() -> None:
    rng = random.Random(1)
    text = [[f"w{rng.randrange(300)}" for _ in range(9)] for _ in range(200)]
    for place in range(0, 200, 50):
        text[place] += ["los", "alamos"]
    settings: dict[str, Any] = {
        "max_types": 6,
        "phrases": 1,
        "phrase_min_count": 1,
        "phrase_threshold": 0.1,
        "min_count": 1,
        "epochs": 1,
        "dim": 4,
        "threads": 1,
    }
    assert "los_alamos" in hsw2v.train(text, keep_words=["los_alamos"], **settings)
    assert "los_alamos" not in hsw2v.train(text, **settings)


@pytest.mark.parametrize("engine", ["threads", "local"])
def test_training_has_words_that_are_kept_or_given(text: Path, engine: str) -> None:
    told: list[Any] = []
    given: dict[str, Any] = {"dim": 4, "epochs": 1, "threads": 1, "workers": 3, "engine": engine}
    given |= {"max_types": MOST, "listener": told.append}
    kept = hsw2v.train(text, keep_words=RARE, min_count=1, **given)
    assert kept.vocabulary.counts[kept.vocabulary.find(RARE)].tolist() == [4] * 4
    every = hsw2v.train(text, vocab=[*RARE, "w7"], **given)
    times = Counter(word for one in sentences() for word in one)
    assert every.vocabulary.words == ["w7", *RARE]
    assert every.vocabulary.counts.tolist() == [times["w7"], 4, 4, 4, 4]
    notes = [one.message for one in told if isinstance(one, Notice)]
    assert not [one for one in notes if "keep_words" in one or "vocab" in one.split()]


def test_the_command_line_keeps_them(text: Path, tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("\n".join(RARE), encoding="utf-8")
    options = ("--max-types", MOST, "--keep-words", tmp_path / "keep.txt", "--min-count", "4")
    lines = run("vocab", text, *options).stdout.splitlines()
    assert {f"{word}\t4" for word in RARE} <= set(lines)


def test_compared_settings_spare_the_words_of_all(text: Path, tmp_path: Path) -> None:
    base = Config().replace(max_types=MOST, dim=4, epochs=1, min_count=1, threads=1)
    settings = tuple(
        Setting(word, base.replace(keep_words=[word]).resolved(), {}) for word in RARE[:2]
    )
    experiment = Experiment(name="two", settings=settings)
    assert experiment.spared() == {*RARE[:2]}
    found = compare(experiment, text, tmp_path / "out")
    assert len(found.to_dict()["settings"]) == 2
