"""scripts/bench as a user runs it, and what it writes."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from commandline import SCRIPTS
from PIL import Image

DOCS = SCRIPTS.parent / "docs"


@cache
def script() -> ModuleType:
    """Return scripts/bench as a module."""
    loader = SourceFileLoader("bench", str(SCRIPTS / "bench"))
    spec = spec_from_loader("bench", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def bench(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run it in this process, since a new one would import for a second, and see how it ends."""
    given = [str(SCRIPTS / "bench"), *map(str, arguments)]
    out, err = io.StringIO(), io.StringIO()
    ended: object = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", given)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                script().main()
            except SystemExit as exit:
                ended = exit.code or 0
    if isinstance(ended, str):
        print(ended, file=err)
        ended = 1
    assert ended == code, err.getvalue()
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())


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


def block(page: Path, name: str) -> str:
    """Return what is in a block of a page."""
    text = page.read_text(encoding="utf-8")
    return text.split(f"<!-- begin: {name} -->")[1].split(f"<!-- end: {name} -->")[0]


def drawn(*pages: Path) -> list[str]:
    """Return the drawings beside pages, all of which these show, and which are small."""
    figures = sorted((pages[0].parent / "images").iterdir())
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for one in figures:
        with Image.open(one) as drawing:
            drawing.load()
            assert (drawing.format, drawing.mode) == ("PNG", "P")
        assert one.stat().st_size < 60_000
        assert f"](images/{one.name})" in text
    return [one.name for one in figures]
