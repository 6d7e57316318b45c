"""Deterministic training: the same model, to the byte, from any number of threads."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import run
from test_training import planted

import hsw2v
from hsw2v.arrays import aligned_zeros, from_bfloat16, padded, to_bfloat16
from hsw2v.config import Config
from hsw2v.corpus.sources import encode_source
from hsw2v.corpus.words import choose_words
from hsw2v.events import Event, Notice, ignore
from hsw2v.kernels.combining import combine_rows
from hsw2v.reference.combining import averaged, combined, travelled
from hsw2v.training import schedule
from hsw2v.training.building import first_structure
from hsw2v.training.engines import ENGINES
from hsw2v.training.hogwild import Hogwild
from hsw2v.training.rounds import Rounds, rounds_within
from hsw2v.training.rows import Finder, frequent_rows, zeros_like
from hsw2v.training.schedule import share_of_worker, training_pass
from hsw2v.training.state import no_losses
from hsw2v.training.tables import tables_of
from hsw2v.training.trainer import Trainer

SMALL: dict[str, Any] = {"dim": 12, "min_count": 1, "sample": 1e-2, "epochs": 2, "window": 3}
LAYERS: dict[str, dict[str, Any]] = {
    "hs": {"rebuild_at": 0.7},
    "hs, CBOW": {"model": "cbow", "node_sample": 0.01, "tree": "huffman"},
    "two trees": {"num_trees": 2, "rebuild_at": 0.7, "node_sample": 0.01},
    "two trees, hs+ns, adam": {"loss": "hs+ns", "num_trees": 2, "optimizer": "adam"},
    "ns": {"loss": "ns"},
    "hs+ns": {"loss": "hs+ns"},
    "class": {"loss": "class", "classes": "kmeans"},
    "sampled": {"loss": "sampled", "samples": 8},
    "softmax": {"loss": "softmax"},
    "adam": {"optimizer": "adam", "l2": 0.01},
    "adagrad, ns": {"optimizer": "adagrad", "loss": "ns"},
    "rmsprop, sampled": {"optimizer": "rmsprop", "loss": "sampled"},
    "batch norm, adam, class": {"batch_norm": True, "optimizer": "adam", "loss": "class"},
    "batch norm, softmax": {"batch_norm": True, "loss": "softmax"},
    "n-grams": {"subwords": "2-3", "rebuild_at": 0.7},
    "n-grams, adam, sampled": {"subwords": "3", "optimizer": "adam", "loss": "sampled"},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rounds") / "corpus.txt"
    path.write_text("\n".join(map(" ".join, planted(6_000))))
    return path


MANNERS: dict[str, dict[str, Any]] = {
    "all rows": {},
    "some rows": {"combine_rows": 20, "combine_all_every": 2},
    "some rows as bfloat16": {
        "combine_rows": 20, "combine_all_every": 3, "combine_dtype": "bfloat16",
    },
}  # fmt: skip


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("name", LAYERS)
def test_any_number_of_threads_gives_the_same_file(
    name: str, manner: str, corpus: Path, tmp_path: Path
) -> None:
    files = []
    for threads in (1, 2, 7):
        path = tmp_path / f"{threads}.safetensors"
        settings = SMALL | LAYERS[name] | {"deterministic": True, "workers": 3}
        settings |= MANNERS[manner]
        hsw2v.train(corpus, threads=threads, output=path, **settings)
        files.append(path.read_bytes())
    assert files[0] == files[1] == files[2]


def test_a_worker_may_have_several_blocks(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = Config().replace(epochs=5, workers=8).training
    assert [share_of_worker(blocks, training) for blocks in (10, 640, 1_000, 2_000, 10**6)] == [
        1, 1, 1, 3, 8,
    ]  # fmt: skip
    for tokens, blocks in ((1, 1), (8_192, 1), (8_193, 2), (1_000_000, 123)):
        training = Config().replace(round=tokens).training
        assert share_of_worker(1_000, training) == blocks
    models = {}
    for share in (1, 2):
        monkeypatch.setattr(schedule, "FEWEST_ROUNDS", 1)
        monkeypatch.setattr(schedule, "LARGEST_SHARE", share)
        for threads in (1, 2):
            settings = SMALL | {"deterministic": True, "workers": 2, "threads": threads}
            models[share, threads] = hsw2v.train(corpus, **settings).vectors.tobytes()
    assert models[1, 1] == models[1, 2] != models[2, 1] == models[2, 2]


def test_a_block_may_have_no_word(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    lines = [" ".join(one) for one in planted(3_000)]
    lines[1_000:1_000] = [" ".join(f"once{line}x{one}" for one in range(50)) for line in range(600)]
    path.write_text("\n".join(lines))
    settings = SMALL | {"min_count": 2, "optimizer": "adam"}
    plain = hsw2v.train(path, **settings, threads=1)
    one = hsw2v.train(path, **settings, threads=2, deterministic=True, workers=1)
    assert one.vectors.tobytes() == plain.vectors.tobytes()
    models = [
        hsw2v.train(path, **settings, threads=threads, deterministic=True).vectors.tobytes()
        for threads in (1, 2)
    ]
    assert models[0] == models[1]


def test_the_seed_and_the_workers_are_part_of_the_result(corpus: Path) -> None:
    settings = SMALL | {"deterministic": True, "threads": 2}
    models = [
        hsw2v.train(corpus, **settings, workers=workers, seed=seed).vectors.tobytes()
        for workers, seed in ((2, 1), (3, 1), (2, 2))
    ]
    assert len(set(models)) == 3


@pytest.mark.parametrize("name", LAYERS)
def test_one_worker_is_one_thread(name: str, corpus: Path) -> None:
    settings = SMALL | LAYERS[name]
    plain = hsw2v.train(corpus, **settings, threads=1)
    worker = hsw2v.train(corpus, **settings, threads=2, deterministic=True, workers=1)
    assert worker.vectors.tobytes() == plain.vectors.tobytes()
    assert worker.output is not None
    assert plain.output is not None
    assert worker.output.tobytes() == plain.output.tobytes()


@pytest.mark.parametrize("name", LAYERS)
def test_a_block_moves_no_row_that_is_not_found(name: str, corpus: Path) -> None:
    config = Config().replace(**SMALL, **LAYERS[name], threads=1).resolved()
    with encode_source(corpus, config.corpus, ignore) as encoded:
        config = config.replace(deterministic=True, workers=2).resolved(encoded.tokens)
        vocabulary, words = choose_words(encoded, config.vocabulary)
        base = first_structure(config, None, vocabulary, words, ignore)
        trainer = Trainer(config, vocabulary, base)
        task = trainer._task(words, trainer.network.output)
        parameters = trainer.network.parameters
        windowing = trainer._windowing(words)
        some = training_pass(encoded.ids, encoded.blocks, windowing, config.training, 0)
        # Some training first: the gradient of a word vector is 0 where outputs are.
        Rounds(trainer._runner, task, parameters, 2).run(some, no_losses(9), 0, 4, lambda: None)
        rows = Finder(task, parameters).rows(some, range(4, 6), parameters)
        before = {one: array.copy() for one, array in parameters.items()}
        plain = Hogwild(trainer._runner, ENGINES[task.output.name](task))
        plain.run(some, no_losses(9), 4, 6, lambda: None)
        for one, array in parameters.items():
            moved = {int(row) for row in np.nonzero(array != before[one])[0]}
            assert moved <= set(rows.get(one, np.empty(0)).tolist())
        assert any((parameters[one] != before[one]).any() for one in ("vectors", "outputs"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["hs", "hs, CBOW", "hs+ns", "adagrad, ns"])
def test_rows_that_are_not_frequent_stay_with_their_worker(
    name: str, dtype: str, corpus: Path
) -> None:
    """As whole copies of all tables come to it, combined row by row as the reference says."""
    settings = SMALL | LAYERS[name] | {"combine_rows": 25, "combine_all_every": 2, "workers": 2}
    settings |= {"combine_dtype": dtype}
    travel = travelled if dtype == "bfloat16" else lambda _, after: after
    config = Config().replace(**settings, threads=2, deterministic=True).resolved()
    with encode_source(corpus, config.corpus, ignore) as encoded:
        config = config.resolved(encoded.tokens)
        vocabulary, words = choose_words(encoded, config.vocabulary)
        base = first_structure(config, None, vocabulary, words, ignore)
        trainer = Trainer(config, vocabulary, base)
        task, shared = trainer._task(words, trainer.network.output), trainer.network.parameters
        windowing, count = trainer._windowing(words), len(encoded.blocks) - 1
        some = training_pass(encoded.ids, encoded.blocks, windowing, config.training, 0)
        finder = Finder(task, shared)
        begun = {one: array.copy() for one, array in shared.items()}
        copies = []
        for _ in range(2):
            own = {one: zeros_like(array, len(array)) for one, array in shared.items()}
            for one, array in shared.items():
                own[one][:] = array
            alone = dataclasses.replace(task, tables=tables_of(own), threads=1)
            copies.append((own, ENGINES[task.output.name](alone)))
        frequent = frequent_rows(config.training, task.output, trainer._weights)
        assert all(marks.sum() >= 25 and not marks.all() for marks in frequent.values())
        since: list[dict[str, set[int]]] = [
            {one: set() for one, array in shared.items() if len(array)} for _ in copies
        ]
        rounds = rounds_within(some, 0, count, 2)
        assert [full for _, full in rounds] == [False, True, False, True]
        for shares, full in rounds:
            for share in shares:
                for one, rows in finder.rows(some, share.positions, shared).items():
                    since[share.worker][one] |= set(rows.tolist())
                for position in share.positions:
                    copies[share.worker][1].train(0, some, position)
            for one, array in begun.items():
                marks = frequent.get(one.partition(".")[0])
                for row in set().union(*(reached.get(one, set()) for reached in since)):
                    if not full and marks is not None and not marks[row]:
                        continue
                    having = [n for n, reached in enumerate(since) if row in reached[one]]
                    after = np.array([copies[n][0][one][row] for n in having])
                    if one in ("vectors", "outputs", "norm.parameters"):
                        sent = np.array([travel(array[row], own) for own in after])
                        array[row] = travel(array[row], combined(array[row], sent))
                    else:
                        array[row] = averaged(after) if array.ndim > 1 else after.max()
                    for n in range(2):
                        since[n][one].discard(row)
                        copies[n][0][one][row] = array[row]
        trainer._training_of(words).run(some, no_losses(count), 0, count, lambda: None)
        for one, array in shared.items():
            np.testing.assert_allclose(array, begun[one], rtol=1e-3, atol=1e-5, err_msg=one)
        assert np.abs(shared["outputs"]).max() > 0.05


@pytest.mark.parametrize("name", LAYERS)
def test_with_all_rows_frequent_or_all_rounds_full_it_is_the_plain_rule(
    name: str, corpus: Path
) -> None:
    settings = SMALL | LAYERS[name] | {"deterministic": True, "workers": 3, "threads": 2}
    plain = hsw2v.train(corpus, **settings).vectors.tobytes()
    other = hsw2v.train(corpus, **settings, combine_rows=20, combine_all_every=4).vectors.tobytes()
    every = hsw2v.train(corpus, **settings, combine_rows=20, combine_all_every=1).vectors.tobytes()
    frequent = hsw2v.train(corpus, **settings, combine_rows=10_000).vectors.tobytes()
    assert plain == every == frequent
    assert (plain != other) or LAYERS[name].get("loss") == "softmax"


def test_changes_travel_as_the_reference_says() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(size=(50, 16)).astype(np.float32)
    after = before + (rng.normal(size=before.shape) * 10.0 ** rng.integers(-6, 3, 50)[:, None])
    after = after.astype(np.float32)
    # Halfway between two: to the even one.
    before[0], after[0] = 0.0, np.float32(1.0) + np.arange(16, dtype=np.float32) / 256
    found = before + from_bfloat16(to_bfloat16(after - before))
    assert (found == travelled(before, after)).all()
    assert len(np.unique(found[0])) == 9


def test_copies_are_combined_as_the_reference_says() -> None:
    rng = np.random.default_rng(1)
    words, dim = 50, 20
    table = aligned_zeros(words, padded(dim))
    table[:, :dim] = rng.normal(size=(words, dim))
    before = table.astype(np.float64)
    rows = [
        np.sort(rng.choice(words, size, replace=False)).astype(np.int32)
        for size in (30, 0, 12, 44, 1)
    ]
    copies = []
    for worker, own in enumerate(rows):
        copy = aligned_zeros(len(own), padded(dim))
        # Some agree, some do not.
        drift = rng.normal(size=(words, dim)) if worker % 2 else np.ones((words, dim))
        copy[:, :dim] = table[own, :dim] + 0.1 * drift[own]
        copies.append(copy)
    for trained in (True, False):
        found = aligned_zeros(*table.shape)
        found[:] = table
        kept = [aligned_zeros(*copy.shape) for copy in copies]
        for copy, one in zip(copies, kept, strict=True):
            one[:] = copy
        for first, last in ((20, 37), (0, 20), (37, words)):
            combine_rows(
                found,
                np.array([own.ctypes.data for own in rows]),
                np.array([copy.ctypes.data for copy in kept]),
                np.array([len(own) for own in rows]),
                first,
                last,
                trained,
                aligned_zeros(1, padded(dim)),
            )
        for row in range(words):
            after = np.array(
                [
                    copies[worker][own.tolist().index(row)]
                    for worker, own in enumerate(rows)
                    if row in own
                ]
            )
            if not len(after):
                assert (found[row] == table[row]).all()
            elif len(after) == 1:
                assert (found[row] == after[0]).all()
            else:
                expected = combined(before[row], after) if trained else averaged(after)
                assert found[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_rule_of_combining() -> None:
    before = np.array([1.0, -2.0])
    change = np.array([0.3, 0.4])
    alone = combined(before, np.array([before + change]))
    assert (alone == before + change).all()
    # Changes that are orthogonal add up, and so do those that cancel.
    across = before + np.array([[0.3, 0.0], [0.0, 0.4]])
    assert combined(before, across) == pytest.approx(before + change)
    against = np.array([before + change, before - 0.5 * change])
    assert combined(before, against) == pytest.approx(before + 0.5 * change)
    # Those that agree go twice as far as one, however many they are.
    for workers in (2, 4, 16):
        agreeing = np.array([before + change] * workers)
        assert combined(before, agreeing) == pytest.approx(before + 2 * change)
    assert (combined(before, np.array([before, before])) == before).all()


def test_what_diverges_begins_again_deterministically(corpus: Path, tmp_path: Path) -> None:
    files = []
    for threads in (1, 2):
        path = tmp_path / f"{threads}.safetensors"
        settings = SMALL | {"deterministic": True, "lr": 1.0, "optimizer": "adam", "workers": 2}
        model = hsw2v.train(corpus, threads=threads, output=path, checkpoint_every=1e-4, **settings)
        assert model.info["learning_rate_halved"] > 0
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_the_command_line_gives_the_same_file(corpus: Path, tmp_path: Path) -> None:
    files = []
    for threads in (1, 2):
        path = tmp_path / f"{threads}.safetensors"
        run(
            "train", str(corpus), "-o", str(path), "--deterministic", "--workers", "2", "--dim",
            "8", "--epochs", "1", "--threads", str(threads), "--quiet",
        )  # fmt: skip
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert "workers" in run("info", str(tmp_path / "1.safetensors")).stdout


def test_workers_without_rounds_are_told_of(corpus: Path) -> None:
    told: list[Event] = []
    hsw2v.train(corpus, **SMALL, workers=3, listener=told.append)
    (message,) = [one.message for one in told if isinstance(one, Notice)]
    assert message == "workers has no effect (not deterministic)"
    told.clear()
    hsw2v.train(corpus, **SMALL, deterministic=True, workers=2, threads=5, listener=told.append)
    (message,) = [one.message for one in told if isinstance(one, Notice)]
    assert message.startswith("3 of 5 threads have no worker")
