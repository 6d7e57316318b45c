"""`train`, `vocab` and `demo` through a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from commandline import complaint, run, write_corpus

import hsw2v
from hsw2v.cli.checks import default_output
from hsw2v.cli.demo import standard_library_sentences

SMALL = ("--dim", "8", "--epochs", "1", "--threads", "1")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "groups.v1.txt")


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_train_writes_a_model_named_after_the_corpus(corpus: Path, tmp_path: Path) -> None:
    run("train", corpus, *SMALL, cwd=tmp_path)
    assert names(tmp_path) == ["groups.v1.safetensors"]
    model = hsw2v.load(tmp_path / "groups.v1.safetensors")
    assert len(model) == 16
    assert model.dim == 8


def test_python_m_and_the_installed_command_are_the_same_program(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("hsw2v")
    if not command.exists():
        pytest.skip("hsw2v is not installed as a command")
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert done.stdout == run("--help").stdout
    assert run("--version").stdout == f"hsw2v {version('hsw2v')}\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("news.txt.gz", "news.safetensors"),
        ("NEWS.TXT.GZ", "NEWS.safetensors"),
        ("some/where/news.2024.txt", "news.2024.safetensors"),
        ("wiki.en.txt.xz", "wiki.en.safetensors"),
        ("walks", "walks.safetensors"),
        ("-", "model.safetensors"),
        ("s3://bucket/folder/news.txt.zst?version=1", "news.safetensors"),
        ("texts/*.txt", "texts.safetensors"),
        ("*.txt", "model.safetensors"),
    ],
)
def test_the_model_is_named_after_its_corpus(source: str, expected: str) -> None:
    if source == "*.txt":
        expected = f"{Path.cwd().name}.safetensors"
    assert default_output(source) == expected


def test_the_model_of_a_directory_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "novels.old").mkdir()
    assert default_output(f"{tmp_path}/novels.old/") == "novels.old.safetensors"


def test_train_reads_standard_input(corpus: Path, tmp_path: Path) -> None:
    run("train", "-", *SMALL, cwd=tmp_path, stdin=corpus.read_bytes())
    assert names(tmp_path) == ["model.safetensors"]


def test_flags_go_before_the_config_file_and_that_before_the_defaults(
    corpus: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        "[training]\ndim = 6\nepochs = 1\nfixed_window = true\nmodel = 'cbow'\n"
        "[corpus]\nlowercase = true\n"
    )
    run(
        *("train", corpus, "-o", tmp_path / "m.safetensors", "--config", file),
        *("--dim", "7", "--no-fixed-window"),
    )
    config = hsw2v.load(tmp_path / "m.safetensors").config
    assert config["training"]["dim"] == 7
    assert config["training"]["fixed_window"] is False
    assert config["training"]["model"] == "cbow"
    assert config["training"]["lr"] == 0.05
    assert config["corpus"]["lowercase"] is True
    assert config["vocabulary"]["min_count"] == 5


def test_without_a_terminal_progress_is_plain_lines_and_a_summary(
    corpus: Path, tmp_path: Path
) -> None:
    result = run("train", corpus, "-o", tmp_path / "m.safetensors", *SMALL)
    assert result.stdout == ""
    assert "\r" not in result.stderr
    lines = result.stderr.splitlines()
    assert "3,000 tokens in 300 sentences" in next(one for one in lines if "corpus:" in one)
    assert any(one.startswith("epoch 1/1 done") for one in lines)
    assert lines[-1].startswith(f"{tmp_path / 'm.safetensors'}: 16 words × 8 dimensions")


def test_quiet_prints_nothing(corpus: Path, tmp_path: Path) -> None:
    result = run("train", corpus, "-o", tmp_path / "m.safetensors", "--quiet", *SMALL)
    assert (result.stdout, result.stderr) == ("", "")


def test_the_log_holds_settings_first_events_then_the_summary(corpus: Path, tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    run("train", corpus, "-o", tmp_path / "m.safetensors", "--log-json", log, *SMALL)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert records[0]["type"] == "Settings"
    assert records[0]["config"]["training"]["dim"] == 8
    assert records[0]["config"]["training"]["lr"] == 0.025
    assert {"VocabularyReady", "EpochEnd"} < {one["type"] for one in records}
    assert records[-1]["type"] == "Summary"
    assert records[-1]["words"] == 16
    assert records[-1]["tokens"] == 3000


def test_the_heldout_loss_is_in_the_log(corpus: Path, tmp_path: Path) -> None:
    log = tmp_path / "run.jsonl"
    run(
        *("train", corpus, "-o", tmp_path / "m.safetensors", "--log-json", log),
        *("--heldout", corpus, *SMALL),
    )
    ends = [
        one for one in map(json.loads, log.read_text().splitlines()) if one["type"] == "EpochEnd"
    ]
    assert ends[-1]["heldout_loss"] > 0
    assert ends[-1]["heldout_perplexity"] > 1


def test_scores_are_normalized_exactly_for_a_heldout_loss_if_asked(
    corpus: Path, tmp_path: Path
) -> None:
    log = tmp_path / "run.jsonl"
    options = ("--loss", "ns", "--heldout", corpus, "--log-json", log, *SMALL)
    said = complaint("train", corpus, "-o", tmp_path / "m.safetensors", *options, code=2)
    assert "no probabilities" in said
    assert "--normalize-exactly" in said
    bare = ("--loss", "ns", "--normalize-exactly", *SMALL)
    said = complaint("train", corpus, "-o", tmp_path / "m.safetensors", *bare, code=2)
    assert "name one with --heldout" in said
    run("train", corpus, "-o", tmp_path / "m.safetensors", *options, "--normalize-exactly")
    (end,) = (
        one for one in map(json.loads, log.read_text().splitlines()) if one["type"] == "EpochEnd"
    )
    assert end["heldout_loss"] > 0


def test_vocab_prints_words_and_counts(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("b a b c\na b é\n", encoding="utf-8")
    assert run("vocab", text, "--min-count", "2").stdout == "b\t3\na\t2\n"
    assert run("vocab", text, "--min-count", "1").stdout == "b\t3\na\t2\nc\t1\né\t1\n"
    assert run("vocab", text, "--min-count", "1", "--max-vocab", "1").stdout == "b\t3\n"


def test_vocab_prints_words_that_the_terminal_could_not(tmp_path: Path) -> None:
    import os

    text = tmp_path / "text.txt"
    text.write_text("é é\n", encoding="utf-8")
    settings = {**os.environ, "PYTHONIOENCODING": "ascii"}
    assert run("vocab", text, "--min-count", "1", env=settings).stdout == "é\t2\n"


def wait_for_training(log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while not (log.exists() and "TrainingProgress" in log.read_text()):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [(signal.SIGINT, 130, b"hsw2v: interrupted"), (signal.SIGTERM, 143, b"hsw2v: terminated")],
)
def test_ctrl_c_ends_training_at_once_and_keeps_it(
    corpus: Path, tmp_path: Path, sent: signal.Signals, code: int, said: bytes
) -> None:
    cache, out = tmp_path / "cache", tmp_path / "out"
    cache.mkdir()
    out.mkdir()
    log = tmp_path / "run.jsonl"
    command = [sys.executable, "-m", "hsw2v", "train", str(corpus), "--epochs", "1000000"]
    command += ["-o", str(out / "m.safetensors"), "--cache-dir", str(cache)]
    command += ["--log-json", str(log)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        wait_for_training(log, process)
        start = time.monotonic()
        process.send_signal(sent)
        _, errors = process.communicate(timeout=30)
        seconds = time.monotonic() - start
    assert process.returncode == code
    assert seconds < 2
    kept = out / "m.safetensors.checkpoint"
    assert errors.splitlines()[-1] == said + b"; go on with: hsw2v resume " + bytes(kept)
    assert b"Traceback" not in errors
    assert names(cache) == []
    assert names(out) == [kept.name]
    assert set(names(kept)) == {"run", "corpus.ids", "state-1"}


def test_the_demo_has_text_to_train_on() -> None:
    sentences = standard_library_sentences()
    words = [word for _, sentence in zip(range(2000), sentences, strict=False) for word in sentence]
    assert len(words) > 10_000
    assert all(word.isalpha() and word == word.lower() for word in words)


def test_the_demo_does_not_replace_a_file_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "demo.safetensors").write_text("mine")
    assert "--force" in complaint("demo", cwd=tmp_path, code=7)
    assert (tmp_path / "demo.safetensors").read_text() == "mine"


def test_a_corpus_whose_name_is_not_utf8_makes_a_model(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.txt")
    try:
        corpus = write_corpus(tmp_path / name)
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    run("train", corpus, "-o", "m.safetensors", *SMALL, cwd=tmp_path)
    assert "caf\ufffd.txt" in hsw2v.load(tmp_path / "m.safetensors").info["origin"]
