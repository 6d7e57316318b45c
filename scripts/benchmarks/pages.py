"""Markdown: tables, the blocks of pages that benchmarks fill in, and the drawings beside them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.records import Record
from hsw2v.plots import resolution

DPI, PALETTE = 100, 24
"""Pixels an inch and colours of a drawing: small files that are still read with ease."""
TITLES = {"skipgram": "Skip-gram", "cbow": "CBOW"}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table: the first column to the left, the others to the right."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [header, rule, *rows])


def spread(
    figures: Iterable[float | None],
    digits: int,
    middle: Callable[[list[float]], float] = statistics.median,
) -> str:
    """Return the median, or another mean, with the least and the most where they differ."""
    known = [one for one in figures if one is not None]
    if not known:
        return "-"
    shown, least, most = (f"{one:.{digits}f}" for one in (middle(known), min(known), max(known)))
    return shown if least == most else f"{shown} ({least}–{most})"


def deviating(figures: Iterable[float], digits: int) -> str:
    """Return the mean and, of more than one figure, the standard deviation."""
    known = list(figures)
    mean = f"{statistics.fmean(known):.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ± {statistics.stdev(known):.{digits}f}"


def ratios(dividends: Iterable[float], divisors: Iterable[float]) -> str:
    """Return the spread of the ratios of each round; the last one may be incomplete."""
    return spread((a / b for a, b in zip(dividends, divisors, strict=False)), 2)


def heading(record: Record) -> str:
    """Return where a record was measured, of what, and by which command."""
    lines = [f"Measured on: {record.machine}.", f"Versions: {record.versions}."]
    lines += [f"Text: {record.setting['text']}."] if "text" in record.setting else []
    return "  \n".join(lines) + f"\n\n    {record.command}"


class Pages:
    """The pages of a folder, or none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def check(self, names: Iterable[str]) -> None:
        """Make sure, before anything is measured, that some page has each of these blocks.

        Raises:
            SystemExit: none has.
        """
        for name in names if self._folder else ():
            self._page_with(name)

    def publish(self, name: str, content: str) -> None:
        """Print what was measured, and put it into the block of that name.

        Raises:
            SystemExit: no page has such a block.
        """
        print(content)
        if self._folder:
            page = self._page_with(name)
            before, begin, rest = page.read_text(encoding="utf-8").partition(_begin(name))
            _, end, after = rest.partition(_end(name))
            page.write_text(f"{before}{begin}\n{content}\n{end}{after}", encoding="utf-8")

    def show(self, name: str, about: str, draw: Callable[..., None], *what: Any) -> str:
        """Let `draw(path, *what)` make a PNG beside the pages; return what shows it in a page."""
        if self._folder:
            from PIL import Image

            path = self._folder / "images" / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            with resolution(DPI):
                draw(path, *what)
            with Image.open(path) as drawn:
                few = drawn.convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)
            few.save(path, optimize=True)
        return f"![{about}](images/{name}.png)"

    def _page_with(self, name: str) -> Path:
        assert self._folder
        for page in sorted(self._folder.glob("*.md")):
            text = page.read_text(encoding="utf-8")
            if _end(name) in text.partition(_begin(name))[2]:
                return page
        sys.exit(
            f"{self._folder}: no page has a block '{name}'; "
            f"add the lines {_begin(name)} and {_end(name)} to one"
        )


def _begin(name: str) -> str:
    return f"<!-- begin: {name} -->"


def _end(name: str) -> str:
    return f"<!-- end: {name} -->"
