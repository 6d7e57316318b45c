"""Settings of Sphinx for `scripts/site`: the pages are the Markdown files of the checkout."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
CONTENTS = {
    "Guide": ["guide", "texts", "phrases", "graphs", "subwords"],
    "Reference": ["cli", "configuration", "python", "file-format"],
    "Background": ["trees", "hierarchical-softmax", "performance"],
    "Operation": ["machines", "reliability"],
    "Development": ["architecture", "../CONTRIBUTING", "../CHANGELOG"],
}
"""The pages below the README, by what they are; others of docs/ follow in the guide."""

project = "hsw2v"
author = copyright = "The hsw2v developers"
release = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
html_title = f"hsw2v {release}"
html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
# A summary is fetched from the page, which browsers refuse where the site is a folder of files.
html_show_search_summary = False
extensions = ["myst_nb"]
nb_execution_mode = "off"
root_doc = "README"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/*.md", "docs/notebooks/*"]
exclude_patterns = [".*", "build", "dist", "hsw2v", "scripts", "tests"]
# As GitHub makes anchors, so that links to them work in both.
myst_heading_anchors = 4
highlight_language = "none"


def setup(app: Any) -> None:
    """Give the README the contents of the site, which it has no need of elsewhere."""
    app.connect("source-read", add_contents)


def add_contents(app: Any, name: str, source: list[str]) -> None:
    """Add the contents to the first page."""
    if name == root_doc:
        source[0] += "\n" + "\n".join(_toctree(*one) for one in _contents().items())


def _contents() -> dict[str, list[str]]:
    """Return the pages of each part."""
    listed = {page for pages in CONTENTS.values() for page in pages}
    found = sorted(page.stem for page in (ROOT / "docs").glob("*.md"))
    guide = CONTENTS["Guide"] + [page for page in found if page not in listed]
    notebooks = [f"notebooks/{one.stem}" for one in NOTEBOOKS]
    return {**CONTENTS, "Guide": guide, **({"Notebooks": notebooks} if notebooks else {})}


def _toctree(caption: str, pages: list[str]) -> str:
    names = [
        page.removeprefix("../") if page.startswith("../") else f"docs/{page}" for page in pages
    ]
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```", ""])
