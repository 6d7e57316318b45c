"""When Python searches for garbage in cycles."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from commandline import write_model

from hsw2v.cli.garbage import search_as_usual, search_rarely
from hsw2v.cli.program import program
from hsw2v.cli.progress import Progress
from hsw2v.events import Preparing
from hsw2v.explore.server import ExploreServer


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_first_event_ends_the_start() -> None:
    usual = gc.get_threshold()
    search_rarely()
    assert gc.get_threshold()[0] > 100 * usual[0]
    with Progress(quiet=True) as progress:
        progress.listen(Preparing(1))
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() > 0


def test_a_server_searches_as_usual(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    usual, seen = gc.get_threshold(), []
    monkeypatch.setattr(ExploreServer, "serve_forever", lambda _: seen.append(gc.get_threshold()))
    search_rarely()
    CliRunner().invoke(
        program, ["explore", str(write_model(tmp_path / "model.safetensors")), "--no-browser"]
    )
    assert seen == [usual]


def test_what_others_have_set_stays() -> None:
    gc.set_threshold(123, 4, 5)
    search_as_usual()
    assert gc.get_threshold() == (123, 4, 5)
    assert gc.get_freeze_count() == 0
