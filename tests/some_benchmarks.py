"""scripts/bench as a user runs it, and what it writes."""

from __future__ import annotations

import subprocess
from pathlib import Path

from commandline import SCRIPTS, run_script
from PIL import Image

DOCS = SCRIPTS.parent / "docs"


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
