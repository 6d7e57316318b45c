"""The benchmarks run, and print tables that hold together."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import SCRIPTS, complaint, run_script, write_corpus

sys.path.insert(0, str(SCRIPTS))

from benchmarks.processes import measure
from benchmarks.records import Record, rounds

ROOT = SCRIPTS.parent
PROGRAMS = ["hsw2v", *(["gensim"] if importlib.util.find_spec("gensim") else [])]


def bench(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run_script("bench", *arguments, code=code)


def tables(text: str) -> list[list[dict[str, str]]]:
    """Read the tables of a Markdown text, and make sure that they are tables."""
    found: list[list[dict[str, str]]] = []
    header: list[str] = []
    for line in text.splitlines():
        if not line.startswith("|"):
            header = []
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not header:
            header = cells
            found.append([])
        else:
            assert len(cells) == len(header)
            if not set("".join(cells)) <= set("-:"):
                found[-1].append(dict(zip(header, cells, strict=True)))
    return found


def first(cell: str) -> float:
    """Return the figure of a cell, without its range."""
    return float(cell.split()[0])


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus.txt")


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


def test_a_page_without_the_block_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n", encoding="utf-8")
    record = tmp_path / "vocabulary.json"
    done = bench("vocabulary", "--record", record, "--write", tmp_path, code=1)
    assert "no page has a block 'vocabulary'" in done.stderr
    # Nothing was measured in vain.
    assert "generating" not in done.stderr
    assert not record.exists()
    assert page.read_text(encoding="utf-8") == "# Page\n"


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


def test_the_memory_of_a_command_is_not_that_of_who_measures_it() -> None:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    measured = measure([sys.executable, "-S", "-c", "print('not shown')"])
    assert 1e6 < measured.peak_bytes < 50e6 < resident
    assert 0 < measured.processor <= 2 * measured.seconds * (os.cpu_count() or 1)


def test_figures_of_another_setting_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "some.json"

    def begun(machine: str = "m", **setting: object) -> Record:
        record = Record(path, "some", machine, "v", "c", setting, [])
        record.go_on()
        return record

    begun(threads=1).measure([{"round": 1}, {"round": 2}], lambda key: {"seconds": key["round"]})
    begun(threads=1).measure([{"round": 2}, {"round": 3}], lambda key: {"seconds": 9})
    assert [run["seconds"] for run in Record.load(path).runs] == [1, 2, 9]
    with pytest.raises(SystemExit, match="measured with other machine, threads"):
        begun("n", threads=2)


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_was_measured_is_kept_when_a_run_fails(tmp_path: Path, jobs: int) -> None:
    record = Record(tmp_path / "some.json", "some", "m", "v", "c", {}, [])

    def work(key: dict[str, int]) -> dict[str, list[int]] | None:
        return {"figures": [1, 2, 3 // (3 - key["round"])]} if key["round"] != 2 else None

    with pytest.raises(ZeroDivisionError):
        record.measure(rounds(3), work, jobs)
    assert Record.load(record.path).runs == [{"round": 1, "figures": [1, 2, 1]}]
    assert record.missing(rounds(3)) == [{"round": 2}, {"round": 3}]


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
    kernel = (
        {"what": "limit", "rate": 2.5e11},
        {"what": "a step", "rows": 6, "columns": 13.8, "seconds": 3.04e-7, "rate": 1.66e11},
    )
    assert [list(row.values()) for row in rows("kernel", *kernel)] == [
        ["limit", "", "", "250"],
        ["a step", "6 × 13.8", "0.304", "166"],
    ]


BLOCKS = {
    "performance.md": (
        *("compare", "threads", "start", "vocabulary", "dimensions", "tokenizer", "kernel"),
    ),
    "trees.md": ("trees", "trees-half", "trees-300", "rebuilding"),
}


@pytest.mark.parametrize(("name", "blocks"), BLOCKS.items())
def test_every_block_of_a_page_is_one_that_a_script_fills_in(
    name: str, blocks: tuple[str, ...]
) -> None:
    page = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for block in blocks:
        begin, end = f"<!-- begin: {block} -->\n", f"\n<!-- end: {block} -->"
        assert page.count(begin) == page.count(end) == 1
        content = page.split(begin)[1].split(end)[0]
        assert content == "Not measured yet." or content.startswith("Measured on: ")


def test_a_command_that_fails_stops_the_benchmark(tmp_path: Path) -> None:
    record = tmp_path / "compare.json"
    done = bench("compare", tmp_path / "missing.txt", "--rounds", 1, "--record", record, code=1)
    message = complaint("train", tmp_path / "missing.txt", code=3)
    assert message in done.stderr


def test_trees_are_compared_and_the_comparison_goes_on_where_it_stopped(
    corpus: Path, tmp_path: Path
) -> None:
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("a0 a1 9\na2 a3 8\na0 b0 1\na3 b5 2\n", encoding="utf-8")
    figures = tmp_path / "figures.json"
    variants = ("hsw2v", "balanced", "negative sampling")
    settings = (
        *("trees", corpus, "--models", "cbow", "--variants", *variants),
        *("--epochs", 1, "--middle", 2, "--options", "--dim 8", "--pairs", pairs),
        *("--rounds", 1, "--record", figures),
    )

    def known() -> tuple[list[tuple[str, int, int]], list[tuple[str, int]]]:
        found = Record.load(figures)
        runs = [(r["variant"], r["epochs"], r["seed"]) for r in found.select(kind="quality")]
        return runs, [(r["variant"], r["epochs"]) for r in found.select(kind="time")]

    bench(*settings, "--seeds", 1)
    before, timed = known()
    followed = variants[::2]
    assert sorted(before) == sorted(
        [*((one, 1, 1) for one in followed), *((one, 2, 1) for one in variants)]
    )
    assert timed == [(one, epochs) for epochs in (1, 2) for one in followed]

    done = bench(*settings, "--seeds", 1, 2)
    after, again = known()
    assert after[: len(before)] == before
    assert again == timed
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

    other = bench(*settings, "--threads", 1, code=1)
    assert "measured with other threads" in other.stderr


def record_of(path: Path, *runs: tuple[str, int, int, float, float]) -> Path:
    """Write figures as they are recorded: of each run its variant, epochs, seed, time, quality.

    What is timed are one epoch and four of each variant.
    """
    found = []
    for variant, epochs, seed, seconds, quality in runs:
        key = {"model": "skipgram", "variant": variant, "epochs": epochs, "seed": seed}
        figures = {"peak_bytes": 1, "decisions": None, "trained": None, "quality": {"set": quality}}
        found.append({"kind": "quality", **key, "processor": seconds, **figures})
        if epochs in (1, 4):
            found.append({"kind": "time", **key, "seconds": seconds, "processor": seconds})
    setting = {"corpus": "c", "threads": 1, "options": "", "pairs": ["set.txt"], "analogies": []}
    record = {"benchmark": "trees", "machine": "m", "versions": "v", "command": "c"}
    path.write_text(json.dumps({**record, "setting": setting, "runs": found}), encoding="utf-8")
    return path


def test_the_defaults_are_held_against_a_rival_at_the_same_processor_time(tmp_path: Path) -> None:
    figures = record_of(
        tmp_path / "figures.json",
        ("hsw2v", 1, 1, 10.0, 0.2),
        ("hsw2v", 4, 1, 40.0, 0.4),
        # Too soon; halfway in the logarithm of time; too late, by a straight line through both.
        ("negative sampling", 1, 1, 5.0, 0.35),
        *(("negative sampling", 4, seed, 10.0 * seed, 0.33 + seed / 100) for seed in (1, 2, 3)),
        ("negative sampling", 16, 1, 99.0, 0.38),
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
