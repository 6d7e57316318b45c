"""Notebooks and recipes: what they show is of the code they have."""

from __future__ import annotations

import ast
import json
import re
import shutil
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from commandline import SCRIPTS, run_script

import hsw2v

ROOT = SCRIPTS.parent
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_BYTES = 300_000


def script(name: str) -> ModuleType:
    """Return one of the project's scripts as a module."""
    loader = SourceFileLoader(name, str(SCRIPTS / name))
    spec = spec_from_loader(name, loader)
    assert spec
    module = module_from_spec(spec)
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


def code_of(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook that hold code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [one for one in cells if one["cell_type"] == "code"]


def test_there_are_notebooks_and_all_are_fresh() -> None:
    assert len(NOTEBOOKS) == 2
    run_script("notebooks", "--check")


def test_a_notebook_with_other_code_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebooks = script("notebooks")
    copy = tmp_path / NOTEBOOKS[0].name
    shutil.copy(NOTEBOOKS[0], copy)
    assert notebooks.is_fresh(copy)
    copy.write_text(copy.read_text(encoding="utf-8").replace("dim=16", "dim=17", 1))
    assert not notebooks.is_fresh(copy)
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["notebooks", "--check"])
    with pytest.raises(SystemExit, match=f"stale: {copy.name}; run scripts/notebooks"):
        notebooks.main()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda one: one.stem)
def test_a_notebook_is_small_whole_and_of_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < MOST_BYTES
    assert not re.search(r"/(tmp|home|root|work|usr)/|site-packages/|\\.venv", text)
    assert '"execution": {' not in text
    assert "Traceback" not in text
    cells = code_of(path)
    assert [one["execution_count"] for one in cells] == [*range(1, len(cells) + 1)]
    for one in cells:
        for output in one["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda one: one.stem)
def test_a_notebook_asks_for_names_that_there_are(path: Path) -> None:
    tree = ast.parse("\n".join("".join(one["source"]) for one in code_of(path)))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "hsw2v"
    }
    assert used
    assert used <= set(hsw2v.__all__)


def test_the_karate_club_comes_out_as_it_is_told() -> None:
    cells = code_of(next(one for one in NOTEBOOKS if one.stem == "random-walks"))
    (told,) = (
        "".join(output["text"])
        for one in cells
        for output in one["outputs"]
        if "in the right group" in "".join(output.get("text", ""))
    )
    source = "\n".join("".join(one["source"]) for one in cells[:6])
    before, shown = source.rsplit("print(", 1)
    names: dict[str, Any] = {}
    exec(before, names)
    assert eval(shown.rstrip().removesuffix(")"), names) == told.strip()


def test_recipes_are_one_program_without_what_is_installed() -> None:
    recipes = script("recipes")
    page = recipes.PAGE.read_text(encoding="utf-8")
    program = recipes.script_of(page)
    ast.parse(program)
    found = recipes.blocks(page)
    assert page.count("\n```\n") == len(found)
    assert "pip install" not in program
    assert "subprocess.run('hsw2v demo', shell=True, check=True)" in program
    for _, code in found:
        assert code.splitlines()[0].removesuffix("hsw2v") in program or "pip install" in code
    installed = re.findall(r"pip install '?([\w-]+)", page)
    listed = " ".join(one for packages in recipes.INSTALLS for one in packages)
    assert installed
    assert all(one in listed for one in installed if one != "hsw2v")


def test_recipes_run_in_the_order_of_the_page(tmp_path: Path) -> None:
    recipes = script("recipes")
    page = "```bash\necho 3 > a.txt\n```\n\n```python\nassert open('a.txt').read() == '3\\n'\n```\n"
    recipes.PAGE = tmp_path / "page.md"
    recipes.PAGE.write_text(page)
    assert recipes.run(Path(sys.executable), tmp_path) == 0
    recipes.PAGE.write_text(page.replace("'3", "'4"))
    assert recipes.run(Path(sys.executable), tmp_path) == 1
