"""The command line as a user runs it."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hsw2v
from hsw2v.cli.outcome import exit_code_of
from hsw2v.cli.program import program
from hsw2v.corpus.vocabulary import Vocabulary

SCRIPTS = Path(__file__).parent.parent / "scripts"
WORDS = ["king", "queen", "man", "woman", "prince", "apple", "pear", "naïve"]


def run(
    *arguments: object,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    code: int = 0,
    **process: Any,
) -> subprocess.CompletedProcess[str]:
    """Run `hsw2v` with these arguments and make sure how it ends.

    It runs in this process, since a new one would take most of the time; if more is said of the
    `process`, as to `subprocess.run`, it has one of its own.
    """
    given = [os.fspath(_text(argument)) for argument in arguments]
    sent = stdin.encode() if isinstance(stdin, str) else stdin
    result = _run_apart(given, sent, cwd, process) if process else run_here(given, sent, cwd)
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    return result


def run_here(
    arguments: list[str], stdin: bytes, cwd: Path | None
) -> subprocess.CompletedProcess[str]:
    """Run `hsw2v` in this process, however it ends."""

    def command() -> None:
        with program.make_context("hsw2v", list(arguments)) as context:
            program.invoke(context)

    names, before = ("stdin", "stdout", "stderr"), signal.getsignal(signal.SIGTERM)
    streams = [io.TextIOWrapper(io.BytesIO(sent), "utf-8") for sent in (stdin, b"", b"")]
    theirs = [getattr(sys, name) for name in names]
    try:
        with contextlib.chdir(cwd or os.getcwd()):
            for name, stream in zip(names, streams, strict=True):
                setattr(sys, name, stream)
            code = exit_code_of(command)
    finally:
        for name, stream in zip(names, theirs, strict=True):
            setattr(sys, name, stream)
        signal.signal(signal.SIGTERM, before)
        # Training leaves it out; a map in this process needs it.
        if sys.modules.get("scipy", sys) is None:
            del sys.modules["scipy"]
    for stream in streams:
        stream.flush()
    written = [stream.buffer.getvalue().decode() for stream in streams[1:]]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, code, *written)


def _run_apart(
    arguments: list[str], stdin: bytes, cwd: Path | None, process: dict[str, Any]
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "hsw2v", *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        timeout=300,
        check=False,
        **process,
    )
    written = done.stdout.decode(), done.stderr.decode()
    return subprocess.CompletedProcess(done.args, done.returncode, *written)


def _text(argument: object) -> str:
    return argument if isinstance(argument, str) else str(argument)


def complaint(*arguments: object, code: int, **settings: Any) -> str:
    """Run `hsw2v`, make sure that it ends in one sentence and this code, and return it."""
    result = run(*arguments, code=code, **settings)
    assert "Traceback" not in result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("hsw2v: ")
    return lines[0].removeprefix("hsw2v: ")


def run_script(
    script: str, *arguments: object, code: int = 0, seconds: int = 300
) -> subprocess.CompletedProcess[str]:
    """Run one of the project's scripts and make sure how it ends."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def write_model(path: Path) -> Path:
    """Write a small model in which king - man + woman is queen."""
    vectors = np.array(
        [
            [1, 1, 0, 0],
            [1, -1, 0, 0],
            [0.2, 1, 0, 0.1],
            [0.2, -1, 0, 0.1],
            [1, 0.9, 0.1, 0],
            [0, 0, 1, 0.1],
            [0, 0, 1, -0.1],
            [0.1, 0, 0.5, 1],
        ],
        np.float32,
    )
    counts = np.arange(len(WORDS), 0, -1) * 10
    hsw2v.Model(Vocabulary.from_words(WORDS, counts), vectors).save(path)
    return path


def write_corpus(path: Path, sentences: int = 300) -> Path:
    """Write sentences whose words come from one of two groups."""
    draw = random.Random(1)
    groups = [[f"{letter}{number}" for number in range(8)] for letter in "ab"]
    lines = (" ".join(draw.choices(draw.choice(groups), k=10)) for _ in range(sentences))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def on_terminal(
    *arguments: object,
    stream: str = "stdout",
    columns: int = 100,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
) -> str:
    """Run `hsw2v` with a terminal as its output or "stderr", and return what that shows."""
    pty = pytest.importorskip("pty")
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "hsw2v", *map(str, arguments)]
    streams: dict[str, Any] = {stream: follower}
    with subprocess.Popen(command, **streams, cwd=cwd, env=env) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65_536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
    os.close(leader)
    assert process.returncode == 0
    return shown.decode()
