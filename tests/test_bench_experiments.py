"""Experiments are measured, their figures are kept, and the same page is made of them again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from benchmarks.experiment_tables import margins, verdicts
from benchmarks.experiments import EXPERIMENTS, split
from benchmarks.time_per_word import exponent
from benchmarks.trials import Trial, packed, unpacked
from commandline import write_corpus
from some_benchmarks import bench, block, drawn

from hsw2v.diagnosis.diagnosis import Diagnosis
from hsw2v.experiments.experiment import read_experiment

BLOCKS = ("time-per-word", "remedies", "gradients", "course")
EXPERIMENT = """
[experiment]
name = "Tiny"
seeds = [1, 2]
pairs = ["pairs.txt"]
analogies = ["questions.txt"]
heldout = "heldout.txt"

[vocabulary]
min_count = 1
sample = 0

[training]
loss = "hs"
tree = "huffman"
dim = 8
epochs = 1
threads = 1

[[setting]]
name = "plain steps"
record_gradients = 1

[[setting]]
name = "Adagrad"
optimizer = "adagrad"

[[setting]]
name = "balanced tree"
tree = "balanced"
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page with the blocks that are filled in here, empty."""
    path = tmp_path / "docs" / "page.md"
    path.parent.mkdir()
    blocks = (f"<!-- begin: {one} -->\n<!-- end: {one} -->\n" for one in BLOCKS)
    path.write_text("".join(blocks), encoding="utf-8")
    return path


def test_the_time_of_a_target_is_measured_turn_by_turn(page: Path, tmp_path: Path) -> None:
    record = tmp_path / "measured" / "time-per-word.json"
    tiny = (
        *("time-per-word", "--sizes", 30, 90, "--models", "cbow", "--layers", "hs", "ns"),
        *("--seconds", 0.001, "--dim", 8, "--threads", 1, "--record", record),
    )
    bench(*tiny, "--rounds", 1)
    before = json.loads(record.read_text("utf-8"))["runs"]
    keys = [(run["layer"], run["words"], run["round"]) for run in before]
    assert keys == [("hs", 30, 1), ("ns", 30, 1), ("hs", 90, 1), ("ns", 90, 1)]

    bench(*tiny, "--rounds", 2, "--write", page.parent)
    runs = json.loads(record.read_text("utf-8"))["runs"]
    assert runs[:4] == before
    assert [(run["layer"], run["words"], run["round"]) for run in runs[4:]] == [
        (layer, words, 2) for layer, words, _ in keys
    ]
    assert all(0 < run["targets"] < 15_600 * 20 and run["seconds"] > 0 for run in runs)
    assert drawn(page) == ["time-per-word.png"]
    assert "| hs | 30 to 90 |" in block(page, "time-per-word")

    none = tmp_path / "measured" / "none.json"
    done = bench(*tiny[:-1], none, "--rounds", 1, "--most", 0, code=1)
    assert "left out: ns, cbow, 90 words: too slow" in done.stderr
    assert "there is nothing to show" in done.stderr

    once = page.read_text("utf-8")
    bench("render", record, "--write", page.parent)
    assert page.read_text("utf-8") == once


def test_experiments_are_measured_once_and_drawn_again(page: Path, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "pairs.txt").write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    (tests / "questions.txt").write_text(": one\na0 a1 b0 b1\n", encoding="utf-8")
    experiment = tmp_path / "tiny.toml"
    experiment.write_text(EXPERIMENT, encoding="utf-8")
    record = tmp_path / "measured" / "remedies.json"
    command = (
        *("remedies", corpus, "--tests", tests, "--experiments", experiment, "--heldout", 900),
        *("--windows", 300, "--work", tmp_path / "work", "--record", record),
        *("--write", page.parent),
    )
    done = bench(*command)

    kept = record.read_text("utf-8")
    assert str(tmp_path) not in kept + page.read_text("utf-8")
    (trial,) = json.loads(kept)["runs"]
    assert [(one["setting"], one["seed"]) for one in trial["results"]] == [
        (one, seed) for one in ("plain steps", "Adagrad", "balanced tree") for seed in (1, 2)
    ]
    assert list(trial["courses"]) == ["plain steps"]
    assert drawn(page) == [
        "course-skipgram.png",
        "gradients-remedies-skipgram.png",
        "gradients-trees-skipgram.png",
        "remedies-skipgram.png",
    ]
    assert "- **Adagrad** takes " in block(page, "remedies")
    assert "a factor of " in block(page, "gradients")
    heldout = (tmp_path / "work" / "heldout.txt").read_text("utf-8")
    assert corpus.read_text("utf-8").endswith("\n" + heldout)

    assert "run 1 of 6" in done.stderr
    again = bench(*command)
    assert " of 6" not in again.stderr
    assert record.read_text("utf-8") == kept
    assert again.stdout == done.stdout


def test_a_missing_test_set_is_an_error(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    experiment = tmp_path / "tiny.toml"
    experiment.write_text(EXPERIMENT, encoding="utf-8")
    done = bench(
        *("layers", corpus, "--tests", tmp_path, "--experiments", experiment),
        *("--work", tmp_path / "work", "--record", tmp_path / "layers.json"),
        code=1,
    )
    assert "pairs.txt: is not there, but tiny.toml names it" in done.stderr


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_an_experiment_of_the_page_reads(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    for name in re.findall(r'"([^"]+\.txt)"', text):
        analogies = name.startswith("questions")
        (tmp_path / name).write_text("a b c d\n" if analogies else "a b 1\n")
    (tmp_path / path.name).write_text(text, "utf-8")
    found = read_experiment(tmp_path / path.name)
    assert path.stem.endswith("-" + found.settings[0].config.training.model)
    assert len({one.config.training.model for one in found.settings}) == 1


@pytest.mark.parametrize("train", [0, 10, 25])
def test_held_out_text_is_not_trained_on(train: int) -> None:
    text = b"".join(b"line %d\n" % number for number in range(10))
    first, last = split(text, train, 20)
    assert text.startswith(first)
    assert text.endswith(last)
    assert len(first) + len(last) <= len(text)
    assert 0 < len(last) <= 20
    assert first.endswith(b"\n")
    assert last.startswith(b"line")
    assert len(first) >= train


def trial(**figures: list[float]) -> Trial:
    """Return settings "first", "second", … with these figures, one a seed."""
    settings = ("first", "second", "third")
    results = [
        {
            **{"setting": setting, "seed": seed, "problem": ""},
            "figures": {name: every[2 * number + seed - 1] for name, every in figures.items()},
        }
        for number, setting in enumerate(settings)
        for seed in (1, 2)
    ]
    return Trial("name", "cbow", list(settings), {}, [1, 2], 1, 1, results)


def test_what_seeds_differ_by_is_no_difference() -> None:
    found = trial(
        seconds=[1.0, 1.0, 2.0, 3.0, 0.5, 0.5],
        **{"held-out loss": [7.0, 7.2, 6.5, 6.6, 7.1, 7.3]},
        pairs=[0.5, 0.5, 0.4, 0.4, 0.52, 0.46],
    )
    loss, pairs = margins(found, "second")
    # Less loss is better; seeds of one setting differ by 0.2, by a median of 0.1 in the other.
    assert (loss.better, loss.noise) == (pytest.approx(0.55), pytest.approx(0.2))
    assert pairs.better == pytest.approx(-0.1)
    second, third = verdicts(found).splitlines()
    assert second == (
        "- **second** takes 2.50 times as long as first; better on held-out loss (by 0.550, seeds "
        "0.200); worse on pairs (by 0.100, seeds 0.000)."
    )
    assert third == (
        "- **third** takes 0.50 times as long as first; no more apart than seeds are on 2 of 2 "
        "figures."
    )


def test_the_exponent_of_a_power_is_found() -> None:
    sizes = [100, 1_000, 10_000]
    assert exponent(sizes, [3 * one**0.5 for one in sizes]) == pytest.approx(0.5)


def test_a_diagnosis_is_kept_with_few_digits(tmp_path: Path) -> None:
    figures = {
        **{"decisions": 7, "error": 0.123456789, "loss": 1.0, "output_gradient": 1e-9},
        **{"hidden_part": 1.0, "output_norm": None, "saturated": 0.0},
        **{"certain_right": 0.0, "certain_wrong": 0.0},
    }
    visits = {
        **{"count": 123456, "visits": 123456.7, "median_visits": 1.0},
        **{"under_10": 0.5, "under_100": 1.0},
    }
    predictions = {"predictions": 3, "prediction_loss": 2.0, "hidden_gradient": 0.5}
    found = {
        "output": "hs",
        "by_depth": [{"depth": depth, **visits, **figures} for depth in (0, 1)],
        "by_decile": [],
        "totals": {"windows": 3, **visits, **predictions, **figures},
    }
    back = unpacked(json.loads(json.dumps(packed(Diagnosis.from_dict(found)))))
    assert [one.depth for one in back.by_depth] == [0, 1]
    root = back.by_depth[0]
    assert (root.error, root.output_gradient, root.output_norm) == (0.1235, 1e-9, None)
    assert (root.count, root.visits) == (123456, 123500.0)
