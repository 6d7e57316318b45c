"""The rules of `scripts/bench rules`, and what they come to in training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.rules import VARIANTS, adasum, added, averaged, bounded, by_root, combining_by
from commandline import write_corpus
from some_benchmarks import bench, tables

import hsw2v
from hsw2v.reference.combining import combined


def test_ours_is_that_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    before = rng.standard_normal((50, 16), np.float32)
    # From changes that agree to changes that do not.
    common = np.linspace(3.0, 0.0, 50, dtype=np.float32)[:, None]
    changes = rng.standard_normal((4, 50, 16), np.float32) + common
    changes[:, -1] = 0.0
    expected = [combined(before[row], before[row] + changes[:, row]) for row in range(50)]
    np.testing.assert_allclose(bounded(before, changes), expected, rtol=1e-4, atol=1e-5)


def test_how_far_rules_go() -> None:
    before = np.ones((1, 2), np.float32)
    alike = np.ones((4, 1, 2), np.float32)
    apart = np.zeros((2, 1, 2), np.float32)
    apart[0, 0, 0] = apart[1, 0, 1] = 3.0
    for rule, of_alike, of_apart in (
        (bounded, 2.0, 3.0),
        (added, 4.0, 3.0),
        (averaged, 1.0, 1.5),
        (by_root, 2.0, 3.0 / 2**0.5),
        (adasum, 1.0, 3.0),
    ):
        assert rule(before, alike) == pytest.approx(before + of_alike)
        assert rule(before, apart) == pytest.approx(before + of_apart)
        assert rule(before, 0.0 * alike) == pytest.approx(before)
    # Of three, the last has no partner at first.
    some = np.float32([[[2.0, 0.0]], [[2.0, 0.0]], [[2.0, 4.0]]])
    assert adasum(before, some) - before == pytest.approx(np.array([[2.8, 3.6]]))


@pytest.mark.parametrize("loss", ["hs", "ns"])
def test_ours_comes_to_the_vectors_of_the_compiled_code(loss: str, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt", 6_000)
    settings = {"loss": loss, "dim": 12, "min_count": 1, "epochs": 2, "seed": 3}
    settings |= {"deterministic": True, "workers": 3, "threads": 2}
    compiled = hsw2v.train(corpus, **settings).vectors
    for name, variant in VARIANTS.items():
        with combining_by(variant.rule):
            found = hsw2v.train(corpus, **settings).vectors
        alike = np.allclose(found, compiled, rtol=1e-3, atol=1e-4)
        assert alike == (name == "bounded sum (hsw2v)")
    assert np.array_equal(hsw2v.train(corpus, **settings).vectors, compiled)


def test_rules_are_compared(tmp_path: Path) -> None:
    corpus, pairs = write_corpus(tmp_path / "corpus.txt", 6_000), tmp_path / "pairs.txt"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    record = tmp_path / "rules.json"
    asked = (corpus, "--pairs", pairs, "--workers", 2, "--epochs", 2, "--record", record)
    done = bench("rules", *asked, "--rules", "Adasum", "mean, twice the rate", "--tokens", 0, 8192)
    (rows,) = tables(done.stdout)
    assert [(row["rule"], row["tokens a round"]) for row in rows] == [
        (rule, tokens)
        for tokens in ("default", "8,192")
        for rule in ("Adasum", "mean, twice the rate")
    ]
    for row in rows:
        assert float(row["loss"]) > 0
        assert -1 <= float(row["pairs"]) <= 1

    figures = json.loads(record.read_text(encoding="utf-8"))
    of_adasum, *_ = figures["runs"]
    figures["runs"][1] = {k: v for k, v in of_adasum.items() if k not in ("loss", "quality")}
    figures["runs"][1] |= {"rule": "sum", "problem": "training diverged"}
    figures["runs"].append(figures["runs"][1] | {"rule": "Adasum", "seed": 2})
    record.write_text(json.dumps(figures), encoding="utf-8")
    (rows,) = tables(bench("render", record).stdout)
    found = {(row["rule"], row["tokens a round"]): (row["loss"], row["pairs"]) for row in rows}
    assert found["sum", "default"] == ("diverged", "-")
    assert found["Adasum", "default"][0].endswith(", 1 of 2 diverged")
