"""Trees are compared with other trees, output layers and programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.records import Record
from commandline import write_corpus
from some_benchmarks import bench, first, tables


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus.txt")


def test_trees_are_compared_and_the_comparison_goes_on_where_it_stopped(
    corpus: Path, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    figures = tmp_path / "figures.json"
    variants = ("hsw2v", "negative sampling", "balanced")
    settings = (
        *("trees", corpus, "--models", "cbow", "--variants", *variants),
        *("--epochs", 1, "--middle", 2, "--options", "--dim 8", "--pairs", pairs),
        *("--record", figures),
    )

    def known() -> list[tuple[str, int, int]]:
        found = Record.load(figures)
        return [(r["variant"], r["epochs"], r["seed"]) for r in found.select(kind="quality")]

    bench(*settings, "--seeds", 1)
    before = known()
    followed = variants[:2]
    assert sorted(before) == sorted(
        [*((one, 1, 1) for one in followed), *((one, 2, 1) for one in variants)]
    )

    done = bench(*settings, "--seeds", 1, 2)
    after = known()
    assert after[: len(before)] == before
    assert sorted(after[len(before) :]) == sorted((one, n, 2) for one in followed for n in (1, 2))
    assert str(tmp_path) not in done.stdout
    assert bench("render", figures).stdout == done.stdout

    at_epochs, halves, at_time = tables(done.stdout)
    assert [(row["trained with"], row["epochs"]) for row in at_epochs] == [
        *((one, "1") for one in followed),
        *((one, "2") for one in variants),
    ]
    for row in at_epochs:
        assert first(row["processor s"]) > 0
        if row["decisions"] != "-":
            assert 3 < first(row["decisions"]) < 8
            assert 0 < first(row["trained"]) <= first(row["decisions"])
    assert [row["epochs"] for row in halves] == ["1", "1", "2", "2"]
    assert len(at_time) == 4

    other = bench(*settings, "--options", "--dim 9", code=1)
    assert "measured with other options" in other.stderr


def record_of(path: Path, *runs: tuple[str, int, int, float, float]) -> Path:
    """Write figures as they are recorded: of each run its variant, epochs, seed, time, quality."""
    found = []
    for variant, epochs, seed, seconds, quality in runs:
        key = {"model": "skipgram", "variant": variant, "epochs": epochs, "seed": seed}
        figures = {"peak_bytes": 1, "decisions": None, "trained": None, "quality": {"set": quality}}
        found.append({"kind": "quality", **key, "processor": seconds, **figures})
    setting = {"corpus": "c", "options": "", "pairs": ["set.txt"], "analogies": []}
    record = {"benchmark": "trees", "machine": "m", "versions": "v", "command": "c"}
    path.write_text(json.dumps({**record, "setting": setting, "runs": found}), encoding="utf-8")
    return path


def test_the_defaults_are_held_against_a_rival_at_the_same_processor_time(tmp_path: Path) -> None:
    figures = record_of(
        tmp_path / "figures.json",
        ("hsw2v", 1, 1, 10.0, 0.2),
        ("hsw2v", 4, 1, 40.0, 0.4),
        # Too soon; halfway in the logarithm of time; too late.
        ("negative sampling", 1, 1, 5.0, 0.35),
        *(("negative sampling", 4, seed, 10.0 * seed, 0.33 + seed / 100) for seed in (1, 2, 3)),
        ("negative sampling", 16, 1, 80.0, 0.38),
    )
    done = bench("render", figures)
    _, rows = tables(done.stdout)
    assert [(row["trained with"], row["processor s"], row["set"]) for row in rows] == [
        ("**negative sampling, 1 epoch**", "5.0", "0.350"),
        ("hsw2v", "5.0", "-"),
        ("**negative sampling, 4 epochs**", "20.0", "0.350"),
        ("hsw2v", "20.0", "0.300 (-0.050)"),
        ("**negative sampling, 16 epochs**", "80.0", "0.380"),
        ("hsw2v, 4 epochs", "40.0", "0.400 (+0.020)"),
    ]
    # The standard deviation of the three seeds is 0.01; their mean is held against one run.
    verdicts = [line for line in done.stdout.splitlines() if " against " in line]
    assert verdicts == [
        "- `hsw2v` against negative sampling, 1 epoch (5 s): "
        "not comparable, it took less time than the shortest run.",
        "- `hsw2v` against negative sampling, 4 epochs (20 s): "
        "behind on set (-0.050, noise 0.023).",
        "- `hsw2v` (40 s) against negative sampling, 16 epochs (80 s): "
        "level on set (+0.020, noise 0.028).",
    ]
