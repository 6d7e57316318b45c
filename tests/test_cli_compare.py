"""`compare` through a real process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commandline import complaint, run
from some_experiments import EVERYTHING, write_experiment, write_text


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_text(tmp_path / "corpus.txt")


def test_compare_prints_tables_and_keeps_them_in_a_folder_of_its_name(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, own=EVERYTHING)
    done = run("compare", path, corpus, cwd=tmp_path)
    header, tree, sampling, _, parts, *_ = done.stdout.splitlines()
    assert header.split()[:4] == ["setting", "seconds", "times", "words/s"]
    assert "held-out loss" in header
    assert tree.startswith("tree ")
    assert sampling.startswith("sampling / two ")
    assert "pairs rare" in parts
    assert {one.name for one in (tmp_path / "mine").iterdir()} >= {
        "results.json",
        "results.md",
        "results.csv",
    }
    lines = done.stderr.splitlines()
    assert sum(line.startswith("corpus: 1,600 tokens") for line in lines) == 1
    assert (
        sum(line.startswith("note: there is no held-out loss of sampling") for line in lines) == 1
    )
    assert "run 3 of 4: tree, seed 2" in lines
    assert next(line for line in lines if line.startswith("run 3 of 4 done: ")).count(",") == 3
    assert not any(line.startswith(("epoch 1/1 done", "huffman tree")) for line in lines)
    assert lines[-1] == "mine: 4 runs"


def test_compare_gives_json_and_is_quiet(tmp_path: Path, corpus: Path) -> None:
    path = write_experiment(tmp_path, own="seeds = [3]")
    done = run("compare", path, corpus, "-o", tmp_path / "out", "--json", "--quiet")
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["settings"]] == ["tree", "sampling / two"]
    assert found["settings"][1]["config"]["training"]["loss"] == "ns"
    assert [one["seed"] for one in found["runs"]] == [3, 3]
    assert found["runs"][0]["seconds"] > 0


def test_compare_draws_if_asked(tmp_path: Path, corpus: Path) -> None:
    pytest.importorskip("matplotlib")
    path = write_experiment(tmp_path, own=EVERYTHING)
    run("compare", path, corpus, "-o", tmp_path / "out", "--plot", "--quiet")
    assert (tmp_path / "out" / "comparison.svg").read_bytes().startswith(b"<?xml")


def test_without_matplotlib_a_figure_is_refused_before_any_work(
    tmp_path: Path, corpus: Path
) -> None:
    hidden = tmp_path / "hidden" / "matplotlib"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')")
    path = write_experiment(tmp_path)
    command = ["compare", str(path), str(corpus), "-o", str(tmp_path / "out"), "--plot"]
    code = (
        f"import sys; sys.path.insert(0, {str(hidden.parent)!r})\n"
        f"from hsw2v.cli import main; main({command!r})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "hsw2v[plot]" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_mistake_in_the_experiment_is_a_sentence_and_nothing_is_done(
    tmp_path: Path, corpus: Path
) -> None:
    path = write_experiment(tmp_path, "[[setting]]\nname = 'one'\noptimiser = 'adam'\n")
    said = complaint("compare", path, corpus, "-o", tmp_path / "out", code=2)
    assert said.startswith(f"{path}, setting 'one': unknown setting 'optimiser'; did you mean")
    assert not (tmp_path / "out").exists()
    assert "absent.toml" in complaint("compare", tmp_path / "absent.toml", corpus, code=3)


def test_after_ctrl_c_the_same_command_goes_on(tmp_path: Path, corpus: Path) -> None:
    endless = "[[setting]]\nname = 'short'\n[[setting]]\nname = 'long'\nepochs = 1000000\n"
    path = write_experiment(tmp_path, endless, own="")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hsw2v", "compare", str(path), str(corpus), "-o", str(out)]
    log = out / "long-1.jsonl"
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 120
        while not (log.exists() and "TrainingProgress" in log.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    *_, told, last = errors.decode().splitlines()
    assert told == f"finished runs are kept in {out}: the same command continues"
    assert last == "hsw2v: interrupted"
    assert len(json.loads((out / "results.json").read_text())["runs"]) == 1
    path.write_text(path.read_text().replace("1000000", "2"))
    lines = run("compare", path, corpus, "-o", out).stderr.splitlines()
    assert [line for line in lines if ", seed " in line] == ["run 2 of 2: long, seed 1"]
