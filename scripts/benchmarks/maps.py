"""Maps of words: how long they take, how true they are, and how fluid their pages; a picture."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hsw2v
from benchmarks import processes
from benchmarks.benchmark import ROUNDS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.records import Fields, Record, rounds

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
SIZE = {"width": 1280, "height": 800}
READY = "document.body.dataset.ready"
SECONDS = 4.0
"""Of each gesture."""
KEPT = 10
"""Nearest words of which it is counted how many are the nearest on the map."""
_COUNT_FRAMES = """() => {
  window.frames_drawn = 0;
  const count = () => { window.frames_drawn++; requestAnimationFrame(count); };
  requestAnimationFrame(count);
}"""


@contextmanager
def opened(page: Path, **settings: Any) -> Iterator[Page]:
    """Open a page in a headless Chromium, which draws without a graphics card.

    Raises:
        SystemExit: there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        sys.exit("no Chromium is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        shown = browser.new_context(viewport=SIZE, **settings).new_page()
        shown.goto(page.as_uri())
        shown.wait_for_function(READY, timeout=120_000)
        yield shown
        browser.close()


def frames(shown: Page, gesture: str) -> float:
    """Return the frames a second that are drawn while the map is dragged, or zoomed."""
    middle = SIZE["width"] / 2, SIZE["height"] / 2
    shown.mouse.move(*middle)
    if gesture == "drag":
        shown.mouse.down()
    before, begun = shown.evaluate("frames_drawn"), time.perf_counter()
    step = 0
    while time.perf_counter() - begun < SECONDS:
        step += 1
        if gesture == "drag":
            turn = step / 6
            shown.mouse.move(middle[0] + 200 * np.sin(turn), middle[1] + 120 * np.cos(turn))
        else:
            shown.mouse.wheel(0, -120 if step % 24 < 12 else 120)
    drawn = shown.evaluate("frames_drawn") - before
    seconds = time.perf_counter() - begun
    shown.mouse.up()
    return float(drawn / seconds)


def kept(path: Path) -> float:
    """Return the share of the nearest words of a table that are the nearest in the plane."""
    from pyarrow import parquet

    found = parquet.read_table(path)
    places = np.stack([found[one].to_numpy() for one in "xy"], axis=1).astype(np.float64)
    ids = np.array([one["ids"][:KEPT] for one in found["neighbors"].to_pylist()])
    share = [
        np.isin(near, _nearest(places, row)).mean() for row, near in enumerate(ids) if row % 10 == 0
    ]
    return float(np.mean(share))


def _nearest(places: NDArray[np.float64], row: int) -> NDArray[np.int64]:
    distances = ((places - places[row]) ** 2).sum(axis=1)
    distances[row] = np.inf
    return np.argpartition(distances, KEPT)[:KEPT]


def measure(given: Namespace, record: Record) -> None:
    """Make maps of a model, with as many words as are named, and look at them."""
    with tempfile.TemporaryDirectory() as name:
        page, words = Path(name, "map.html"), Path(name, "map.parquet")

        def work(key: Fields) -> Fields:
            command = [sys.executable, "-m", "hsw2v", "map", given.model, "--force", "--quiet"]
            command += ["--words", str(key["words"]), "-o", str(page), "-o", str(words)]
            made = processes.measure(command)
            begun = time.perf_counter()
            with opened(page) as shown:
                shown.evaluate("new Promise(requestAnimationFrame)")
                drawn = time.perf_counter() - begun
                shown.evaluate(_COUNT_FRAMES)
                fluid = {one: frames(shown, one) for one in ("drag", "zoom")}
            return {
                **{"seconds": made.seconds, "processor": made.processor},
                **{"peak_bytes": made.peak_bytes, "page_bytes": page.stat().st_size},
                **{"drawn": drawn, **fluid, "kept": kept(words)},
            }

        record.measure(rounds(given.rounds, words=given.words), work)


def render(record: Record, pages: Pages) -> str:
    """Return the table of maps by their words."""
    columns = {
        "seconds": ("seconds", 1.0, 1),
        "processor": ("processor time, s", 1.0, 1),
        "peak_bytes": ("memory, MB", 1e-6, 0),
        "kept": (f"of {KEPT} nearest, nearest on the map, %", 100.0, 1),
        "page_bytes": ("page, MB", 1e-6, 1),
        "drawn": ("until drawn, s", 1.0, 1),
        "drag": ("frames/s, dragged", 1.0, 0),
        "zoom": ("frames/s, zoomed", 1.0, 0),
    }
    rows = []
    for words, runs in record.groups("words").items():
        cells = (
            spread((scale * run[name] for run in runs), digits)
            for name, (_, scale, digits) in columns.items()
        )
        rows.append([f"{words:,}", *cells])
    return table(["words", *(heading for heading, *_ in columns.values())], rows)


def picture(model: str, words: int, word: str) -> bytes:
    """Return the page of a map of a model, a word marked, as PNG."""
    with tempfile.TemporaryDirectory() as name:
        page = Path(name, "map.html")
        hsw2v.load(model).map(words=words).save(page)
        with opened(page) as shown:
            shown.locator("#query").fill(word)
            shown.locator("#query").press("Enter")
            shown.locator("#all").click()
            shown.mouse.move(0, 0)
            shown.evaluate("document.activeElement.blur()")
            shown.wait_for_timeout(1000)
            return _smaller(shown.screenshot())


def _smaller(png: bytes) -> bytes:
    """Return a picture with 256 colours."""
    import io

    from PIL import Image

    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256).save(written, "PNG", optimize=True)
    return written.getvalue()


BENCHMARK = Benchmark(
    "map",
    "maps of words: time, truth, size, and how fluid their pages are (needs Chromium)",
    measure,
    render,
    (
        ("model", {"help": "a model, or vectors"}),
        option("--words", [5_000, 20_000, 50_000], help="of the maps (5000 20000 50000)"),
        ROUNDS,
    ),
    ("model",),
    ("hsw2v", "numpy", "openTSNE", "bokeh"),
)
