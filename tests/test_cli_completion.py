"""Completion: what shells ask for, and real shells that ask."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run, write_corpus, write_model
from test_architecture import imported_by

import hsw2v
from hsw2v.cli import model_words
from hsw2v.cli.completion import SHELLS, VARIABLE, complete
from hsw2v.cli.model_words import words_beginning
from hsw2v.cli.program import program
from hsw2v.corpus.vocabulary import Vocabulary


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a text and a model, which is the current one."""
    write_corpus(tmp_path / "corpus.txt")
    write_model(tmp_path / "m.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asked:
    return Asked(monkeypatch, capsys)


class Asked:
    """Asks as bash does for what the last word of a line may become."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._caught = monkeypatch, capsys

    def __call__(self, line: str, shell: str = "bash") -> list[str]:
        last = line.split(" ")[-1]
        self._patch.setenv("COMP_WORDS", line)
        count = len(shlex.split(line)) - bool(last)
        self._patch.setenv("COMP_CWORD", last if shell == "fish" else str(count))
        complete(program, f"{shell}_complete")
        out, err = self._caught.readouterr()
        assert err == ""
        return out.split()


def test_commands_options_and_choices_are_completed(asked: Asked) -> None:
    assert asked("hsw2v tr") == ["plain,train", "plain,tree"]
    assert asked("hsw2v similari") == ["plain,similarity"]
    assert set(asked("hsw2v train --phrase-")) == {
        *("plain,--phrase-threshold", "plain,--phrase-min-count", "plain,--phrase-scoring"),
        "plain,--phrase-delimiter",
    }
    assert asked("hsw2v train c.txt --model ") == ["plain,skipgram", "plain,cbow"]
    assert asked("hsw2v train c.txt --optimizer ad") == ["plain,adagrad", "plain,adam"]
    assert asked("hsw2v completion z") == ["plain,zsh"]
    assert "plain,--help-all" in asked("hsw2v train --help")
    assert asked("hsw2v similar --help") == ["plain,--help"]


def test_values_after_an_equals_sign_are_completed(asked: Asked) -> None:
    # bash has = as a word of its own.
    assert asked("hsw2v train --model = sk") == ["plain,skipgram"]
    assert asked("hsw2v train --model=sk", "fish") == ["plain,--model=skipgram"]
    assert asked("hsw2v train --model=sk", "zsh") == ["plain", "--model=skipgram", "_"]
    assert asked("hsw2v train --output=c", "fish") == []


def test_texts_are_completed_as_files(asked: Asked) -> None:
    for line in ("train c", "train a b c", "train --config c", "train -o c", "similar c", "train "):
        word = line.split(" ")[-1]
        assert asked(f"hsw2v {line}") == [f"file,{word}"]
    assert asked("hsw2v evaluate m --pairs a.tsv b") == ["file,b"]
    assert asked("hsw2v train --dim 1") == []
    assert asked("hsw2v train --tree h") == ["plain,huffman"]
    assert asked("hsw2v train --tree my") == ["file,my"]


def test_words_of_the_model_are_completed(asked: Asked, folder: Path) -> None:
    assert asked("hsw2v similar m.safetensors p") == ["plain,prince", "plain,pear"]
    assert asked("hsw2v similar m.safetensors king que") == ["plain,queen"]
    assert asked("hsw2v analogy m.safetensors man king wo") == ["plain,woman"]
    assert asked("hsw2v similar m.safetensors naï") == ["plain,naïve"]
    assert asked("hsw2v similar m.safetensors ")[:2] == ["plain,king", "plain,queen"]
    assert asked("hsw2v similar m.safetensors xyz") == []


def test_words_of_a_model_at_home_are_completed(
    asked: Asked, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    assert asked("hsw2v similar ~/m.safetensors que") == ["plain,queen"]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff" * 100, b"10 3\nking 1 2 3\n"])
def test_a_file_that_is_no_model_has_no_words(asked: Asked, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    assert asked(f"hsw2v similar {tmp_path}/bad ki") == []
    assert asked(f"hsw2v similar {tmp_path}/absent ki") == []
    assert asked(f"hsw2v similar {tmp_path} ki") == []


def test_a_model_cut_anywhere_gives_words_or_none(asked: Asked, folder: Path) -> None:
    whole = (folder / "m.safetensors").read_bytes()
    for end in range(0, len(whole), 97):
        (folder / "cut").write_bytes(whole[:end])
        assert asked("hsw2v similar cut que") in ([], ["plain,queen"])


def test_words_that_a_shell_would_not_take_are_left_out(asked: Asked, tmp_path: Path) -> None:
    words = ["a", "a b", "a'b", "a$b", "a*", "a;b", "a\x1b[2J", "a:b", "a-b", "a/b", "a.b", "añ"]
    vectors = np.eye(len(words), dtype=np.float32)
    hsw2v.Model(Vocabulary.from_words(words, range(20, 20 - len(words), -1)), vectors).save(
        tmp_path / "m"
    )
    found = asked(f"hsw2v similar {tmp_path}/m a")
    assert found == [f"plain,{word}" for word in ("a", "a-b", "a/b", "a.b", "añ")]


def test_the_most_frequent_words_that_begin_so_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    words = list(
        dict.fromkeys("".join(rng.choice(list("abé"), rng.integers(1, 7))) for _ in range(800))
    )
    vectors = rng.random((len(words), 2), np.float32)
    hsw2v.Model(Vocabulary.from_words(words, range(len(words), 0, -1)), vectors).save(
        tmp_path / "m"
    )
    for prefix in ("", "a", "b", "ab", "é", "éa", "aaa", "bababa", "aaaaaaaa", "c"):
        expected = [word for word in words if word.startswith(prefix)]
        for count in (1, 5, 1000):
            assert words_beginning(str(tmp_path / "m"), prefix, count) == expected[:count]


def test_a_search_for_words_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "m")
    monkeypatch.setattr(model_words, "_SECONDS", 0.0)
    assert words_beginning(str(tmp_path / "m"), "k", 10) == []


@pytest.mark.parametrize("instruction", ["", "bash", "tcsh_complete", "bash_x"])
def test_what_no_shell_asks_is_not_answered(
    instruction: str, capsys: pytest.CaptureFixture[str]
) -> None:
    complete(program, instruction)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("line", ["hsw2v nosuch ", "hsw2v train --nosuch x ", "hsw2v 'unclosed "])
def test_a_line_that_is_wrong_gives_no_error(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", "9")
    complete(program, "bash_complete")
    assert capsys.readouterr().err == ""


def test_completion_imports_nothing_heavy(folder: Path) -> None:
    code = """
import os
os.environ |= dict(COMP_WORDS="hsw2v similar m.safetensors ki", COMP_CWORD="3")
from hsw2v.cli.completion import complete
from hsw2v.cli.program import program
complete(program, "bash_complete")
"""
    heavy = {"numba", "numpy", "cloup", "safetensors", "orjson", "tqdm", "smart_open"}
    assert imported_by(code).isdisjoint(heavy)


def test_a_script_is_printed_for_each_shell_and_no_other() -> None:
    for shell in SHELLS:
        script = run("completion", shell).stdout
        assert run(env={**os.environ, VARIABLE: f"{shell}_source"}).stdout == script
        assert VARIABLE in script
        assert f"{shell}_complete" in script
    assert "tcsh" in complaint("completion", "tcsh", code=2)


@pytest.fixture
def shell_environment(folder: Path) -> dict[str, str]:
    """An environment in which `hsw2v` is a command."""
    bin = folder / "bin"
    bin.mkdir()
    command = bin / "hsw2v"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hsw2v "$@"\n')
    command.chmod(0o755)
    package = str(Path(hsw2v.__file__).parent.parent)
    return {
        **os.environ,
        "PATH": f"{bin}:{os.environ['PATH']}",
        "PYTHONPATH": package,
        "LC_ALL": "C",
    }


def by_shell(shell: str, code: str, environment: dict[str, str]) -> list[str]:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell}")
    done = subprocess.run(
        [shell, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes(shell_environment: dict[str, str]) -> None:
    # Without a keyboard there is no `compopt`, which has bash complete files.
    code = """
compopt() { echo "$@"; }
eval "$(hsw2v completion bash)"
complete -p hsw2v
COMP_WORDS=(hsw2v similar m.safetensors na) COMP_CWORD=3
_hsw2v_completion hsw2v na m.safetensors; echo "${COMPREPLY[@]}"; COMPREPLY=()
COMP_WORDS=(hsw2v train --config c) COMP_CWORD=3
_hsw2v_completion hsw2v c --config; echo "${COMPREPLY[@]}"
"""
    found = by_shell("bash", code, shell_environment)
    assert found == [
        *["complete", "-o", "nosort", "-F", "_hsw2v_completion", "hsw2v"],
        "naïve",
        "-o",
        "default",
    ]


def test_fish_completes(shell_environment: dict[str, str]) -> None:
    code = """
hsw2v completion fish | source
complete -C 'hsw2v similar m.safetensors p'
complete -C 'hsw2v train --config c'
complete -C 'hsw2v train --model '
"""
    found = by_shell("fish", code, shell_environment)
    assert set(found) == {"prince", "pear", "corpus.txt", "skipgram", "cbow"}
