"""The benchmark of phrases compares texts with gensim's, and shows what it found."""

from __future__ import annotations

from pathlib import Path

from benchmarks import phrases
from benchmarks.records import Record
from commandline import write_corpus
from some_benchmarks import bench, tables

CASE = {"passes": 2, "scoring": "npmi", "threshold": 0.2, "english": True}


def test_texts_are_compared_with_those_of_gensim(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    found = phrases.compare(str(corpus), str(tmp_path), CASE)
    assert found["same"] is True
    before = sum(len(line.split()) for line in corpus.read_text("utf-8").splitlines())
    assert 0 < found["words"] < before
    other = phrases.compare(str(corpus), str(tmp_path), CASE | {"threshold": 0.9})
    assert other["words"] > found["words"]


def test_phrases_are_listed_by_pass(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    record = Record(tmp_path / "phrases.json", "phrases", "m", "v", "c", {}, [])
    for program in phrases.PROGRAMS:
        figures = {"seconds": 2.0 if program == "gensim" else 1.0, "processor": 1, "peak_bytes": 1}
        record.put({"what": "time", "round": 1, "program": program}, figures)
    record.put({"what": "same"} | CASE, {"words": 1_000, "same": True})
    record.put({"what": "phrases"} | CASE, phrases.describe(str(corpus), CASE))
    times, same, found = tables(bench("render", record.path).stdout)
    assert [row["times hsw2v"] for row in times] == ["1.0", "1.0", "1.0", "2.0"]
    assert [(row["tokens left"], row["same text as gensim"]) for row in same] == [("1,000", "yes")]
    assert [row["pass"] for row in found] == ["1", "2"]
    assert all("_" in row["those that occur most"] for row in found)
