"""Compiled code is kept where it can be trusted, or not at all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hsw2v import jit


def test_code_is_kept_in_a_folder_named_by_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    before = jit.cache_folder()
    assert before is not None
    assert before.parent == tmp_path
    monkeypatch.setattr(jit, "_COMPILED_SOURCES", ("jit.py",))
    assert jit.cache_folder() != before


def test_a_folder_that_cannot_be_written_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = jit.cache_folder()
    assert found is not None
    assert found.parent == tmp_path / "cache" / "hsw2v"


def test_without_any_folder_code_runs_all_the_same(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    places = dict.fromkeys(("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"), str(blocked))
    program = (
        "import tempfile; tempfile.gettempdir = lambda: " + repr(str(blocked)) + "\n"
        "from hsw2v.trees.huffman import huffman\n"
        "print(len(huffman([1.0, 2.0, 3.0])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "3\n", done.stderr


QUESTION = """
import numpy as np
from hsw2v.kernels.output.negative import alias_table
print(alias_table(np.array([1.0, 3.0, 2.0]))[:, 1].tolist(), len(alias_table.stats.cache_hits))
"""


def test_the_cache_of_compiled_code_is_dispensable(tmp_path: Path) -> None:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def ask(**options: Any) -> str:
        command = [sys.executable, "-c", QUESTION]
        done = subprocess.run(command, env=env, capture_output=True, text=True, **options)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def no_file_grows() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    # A disk that is full, then an empty one, one whose files are truncated, and a whole one.
    assert ask(preexec_fn=no_file_grows).endswith("] 0\n")
    first = ask()
    assert first.endswith("] 0\n")
    kept = list(tmp_path.rglob("*.nb?"))
    assert kept
    assert ask().endswith("] 1\n")
    for pattern in ("*.nbi", "*.nbc"):
        for path in tmp_path.rglob(pattern):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert ask() == first
        assert ask().endswith("] 1\n")
