"""The page of `hsw2v explore` in a browser: what it shows, and how it is gone about."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from commandline import run_script
from some_browser import Visit
from some_models import some_model
from some_pages import explored

import hsw2v
from hsw2v.explore import server

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parent.parent
WORDS = [
    *("king", "queen", "man", "woman", "prince", "apple", "pear", "naïve", "kingdom", "kind"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"),
    *('"quoted"', "two words", "-dash", "שלום"),
]  # fmt: skip


@pytest.fixture(scope="module")
def model() -> hsw2v.Model:
    return some_model("hs", WORDS, window=3, model="cbow")


@pytest.fixture(scope="module")
def address(model: hsw2v.Model) -> Iterator[str]:
    with explored(model) as found:
        yield found


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for something to be so; a page that forbids `eval` cannot be asked to wait."""
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)


def rows(page: Page) -> list[list[str]]:
    return [
        [cell for cell in row.locator("th, td").all_inner_texts() if cell]
        for row in page.locator("table.answers tbody tr").all()
    ]


def test_a_typed_word_finds_its_neighbours_and_the_address_keeps_the_question(
    visit: Visit, address: str, model: hsw2v.Model
) -> None:
    page = visit(address)
    page.get_by_label("Words", exact=True).fill("king")
    page.get_by_role("button", name="Ask").click()
    page.locator("table.answers").wait_for()
    expected = [[word, f"{score:.3f}".replace("-", "−")] for word, score in model.similar("king")]
    assert rows(page) == expected
    assert page.evaluate("location.hash") == "#similar=king&k=10"
    assert "king" in page.title()
    page.reload()
    page.locator("table.answers").wait_for()
    assert rows(page) == expected
    field = page.get_by_label("Words", exact=True)
    page.locator("table.answers a").first.click()
    until(page, lambda: field.input_value() != "king")
    page.go_back()
    until(page, lambda: field.input_value() == "king" and rows(page) == expected)


def test_minus_and_odd_words_are_asked_as_they_are_written(
    visit: Visit, address: str, model: hsw2v.Model
) -> None:
    page = visit(address)
    asked = []
    page.on("request", lambda one: asked.append(one.url) if "/ask/similar" in one.url else None)
    page.get_by_label("Words", exact=True).fill('king -man "two words" "-dash"')
    page.keyboard.press("Enter")
    page.locator("table.answers").wait_for()
    assert asked[-1].endswith("?word=king&word=two+words&word=-dash&minus=man&k=10")
    assert not {"king", "man", "two words", "-dash"} & {row[0] for row in rows(page)}
    # Every word is a link to a question that finds it again.
    for word in WORDS:
        page.goto(f"{address}#similar=king&k=20")
        page.locator("table.answers").wait_for()
        if word != "king":
            before = len(asked)
            page.locator("table.answers a").get_by_text(word, exact=True).click()
            until(page, lambda: len(asked) > before)  # noqa: B023
            assert parse_qs(urlsplit(asked[-1]).query) == {"word": [word], "k": ["10"]}


def test_words_of_a_model_are_text_and_never_markup(visit: Visit, address: str) -> None:
    page = visit(f"{address}#similar=king&k=20")
    page.on("dialog", lambda _: pytest.fail("a word was run"))
    page.locator("table.answers").wait_for()
    named = page.locator("table.answers a").all_inner_texts()
    assert "<script>alert(1)</script>" in named
    assert "<img src=x onerror=alert(1)>" in named
    page.goto(
        f"{address}#compare=<script>alert(1)</script>+%22%3Cimg+src%3Dx+onerror%3Dalert(1)%3E%22+king"
    )
    page.locator("table.heat").wait_for()
    page.goto(f"{address}#path=<script>alert(1)</script>")
    page.locator(".ladder").wait_for()
    page.goto(f"{address}#similar=<img+onerror=alert(1)>")
    page.locator(".complaint").wait_for()
    assert page.locator("main img, main script").count() == 0


FRAGMENTS = [
    "constructor=x", "__proto__=x", "=", "similar", "&&", "similar=%22", "analogy=king&k=2&k=x",
    "similar=king&k=7", "predict=%E0%A4+_", "path=-", "compare=--", "similar=-king", "nothing=1",
]  # fmt: skip


def test_no_fragment_of_an_address_breaks_the_page(visit: Visit, address: str) -> None:
    page = visit(address)
    for fragment in FRAGMENTS:
        page.goto(f"{address}#{fragment}")
        page.reload()
        page.locator("#answer > *").first.wait_for(state="attached")
        page.get_by_role("link", name="Compare").click()
        until(page, lambda: page.title().startswith("compare"))


def test_what_is_typed_is_completed_by_the_keyboard(visit: Visit, address: str) -> None:
    page = visit(address)
    field = page.get_by_label("Words", exact=True)
    field.press_sequentially("queen -ki")
    options = page.locator("[role=option]")
    until(page, lambda: options.all_inner_texts() == ["king", "kingdom", "kind"])
    assert field.get_attribute("aria-expanded") == "true"
    field.press("ArrowDown")
    field.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    assert field.get_attribute("aria-activedescendant") == options.nth(1).get_attribute("id")
    field.press("Enter")
    assert field.input_value() == "queen -kingdom "
    assert options.count() == 0 or not options.first.is_visible()
    field.press_sequentially("kin")
    options.first.wait_for()
    field.press("Escape")
    assert not options.first.is_visible()


def test_a_misspelt_word_offers_others_to_click(visit: Visit, address: str) -> None:
    page = visit(f"{address}#similar=queen+-kign+man&k=5")
    offer = page.locator(".offer a").get_by_text("king", exact=True)
    offer.wait_for()
    assert "Not in the vocabulary: 'kign'" in page.get_by_role("alert").inner_text()
    offer.click()
    page.locator("table.answers").wait_for()
    assert page.get_by_label("Words", exact=True).input_value() == "queen -king man"


def test_analogies_and_comparisons(visit: Visit, address: str, model: hsw2v.Model) -> None:
    page = visit(f"{address}#analogy")
    for name, word in (("A", "man"), ("is to B", "king"), ("as C is to …", "woman")):
        page.get_by_label(name, exact=True).fill(word)
    page.get_by_role("button", name="Ask").click()
    page.locator("table.answers").wait_for()
    assert [row[0] for row in rows(page)] == [
        word for word, _ in model.analogy("man", "king", "woman")
    ]
    page.get_by_label("Method").select_option("cosmul")
    until(page, lambda: "cosmul" in page.evaluate("location.hash"))
    page.goto(f"{address}#compare=king+queen+pear")
    page.locator("table.heat").wait_for()
    assert page.locator("table.heat td[title]").nth(1).inner_text().replace("−", "-") == (
        f"{model.similarity('king', 'queen'):.2f}"
    )
    assert model.odd_one_out(["king", "queen", "pear"]) in page.locator(".note").inner_text()


def test_a_path_is_drawn_from_the_root_to_the_word(
    visit: Visit, address: str, model: hsw2v.Model
) -> None:
    page = visit(f"{address}#path=queen")
    page.locator(".ladder").wait_for()
    (path,) = (model.tree.lengths[model.rows(["queen"])].tolist(),)
    decisions = path[0]
    assert page.locator(".path li").count() == decisions
    assert page.locator(".ladder svg .way").count() == decisions
    assert page.locator(".side.taken").last.locator(".words").inner_text() == "queen"
    assert page.locator(".leaf").inner_text() == "queen"
    assert page.locator(".odds i").count() == 0
    page.get_by_label("In a context (if you like)").fill("king _ man")
    page.keyboard.press("Enter")
    page.locator(".odds i").first.wait_for()
    chance = model.log_prob("queen", ["king", "man"])
    told = page.locator("figcaption").inner_text()
    assert f"{2.718281828459045**chance:.2g}" in told or "·10" in told
    assert "context=king+_+man" in page.evaluate("location.hash")


def test_a_prediction_shows_its_search(visit: Visit, address: str, model: hsw2v.Model) -> None:
    page = visit(f"{address}#predict=king+_+man&k=5")
    page.locator(".ice").wait_for()
    assert [row[0] for row in rows(page)] == [word for word, _ in model.predict("king _ man", k=5)]
    told = page.locator(".told")
    last = re.match(r"Step (\d+) of (\d+): found", told.inner_text())
    assert last
    assert last[1] == last[2]
    assert page.locator(".cell.found").count() == 5
    slider = page.get_by_label("Step of the search")
    slider.fill("1")
    assert told.inner_text() == f"Step 1 of {last[1]}: opened the root, 1.00."
    assert page.locator(".cell:visible").count() == 3
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert told.inner_text().startswith("Step 2 of")
    page.get_by_role("button", name="Play").click()
    until(
        page,
        lambda: slider.input_value() == last[1] and page.locator(".play").inner_text() == "Play",
    )
    # What the pointer or the focus is on is told of.
    cell = page.locator(".cell.found:visible").first
    cell.hover()
    assert cell.get_attribute("aria-label") == told.inner_text()
    page.locator(".cell").first.focus()
    assert told.inner_text().startswith("All words after 0 decisions")
    page.keyboard.press("ArrowDown")
    assert "after 1 decision" in told.inner_text()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Whole tree").wait_for()
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Whole tree").is_visible()
    page.locator("tr[data-found]").first.hover()
    assert page.locator(".cell[data-marked]").count() > 1
    page.get_by_text("All steps as a list").click()
    page.locator(".steps li").first.wait_for()
    assert page.locator(".steps li").count() == int(last[1])


def test_panels_that_a_model_has_not_say_why(visit: Visit) -> None:
    with explored(some_model("ns", WORDS)) as address:
        page = visit(f"{address}#path=king")
        page.get_by_text("no tree").wait_for()
        assert "trained with loss ns" in page.locator(".why").inner_text()
        page.get_by_role("link", name="Predict").click()
        page.get_by_text("negative sampling").wait_for()
        assert not page.locator("#question").is_visible()
    with explored(some_model("class", WORDS)) as address:
        page = visit(f"{address}#predict=king+_+man")
        page.locator("table.answers").wait_for()
        assert page.locator(".ice").count() == 0


def test_several_trees_are_looked_at_one_by_one(visit: Visit) -> None:
    with explored(some_model("hs", WORDS, trees=3)) as address:
        page = visit(f"{address}#predict=king+_+man")
        page.locator(".ice").wait_for()
        assert "tree 1 alone" in page.locator("figcaption").inner_text()
        page.get_by_label("Tree", exact=True).select_option("3")
        page.get_by_text("tree 3 alone").wait_for()


def test_without_its_server_the_page_says_so(visit: Visit, model: hsw2v.Model) -> None:
    with explored(model) as address:
        page = visit(f"{address}#similar=king")
        page.locator("table.answers").wait_for()
        page.route("**/ask/**", lambda route: route.fulfill(status=200, body="no json"))
        page.get_by_label("Words", exact=True).fill("queen")
        page.keyboard.press("Enter")
        page.get_by_text("hsw2v explore has ended").wait_for()


@pytest.mark.parametrize("width", [320, 1280])
def test_no_panel_is_wider_than_the_window(visit: Visit, address: str, width: int) -> None:
    page = visit(address)
    page.set_viewport_size({"width": width, "height": 700})
    for question, shown in (
        ("similar=king", "table"),
        ("analogy=man+king+woman", "table"),
        ("compare=king+queen+man", ".heat"),
        ("path=queen", ".ladder"),
        ("predict=king+_+man", ".ice"),
    ):
        page.goto(f"{address}#{question}")
        page.locator(f"#answer {shown}").first.wait_for()
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, question
        if question.startswith("path"):
            # As of a large model.
            page.evaluate(
                """() => document.querySelectorAll(".size")
                  .forEach((one) => { one.textContent = "99.9 % · 145,221 words"; })"""
            )
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('nav').scrollWidth") <= width


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as Chromium tells them (WCAG 2)."""

    def light(colour: str) -> float:
        parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
        parts = parts if colour.startswith("color(") else [part / 255 for part in parts]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(share * p for share, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_on_colours_is_legible(visit: Visit, address: str, scheme: Any) -> None:
    page = visit(f"{address}#compare=king+queen+man")
    page.emulate_media(color_scheme=scheme)
    cells = page.locator(".heat td.above, .heat td.below")
    cells.first.wait_for()
    page.evaluate(
        """() => document.querySelectorAll(".heat td.above, .heat td.below")
          .forEach((one) => one.style.setProperty("--value", 1))"""
    )
    colours = "(one) => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
    told = [one.evaluate(colours) for one in cells.all()]
    page.goto(f"{address}#predict=king+_+man")
    page.locator(".cell.open").first.wait_for()
    told += [one.evaluate(colours) for one in page.locator(".cell.open, .cell.found").all()]
    assert min(contrast(*one) for one in told) >= 4.5


def test_every_field_has_its_label_and_every_button_its_name(visit: Visit, address: str) -> None:
    page = visit(f"{address}#predict=king+_+man")
    page.locator(".ice").wait_for()
    assert page.evaluate(
        "[...document.querySelectorAll('input, select')].every(one => one.labels.length > 0)"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('button')]"
        ".every(one => one.ariaLabel || one.textContent.trim())"
    )
    assert page.locator("nav a[aria-current=page]").inner_text() == "Predict"
    assert page.get_by_role("status").first.text_content() == "Answer to king _ man"


def test_the_files_of_the_page_are_in_the_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = settings["tool"]["setuptools"]["package-data"]["hsw2v"]
    for name, folder in server.FILES.items():
        assert (ROOT / "hsw2v" / folder / name).is_file()
        assert any(PurePath(folder, name).match(one) for one in globs)
    shipped = {one.name for one in (ROOT / "hsw2v" / "explore" / "page").iterdir()}
    assert shipped == set(server.FILES) - {"style.css"}


def test_the_script_takes_the_picture_of_the_docs(browser: object, tmp_path: Path) -> None:
    model = tmp_path / "m.safetensors"
    some_model("hs", ["king", "the", "son", "of", "ii", "president", "george", "bush"]).save(model)
    told = run_script("screenshots", model, "--folder", tmp_path).stdout
    picture = (tmp_path / "explore.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert f"explore.png: {len(picture):,} bytes" in told
    assert (ROOT / "docs" / "images" / "explore.png").stat().st_size < 300_000
