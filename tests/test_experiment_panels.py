"""Settings side by side, as a drawing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hsw2v.experiments.panels import Panel, draw_comparison

pytest.importorskip("matplotlib")

SETTINGS = ["plain", "Adagrad", "with a long name"]
PANELS = [
    Panel("seconds", {"": [(1.0, 0.5, 2.0), (2.0, 2.0, 2.0), None]}, from_zero=True),
    Panel("loss", {"": [None, (7.0, 6.9, 7.1), None]}),
    Panel("pairs", {"all": [(0.5, 0.4, 0.6)] * 3, "rare": [None] * 3}),
    Panel("questions", {"all": [(0.2, 0.1, 0.3)] * 3}),
]


def test_a_comparison_is_drawn_with_all_its_names(tmp_path: Path) -> None:
    path = tmp_path / "c.svg"
    draw_comparison(path, SETTINGS, PANELS)
    text = path.read_text(encoding="utf-8")
    for name in (*SETTINGS, "seconds", "loss", "pairs", "questions", "rare"):
        assert f"<!-- {name} -->" in text


def test_the_same_comparison_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw_comparison(tmp_path / name, SETTINGS, PANELS[:1])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
