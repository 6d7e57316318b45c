"""Pages in a headless Chromium: what they say, and that they fetch nothing from elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
Visit = Callable[[str | Path], "Page"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give the machine's Chromium. Without one tests are skipped; in `.ci/run` they fail."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("HSW2V_BROWSER") == "required":
            pytest.fail("no Chromium is installed")
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open pages by address or file; no console may have errors, no page may ask elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    errors: list[str] = []
    asked: list[str] = []
    homes: list[str] = []

    def opened(place: str | Path) -> Page:
        address = place.resolve().as_uri() if isinstance(place, Path) else place
        homes.append(home(address))
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page

    yield opened
    context.close()
    assert errors == []
    assert [one for one in asked if home(one) not in {*homes, "data:", "blob:"}] == []


def home(address: str) -> str:
    """Return where an address leads to: a server, or `file:`, `data:`, `blob:`."""
    parts = urlsplit(address)
    return parts.netloc if parts.scheme in ("http", "https", "ws") else f"{parts.scheme}:"
