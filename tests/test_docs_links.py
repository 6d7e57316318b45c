"""Links between the pages of the documentation, and to files of the checkout, lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from some_docs import PAGES, ROOT, tokens_of

ELSEWHERE = re.compile(r"[a-z]+:")


@cache
def anchors_of(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and MyST make them."""
    found: set[str] = set()
    tokens = tokens_of(page)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(one.content for one in inline.children or ())
            slug = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            found.add(next(one for one in _numbered(slug) if one not in found))
    return found


def _numbered(slug: str) -> Iterator[str]:
    yield slug
    yield from (f"{slug}-{number}" for number in range(1, 1000))


def links_of(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the links and images of a page, each with a line that it is at or soon after."""
    for token in tokens_of(page):
        for one in token.children or ():
            target = one.attrGet("href") or one.attrGet("src")
            if target is not None:
                yield (token.map or [0])[0] + 1, str(target)


def problem_of(page: Path, target: str) -> str | None:
    """Return what is wrong with a link, or None."""
    if ELSEWHERE.match(target):
        return None
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.is_relative_to(ROOT.resolve()) or not file.exists():
        return "there is no such file"
    if file.is_dir():
        return "is a folder, for which a site has no page"
    if anchor and anchor not in anchors_of(file):
        return "there is no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    found = [(line, target, problem_of(page, target)) for line, target in links_of(page)]
    name = page.relative_to(ROOT)
    problems = [f"{name}:{line}: {target}: {told}" for line, target, told in found if told]
    assert not problems, "\n".join(problems)


def test_links_that_lead_nowhere_are_found() -> None:
    guide = ROOT / "docs" / "guide.md"
    assert len(list(links_of(guide))) > 20
    assert problem_of(guide, "texts.md") is None
    assert problem_of(guide, "texts.md#words-you-choose") is None
    assert problem_of(guide, "#training") is None
    assert problem_of(guide, "text.md") == "there is no such file"
    assert problem_of(guide, "texts.md#word-you-choose") == "there is no such heading"


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# `hsw2v train`\n\n## A, B & c_d\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    assert anchors_of(page) == {"hsw2v-train", "a-b--c_d", "twice", "twice-1"}


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            targets = (target.partition("#")[0] for _, target in links_of(page))
            files = ((page.parent / one).resolve() for one in targets if one.endswith(".md"))
            waiting += [file for file in files if file.exists()]
    names = {page.relative_to(ROOT) for page in reached}
    assert {page.relative_to(ROOT) for page in PAGES} <= names
