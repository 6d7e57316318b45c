"""The rules of docs/architecture.md about who imports whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from commandline import write_model
from some_models import some_model
from some_trees import chain, write_tree_model

PACKAGE = Path(__file__).parent.parent / "hsw2v"
PAGE = PACKAGE.parent / "docs" / "architecture.md"

KNOWS: dict[str, set[str]] = {
    "errors": set(),
    "events": set(),
    "config": {"errors"},
    "markup": set(),
    "display": {"events", "config"},
    "progress": {"events", "display"},
    "buckets": {"errors"},
    "files": {"errors", "buckets"},
    "plots": {"errors", "files"},
    "jit": set(),
    "arrays": set(),
    "records": set(),
    "corpus": {"errors", "events", "config", "markup", "progress", "files", "jit"},
    "trees": {"errors", "files", "jit"},
    "reference": set(),
    "kernels": {"jit"},
    "graphs": {"errors", "events", "config", "progress", "files", "jit", "corpus", "kernels"},
    "query": {"errors", "markup", "files", "arrays", "trees"},
    "pages": set(),
    "maps": {"errors", "events", "files", "plots", "arrays", "corpus", "query", "trees", "pages"},
    "network": {"errors", "config", "files", "arrays", "corpus", "trees", "query"},
}
KNOWS["model"] = set(KNOWS) - {"jit", "kernels"}
KNOWS["diagnosis"] = {*KNOWS["model"], "model"}
KNOWS["training"] = {*KNOWS, "model"}
KNOWS["experiments"] = {*KNOWS, "training"}
KNOWS["explore"] = {*KNOWS["model"], "model"}
KNOWS["sklearn"] = {*KNOWS["training"], "training"}
KNOWS["cli"] = {*KNOWS, "experiments"}

DOORS = {
    "smart_open": {"files"},
    "numba": {"jit"},
    "llvmlite": {"jit"},
    "click": {"cli"},
    "cloup": {"cli"},
    "tqdm": {"display"},
    "gensim": {"model"},
    "threadpoolctl": {"arrays"},
    "matplotlib": {"plots"},
    "ray": {"training"},
    "boto3": {"buckets"},
    "pyarrow": {"corpus"},
    "sklearn": {"query", "sklearn"},
    "usearch": {"query"},
    "openTSNE": {"maps"},
    "bokeh": {"maps"},
}


def modules() -> Iterator[tuple[str, Path]]:
    """Every source file with the room it is in; the package's own front door has none."""
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if room not in ("__init__", "__main__"):
            yield room, path


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions, but not for type checks alone."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""
            if node.module == "hsw2v":
                yield from (f"hsw2v.{one.name}" for one in node.names)
        else:
            waiting += ast.iter_child_nodes(node)


def test_every_room_is_described_and_has_its_rule() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert {room for room, _ in modules()} == set(KNOWS)
    for room in KNOWS:
        assert f"`{room}/`" in page or f"`{room}.py`" in page


def test_the_page_tells_what_each_room_knows() -> None:
    rows = re.findall(
        r"^\| `(\w+)(?:/|\.py)` \|.*\| (.*?) \|$", PAGE.read_text("utf-8"), re.MULTILINE
    )
    assert {room for room, _ in rows} == set(KNOWS)
    above: set[str] = set()
    for room, told in rows:
        knows = set() if told == "nothing" else set(told.split(", "))
        if told.startswith("all above"):
            but = told.removeprefix("all above").removeprefix(" but ").replace(" and ", ", ")
            knows = above - set(but.split(", "))
        assert KNOWS[room] & above == knows, room
        above.add(room)


@pytest.mark.parametrize("room", KNOWS)
def test_imports_go_down_the_list_never_up(room: str) -> None:
    for where, path in modules():
        if where != room:
            continue
        for name in imports(path):
            parts = name.split(".")
            known = True
            if parts[0] == "hsw2v" and len(parts) > 1 and parts[1] in KNOWS:
                known = parts[1] == room or parts[1] in KNOWS[room]
            assert known, f"{path} imports {name}"


@pytest.mark.parametrize("dependency", DOORS)
def test_a_heavy_dependency_has_one_door(dependency: str) -> None:
    for room, path in modules():
        if room not in DOORS[dependency]:
            found = [name for name in imports(path) if name.split(".")[0] == dependency]
            assert not found, f"{path} imports {dependency}"


def test_only_the_command_line_the_display_and_files_print() -> None:
    for room, path in modules():
        if room not in ("cli", "display", "files"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
                assert called not in ("print", "sys.stdout.write", "sys.stderr.write"), path


def imported_by(code: str) -> set[str]:
    """The top-level modules that are loaded after some code ran in a fresh process."""
    report = "\nimport sys; print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


def test_opening_and_asking_a_model_never_imports_numba(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    tree = write_tree_model(tmp_path / "t.safetensors", chain(3), ["a", "b", "c"])
    classes = tmp_path / "c.safetensors"
    some_model("class", ["a", "b", "c"], batch_norm=True).save(classes)
    code = f"""
import hsw2v
from hsw2v.cli.program import program
for line in (
    "similar {model} king", "similarity {model} king queen", "analogy {model} man king woman",
    "odd-one-out {model} king queen pear", "info {model}", "vector {model} king",
    "export {model} {tmp_path}/v.txt", "similar {tmp_path}/v.txt king",
    "tree {tree}", "tree {tree} c", "tree {tree} --codes -o {tmp_path}/codes.tsv",
    "tree {tree} -o {tmp_path}/t.dot", "predict {tree} a _ b", "predict {tree} --context c --json",
    "predict {classes} a _ b", "info {classes}", "align {model} {model} --min-count 1",
    "neighbours {model} -o {tmp_path}/n.tsv", "export {model} {tmp_path}/v.npy --dtype int8",
):
    program.main(line.split(), standalone_mode=False)
from hsw2v.trees.codes import read_codes
read_codes("{tmp_path}/codes.tsv").tree(["c", "b", "a"])
"""
    assert imported_by(code).isdisjoint({"numba", "llvmlite", "tqdm"})


def test_help_imports_nothing_heavy() -> None:
    code = "from hsw2v.cli.program import train\ntrain.main(['--help'], standalone_mode=False)"
    heavy = {"numba", "numpy", "smart_open", "safetensors", "orjson", "tqdm"}
    assert imported_by(code).isdisjoint(heavy)
