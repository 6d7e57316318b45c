"""Figures as files, and what is said where none can be drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hsw2v.errors import OutputError, OutputExistsError, UsageError
from hsw2v.plots import check_figure, figure_file


def draw(path: Path, *, force: bool = False) -> bytes:
    with figure_file(path, columns=2, force=force) as (figure, panels):
        assert panels.shape == (1, 2)
        panels[0, 0].plot([1, 10, 100], [3, 2, 1], label="falling")
        panels[0, 0].set_xscale("log")
        panels[0, 0].legend()
        panels[0, 1].bar([1, 2], [3, 4])
        figure.suptitle("two panels")
    return path.read_bytes()


def test_an_svg_is_well_formed_and_the_same_each_time(tmp_path: Path) -> None:
    import matplotlib

    first = draw(tmp_path / "a.svg")
    assert ElementTree.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"
    with matplotlib.rc_context({"lines.linewidth": 7.0, "svg.hashsalt": None}):
        assert draw(tmp_path / "b.svg") == first
        assert matplotlib.rcParams["lines.linewidth"] == 7.0


def test_a_png_is_one_and_the_same_each_time(tmp_path: Path) -> None:
    first = draw(tmp_path / "A.PNG")
    assert first.startswith(b"\x89PNG\r\n\x1a\n")
    assert draw(tmp_path / "b.png") == first


@pytest.mark.parametrize("name", ["figure.pdf", "figure", "png"])
def test_other_formats_are_refused_before_any_work(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"end in \.png or \.svg"):
        check_figure(tmp_path / name)


def test_a_figure_replaces_nothing_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    path.write_bytes(b"older")
    with pytest.raises(OutputExistsError):
        check_figure(path)
    check_figure(path, force=True)
    assert draw(path, force=True) != b"older"


def test_a_folder_that_is_not_there_is_found_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        check_figure(tmp_path / "nowhere" / "a.svg")


def test_nothing_is_left_of_a_figure_that_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), figure_file(tmp_path / "a.svg"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_missing_matplotlib_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(UsageError, match=r"pip install 'hsw2v\[plot\]'"):
        check_figure(tmp_path / "a.svg")
