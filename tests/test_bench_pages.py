"""Figures are kept, and pages are what their records make of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.records import Record, rounds
from PIL import Image
from some_benchmarks import DOCS, bench, block, drawn

from hsw2v.plots import PANEL, figure_file, resolution

RECORDED = {
    "hierarchical-softmax.md": (
        *("time-per-word", "layers", "rates", "remedies", "decisions", "gradients", "course"),
        "trees-and-sampling",
    ),
    "trees.md": (
        *("trees", "trees-half", "trees-300"),
        *("two-trees", "two-trees-half", "two-trees-300"),
    ),
    "machines.md": ("workers", "rounds", "rules", "spark", "machines"),
    "performance.md": ("tables", "cores", "formats"),
    "texts.md": ("initial",),
    "graphs.md": ("graphs",),
    "phrases.md": ("phrases",),
    "subwords.md": ("subwords", "subwords-cores"),
    "map.md": ("map",),
    "vectors.md": ("changes", "sentences", "index", "dtypes"),
}
OTHERS = {
    "performance.md": (
        *("compare", "threads", "start", "vocabulary", "dimensions", "tokenizer", "queries"),
        "kernel",
    ),
    "trees.md": ("rebuilding",),
}
"""Blocks whose figures are in the page alone."""


def test_figures_of_another_setting_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "some.json"

    def begun(machine: str = "m", **setting: object) -> Record:
        record = Record(path, "some", machine, "v", "c", setting, [])
        record.go_on()
        return record

    begun(threads=1).measure([{"round": 1}, {"round": 2}], lambda key: {"seconds": key["round"]})
    begun(threads=1).measure([{"round": 2}, {"round": 3}], lambda key: {"seconds": 9})
    assert [run["seconds"] for run in Record.load(path).runs] == [1, 2, 9]
    with pytest.raises(SystemExit, match="measured with other machine, threads"):
        begun("n", threads=2)


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_was_measured_is_kept_when_a_run_fails(tmp_path: Path, jobs: int) -> None:
    record = Record(tmp_path / "some.json", "some", "m", "v", "c", {}, [])

    def work(key: dict[str, int]) -> dict[str, list[int]] | None:
        return {"figures": [1, 2, 3 // (3 - key["round"])]} if key["round"] != 2 else None

    with pytest.raises(ZeroDivisionError):
        record.measure(rounds(3), work, jobs)
    assert Record.load(record.path).runs == [{"round": 1, "figures": [1, 2, 1]}]
    assert record.missing(rounds(3)) == [{"round": 2}, {"round": 3}]


def test_a_page_without_the_block_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n", encoding="utf-8")
    record = tmp_path / "vocabulary.json"
    done = bench("vocabulary", "--record", record, "--write", tmp_path, code=1)
    assert "no page has a block 'vocabulary'" in done.stderr
    # Nothing was measured in vain.
    assert "generating" not in done.stderr
    assert not record.exists()
    assert page.read_text(encoding="utf-8") == "# Page\n"


@pytest.mark.parametrize(("name", "blocks"), OTHERS.items())
def test_every_block_of_a_page_is_one_that_a_script_fills_in(
    name: str, blocks: tuple[str, ...]
) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    for one in blocks:
        assert page.count(f"<!-- begin: {one} -->") == page.count(f"<!-- end: {one} -->") == 1
        content = block(DOCS / name, one).strip()
        assert content == "Not measured yet." or content.startswith("Measured on: ")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages without what is in the blocks of a record, filled in from all records."""
    folder = tmp_path_factory.mktemp("docs")
    for name, blocks in RECORDED.items():
        text = "".join(f"<!-- begin: {one} -->\n<!-- end: {one} -->\n" for one in blocks)
        (folder / name).write_text(text, encoding="utf-8")
    bench("render", "--write", folder)
    return folder


@pytest.mark.parametrize("name", RECORDED)
def test_a_page_is_what_its_records_make_of_it(rendered: Path, name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    for one in RECORDED[name]:
        assert text.count(f"<!-- begin: {one} -->") == text.count(f"<!-- end: {one} -->") == 1
        made = block(rendered / name, one).strip()
        assert made.startswith("Measured on: ")
        assert block(DOCS / name, one).strip() == made


def test_the_drawings_of_the_pages_are_those_of_its_records(rendered: Path) -> None:
    made = drawn(*(rendered / name for name in RECORDED))
    # These are pictures of pages, by `scripts/bench draw-map` and `scripts/screenshots`.
    kept = {one.name for one in (DOCS / "images").glob("*.png")} - {"map.png", "explore.png"}
    assert made == sorted(kept)


def test_drawings_have_fewer_pixels_within_a_resolution(tmp_path: Path) -> None:
    def width(name: str) -> int:
        with figure_file(tmp_path / name):
            pass
        with Image.open(tmp_path / name) as drawing:
            return drawing.width

    with resolution(40):
        assert width("small.png") == round(PANEL[0] * 40)
    assert width("usual.png") == round(PANEL[0] * 160)
