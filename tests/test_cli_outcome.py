"""How a command ends, whatever happens in it."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from commandline import on_terminal, write_corpus

from hsw2v.cli import outcome
from hsw2v.cli.outcome import exit_code_of
from hsw2v.errors import UnknownWordError, UsageError


@pytest.fixture(autouse=True)
def _process_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcome, "_prepare_process", lambda: None)


def ending(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def command() -> None:
        raise error

    code = exit_code_of(command)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UnknownWordError("not there: 'kong'"), 11, "hsw2v: not there: 'kong'\n"),
        (KeyboardInterrupt(), 130, "hsw2v: interrupted\n"),
        (BrokenPipeError(), 141, ""),
        (
            OSError(errno.ENOSPC, "No space left on device", "big.txt"),
            9,
            "hsw2v: big.txt: cannot be written (No space left on device); "
            "make room, or write elsewhere\n",
        ),
    ],
)
def test_an_error_has_its_code_and_sentence(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ending(error, capsys) == (code, said)


def test_an_interrupted_import_is_no_missing_package(capsys: pytest.CaptureFixture[str]) -> None:
    error = UsageError("needs a package that is not installed")
    error.__cause__ = ImportError("initialization failed")
    error.__cause__.__cause__ = KeyboardInterrupt()
    assert ending(error, capsys) == (130, "hsw2v: interrupted\n")


def test_no_memory_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ending(MemoryError("Unable to allocate 9 TiB"), capsys)
    assert code == 13
    assert said.startswith("hsw2v: not enough memory (Unable to allocate 9 TiB); ")


def test_a_mistake_of_ours_shows_its_traceback_and_asks_for_a_report(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = ending(AttributeError("oops"), capsys)
    assert code == 1
    assert said.startswith("Traceback")
    assert "please report it" in said.splitlines()[-1]


def test_on_a_terminal_training_shows_a_bar(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus.txt")
    options = ("--epochs", 50)
    text = on_terminal("train", corpus, *options, stream="stderr", columns=120, cwd=tmp_path)
    assert "% |" in text
    assert "reading: " in text
    assert "corpus.safetensors: 16 words" in text.splitlines()[-1]
