"""The page of a map in a browser: it draws, finds, tells and colours."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.pages.document import json_text, page

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<!--",
    "שלום",
    "مرحبا",
    "🦊",
    "\"quoted'",
    "\u2028",
    "a b",
    "constructor",
    "__proto__",
    "50%",
    "x" * 3_000,
]
COUNT = 300


def some_words() -> list[str]:
    return [*HOSTILE, *(f"word{row}" for row in range(COUNT - len(HOSTILE)))]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(4)
    vectors = rng.normal(scale=0.3, size=(COUNT, 8))
    vectors[np.arange(COUNT), np.arange(COUNT) % 4] += 1.0
    vocabulary = Vocabulary.from_words(some_words(), range(20 * COUNT, 19 * COUNT, -1))
    model = hsw2v.Model(vocabulary, vectors)
    model.name = "<b>odd & name"
    (written,) = model.map(branches=(4, 16)).save(tmp_path_factory.mktemp("map") / "m.html")
    return Path(written)


@pytest.fixture
def shown(visit: Callable[[Path], Page], path: Path) -> Page:
    found = visit(path)
    found.wait_for_function("document.body.dataset.ready")
    return found


def search(shown: Page, text: str) -> None:
    shown.locator("#query").fill(text)
    shown.locator("#query").press("Enter")


def pixels(shown: Page) -> bytes:
    shown.wait_for_timeout(250)
    return shown.locator("#plot").screenshot()


def spot(shown: Page, word: str) -> tuple[float, float]:
    """Return where a word is on the screen, by the ranges of the figure."""
    x, y = shown.evaluate(
        """(word) => {
          const map = JSON.parse(document.getElementById("map").textContent);
          const of = (one) => new Float32Array(
            Uint8Array.from(atob(one.data), (letter) => letter.charCodeAt(0)).buffer);
          const plot = Bokeh.documents[0].get_model_by_name("plot");
          const row = map.words.indexOf(word);
          const box = document.getElementById("plot").getBoundingClientRect();
          const share = (value, range) => (value - range.start) / (range.end - range.start);
          return [
            box.left + share(of(map.x)[row], plot.x_range) * box.width,
            box.top + (1 - share(of(map.y)[row], plot.y_range)) * box.height,
          ];
        }""",
        word,
    )
    return x, y


def test_a_word_is_found_and_told_with_its_neighbours(shown: Page, path: Path) -> None:
    before = pixels(shown)
    search(shown, "word7")
    assert shown.locator("#word").inner_text() == "word7"
    row = some_words().index("word7")
    assert (
        shown.locator("#facts").inner_text()
        == f"{20 * COUNT - row:,} times, word {row + 1} of {COUNT}"
    )
    assert shown.locator("#path button").count() == 2
    near = shown.locator("#neighbours li")
    assert near.count() == 10
    similarities = [float(one) for one in shown.locator("#neighbours .number").all_inner_texts()]
    assert similarities == sorted(similarities, reverse=True)
    assert pixels(shown) != before
    first = near.locator("button").first
    name = first.text_content()
    first.click()
    assert shown.locator("#word").text_content() == name
    shown.locator("#close").click()
    assert shown.locator("#panel").is_hidden()


def test_the_search_offers_words_and_says_what_is_missing(shown: Page) -> None:
    shown.locator("#query").fill("word1")
    offers = shown.locator("#matches option")
    assert offers.count() == 12
    assert offers.first.get_attribute("value") == "word1"
    search(shown, "WORD12")
    assert shown.locator("#word").inner_text() == "word12"
    search(shown, "nowhere")
    assert "not on this map" in shown.locator("#said").inner_text()


def test_hostile_words_are_words(shown: Page) -> None:
    for word in HOSTILE:
        search(shown, word)
        assert shown.locator("#word").text_content() == word
        assert shown.title() == "Map of <b>odd & name"


def test_the_pointer_tells_of_a_word(shown: Page) -> None:
    shown.mouse.move(*spot(shown, "word9"))
    tip = shown.locator("#tip")
    assert tip.is_visible()
    word = tip.locator("b").inner_text()
    assert word in some_words()
    assert re.search(r"[\d,]+ times, word \d+ of 300", tip.inner_text())
    shown.mouse.click(*spot(shown, "word9"))
    shown.wait_for_function("!document.getElementById('panel').hidden")
    assert shown.locator("#word").inner_text() == word


def test_colours_are_those_of_branches_or_of_frequency(shown: Page) -> None:
    choices = shown.locator("#colour option").all_inner_texts()
    assert choices == ["4 branches", "16 branches", "frequency"]
    colours = "new Set(Bokeh.documents[0].get_model_by_name('points').data.color).size"
    assert shown.evaluate(colours) == 4
    shown.locator("#colour").select_option("16 branches")
    assert shown.evaluate(colours) == 16
    assert shown.locator("#legend").is_hidden()
    shown.locator("#colour").select_option("frequency")
    assert shown.evaluate(colours) > 20
    assert shown.locator("#legend").is_visible()
    search(shown, "word3")
    shown.locator("#path button").first.click()
    assert shown.locator("#colour").input_value() == "0"
    assert shown.evaluate(colours) == 2


def test_keys_zoom_and_move(shown: Page) -> None:
    width = """() => {
      const range = Bokeh.documents[0].get_model_by_name("plot").x_range;
      return range.end - range.start;
    }"""
    whole = shown.evaluate(width)
    shown.locator("#plot").focus()
    shown.keyboard.press("+")
    assert shown.evaluate(width) == pytest.approx(whole / 1.5)
    shown.keyboard.press("ArrowLeft")
    shown.keyboard.press("0")
    assert shown.evaluate(width) == pytest.approx(whole)
    shown.keyboard.press("/")
    shown.keyboard.type("word5")
    shown.keyboard.press("Enter")
    assert shown.locator("#word").inner_text() == "word5"


def test_a_link_opens_the_map_at_a_word(visit: Callable[[str], Page], path: Path) -> None:
    found = visit(f"{path.resolve().as_uri()}#word21")
    found.wait_for_function("document.body.dataset.ready")
    assert found.locator("#word").inner_text() == "word21"
    assert found.locator("#told").inner_text().startswith("word21: ")
    found.evaluate("location.hash = '50%'")
    assert found.locator("#word").inner_text() == "50%"
    found.goto(f"{path.resolve().as_uri()}#100%")
    found.reload()
    found.wait_for_function("document.body.dataset.ready")
    assert found.locator("#panel").is_hidden()


def test_it_works_within_another_page(
    visit: Callable[[Path], Page], path: Path, tmp_path: Path
) -> None:
    document = escape(path.read_text(encoding="utf-8"))
    around = tmp_path / "around.html"
    around.write_text(
        '<iframe sandbox="allow-scripts" width="900" height="600" srcdoc="' + document + '">',
        encoding="utf-8",
    )
    frame = visit(around).frame_locator("iframe")
    frame.locator("#query").fill("word8")
    frame.locator("#go").click()
    assert frame.locator("#word").inner_text() == "word8"
    frame.locator("#close").click()
    assert frame.locator("#panel").is_hidden()


def test_it_is_readable_on_a_phone_and_in_the_dark(shown: Page) -> None:
    shown.set_viewport_size({"width": 360, "height": 700})
    shown.emulate_media(color_scheme="dark")
    search(shown, "word2")
    box = shown.locator("#panel").bounding_box()
    assert box is not None
    assert box["width"] == 360
    assert shown.evaluate("document.documentElement.scrollWidth") <= 360
    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 21, 27)"


def test_the_policy_lets_no_other_script_run(path: Path) -> None:
    (policy,) = re.findall(r'http-equiv="[^"]*" content="([^"]*)"', path.read_text("utf-8"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"script-src[^;]*unsafe", policy)


def test_the_licence_of_the_library_is_in_the_page(path: Path) -> None:
    assert "Redistribution and use in source and binary forms" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("counts", [[0] * 5, [0, 3, 0, 9, 1]])
def test_words_without_counts_or_in_another_order(
    visit: Callable[[Path], Page], tmp_path: Path, counts: list[int]
) -> None:
    words = Vocabulary.from_words(list("abcde"), counts)
    model = hsw2v.Model(words, np.eye(5))
    model.map(branches=()).save(tmp_path / "m.html")
    shown = visit(tmp_path / "m.html")
    shown.wait_for_function("document.body.dataset.ready")
    sizes = shown.evaluate("[...Bokeh.documents[0].get_model_by_name('points').data.size]")
    assert min(sizes) == pytest.approx(2.6, rel=0.01)
    assert max(sizes) == pytest.approx(8.6, rel=0.01)
    search(shown, "d")
    assert shown.locator("#word").inner_text() == "d"
    assert "times" in shown.locator("#facts").inner_text() or not any(counts)


def test_json_within_a_page_is_nothing_else() -> None:
    text = json_text({"a": "</script><!--&\u2028"})
    assert not set("<>&\u2028") & set(text)
    document = page("<t>", "", scripts=["alert('</script>')"], data={"d": HOSTILE})
    assert document.count("</script>") == 2
    assert "<title>&lt;t&gt;</title>" in document
