"""Training learns what is in a corpus, the same way every time."""

from __future__ import annotations

import itertools
import math
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hsw2v
from hsw2v import errors, events, reference
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import Config
from hsw2v.corpus.stream import encode_sentences
from hsw2v.corpus.vocabulary import choose
from hsw2v.corpus.words import WordCorpus
from hsw2v.kernels.windows import Windowing
from hsw2v.network.parameters import compacted
from hsw2v.training.hogwild import Hogwild
from hsw2v.training.runner import Threads
from hsw2v.training.schedule import FLOOR, Pass, block_key, learning_rate, measuring_pass
from hsw2v.training.signals import signals_held
from hsw2v.training.state import no_losses
from hsw2v.training.trainer import Trainer
from hsw2v.trees.grouping import frequency_classes
from hsw2v.trees.huffman import huffman

GROUPS, MEMBERS = 8, 6
SMALL = {
    "dim": 24,
    "min_count": 1,
    "sample": 0.0,
    "threads": 1,
    "seed": 3,
    "tree": "huffman",
}


def planted(sentences: int = 3_000, seed: int = 0) -> list[list[str]]:
    """Return sentences of words that all are of one of a few groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, GROUPS, sentences)
    members = rng.integers(0, MEMBERS, (sentences, 8))
    return [
        [f"g{group}w{member}" for member in row] for group, row in zip(groups, members, strict=True)
    ]


def neighbours_in_group(trained: hsw2v.Model) -> float:
    """Return how many of the nearest words are of a word's own group, as a share."""
    near = [
        (word[:2], name[:2])
        for word in trained.words
        for name, _ in trained.similar(word, k=MEMBERS - 1)
    ]
    return float(np.mean([own == other for own, other in near]))


@pytest.mark.parametrize("loss", ["hs", "ns"])
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("threads", [1, 2])
def test_words_of_a_planted_group_become_neighbours(model: str, loss: str, threads: int) -> None:
    settings = SMALL | {"threads": threads, "epochs": 8, "lr": 0.05}
    trained = hsw2v.train(planted(), model=model, loss=loss, **settings)
    for word in trained.words:
        near = [name for name, _ in trained.similar(word, k=MEMBERS - 1)]
        assert {name[:2] for name in near} == {word[:2]}, (word, near)


@pytest.mark.parametrize("loss", ["hs", "ns"])
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_one_thread_gives_the_same_bits(model: str, loss: str) -> None:
    settings = SMALL | {"sample": 1e-2, "epochs": 2}
    first, second = (hsw2v.train(planted(), model=model, loss=loss, **settings) for _ in range(2))
    other = hsw2v.train(planted(), model=model, loss=loss, **(settings | {"seed": 4}))
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.output is not None
    assert second.output is not None
    assert first.output.tobytes() == second.output.tobytes()
    assert first.vectors.tobytes() != other.vectors.tobytes()


def test_any_number_of_threads_sees_the_same_windows() -> None:
    """The figures of an epoch at rate zero depend on the windows alone."""
    losses = []
    for threads in (1, 3):
        heard: list[events.Event] = []
        settings = SMALL | {"sample": 1e-2, "lr": 1e-30, "epochs": 1, "threads": threads}
        hsw2v.train(planted(9_000), listener=heard.append, **settings)
        losses.append([e.loss for e in heard if isinstance(e, events.EpochEnd)])
    assert losses[0] == losses[1]


def test_loss_begins_at_one_bit_a_decision_and_falls() -> None:
    """With node vectors of zero every decision is even: the loss is the path length × log 2."""
    heard: list[events.Event] = []
    settings = SMALL | {"epochs": 4, "lr": 0.05}
    trained = hsw2v.train(planted(), listener=heard.append, **settings)
    losses = [event.loss for event in heard if isinstance(event, events.EpochEnd)]
    assert trained.tree is not None
    assert trained.counts is not None
    lengths = trained.tree.paths().lengths
    first = float((lengths * trained.counts).sum() / trained.counts.sum()) * math.log(2)
    assert losses[0] is not None
    assert losses[-1] is not None
    assert losses[-1] < losses[0] < first
    # Nothing predicts better than knowing the group.
    assert losses[-1] > math.log(MEMBERS)


def test_progress_and_ends_of_epochs_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    heard: list[events.Event] = []
    hsw2v.train(planted(), listener=heard.append, epochs=3, lr=0.04, **SMALL)
    ready = [e for e in heard if isinstance(e, events.VocabularyReady)]
    steps = [e for e in heard if isinstance(e, events.TrainingProgress)]
    ends = [e for e in heard if isinstance(e, events.EpochEnd)]
    assert [(e.words, e.tokens, e.sentences) for e in ready] == [(48, 24_000, 3_000)]
    assert [e.epoch for e in ends] == [1, 2, 3]
    assert ends[-1].tokens == 72_000
    assert all(a.tokens <= b.tokens for a, b in itertools.pairwise(steps))
    assert all(a.lr >= b.lr for a, b in itertools.pairwise(steps))
    assert steps[-1].tokens_total == 72_000
    assert steps[-1].lr == pytest.approx(0.04 * FLOOR)


def test_blocks_that_keep_nothing_are_progress_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    heard: list[events.Event] = []
    rare = [[f"rare{number}"] * 20 for number in range(4_000)]
    settings = SMALL | {"min_count": 50}
    hsw2v.train([*planted(2_000), *rare], listener=heard.append, epochs=1, **settings)
    last = [e for e in heard if isinstance(e, events.TrainingProgress)][-1]
    assert last.tokens == last.tokens_total
    assert last.lr == pytest.approx(0.025 * FLOOR)


def test_heldout_text_is_read_whole_whatever_bounds_the_types() -> None:
    losses = []
    for bound in (0, 60):
        heard: list[events.Event] = []
        heldout = [[f"new{n}", *sentence] for n, sentence in enumerate(planted(300, seed=9))]
        settings = SMALL | {"epochs": 1, "max_types": bound}
        hsw2v.train(planted(), heldout=heldout, listener=heard.append, **settings)
        losses += [e.heldout_loss for e in heard if isinstance(e, events.EpochEnd)]
    assert losses[0] == losses[1]


def test_notices_about_the_heldout_text_are_told(tmp_path: Path) -> None:
    heldout = tmp_path / "heldout.txt"
    heldout.write_bytes(b"g0w1 g0w2 \xff g0w3\n")
    heard: list[events.Event] = []
    hsw2v.train(
        planted(), heldout=heldout, encoding_errors="ignore", listener=heard.append, **SMALL
    )
    assert any("UTF-8" in event.message for event in heard if isinstance(event, events.Notice))


def test_a_settings_file_may_stand_for_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[training]\ndim = 7\n")
    settings = {name: value for name, value in SMALL.items() if name != "dim"}
    assert hsw2v.train(planted(50), config=path, **settings).dim == 7


def test_no_more_threads_are_started_than_there_are_blocks() -> None:
    trained = hsw2v.train(planted(200), epochs=3, **(SMALL | {"threads": 1_024}))
    assert len(trained) == GROUPS * MEMBERS


def heldout_by_hand(trained: hsw2v.Model, sentences: list[list[str]], window: int) -> float:
    assert trained.tree is not None
    assert trained.output is not None
    paths = trained.tree.paths()
    total, count = 0.0, 0
    for sentence in sentences:
        rows = [trained.vocabulary.index[w] for w in sentence if w in trained]
        for place, word in enumerate(rows):
            context = rows[max(0, place - window) : place] + rows[place + 1 : place + 1 + window]
            path = slice(paths.offsets[word], paths.offsets[word + 1])
            hidden = trained.vectors[context].astype(np.float64)
            if trained.config["training"]["model"] == "cbow" and context:
                hidden = hidden.mean(axis=0, keepdims=True)
            nodes = trained.output[paths.nodes[path]].astype(np.float64)
            total += reference.loss(hidden, nodes, 1.0 - paths.codes[path])
            count += len(hidden)
    return total / count


@pytest.mark.parametrize("model", ["skipgram", "cbow"])
def test_heldout_loss_is_exact(model: str) -> None:
    heard: list[events.Event] = []
    heldout = [*planted(40, seed=9), ["nobody", "knows", "these"]]
    settings = SMALL | {"epochs": 2, "window": 3, "sample": 1e-2}
    trained = hsw2v.train(
        planted(), heldout=heldout, listener=heard.append, model=model, **settings
    )
    end = [event for event in heard if isinstance(event, events.EpochEnd)][-1]
    assert end.heldout_loss == pytest.approx(heldout_by_hand(trained, heldout, 3), rel=1e-5)
    assert end.heldout_loss is not None
    assert end.heldout_perplexity == pytest.approx(math.exp(end.heldout_loss))


def test_measuring_changes_nothing() -> None:
    settings = SMALL | {"epochs": 2}
    plain = hsw2v.train(planted(), **settings)
    measured = hsw2v.train(planted(), heldout=planted(40, seed=9), **settings)
    assert plain.vectors.tobytes() == measured.vectors.tobytes()


def test_heldout_loss_of_negative_sampling_is_refused() -> None:
    with pytest.raises(errors.UsageError, match="no probabilities"):
        hsw2v.train(planted(10), heldout=planted(10), loss="ns")


@pytest.mark.parametrize("loss", ["hs", "ns"])
@pytest.mark.parametrize("model", ["skipgram", "cbow"])
@pytest.mark.parametrize("words", [["a"], ["a", "b"]])
def test_one_and_two_words_are_a_vocabulary(words: list[str], model: str, loss: str) -> None:
    trained = hsw2v.train([words * 20] * 3, model=model, loss=loss, **SMALL)
    assert sorted(trained.words) == words
    assert np.isfinite(trained.vectors).all()


def test_chances_of_all_words_sum_to_one() -> None:
    trained = hsw2v.train(planted(), epochs=2, **SMALL)
    assert trained.tree is not None
    assert trained.output is not None
    paths = trained.tree.paths()
    hidden = trained.vectors[5].astype(np.float64)[None]
    total = 0.0
    for word in range(len(trained)):
        path = slice(paths.offsets[word], paths.offsets[word + 1])
        nodes = trained.output[paths.nodes[path]].astype(np.float64)
        total += math.exp(-reference.loss(hidden, nodes, 1.0 - paths.codes[path]))
    assert total == pytest.approx(1.0, abs=1e-9)


def test_training_that_runs_away_goes_back_and_on_at_half_the_rate() -> None:
    encoded = encode_sentences(planted(400), Config().corpus)
    with encoded:
        config = Config().replace(**SMALL, epochs=2, node_sample=0)
        vocabulary, remap = choose(encoded.types, config.vocabulary)
        tree = huffman(vocabulary.counts.astype(np.float64))
        trainer = Trainer(config, vocabulary, tree)
        trainer.network.vectors[3] = np.nan
        heard: list[events.Event] = []
        trainer.train(WordCorpus(encoded, remap), heard.append)
        assert trainer.state.halvings == 1
        assert trainer.network.finite
        assert any("going on from the start at 1/2 of" in str(event) for event in heard)
        strict = Trainer(config, vocabulary, tree, halvings=0)
        strict.network.vectors[:] = np.inf
        with pytest.raises(errors.DivergedError, match="--lr"):
            strict.train(WordCorpus(encoded, remap), events.ignore)


@pytest.mark.parametrize("loss", ["hs", "hs+ns", "ns", "class", "sampled", "softmax"])
@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop", "adam"])
@pytest.mark.parametrize("lr", [1.0, 10.0])
def test_absurd_learning_rates_come_to_numbers_or_to_an_error(
    loss: str, optimizer: str, lr: float
) -> None:
    heard: list[events.Event] = []
    settings = SMALL | {"loss": loss, "optimizer": optimizer, "lr": lr, "epochs": 1}
    if loss != "hs":
        settings["tree"] = "semantic"
    try:
        model = hsw2v.train(planted(300), listener=heard.append, **settings)
    except errors.DivergedError as error:
        said = str(error)
    else:
        said = ""
        assert np.isfinite(model.vectors).all()
        (end,) = [one for one in heard if isinstance(one, events.EpochEnd)][-1:]
        assert end.loss is not None
        assert end.loss < 20
    assert said == "" or "after 3 halvings" in said


def test_a_loss_far_worse_than_knowing_nothing_is_divergence() -> None:
    settings = SMALL | {"loss": "hs", "optimizer": "adam", "lr": 10.0, "epochs": 1}
    with pytest.raises(errors.DivergedError, match="knowing nothing"):
        hsw2v.train(planted(300), **settings)


@pytest.mark.parametrize("dim", [1, 16, 100])
def test_compacting_keeps_every_number(dim: int) -> None:
    table = aligned_zeros(40_000, padded(dim))
    table[:] = np.arange(table.size).reshape(table.shape)
    expected = table[:, :dim].copy()
    found = compacted(table, dim)
    assert np.array_equal(found, expected)
    assert np.shares_memory(found, table)


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(errors.UsageError, match="did you mean 'window'"):
        hsw2v.train(planted(5), windw=3)


def test_sources_are_paths_or_sentences(tmp_path: Path) -> None:
    sentences = planted(300)
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(map(" ".join, sentences)))
    settings = SMALL | {"epochs": 1}
    models = [
        hsw2v.train(source, **settings)
        for source in (str(path), path, [path], iter(sentences), tuple(sentences))
    ]
    assert len({model.vectors.tobytes() for model in models}) == 1
    with pytest.raises(errors.EmptyCorpusError):
        hsw2v.train([])


def test_learning_rate_falls_linearly_to_its_floor() -> None:
    rates = [learning_rate(0.025, share) for share in (0.0, 0.5, 1.0)]
    assert rates == pytest.approx([0.025, 0.025 * (1 + FLOOR) / 2, 0.025 * FLOOR])


def test_keys_of_blocks_differ() -> None:
    keys = {block_key(s, e, b) for s in range(5) for e in range(5) for b in range(50)}
    assert len(keys) == 5 * 5 * 50


class SlowEngine:
    """Takes a millisecond for each block, and fails at one of them."""

    def __init__(self, threads: int, fails_at: int = -1) -> None:
        self.threads, self.fails_at = threads, fails_at
        self.done: list[int] = []

    def train(self, thread: int, some: Pass, position: int) -> tuple[float, int, int]:
        if position == self.fails_at:
            raise errors.DivergedError("block 5")
        threading.Event().wait(0.001)
        self.done.append(position)
        return 1.0, 1, 1


def run(engine: SlowEngine, tick: Callable[[], None], runner: Threads, blocks: int = 20_000) -> int:
    ids, borders = np.zeros(blocks, np.int32), np.arange(blocks + 1)
    windowing = Windowing(np.zeros(1, np.int32), np.zeros(1, np.uint64), 1, False)
    losses = no_losses(blocks)
    some = measuring_pass(ids, borders, windowing)
    try:
        return Hogwild(runner, engine).run(some, losses, 3, blocks, tick)
    finally:
        filled_in = set(np.nonzero(~np.isnan(losses[:, 0]))[0].tolist())
        assert filled_in <= set(engine.done)
        assert runner.stop[0] or filled_in == set(engine.done)


def test_an_error_in_any_thread_stops_all_with_that_error() -> None:
    runner, engine = Threads(), SlowEngine(3, fails_at=5)
    with pytest.raises(errors.DivergedError, match="block 5"):
        run(engine, lambda: None, runner)
    assert len(engine.done) < 1_000
    assert runner.stop[0]


def test_an_interrupt_stops_all_threads() -> None:
    runner, engine = Threads(), SlowEngine(2)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(engine, interrupt, runner)
    assert runner.stop[0]
    done = len(engine.done)
    threading.Event().wait(0.05)
    assert len(engine.done) == done < 10_000


def test_signals_wait_for_the_end_and_a_second_one_does_not() -> None:
    told: list[str] = []

    def interrupted(times: int) -> None:
        with signals_held(lambda: told.append("held")):
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
            told.append("went on")

    with pytest.raises(KeyboardInterrupt):
        interrupted(1)
    assert told == ["held", "went on"]
    with pytest.raises(KeyboardInterrupt):
        interrupted(2)
    assert told == ["held", "went on", "held"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    interrupted(0)


def test_a_pause_tells_the_first_block_that_is_not_done() -> None:
    runner, engine = Threads(), SlowEngine(3)
    first = run(engine, runner.pause, runner)
    assert sorted(engine.done) == list(range(3, first))
    assert first < 10_000
    assert run(SlowEngine(3), lambda: None, runner, 50) == 50


def test_a_setting_without_effect_is_told_of() -> None:
    told: list[events.Event] = []
    hsw2v.train(planted(50), **SMALL, samples=9, listener=told.append)
    notices = [one.message for one in told if isinstance(one, events.Notice)]
    assert any("samples has no effect" in one and "loss hs" in one for one in notices)


def test_the_measuring_of_a_held_out_loss_shows_that_it_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events.Pace, "SECONDS", 0.0)
    told: list[events.Event] = []
    hsw2v.train(planted(400), **SMALL, heldout=planted(400), listener=told.append)
    seen = [one for one in told if isinstance(one, events.HeldoutProgress)]
    assert seen
    assert all(0 <= one.blocks <= one.blocks_total for one in seen)


@pytest.mark.parametrize("loss", ["hs", "ns", "class", "softmax"])
def test_the_loss_of_an_untrained_network_is_what_is_measured_of_it(loss: str) -> None:
    encoded = encode_sentences(planted(4_000), Config().corpus)
    with encoded:
        config = Config().replace(
            **(SMALL | {"loss": loss, "lr": 1e-8, "epochs": 1, "node_sample": 0, "tree": "huffman"})
        )
        vocabulary, remap = choose(encoded.types, config.vocabulary)
        counts = vocabulary.counts.astype(np.float64)
        base = {"hs": huffman(counts), "class": frequency_classes(counts, 7)}.get(loss)
        trainer = Trainer(config, vocabulary, base)
        heard: list[events.Event] = []
        trainer.train(WordCorpus(encoded, remap), heard.append)
        (end,) = [one for one in heard if isinstance(one, events.EpochEnd)]
        assert end.loss == pytest.approx(trainer.network.output.untrained_loss(counts), rel=0.06)
