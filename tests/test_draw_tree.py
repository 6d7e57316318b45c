"""The picture of a tree holds what the tree holds, each on a line of its own."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from commandline import run_script, write_model
from some_trees import ODD_WORDS, chain, shuffled_tree, write_tree_model

SVG = "{http://www.w3.org/2000/svg}"


def draw(model: Path, depth: int, code: int = 0) -> subprocess.CompletedProcess[str]:
    return run_script("bench", "draw-tree", model, "--depth", depth, code=code, seconds=60)


def leaves(picture: str) -> list[tuple[float, str]]:
    """Return how far down each line of text stands, and the text."""
    return [
        (float(text.attrib["y"]), "".join(text.itertext()))
        for text in ElementTree.fromstring(picture).iter(f"{SVG}text")
    ]


def test_a_cut_tree_accounts_for_all_its_words_on_lines_of_their_own(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(300)]
    model = write_tree_model(tmp_path / "m.safetensors", shuffled_tree(300, seed=5), words)
    found = leaves(draw(model, 4).stdout)
    sizes = [re.search(r" … ([\d,]+) words$", text) for _, text in found]
    assert sum(int(size[1].replace(",", "")) if size else 1 for size in sizes) == 300
    assert len(found) <= 16
    rows = [y for y, _ in found]
    assert all(below - above >= 20 for above, below in pairwise(rows))


def test_words_of_any_letters_make_a_picture_that_can_be_read(tmp_path: Path) -> None:
    tree = shuffled_tree(len(ODD_WORDS), seed=1)
    model = write_tree_model(tmp_path / "m.safetensors", tree, [*ODD_WORDS[:-1], "x\x01y"])
    texts = [text for _, text in leaves(draw(model, 10).stdout)]
    assert {"&amp;", "<b>", "東京", "x·y"} <= set(texts)


def test_a_deep_tree_and_a_long_word_are_cut(tmp_path: Path) -> None:
    words = ["a" * 500, *(f"w{number}" for number in range(1999))]
    model = write_tree_model(tmp_path / "m.safetensors", chain(2000), words)
    texts = [text for _, text in leaves(draw(model, 2).stdout)]
    assert texts == ["a" * 19 + "…", "w0", "w1 w2 w3 w4 w5 … 1,998 words"]


def test_a_model_without_a_tree_is_an_error_of_one_sentence(tmp_path: Path) -> None:
    done = draw(write_model(tmp_path / "m.safetensors"), 3, code=2)
    assert "m.safetensors: has no tree" in done.stderr
    done = draw(tmp_path / "missing", 3, code=3)
    assert "missing" in done.stderr
    assert "Traceback" not in done.stderr
    for depth in (0, 11):
        assert "must be from 1 to 10" in draw(tmp_path / "m.safetensors", depth, code=2).stderr
