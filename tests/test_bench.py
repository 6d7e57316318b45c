"""The benchmarks run, and print tables that hold together."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.processes import measure
from benchmarks.records import Record
from commandline import SCRIPTS, complaint, write_corpus
from some_benchmarks import bench, first, tables

PROGRAMS = ["hsw2v", *(["gensim"] if importlib.util.find_spec("gensim") else [])]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus.txt")


def test_ngrams_are_measured_on_words_that_are_taken_out(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    others = tmp_path / "others.txt"
    others.write_text("nothing known 9\nnobody here 8\n", encoding="utf-8")
    programs = ["hsw2v", "hsw2v, n-grams"]
    programs += ["fastText"] if importlib.util.find_spec("fasttext") else []
    record = tmp_path / "subwords.json"
    done = bench(
        *("subwords", corpus, "--losses", "ns", "--programs", *programs, "--subwords", "1-2"),
        *("--epochs", 1, "--removed", 3, "--least", 5, "--rounds", 2, "--pairs", pairs, others),
        *("--record", record),
    )
    (rows,) = tables(done.stdout)
    assert [row["program"] for row in rows] == [f"{one}, ns" for one in programs]
    for row in rows:
        assert first(row["seconds"]) > 0
        assert -1 <= first(row["pairs"]) <= 1
        assert "others" not in row


def test_programs_are_compared_by_time_memory_and_quality(corpus: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    questions = tmp_path / "questions.txt"
    questions.write_text(": one\na0 a1 b0 b1\n", encoding="utf-8")
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("above\n<!-- begin: compare -->\nold\n<!-- end: compare -->\nbelow\n", "utf-8")
    figures = tmp_path / "compare.json"
    done = bench(
        "compare",
        *(corpus, "--rounds", 2, "--cases", "hs-cbow", "--programs", *PROGRAMS),
        *("--pairs", pairs, "--analogies", questions, "--record", figures, "--write", page.parent),
    )

    runs = json.loads(figures.read_text(encoding="utf-8"))["runs"]
    assert [(run["round"], run["program"]) for run in runs] == [
        (seed, program) for seed in (1, 2) for program in PROGRAMS
    ]
    (rows,) = tables(done.stdout)
    assert [row["program"] for row in rows] == PROGRAMS
    ours = rows[0]
    assert ours["times hsw2v"] == "1"
    for row in rows:
        mine = [run for run in runs if run["program"] == row["program"]]
        seconds = sorted(run["seconds"] for run in mine)
        assert first(row["seconds"]) == pytest.approx(sum(seconds) / 2, abs=0.006)
        least, most = (f"{one:.2f}" for one in seconds)
        # There is no range where both rounds show the same.
        assert row["seconds"].endswith(least if least == most else f" ({least}–{most})")
        # More than an interpreter with numpy, less than a machine.
        assert 30 < first(row["peak MB"]) < 2_000
        assert -1 <= first(row["pairs"]) <= 1
        assert 0 <= first(row["questions"]) <= 1

    assert page.read_text("utf-8") == (
        f"above\n<!-- begin: compare -->\n{done.stdout}<!-- end: compare -->\nbelow\n"
    )
    assert "old" not in done.stdout
    assert str(tmp_path) not in done.stdout
    assert bench("render", figures).stdout == done.stdout


def test_the_time_is_measured_against_words(tmp_path: Path) -> None:
    sizes = ("--sizes", 50, 200, "--tokens", 3_000, "--rounds", 1)
    (rows,) = tables(bench("vocabulary", *sizes, "--record", tmp_path / "v.json").stdout)
    assert [row["V"] for row in rows] == ["50", "200"]
    assert first(rows[0]["nodes a path"]) < first(rows[1]["nodes a path"])
    assert all(first(row["µs a kept token"]) >= first(row["µs a token"]) > 0 for row in rows)


def test_the_time_is_measured_against_dimensions(corpus: Path, tmp_path: Path) -> None:
    record = tmp_path / "d.json"
    done = bench("dimensions", corpus, "--dims", 8, 16, "--rounds", 1, "--record", record)
    (rows,) = tables(done.stdout)
    assert [row["D"] for row in rows] == ["8", "16"]
    assert rows[0]["times D = 8"] == "1.00"


def test_small_benchmarks_measure_what_they_say(corpus: Path, tmp_path: Path) -> None:
    def rows(*arguments: object) -> list[dict[str, str]]:
        done = bench(*arguments, "--record", tmp_path / f"{arguments[0]}.json")
        (found,) = tables(done.stdout)
        return found

    stages = rows("tokenizer", corpus, "--rounds", 1)
    assert [row["stage"] for row in stages][-2:] == ["scan + intern", "encode"]
    assert all(first(row["MB/s"]) > 0 for row in stages)
    formats = rows("formats", corpus, "--rounds", 1, "--sizes", 1, 500)
    assert [row["format"] for row in formats[:3]] == ["`.txt`", "`.txt.zst`", "`.jsonl`"]
    assert len(formats) == 16
    runs = json.loads((tmp_path / "formats.json").read_text(encoding="utf-8"))["runs"]
    assert all(run["read"] > 0 and run["encode"] > 0 for run in runs)
    # The same text in every format, but for the last line feed of each record.
    assert len({run["text"] for run in runs if run["size"] == 1}) == 1
    questions = rows("queries", "--words", 500, "--dim", 4, "--rounds", 1)
    assert [row["what"].split(", ")[0] for row in questions][:4] == [
        "`similar`", "`similarity`", "`predict`", "`info`"
    ]  # fmt: skip
    assert all(first(row["wall clock"]) > 0 for row in questions)
    trees = rows("rebuilding", "--sizes", 20, 50, "--threads", 1, 2, "--rounds", 1)
    assert [(row["V"], row["threads"]) for row in trees] == [
        (size, threads) for size in ("20", "50") for threads in "12"
    ]
    for row in trees:
        mean, entropy = row["decisions a word (entropy)"].rstrip(")").split(" (")
        assert float(mean) >= float(entropy) > 0
    counts = rows("threads", corpus, "--rounds", 1)
    assert [row["threads"] for row in counts] == ["1", "2"] * 3
    assert [row["faster"] for row in counts[::2]] == ["1.00"] * 3


def test_starts_from_vectors_are_compared_by_their_length(corpus: Path, tmp_path: Path) -> None:
    pairs, record = tmp_path / "pairs.txt", tmp_path / "initial.json"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    sizes = ("--before-mb", 0.006, "--own-mb", 0.003, "--dim", 8, "--lengths", 0, 1)
    options = ("--rounds", 1, "--pairs", pairs, "--record", record)
    done = bench("initial", corpus, *sizes, *options)
    (rows,) = tables(done.stdout)
    assert [row["start"] for row in rows] == ["at random", "vectors of mean length 1"]
    for row in rows:
        assert row["diverged"] == "0 of 1"
        assert -1 <= first(row["pairs.txt"]) <= 1
        assert len(row["losses of the epochs"].split(", ")) == 3
    assert bench("render", record).stdout == done.stdout


def test_the_memory_of_a_command_is_not_that_of_who_measures_it() -> None:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    measured = measure([sys.executable, "-S", "-c", "print('not shown')"])
    assert 1e6 < measured.peak_bytes < 50e6 < resident
    assert 0 < measured.processor <= 2 * measured.seconds * (os.cpu_count() or 1)


def test_training_ends_behind_the_first_block(tmp_path: Path, corpus: Path) -> None:
    log, model = tmp_path / "log.json", tmp_path / "model.safetensors"
    script = SCRIPTS / "benchmarks" / "first_block.py"
    command = (script, "train", corpus, "-o", model, "--log-json", log)
    subprocess.run([sys.executable, *command], check=True, timeout=300)
    types = [json.loads(line)["type"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert "VocabularyReady" in types
    assert not {"EpochEnd", "Summary"} & set(types)
    assert not model.exists()


def test_records_of_long_benchmarks_are_shown(tmp_path: Path) -> None:
    def rows(name: str, *runs: dict[str, object]) -> list[dict[str, str]]:
        record = Record(tmp_path / f"{name}.json", name, "m", "v", f"scripts/bench {name}", {}, [])
        for number, run in enumerate(runs):
            record.put({"number": number}, run)
        done = bench("render", record.path)
        assert done.stdout.startswith(f"Measured on: m.  \nVersions: v.\n\n    {record.command}\n")
        (found,) = tables(done.stdout)
        return found

    starts = [
        {"text": "c.txt", "empty": [10.0 + one, 4.0], "filled": [1.0, 0.5]} for one in range(3)
    ]
    assert [list(row.values()) for row in rows("start", *starts)] == [
        ["c.txt", "empty", "11.00 (10.00–12.00)", "4.00"],
        ["c.txt", "filled", "1.00", "0.50"],
    ]


def test_the_account_of_a_window_adds_up(tmp_path: Path, corpus: Path) -> None:
    record = tmp_path / "kernel.json"
    shown = tables(bench("kernel", corpus, "--record", record).stdout)
    runs = json.loads(record.read_text(encoding="utf-8"))["runs"]
    kinds = {run["kind"] for run in runs}
    assert len(shown) == 2 * len(kinds)
    for rates, accounts in zip(shown[::2], shown[1::2], strict=True):
        assert rates[0]["of the limit"] == "100%"
        assert "6 × 14" in [row["rows: hidden × output"] for row in rates]
        assert [row["ns of a window"] for row in accounts] == [
            *("skip-gram, hs", "skip-gram, hs, subsampled", "CBOW, hs", "CBOW, hs, subsampled"),
            *("skip-gram, ns", "CBOW, ns"),
        ]
    parts = ("windows", "contexts", "scores", "link", "update", "rest", "waiting")
    for run in runs:
        if "waiting" in run:
            assert run["seconds"] == pytest.approx(sum(run[part] for part in parts))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others count otherwise")
def test_tables_in_files_are_measured(tmp_path: Path) -> None:
    folder, record = tmp_path / "disk", tmp_path / "tables.json"
    folder.mkdir()
    given = ("--words", 300, "--tokens", 2_000, "--rounds", 1, "--threads", 1, "--memory", 0)
    costs, visits = tables(bench("tables", *given, "--folder", folder, "--record", record).stdout)
    assert [row["tables"] for row in costs] == ["memory", "mapped"]
    assert all(first(row["seconds"]) > 0 for row in costs)
    assert first(costs[1]["written, MB"]) >= 0
    for row in visits:
        shares = [float(cell.rstrip("%")) for cell in list(row.values())[1:]]
        assert 0 < shares[0] < shares[1] < shares[2] < 100
    assert not list(folder.iterdir())


def test_a_command_that_fails_stops_the_benchmark(tmp_path: Path) -> None:
    record = tmp_path / "compare.json"
    done = bench("compare", tmp_path / "missing.txt", "--rounds", 1, "--record", record, code=1)
    message = complaint("train", tmp_path / "missing.txt", code=3)
    assert message in done.stderr
