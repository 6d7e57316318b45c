"""Markdown: tables, and the blocks of a page that scripts fill in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def check(name: str, page: str | None) -> None:
    """Make sure, before anything is measured, that a page has the block of that name.

    Raises:
        SystemExit: it has not, or is not there.
    """
    if page:
        if not Path(page).is_file():
            sys.exit(f"{page}: is not a file; name a page that has a block '{name}'")
        fill(Path(page).read_text(encoding="utf-8"), name, "", page)


def publish(name: str, content: str, page: str | None) -> None:
    """Print what was measured, and put it into the block of that name in a page, if one is given.

    Raises:
        SystemExit: the page has no such block.
    """
    print(content)
    if page:
        path = Path(page)
        path.write_text(
            fill(path.read_text(encoding="utf-8"), name, content, page), encoding="utf-8"
        )


def fill(text: str, name: str, content: str, where: str) -> str:
    """Return a page with the content between `<!-- begin: name -->` and its end replaced."""
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        sys.exit(f"{where}: has no block '{name}'; add the lines {begin} and {end}")
    return f"{before}{begin}\n{content}\n{end}{after}"
