"""The benchmarks of finished vectors run, and their tables hold together."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import run, write_corpus
from some_benchmarks import bench, first, tables


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
