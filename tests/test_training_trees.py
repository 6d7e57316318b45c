"""Training on every kind of tree."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_training import MEMBERS, planted

import hsw2v
from hsw2v import config, errors, events
from hsw2v.config import MOST_EPOCHS, TREES, Config, TrainingConfig
from hsw2v.training.building import LEAST_AFTER, rebuilds_of
from hsw2v.trees.codes import code_lines

SMALL: dict[str, Any] = {"dim": 24, "min_count": 1, "sample": 0.0, "threads": 1, "seed": 3}


def codes_of(model: hsw2v.Model) -> list[str]:
    assert model.tree is not None
    return list(code_lines(model.tree, model.words))


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("threads", [1, 2])
def test_words_of_a_planted_group_become_neighbours(tree: str, model: str, threads: int) -> None:
    settings = SMALL | {"threads": threads, "epochs": 12, "lr": 0.05}
    trained = hsw2v.train(planted(), model=model, tree=tree, **settings)
    near = [
        (word[:2], name[:2])
        for word in trained.words
        for name, _ in trained.similar(word, k=MEMBERS - 1)
    ]
    assert np.mean([own == other for own, other in near]) > 0.95
    assert trained.distribution(["g0w0", "g0w1"]).sum() == pytest.approx(1.0, abs=1e-6)
    assert trained.distribution(["g0w0"]).max() > 2 / len(trained)


@pytest.mark.parametrize("tree", TREES)
def test_one_thread_gives_the_same_bits(tree: str) -> None:
    settings = SMALL | {"epochs": 3, "tree": tree, "sample": 1e-2}
    first, second = (hsw2v.train(planted(), **settings) for _ in range(2))
    assert codes_of(first) == codes_of(second)
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.output is not None
    assert second.output is not None
    assert first.output.tobytes() == second.output.tobytes()


def test_the_random_tree_comes_from_the_seed() -> None:
    trees = [hsw2v.train(planted(50), **(SMALL | {"seed": n}), tree="random") for n in (1, 1, 2)]
    assert codes_of(trees[0]) == codes_of(trees[1]) != codes_of(trees[2])


def test_a_tree_of_a_file_is_trained_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "codes.tsv"
    balanced = hsw2v.train(planted(), tree="balanced", epochs=1, **SMALL)
    file.write_text("\n".join(codes_of(balanced)) + "\n", encoding="utf-8")
    again = hsw2v.train(planted(), tree=str(file), epochs=1, **SMALL)
    assert codes_of(again) == codes_of(balanced)
    assert again.vectors.tobytes() == balanced.vectors.tobytes()


def shared_turns(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def test_words_of_a_group_share_more_of_their_paths_in_a_semantic_tree() -> None:
    shared = {}
    for tree in ("huffman", "semantic"):
        trained = hsw2v.train(planted(), tree=tree, epochs=8, lr=0.05, **SMALL)
        codes = dict(line.split("\t") for line in codes_of(trained))
        shared[tree] = np.mean(
            [
                shared_turns(codes[one], codes[other])
                for one, other in itertools.combinations(codes, 2)
                if one[:2] == other[:2]
            ]
        )
    assert shared["semantic"] > 1.5 * shared["huffman"], shared


def test_training_for_the_semantic_tree_begins_on_huffmans_or_with_negative_sampling() -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"epochs": 3, "tree": "semantic", "listener": heard.append}
    heldout = planted(200, seed=9)
    hsw2v.train(planted(), heldout=heldout, rebuild_from="ns", **settings)
    ends = [e for e in heard if isinstance(e, events.EpochEnd)]
    assert [e.output for e in ends] == ["ns", "hs", "hs"]
    assert [e.heldout_loss is None for e in ends] == [True, False, False]
    assert [e.tree for e in heard if isinstance(e, events.TreeReady)] == ["semantic"]
    heard.clear()
    hsw2v.train(planted(), heldout=heldout, **settings)
    ends = [e for e in heard if isinstance(e, events.EpochEnd)]
    assert [e.output for e in ends] == ["hs"] * 3
    assert all(e.heldout_loss is not None for e in ends)
    ready = [e.tree for e in heard if isinstance(e, events.TreeReady)]
    assert ready == ["huffman", "semantic"]


def test_the_loss_of_an_epoch_is_of_the_output_layer_it_ends_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even decisions cost the path length × log 2, the losses of six samples less than that."""
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    monkeypatch.setattr("hsw2v.training.schedule.LOSS_EVERY", 1)
    heard: list[events.Event] = []
    settings = SMALL | {"lr": 1e-30, "epochs": 1, "rebuild_at": 0.5, "tree": "semantic"}
    settings["rebuild_from"] = "ns"
    trained = hsw2v.train(planted(), listener=heard.append, **settings)
    assert trained.tree is not None
    assert trained.counts is not None
    lengths = trained.tree.paths().lengths
    even = float((lengths * trained.counts).sum() / trained.counts.sum()) * np.log(2)
    (end,) = (e for e in heard if isinstance(e, events.EpochEnd))
    assert end.loss == pytest.approx(even, rel=0.02)
    told = [e for e in heard if isinstance(e, events.TrainingProgress) and e.loss is not None]
    for event in told:
        if event.output == "hs":
            assert event.loss == pytest.approx(even, rel=0.05)
        else:
            # A word that is drawn twice counts once.
            assert 5 * np.log(2) < event.loss < 6 * np.log(2)
    assert {event.output for event in told} == {"ns", "hs"}


def all_rebuilds(training: TrainingConfig, blocks: np.ndarray) -> list[tuple[int, int]]:
    return [
        (epoch, block)
        for epoch in range(training.epochs or 0)
        for block in rebuilds_of(training, blocks, epoch)
    ]


def test_an_endless_training_is_asked_when_trees_are_grown_epoch_by_epoch() -> None:
    training = Config().replace(model="cbow", epochs=2**63 - 1).resolved().training
    blocks = np.array([0, 10, 20])
    assert [rebuilds_of(training, blocks, epoch) for epoch in range(6)] == [
        [],
        [],
        [0],
        [],
        [],
        [0],
    ]
    assert rebuilds_of(training, blocks, 3 * 10**9 + 2) == [0]


@given(
    st.integers(1, 6),
    st.floats(0.01, 6.0),
    st.one_of(st.just(0.0), st.floats(0.1, 6.0)),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
)
def test_something_is_trained_before_the_semantic_tree_is_grown_and_something_after(
    epochs: int, rebuild_at: float, rebuild_every: float, sizes: list[int]
) -> None:
    if rebuild_at >= epochs:
        return
    settings: dict[str, Any] = {"epochs": epochs, "rebuild_at": rebuild_at}
    training = TrainingConfig(tree="semantic", rebuild_every=rebuild_every, **settings)
    blocks = np.concatenate(([0], np.cumsum(sizes)))
    found = all_rebuilds(training, blocks)
    if not found:
        assert epochs * len(sizes) == 1
        return
    assert found == sorted(set(found))
    assert found[0] >= (0, 1)
    assert found[-1] <= (epochs - 1, len(sizes) - 1)
    places = [epoch * blocks[-1] + blocks[block] for epoch, block in found]
    latest = (epochs - 1) * blocks[-1] + blocks[-2]
    assert places[0] == latest or 0 <= places[0] - rebuild_at * blocks[-1] < max(sizes)
    if not rebuild_every:
        assert len(found) == 1
    for place in places[1:]:
        assert place <= (epochs - LEAST_AFTER) * blocks[-1] + max(sizes)
        count = (place / blocks[-1] - rebuild_at) / rebuild_every
        assert count - round(count) == pytest.approx(0.0, abs=max(sizes) / rebuild_every)


def test_when_semantic_trees_are_grown() -> None:
    blocks = np.array([0, 10, 20])

    def growths(**settings: Any) -> list[tuple[int, int]]:
        training = Config().replace(**settings).resolved(tokens=10**9).training
        return all_rebuilds(training, blocks)

    assert growths(tree="brown") == []
    assert growths(loss="ns") == []
    assert growths() == [(1, 0)]
    assert growths(rebuild_at=0) == []
    assert growths(epochs=1) == []
    assert growths(epochs=1, rebuild_at=0.5) == [(0, 1)]
    assert growths(epochs=10) == [(1, 0)]
    assert growths(epochs=2, model="cbow") == [(1, 0)]
    assert growths(epochs=5, model="cbow") == [(2, 0)]
    assert growths(epochs=7, model="cbow") == [(2, 0), (5, 0)]
    assert growths(epochs=10, model="cbow") == [(2, 0), (5, 0), (8, 0)]
    assert growths(epochs=10, model="cbow", rebuild_every=0) == [(2, 0)]
    assert growths(epochs=5, rebuild_every=0.5) == [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0)]


def test_trees_are_grown_as_often_as_asked() -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"epochs": 6, "listener": heard.append, "tree": "semantic"}
    trained = hsw2v.train(planted(), rebuild_at=0.5, rebuild_every=1.5, **settings)
    ready = [e.tree for e in heard if isinstance(e, events.TreeReady)]
    assert ready == ["huffman", "semantic", "semantic", "semantic"]
    assert trained.distribution(["g0w0"]).sum() == pytest.approx(1.0, abs=1e-6)
    losses = [e.loss for e in heard if isinstance(e, events.EpochEnd)]
    assert all(loss is not None for loss in losses)


@pytest.mark.parametrize(
    ("sentences", "settings", "why"),
    [
        (3, {"rebuild_at": 0.5}, "too short"),
        (400, {}, "in one epoch"),
        (400, {"rebuild_from": "ns"}, "in one epoch"),
        (400, {"epochs": 3, "rebuild_at": 0}, "nothing is rebuilt"),
    ],
)
def test_where_no_semantic_tree_is_grown_huffmans_stays(
    sentences: int, settings: dict[str, Any], why: str
) -> None:
    heard: list[events.Event] = []
    asked = {"tree": "semantic", "epochs": 1, **SMALL, **settings}
    trained = hsw2v.train(planted(sentences), listener=heard.append, **asked)
    assert any(why in e.message for e in heard if isinstance(e, events.Notice))
    assert trained.tree is not None
    assert [e.tree for e in heard if isinstance(e, events.TreeReady)] == ["huffman"]


def test_the_epochs_follow_from_the_length_of_the_text() -> None:
    heard: list[events.Event] = []
    trained = hsw2v.train(planted(20), listener=heard.append, **SMALL)
    assert trained.config["training"]["epochs"] == MOST_EPOCHS
    assert trained.config["training"]["rebuild_at"] == 1.0
    assert any(f"{MOST_EPOCHS} epochs" in e.message for e in heard if isinstance(e, events.Notice))
    heard.clear()
    trained = hsw2v.train(planted(20), epochs=3, listener=heard.append, **SMALL)
    assert trained.config["training"]["epochs"] == 3
    assert not any("epochs" in e.message for e in heard if isinstance(e, events.Notice))


def test_a_tree_grown_after_the_epochs_of_a_text_is_refused_once_they_are_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(errors.UsageError, match="--rebuild-at"):
        hsw2v.train("not even there", rebuild_at=MOST_EPOCHS)
    monkeypatch.setattr(config, "PASSED_TOKENS", 1)
    with pytest.raises(errors.UsageError, match="after 7 epochs of 5"):
        hsw2v.train(planted(20), rebuild_at=7, **SMALL)


@pytest.mark.parametrize("tree", TREES)
@pytest.mark.parametrize("words", [1, 2, 3])
def test_small_vocabularies(tree: str, words: int) -> None:
    sentences = [[f"w{number % words}" for number in range(20)]] * 5
    trained = hsw2v.train(sentences, tree=tree, epochs=2, **SMALL)
    assert len(trained) == words
    assert trained.output is not None
    assert trained.output.shape == (words - 1, 24)
    assert trained.distribution(["w0"]).sum() == pytest.approx(1.0, abs=1e-6)


def test_a_semantic_tree_after_the_end_of_training_is_refused_before_the_work() -> None:
    with pytest.raises(errors.UsageError, match="--rebuild-at"):
        hsw2v.train("not even there", tree="semantic", epochs=2, rebuild_at=2)


def test_a_tree_that_is_no_file_is_refused_before_the_work() -> None:
    with pytest.raises(errors.MissingInputError, match="random, brown"):
        hsw2v.train("not even there", tree="semantc")


def test_a_tree_of_other_words_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "codes.tsv"
    file.write_text("a\t0\nb\t1\n", encoding="utf-8")
    with pytest.raises(errors.UsageError, match="vocabulary"):
        hsw2v.train(planted(20), tree=str(file), **SMALL)


def test_a_tree_that_is_not_used_is_not_read_but_told_of() -> None:
    heard: list[events.Event] = []
    trained = hsw2v.train(
        planted(20), loss="ns", tree="absent.tsv", epochs=2, **SMALL, listener=heard.append
    )
    assert trained.tree is None
    notices = [one.message for one in heard if isinstance(one, events.Notice)]
    assert "tree has no effect (loss ns)" in notices
