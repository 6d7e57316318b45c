"""Training on every kind of tree."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_training import neighbours_in_group, planted

import hsw2v
from hsw2v import config, errors, events
from hsw2v.config import MOST_EPOCHS, TREE_LOSSES, TREES, Config, TrainingConfig
from hsw2v.errors import UsageError
from hsw2v.network.network import Network
from hsw2v.network.outputs import output_layer
from hsw2v.training.building import LEAST_AFTER, switches_of
from hsw2v.trees.codes import code_lines
from hsw2v.trees.huffman import huffman

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
    assert neighbours_in_group(trained) > 0.95
    assert trained.distribution(["g0w0", "g0w1"]).sum() == pytest.approx(1.0, abs=1e-6)
    assert trained.distribution(["g0w0"]).max() > 2 / len(trained)


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("loss", TREE_LOSSES)
def test_several_trees_are_each_built_of_their_own_dimensions(loss: str, model: str) -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"epochs": 12, "lr": 0.05, "loss": loss, "model": model, "threads": 2}
    trained = hsw2v.train(planted(), num_trees=3, listener=heard.append, **settings)
    made = [one.trees for one in heard if isinstance(one, events.TreeReady)]
    assert made[0] == 1
    assert set(made[1:]) == {3}
    assert len({tuple(code_lines(one, trained.words)) for one in trained.trees}) == 3
    words = len(trained) if loss == "hs+ns" else 0
    assert trained.output is not None
    assert len(trained.output) == 3 * (len(trained) - 1) + words
    assert neighbours_in_group(trained) > 0.95
    assert trained.distribution(["g0w0", "g0w1"]).sum() == pytest.approx(1.0, abs=1e-6)
    best = trained.predict(["g0w0"], k=3)
    distribution = dict(zip(trained.words, trained.distribution(["g0w0"]), strict=True))
    assert [word for word, _ in best] == sorted(distribution, key=distribution.get)[:-4:-1]  # type: ignore[arg-type]


def test_more_trees_than_dimensions_are_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="5 trees cannot be built of 4 dimensions"):
        hsw2v.train("not there", dim=4, num_trees=5)


def test_trees_that_are_not_built_of_vectors_are_single() -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"tree": "huffman", "num_trees": 2, "epochs": 1}
    trained = hsw2v.train(planted(), listener=heard.append, **settings)
    assert len(trained.trees) == 1
    assert any("num_trees has no effect" in str(one) for one in heard)


@pytest.mark.parametrize("words", [1, 2])
def test_several_trees_of_next_to_no_words(words: int) -> None:
    text = [["a", "b"][:words] * 50] * 200
    trained = hsw2v.train(text, num_trees=2, dim=4, min_count=1, threads=1, epochs=3)
    assert trained.distribution(["a"]).sum() == pytest.approx(1.0)


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


def test_training_for_the_semantic_tree_begins_on_huffmans_or_with_another_layer() -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"epochs": 3, "tree": "semantic", "listener": heard.append}
    heldout = planted(200, seed=9)
    hsw2v.train(planted(), heldout=heldout, pretrain="ns:1", **settings)
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
    settings = SMALL | {"lr": 1e-30, "epochs": 1, "pretrain": "ns:0.5", "tree": "semantic"}
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
        for block, _ in switches_of(training, blocks, epoch)
    ]


def test_an_endless_training_is_asked_when_trees_are_grown_epoch_by_epoch() -> None:
    training = Config().replace(model="cbow", epochs=2**63 - 1).resolved().training
    blocks = np.array([0, 10, 20])
    asked = (*range(6), 3 * 10**9 + 2)
    found = [[one.block for one in switches_of(training, blocks, epoch)] for epoch in asked]
    assert found == [[], [], [0], [], [], [0], [0]]


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
    assert growths(loss="hs+ns") == [(1, 0)]
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


def test_when_which_output_layer_takes_over() -> None:
    blocks = np.array([0, 10, 20, 30, 40])

    def switches(epochs: int, **settings: Any) -> list[tuple[int, int, str]]:
        training = Config().replace(epochs=epochs, **settings).resolved(tokens=10**9).training
        return [
            (epoch, *one) for epoch in range(epochs) for one in switches_of(training, blocks, epoch)
        ]

    assert switches(5, pretrain="hs:1", loss="ns") == [(1, 0, "ns")]
    # The semantic tree is built within its own phase alone.
    assert switches(5, pretrain="hs:3", loss="ns") == [(1, 0, "hs"), (3, 0, "ns")]
    assert switches(9, pretrain="ns:1", model="cbow") == [
        (1, 0, "hs"),
        (4, 0, "hs"),
        (7, 0, "hs"),
    ]
    assert switches(9, pretrain="hs+ns:5", loss="sampled", model="cbow") == [
        (2, 0, "hs+ns"),
        (5, 0, "sampled"),
    ]
    assert switches(3, pretrain="ns:0.5,hs:0.75,sampled:1", loss="hs+ns") == [
        (0, 2, "hs"),
        (1, 1, "sampled"),
        (2, 1, "hs+ns"),
    ]


@given(
    st.integers(1, 4),
    st.lists(
        st.tuples(st.sampled_from(["hs", "hs+ns", "ns", "sampled"]), st.floats(0.01, 3.0)),
        min_size=1,
        max_size=3,
    ),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
)
def test_each_output_layer_trains_on_some_block(
    epochs: int, before: list[tuple[str, float]], sizes: list[int]
) -> None:
    if sum(one for _, one in before) >= epochs or epochs * len(sizes) <= len(before):
        return
    pretrain = ",".join(f"{name}:{one:g}" for name, one in before)
    training = Config().replace(epochs=epochs, pretrain=pretrain).resolved(10**9).training
    blocks = np.concatenate(([0], np.cumsum(sizes)))
    places = [
        (epoch * len(sizes) + block, loss)
        for epoch in range(epochs)
        for block, loss in switches_of(training, blocks, epoch)
    ]
    assert places == sorted(places, key=lambda one: one[0])
    assert all(0 < place < epochs * len(sizes) for place, _ in places)
    losses = [training.phases[0].loss, *(loss for _, loss in places)]
    # Without repetitions, they are the phases in order.
    kinds = [loss for number, loss in enumerate(losses) if losses[:number][-1:] != [loss]]
    wanted = [one.loss for one in training.phases]
    assert kinds == [one for number, one in enumerate(wanted) if wanted[:number][-1:] != [one]]


def test_pretraining_is_checked_before_any_work() -> None:
    text = planted(20)
    for settings, message in (
        ({"pretrain": "hs"}, "pretrain is 'hs'"),
        ({"pretrain": "hs:0"}, "pretrain is"),
        ({"pretrain": "hs:nan"}, "pretrain is"),
        ({"pretrain": "class:1"}, "pretrain is"),
        ({"pretrain": "hs:3", "epochs": 3, "loss": "ns"}, "begin after 3 epochs of 3"),
        ({"pretrain": "hs:30", "loss": "ns"}, "begin after 30 epochs of at most 20"),
        ({"pretrain": "ns:1", "tree": "huffman"}, "tree huffman cannot follow"),
        ({"pretrain": "ns:1", "loss": "class"}, "loss class cannot follow"),
    ):
        with pytest.raises(UsageError, match=message):
            hsw2v.train(text, **settings)
    with pytest.raises(UsageError, match="too short"):
        hsw2v.train(text, pretrain="hs:0.5,ns:0.2", epochs=1)


def test_rows_of_negative_sampling_stay_when_the_tree_is_built() -> None:
    """A switch keeps them, and what the optimizer knows of them; those of nodes begin anew."""
    config = Config().replace(loss="hs+ns", optimizer="adagrad", epochs=2).resolved(100)
    counts = np.arange(9, 0, -1)
    tree = huffman(counts.astype(np.float64))
    output = output_layer(config.training, counts, tree)
    network = Network.initial(config.training, 9, output)
    rng = np.random.default_rng(1)
    for name in ("outputs", "outputs.squares"):
        network.parameters[name][:] = rng.normal(size=network.parameters[name].shape)
    before = {name: network.parameters[name].copy() for name in ("outputs", "outputs.squares")}
    network.switch(output_layer(config.training, counts, tree))
    for name, rows in before.items():
        assert not network.parameters[name][:8].any()
        np.testing.assert_array_equal(network.parameters[name][8:], rows[8:])
    network.switch(output_layer(config.training, counts, loss="ns"))
    np.testing.assert_array_equal(network.outputs, before["outputs"][8:])
    network.switch(output_layer(config.training, counts, tree, "hs"))
    assert not network.outputs.any()
