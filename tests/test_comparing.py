"""Settings are trained in turn on one reading of a corpus, and compared."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import pytest
from some_experiments import (
    EVERYTHING,
    TWO,
    Heard,
    compared,
    notices_in,
    runs_in,
    write_experiment,
    write_text,
)

import hsw2v
from hsw2v import errors, events
from hsw2v.config import Config
from hsw2v.corpus.sources import encode_source
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.experiments import comparing, preparing
from hsw2v.training import api, checks, texts


@pytest.fixture(autouse=True)
def _nothing_to_prepare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "prepare", lambda configs, **rest: None)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_text(tmp_path / "corpus.txt")


def test_settings_take_turns_within_a_seed(tmp_path: Path, corpus: Path) -> None:
    found, heard = compared(write_experiment(tmp_path), corpus)
    assert runs_in(heard) == [
        ("tree", 1),
        ("sampling / two", 1),
        ("tree", 2),
        ("sampling / two", 2),
    ]
    begins = [one for one in heard if isinstance(one, events.RunBegin)]
    assert [(one.run, one.runs) for one in begins] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [(run.setting, run.seed) for run in found.runs] == [
        ("tree", 1),
        ("tree", 2),
        ("sampling / two", 1),
        ("sampling / two", 2),
    ]


def test_the_texts_are_read_once(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []

    def counted(source: Any, *rest: Any, **more: Any) -> Any:
        read.append(source)
        return encode_source(source, *rest, **more)

    monkeypatch.setattr(texts, "encode_source", counted)
    compared(write_experiment(tmp_path, own=EVERYTHING), corpus)
    assert read == [corpus, str(tmp_path / "heldout.txt")]


def test_figures_are_those_of_training_and_evaluating_alone(tmp_path: Path, corpus: Path) -> None:
    found, _ = compared(write_experiment(tmp_path, own=EVERYTHING), corpus)
    heard: Heard = []
    settings = {"min_count": 1, "sample": 0.0, "dim": 6, "epochs": 1, "threads": 1}
    heldout = tmp_path / "heldout.txt"
    model = hsw2v.train(
        corpus, heldout=heldout, listener=heard.append, tree="huffman", seed=2, **settings
    )
    alone = model.evaluate(tmp_path / "pairs.tsv", tmp_path / "questions.txt")
    run = found.runs[1]
    assert (run.setting, run.seed, run.problem) == ("tree", 2, "")
    assert run.evaluation == alone
    assert run.heldout_loss == [e for e in heard if isinstance(e, events.EpochEnd)][-1].heldout_loss
    assert run.seconds is not None
    assert run.words_per_second == pytest.approx(1_600 / run.seconds)
    # Negative sampling has none.
    assert [one.heldout_loss for one in found.runs[2:]] == [None, None]


def test_settings_without_a_heldout_loss_are_told_of_once(tmp_path: Path, corpus: Path) -> None:
    _, heard = compared(write_experiment(tmp_path, own=EVERYTHING), corpus)
    (told,) = notices_in(heard)
    assert told.startswith("there is no held-out loss of sampling / two")
    assert "normalize_exactly" in told


def test_scores_are_normalized_exactly_if_asked(tmp_path: Path, corpus: Path) -> None:
    found, heard = compared(
        write_experiment(tmp_path, own=EVERYTHING + "normalize_exactly = true"), corpus
    )
    assert all(run.heldout_loss for run in found.runs)
    assert not notices_in(heard)


def test_each_run_has_its_log(tmp_path: Path, corpus: Path) -> None:
    compared(write_experiment(tmp_path, own=EVERYTHING), corpus)
    out = tmp_path / "out"
    assert {one.name for one in out.glob("*.jsonl")} == {
        "tree-1.jsonl",
        "tree-2.jsonl",
        "sampling-two-1.jsonl",
        "sampling-two-2.jsonl",
    }
    records = [json.loads(line) for line in (out / "tree-2.jsonl").read_text().splitlines()]
    assert records[0]["type"] == "Settings"
    assert records[0]["config"]["training"]["seed"] == 2
    assert "EpochEnd" in {one["type"] for one in records}
    assert records[-1]["type"] == "Summary"
    assert records[-1]["heldout_loss"] > 0


def test_what_has_no_effect_is_told_of_once_a_setting(tmp_path: Path, corpus: Path) -> None:
    settings = TWO + "[[setting]]\nname = 'c'\nloss = 'ns'\nnegative = 2\nsamples = 9\n"
    _, heard = compared(write_experiment(tmp_path, settings), corpus)
    assert notices_in(heard) == [
        "setting 'c': samples has no effect (loss ns)",
        "settings 'sampling / two' and 'c' come to the same",
    ]


def test_training_that_diverges_is_a_result(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_on(texts: Any, config: Any, **rest: Any) -> Any:
        if config.training.loss == "ns":
            raise errors.DivergedError("training diverged in epoch 1", hint="lower --lr")
        return api.train_on(texts, config, **rest)

    monkeypatch.setattr(comparing, "train_on", train_on)
    path = write_experiment(tmp_path)
    found, heard = compared(path, corpus)
    assert [bool(run.problem) for run in found.runs] == [False, False, True, True]
    assert found.table()[2][1:] == ["-"] * 3
    assert "sampling / two, seed 2: training diverged in epoch 1" in found.markdown()
    problem = [one.problem for one in heard if isinstance(one, events.RunEnd)][1]
    assert problem == "training diverged in epoch 1; lower lr"
    compared(path, corpus, keep_models=True)
    # There is no model to make.
    _, heard = compared(path, corpus, keep_models=True)
    assert runs_in(heard) == []


def test_the_tables_say_what_was_measured(tmp_path: Path, corpus: Path) -> None:
    found, _ = compared(write_experiment(tmp_path, own=EVERYTHING), corpus)
    out = tmp_path / "out"
    assert (out / "results.md").read_text(encoding="utf-8") == found.markdown()
    assert (out / "results.csv").read_text(encoding="utf-8") == found.csv()
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    for row, run in zip(rows, found.runs, strict=True):
        pairs, analogies = run.evaluation.pairs[0], run.evaluation.analogies[0]
        expected = {
            "setting": run.setting,
            "seed": run.seed,
            "seconds": run.seconds,
            "words/s": run.words_per_second,
            "held-out loss": run.heldout_loss,
            "held-out perplexity": run.heldout_perplexity,
            "pairs": pairs.spearman,
            "questions": analogies.total.accuracy,
            "pairs rare": pairs.rare,
            "pairs frequent": pairs.frequent,
            "questions semantic": analogies.semantic.accuracy,
            "questions syntactic": analogies.syntactic.accuracy,
            "problem": run.problem,
        }
        assert row == {
            name: "" if value is None else str(value) for name, value in expected.items()
        }


def test_a_perplexity_beyond_a_float_is_left_empty(tmp_path: Path, corpus: Path) -> None:
    found, _ = compared(write_experiment(tmp_path), corpus)
    astray = dataclasses.replace(found.runs[0], heldout_loss=5053.0)
    (row,) = csv.DictReader(io.StringIO(dataclasses.replace(found, runs=(astray,)).csv()))
    assert (row["held-out loss"], row["held-out perplexity"]) == ("5053.0", "")


def test_markdown_has_means_with_their_range_and_times_of_the_first(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    compared(path, corpus)
    file = tmp_path / "out" / "results.json"
    kept = json.loads(file.read_text())
    for run, seconds in zip(kept["runs"], (2.0, 1.0, 4.0, 1.0), strict=True):
        run["seconds"], run["words_per_second"] = seconds, 1_600 / seconds
        run["heldout_loss"] = None if run["heldout_loss"] is None else seconds
    file.write_text(json.dumps(kept))
    found, _ = compared(path, corpus)
    header, tree, sampling = found.table()
    assert header[:6] == [
        *("setting", "seconds", "times", "words/s"),
        *("held-out loss", "held-out perplexity"),
    ]
    assert tree[:6] == ["tree", "3.00 (2.00–4.00)", "1.00", "600", "3.0000 (2.0000–4.0000)", "31.0"]
    assert sampling[:6] == ["sampling / two", "1.00", "0.33", "1,600", "-", "-"]
    lines = found.markdown().splitlines()
    assert lines[0] == "# Two | ways"
    assert "1,600 tokens; threads: 1; seeds: 1, 2." in lines[2]
    assert "| " + " | ".join(header) + " |" in lines
    assert "| " + " | ".join(tree) + " |" in lines
    assert found.parts()[0][1:3] == ["pairs rare", "pairs frequent"]
    assert lines[-4:] == [
        "Common settings: `min_count = 1`, `sample = 0.0`, "
        '`dim = 6`, `epochs = 1`, `threads = 1`, `tree = "huffman"`.',
        "",
        "- tree: -",
        '- sampling / two: `loss = "ns"`, `negative = 2`',
    ]


def test_markdown_has_the_threads_of_all_settings(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, TWO + "threads = 2\n", own="")
    assert "; threads: 1, 2; " in compared(path, corpus)[0].markdown()


def test_every_way_of_training_is_made_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[Config, bool]] = []

    def counted(source: Any, *, config: Config, heldout: Any, **rest: Any) -> Any:
        trained.append((config, heldout is not None))
        return api.train(source, config=config, heldout=heldout, **rest)

    monkeypatch.setattr(preparing, "train", counted)
    base = Config().replace(threads=1, epochs=5)
    ways = [base.replace(tree="absent.tsv"), base.replace(tree="huffman", lr=9.0, seed=5)]
    preparing.prepare([(one, True) for one in (*ways, base)], normalize_exactly=False)
    assert [config.training.tree for config, _ in trained] == ["huffman", "semantic"]
    preparing.prepare([(base.replace(loss="ns"), False)], normalize_exactly=False)
    assert [measured for _, measured in trained] == [True, True, False]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    with pytest.raises(errors.OutputExistsError, match="name a folder of its own"):
        compared(path, corpus)
    (out / "results.json").write_text("{}")
    with pytest.raises(errors.CorruptInputError, match="does not hold the results"):
        compared(path, corpus)
    (out / "results.json").unlink()
    (out / "diary.txt").unlink()
    out.rmdir()
    out.write_text("a file")
    with pytest.raises(errors.OutputError, match="is a file, and should be a folder"):
        compared(path, corpus)


def test_a_vocabulary_without_words_is_found_before_any_run(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, TWO + "[[setting]]\nname='none'\nmin_count = 10000\n")
    heard: Heard = []
    with pytest.raises(errors.EmptyCorpusError, match="no word occurs 10000 times"):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=heard.append)
    assert runs_in(heard) == []
    assert not (tmp_path / "out").exists()


def test_a_comparison_that_cannot_begin_leaves_no_folder(tmp_path: Path) -> None:
    path = write_experiment(tmp_path)
    with pytest.raises(errors.MissingInputError):
        compared(path, tmp_path / "absent.txt")
    assert not (tmp_path / "out").exists()


def test_a_tree_of_other_words_is_found_before_any_run(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "codes.txt").write_text("nothing\t0\nof it\t1\n")
    path = write_experiment(tmp_path, TWO + "[[setting]]\nname='late'\ntree='codes.txt'\n")
    heard: Heard = []
    with pytest.raises(errors.UsageError, match=r"setting 'late'.*vocabulary"):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=heard.append)
    assert runs_in(heard) == []
    assert not (tmp_path / "out").exists()


def test_a_tree_built_after_the_end_is_found_before_any_run() -> None:
    """How many epochs there are is known once the text is read: eight, of ten million tokens."""
    vocabulary = Vocabulary.from_words(["a", "b"], [2, 1])
    with pytest.raises(errors.UsageError, match="after 12 epochs of 8"):
        checks.check_on(vocabulary, 10_000_000, Config().replace(rebuild_at=12), None)
