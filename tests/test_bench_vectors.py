"""The benchmarks of finished vectors run, and their tables hold together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks import changes
from benchmarks.records import Record
from commandline import run, write_corpus
from some_benchmarks import bench, first, tables

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("vectors")
    write_corpus(found / "corpus.txt")
    options = ("--dim", 16, "--epochs", 2, "--threads", 1, "--quiet", "--checkpoint-every", 0)
    run("train", found / "corpus.txt", "-o", found / "m.safetensors", *options)
    (found / "pairs.txt").write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", "utf-8")
    return found


def test_recall_and_time_are_measured(folder: Path) -> None:
    pytest.importorskip("usearch")
    given = (folder / "m.safetensors", "--queries", 8, "--rounds", 1)
    (rows,) = tables(bench("index", *given, "--record", folder / "index.json").stdout)
    ours = [row for row in rows if row["way"] == "`hsw2v index`"]
    assert [row["expansion"] for row in ours] == ["32", "64", "128", "256"]
    # Of sixteen words an index finds all.
    assert {first(row["recall@10"]) for row in ours} == {1.0}
    assert rows[0]["way"] == "exactly, hsw2v"
    assert all(first(row["µs a query"].replace(",", "")) > 0 for row in rows)


def test_types_are_compared(folder: Path) -> None:
    given = (folder / "m.safetensors", "--pairs", folder / "pairs.txt", "--queries", 8)
    (rows,) = tables(bench("dtypes", *given, "--record", folder / "dtypes.json").stdout)
    assert [row["dtype"] for row in rows] == ["float32", "float16", "int8"]
    assert rows[0]["same 10 neighbours"] == "1.0000"
    assert all(first(row["same 10 neighbours"]) > 0.9 for row in rows)
    assert all(-1 <= first(row["pairs"]) <= 1 for row in rows)


def test_halves_of_paragraphs_are_found(folder: Path) -> None:
    lines = (folder / "corpus.txt").read_text("utf-8").splitlines()
    text = folder / "paragraphs.txt"
    text.write_text("\n".join(lines[:50]), "utf-8")
    given = (folder / "m.safetensors", text, "--lengths", 5, "--rounds", 1, "--paragraphs", 20)
    (rows,) = tables(bench("sentences", *given, "--record", folder / "sentences.json").stdout)
    assert [row["way"] for row in rows[:2]] == ["mean", "sif, a = 0.01"]
    for row in rows:
        assert 0 <= first(row["among the first 1"]) <= first(row["among the first 10"]) <= 1


def test_words_change_places(folder: Path) -> None:
    lines = [f"{'rare ' * 3}{'seldom ' * 3}{'often ' * 9}{'much ' * 8}x" for _ in range(50)]
    places = changes.chosen(lines, 2, 1)
    assert places == {"rare": "seldom", "seldom": "rare", "often": "much", "much": "often"}
    path = folder / "changed.txt"
    changes.write_changed(str(path), lines, places, 1.0, 1)
    expected = f"{'seldom ' * 3}{'rare ' * 3}{'much ' * 9}{'often ' * 8}x"
    assert path.read_text("utf-8").splitlines() == [expected] * 50
    changes.write_changed(str(path), lines, places, 0.0, 1)
    assert path.read_text("utf-8").splitlines() == lines
    changes.write_changed(str(path), lines, places, 0.5, 1)
    tokens = zip(path.read_text("utf-8").split(), " ".join(lines).split(), strict=True)
    changed = [one != before for one, before in tokens if before != "x"]
    assert 0.4 < np.mean(changed) < 0.6


def test_planted_changes_are_counted(folder: Path) -> None:
    words = [f"w{number}" for number in range(300)]
    vectors = np.random.default_rng(1).normal(size=(300, 20))
    others = vectors.copy()
    others[[10, 11, 290, 291]] = vectors[[11, 10, 291, 290]]
    counts = np.linspace(3000, 120, 300).astype(int)
    first, second = (
        hsw2v.Model(Vocabulary.from_words(words, counts), one) for one in (vectors, others)
    )
    places = {"w10": "w11", "w11": "w10", "w290": "w291", "w291": "w290"}
    figures = changes.found(hsw2v.align(first, second), places)
    assert figures["bands"] == [[1, 1], [1, 1], [0, 0], [2, 2]]
    assert figures["planted"] == 4
    record = Record(folder / "changes.json", "changes", "m", "v", "c", {}, [])
    record.put({"share": 1.0}, figures)
    (rows,) = tables(bench("render", record.path).stdout)
    assert rows[0]["found"] == "4 of 4"
