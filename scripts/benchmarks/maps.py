"""Maps of words: how long they take, how true they are, and how fluid their pages; a picture."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
import warnings
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import hsw2v
from benchmarks import processes
from benchmarks.benchmark import ROUNDS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.records import Fields, Record, rounds
from hsw2v.maps.making import neighbours_of
from hsw2v.maps.positions import NEIGHBOURS
from hsw2v.query.neighbours import unit_rows

if TYPE_CHECKING:
    from playwright.sync_api import Page

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run")
SIZE = {"width": 1280, "height": 800}
READY = "document.body.dataset.ready"
SECONDS = 4.0
"""Of each gesture."""
KEPT = 10
"""Nearest words of which it is counted how many are the nearest on the map."""
EVERY = 10
"""Of the words, one in so many is looked at."""
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


def kept_by_table(path: Path) -> float:
    """Return `kept` of a table of a map."""
    from pyarrow import parquet

    found = parquet.read_table(path)
    places = np.stack([found[one].to_numpy() for one in "xy"], axis=1)
    return kept(places, np.array([one["ids"] for one in found["neighbors"].to_pylist()]))


def kept(places: NDArray[np.float32], neighbours: NDArray[np.int64]) -> float:
    """Return the share of the nearest words that are the nearest in the plane, of a sample."""
    places = places.astype(np.float64)
    share = [
        np.isin(near[:KEPT], _nearest(places, row)).mean()
        for row, near in enumerate(neighbours)
        if row % EVERY == 0
    ]
    return float(np.mean(share))


def by_umap(model: str, words: int) -> Fields:
    """Return what UMAP takes, its import among it, and keeps of the same neighbours."""
    unit = unit_rows(hsw2v.load(model).vectors[:words])
    near, cosines = neighbours_of(unit, NEIGHBOURS)
    begun = time.process_time()
    from umap import UMAP

    # With itself, as UMAP has it.
    own = np.arange(len(unit))[:, None], np.zeros((len(unit), 1), np.float32)
    indexes, distances = np.hstack((own[0], near)), np.hstack((own[1], 1 - cosines))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = UMAP(
            n_neighbors=NEIGHBOURS + 1,
            metric="cosine",
            precomputed_knn=(indexes, distances, None),
        ).fit_transform(unit)
    return {"umap_processor": time.process_time() - begun, "umap_kept": kept(places, near)}


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
            command += ["--top", str(key["words"]), "-o", str(page), "-o", str(words)]
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
                **{"drawn": drawn, **fluid, "kept": kept_by_table(words)},
                **(by_umap(given.model, key["words"]) if find_spec("umap") else {}),
            }

        record.measure(rounds(given.rounds, words=given.words), work)


def render(record: Record, pages: Pages) -> str:
    """Return the table of maps by their words."""
    columns = {
        "seconds": ("seconds", 1.0, 1),
        "processor": ("processor time, s", 1.0, 1),
        "peak_bytes": ("memory, MB", 1e-6, 0),
        "kept": (f"of {KEPT} nearest, nearest on the map, %", 100.0, 1),
        "umap_processor": ("UMAP, processor time, s", 1.0, 1),
        "umap_kept": ("kept by UMAP, %", 100.0, 1),
        "page_bytes": ("page, MB", 1e-6, 1),
        "drawn": ("until drawn, s", 1.0, 1),
        "drag": ("frames/s, dragged", 1.0, 0),
        "zoom": ("frames/s, zoomed", 1.0, 0),
    }
    columns = {one: column for one, column in columns.items() if one in record.runs[0]}
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
        hsw2v.load(model).map(top=words).save(page)
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
