"""The documentation as a site: built without a warning, and searched without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from some_browser import Visit
from some_docs import PAGES, ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `scripts/site` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs/site"]
    command += ["-d", str(folder / "doctrees"), ".", str(folder / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_page_is_in_the_contents_of_the_site(site: Path) -> None:
    first = (site / "README.html").read_text(encoding="utf-8")
    for page in PAGES:
        name = page.relative_to(ROOT).with_suffix(".html")
        assert (site / name).exists()
        if page.name != "README.md":
            assert f'<a class="reference internal" href="{name.as_posix()}">' in first


def test_links_between_pages_lead_to_their_headings(site: Path) -> None:
    first = (site / "README.html").read_text(encoding="utf-8")
    assert 'href="docs/texts.html#words-you-choose"' in first
    assert 'id="words-you-choose"' in (site / "docs" / "texts.html").read_text(encoding="utf-8")


def test_search_finds_pages_without_a_network(site: Path, visit: Visit) -> None:
    page = visit(site / "README.html")
    page.get_by_placeholder("Search").fill("vanishing gradients")
    page.get_by_placeholder("Search").press("Enter")
    page.locator("#search-results a", has_text="Hierarchical softmax").first.wait_for()
