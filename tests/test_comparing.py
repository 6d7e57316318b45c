"""Settings are trained in turn on one reading of a corpus; what is known is not run again."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from some_experiments import EVERYTHING, TWO, write_experiment, write_text

import hsw2v
from hsw2v import errors, events
from hsw2v.config import Config
from hsw2v.corpus.sources import encode_source
from hsw2v.laboratory import comparing, preparing
from hsw2v.training import api

Heard = list[events.Event]


@pytest.fixture(autouse=True)
def _nothing_to_prepare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "prepare", lambda configs, **rest: None)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_text(tmp_path / "corpus.txt")


def runs_in(heard: Heard) -> list[tuple[str, int]]:
    return [(one.setting, one.seed) for one in heard if isinstance(one, events.RunBegin)]


def compared(path: Path, corpus: Path, **options: Any) -> tuple[hsw2v.Comparison, Heard]:
    heard: Heard = []
    found = hsw2v.compare(path, corpus, path.parent / "out", listener=heard.append, **options)
    return found, heard


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

    def counted(source: Any, *rest: Any) -> Any:
        read.append(source)
        return encode_source(source, *rest)

    monkeypatch.setattr(api, "encode_source", counted)
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
    (told,) = [one.message for one in heard if isinstance(one, events.Notice)]
    assert told.startswith("there is no held-out loss of sampling / two")
    assert "normalize_exactly" in told


def test_scores_are_normalized_exactly_if_asked(tmp_path: Path, corpus: Path) -> None:
    found, heard = compared(
        write_experiment(tmp_path, own=EVERYTHING + "normalize_exactly = true"), corpus
    )
    assert all(run.heldout_loss for run in found.runs)
    assert not [one for one in heard if isinstance(one, events.Notice)]


def test_what_is_known_is_not_run_again(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    first, _ = compared(path, corpus)
    second, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert second == first


def rewritten(path: Path, change: Callable[[str], str]) -> Path:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def test_a_changed_setting_is_run_anew_and_the_others_are_kept(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)
    before, _ = compared(path, corpus)
    rewritten(path, lambda text: text.replace("negative = 2", "negative = 3"))
    after, heard = compared(path, corpus)
    assert runs_in(heard) == [("sampling / two", 1), ("sampling / two", 2)]
    assert after.runs[:2] == before.runs[:2]
    # And what was known of the setting as it was is not forgotten.
    rewritten(path, lambda text: text.replace("negative = 3", "negative = 2"))
    again, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert again == before


def test_a_new_setting_and_a_new_seed_are_run_beside_what_is_known(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)
    compared(path, corpus)
    rewritten(path, lambda text: text + "[[setting]]\nname = 'new'\ndim = 7\n")
    _, heard = compared(path, corpus)
    assert runs_in(heard) == [("new", 1), ("new", 2)]
    rewritten(path, lambda text: text.replace("[1, 2]", "[1, 2, 5]"))
    found, heard = compared(path, corpus)
    assert runs_in(heard) == [("tree", 5), ("sampling / two", 5), ("new", 5)]
    assert [run.seed for run in found.runs] == [1, 2, 5] * 3


def test_a_name_is_no_part_of_what_a_run_is_known_by(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path)
    compared(path, corpus)
    rewritten(path, lambda text: text.replace('name = "tree"', 'name = "Huffman"'))
    found, heard = compared(path, corpus)
    assert runs_in(heard) == []
    assert found.names == ["Huffman", "sampling / two"]
    assert found.table()[1][0] == "Huffman"


def write_codes(path: Path, words: list[str]) -> Path:
    """Write a tree that is a chain: 0, 10, 110 and so on, and only ones at its end."""
    ends = ["0"] * (len(words) - 1) + [""]
    codes = [("1" * depth + end)[: len(words) - 1] for depth, end in enumerate(ends)]
    path.write_text("".join(f"{w}\t{code}\n" for w, code in zip(words, codes, strict=True)))
    return path


@pytest.mark.parametrize("what", ["corpus.txt", "heldout.txt", "pairs.tsv", "codes.tsv"])
def test_all_is_run_anew_that_depends_on_a_file_that_changed(
    what: str, tmp_path: Path, corpus: Path
) -> None:
    words = [f"g{group}w{member}" for group in range(4) for member in range(5)]
    codes = write_codes(tmp_path / "codes.tsv", words)
    settings = "[[setting]]\nname='codes'\ntree='codes.tsv'\n" + TWO
    path = write_experiment(tmp_path, settings, own=EVERYTHING)
    compared(path, corpus)
    if what == "codes.tsv":
        write_codes(codes, words[::-1])
    elif what == "pairs.tsv":
        (tmp_path / what).write_text("g0w0\tg0w1\t9\ng0w0\tg1w1\t1\n")
    else:
        write_text(tmp_path / what, 50, seed=7)
    _, heard = compared(path, corpus)
    expected = {
        "corpus.txt": ["codes", "tree", "sampling / two"],
        "heldout.txt": ["codes", "tree"],
        "pairs.tsv": ["codes", "tree", "sampling / two"],
        "codes.tsv": ["codes"],
    }
    assert runs_in(heard) == [(name, seed) for seed in (1, 2) for name in expected[what]]


def test_an_interrupt_loses_no_more_than_the_run_under_way(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    heard: Heard = []

    def interrupt(event: events.Event) -> None:
        heard.append(event)
        if isinstance(event, events.EpochEnd) and len(runs_in(heard)) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=interrupt)
    kept = json.loads((tmp_path / "out" / "results.json").read_text())["runs"]
    assert [(one["setting"], one["seed"]) for one in kept] == [("tree", 1), ("sampling / two", 1)]
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 3
    log = (tmp_path / "out" / "tree-2.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["type"] == "Interrupted"
    found, more = compared(path, corpus)
    assert runs_in(more) == [("tree", 2), ("sampling / two", 2)]
    assert len(found.runs) == 4


def test_an_interrupt_of_the_first_run_leaves_a_folder_to_go_on_in(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path)

    def interrupt(event: events.Event) -> None:
        if isinstance(event, events.VocabularyReady):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hsw2v.compare(path, corpus, tmp_path / "out", listener=interrupt)
    _, heard = compared(path, corpus)
    assert len(runs_in(heard)) == 4


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


def test_models_are_kept_if_asked_for_even_of_runs_that_are_known(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, own="seeds = [4]")
    compared(path, corpus)
    assert not list((tmp_path / "out").glob("*.safetensors"))
    _, heard = compared(path, corpus, keep_models=True)
    assert len(runs_in(heard)) == 2
    model = hsw2v.load(tmp_path / "out" / "sampling-two-4.safetensors")
    assert model.config["training"]["loss"] == "ns"
    assert model.config["training"]["seed"] == 4
    _, heard = compared(path, corpus, keep_models=True)
    assert runs_in(heard) == []


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
    assert [one.problem for one in heard if isinstance(one, events.RunEnd)][1].startswith("train")
    _, heard = compared(path, corpus)
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
    assert '`dim = 6`, `tree = "huffman"`' in found.markdown()
    assert lines[-1] == '- sampling / two: `loss = "ns"`, `negative = 2`'


def test_every_way_of_training_is_made_ready_once(monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[Config, bool]] = []

    def counted(source: Any, *, config: Config, heldout: Any, **rest: Any) -> Any:
        trained.append((config, heldout is not None))
        return api.train(source, config=config, heldout=heldout, **rest)

    monkeypatch.setattr(preparing, "train", counted)
    base = Config().replace(threads=1, epochs=5)
    ways = [base.replace(tree="absent.tsv"), base.replace(tree="huffman", lr=9.0, seed=5)]
    preparing.prepare([*ways, base], heldout=True, normalize_exactly=False)
    assert [config.training.tree for config, _ in trained] == ["huffman", "semantic"]
    preparing.prepare([base.replace(loss="ns")], heldout=False, normalize_exactly=False)
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
    with pytest.raises(errors.OutputError):
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
