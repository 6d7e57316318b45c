"""Drawings of trees, read back by the rules of their formats."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import ODD_WORDS, chain, random_tree, shuffled_tree

from hsw2v.errors import OutputExistsError, UsageError
from hsw2v.trees.drawing import Drawing, format_for, write_drawing
from hsw2v.trees.tree import Tree

Nested = Any
"""A word, or a list of two of its kind."""

words_of_a_tree = st.lists(
    st.one_of(st.sampled_from(ODD_WORDS), st.text(min_size=1)), min_size=1, unique=True
)


def nested(tree: Tree, words: list[str], depth: int | None = None) -> Nested:
    """Return a tree as nested lists of words; a subtree at this depth as the label of a cut."""

    def grow(child: int, level: int) -> Nested:
        if child < 0:
            return words[~child]
        if level == depth:
            inside = sorted(leaves(child))
            return f"{' '.join(words[word] for word in inside[:5])} ({len(inside):,} words)"
        return [grow(int(one), level + 1) for one in tree.children[child]]

    def leaves(child: int) -> list[int]:
        if child < 0:
            return [~child]
        return [word for one in tree.children[child] for word in leaves(int(one))]

    return grow(0 if len(tree) > 1 else ~0, 0)


def from_json(record: dict[str, Any]) -> Nested:
    if "children" in record:
        return [from_json(one) for one in record["children"]]
    if "examples" in record:
        return f"{' '.join(record['examples'])} ({record['words']:,} words)"
    return record["word"]


def from_newick(text: str) -> Nested:
    """Read Newick by its rules: quotes within a quoted label are doubled."""
    assert text.endswith(";\n")
    tokens = re.findall(r"'(?:[^']|'')*'|[(),]", text[:-2])
    assert "".join(tokens) == text[:-2]
    open_lists: list[list[Nested]] = [[]]
    for token in tokens:
        if token == "(":
            open_lists.append([])
        elif token == ")":
            done = open_lists.pop()
            open_lists[-1].append(done)
        elif token != ",":
            open_lists[-1].append(token[1:-1].replace("''", "'"))
    ((tree,),) = open_lists
    return tree


def dot_graph(text: str) -> tuple[dict[str, str | None], dict[str, dict[int, str]]]:
    """Return labels by node (None for a point) and edges by turn, as Graphviz would read them."""
    assert text.startswith("digraph tree {\n")
    assert text.endswith("\n}\n")
    labels: dict[str, str | None] = {}
    edges: dict[str, dict[int, str]] = {}
    spaces = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
    for line in text.split("\n")[3:-2]:
        node = re.fullmatch(r'  ([wn]\d+) \[(?:label="((?:[^"\\]|\\.)*)"|shape=point)\];', line)
        if node:
            assert node[1] not in labels
            raw = node[2]
            labels[node[1]] = raw and re.sub(r"\\.", lambda found: spaces[found[0]], raw).replace(
                "&amp;", "&"
            )
        else:
            edge = re.fullmatch(r"  (n\d+) -> ([wn]\d+) \[label=([01])\];", line)
            assert edge, line
            edges.setdefault(edge[1], {})[int(edge[3])] = edge[2]
    return labels, edges


def from_dot(text: str) -> Nested:
    labels, edges = dot_graph(text)
    (root,) = labels.keys() - {child for pair in edges.values() for child in pair.values()}

    def grow(node: str) -> Nested:
        return [grow(edges[node][0]), grow(edges[node][1])] if node in edges else labels[node]

    return grow(root)


READERS = {
    "json": lambda text: from_json(json.loads(text)),
    "newick": from_newick,
    "dot": from_dot,
}


def text_of(drawing: Drawing, format: str) -> str:
    return "".join(getattr(drawing, format)())


@pytest.mark.parametrize("format", READERS)
@given(words_of_a_tree, st.integers(0, 99), st.none() | st.integers(1, 4))
def test_what_is_drawn_is_the_tree(
    format: str, words: list[str], seed: int, depth: int | None
) -> None:
    tree = shuffled_tree(len(words), seed)
    text = text_of(Drawing(tree, words, depth=depth), format)
    assert READERS[format](text) == nested(tree, words, depth)


def test_json_tells_nodes_sizes_and_counts() -> None:
    tree = Tree(np.array([[1, ~0], [~2, ~1]], np.int32))
    drawing = Drawing(tree, ["a", "b", "c"], np.array([5, 3, 1]))
    assert json.loads(text_of(drawing, "json")) == {
        "node": 0,
        "words": 3,
        "children": [
            {
                "node": 1,
                "words": 2,
                "children": [{"word": "c", "count": 1}, {"word": "b", "count": 3}],
            },
            {"word": "a", "count": 5},
        ],
    }


@pytest.mark.parametrize("depth", [None, 2_500])
def test_very_deep_trees_are_drawn(depth: int | None) -> None:
    words = [f"w{number}" for number in range(5_000)]
    drawing = Drawing(chain(5_000), words, depth=depth)
    drawn = (depth or 4_999) + 1
    labels, edges = dot_graph(text_of(drawing, "dot"))
    assert len(labels) == 2 * drawn - 1
    assert sum(map(len, edges.values())) == 2 * drawn - 2
    as_json = text_of(drawing, "json")
    assert as_json.count("{") == as_json.count("}") == 2 * drawn - 1
    whole = [f"w{number}" for number in range(depth or 5_000)]
    assert re.findall(r'"word": "(w\d+)"', as_json) == whole
    assert text_of(drawing, "newick").count("(") == drawn - 1 + (depth is not None)


def test_the_extension_tells_the_format() -> None:
    for path in ("a.json", "A.JSON", "a.json.gz"):
        assert format_for(path) == "json"
    assert [format_for(f"a.{end}") for end in ("nwk", "newick")] == ["newick"] * 2
    assert [format_for(f"a.{end}") for end in ("dot", "gv")] == ["dot"] * 2
    assert format_for("a.txt", "dot") == "dot"
    with pytest.raises(UsageError, match=r"extension.*\.json"):
        format_for("a.txt")
    with pytest.raises(UsageError, match="newick"):
        format_for("a.json", "svg")


def test_a_drawing_is_compressed_by_its_extension_and_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tree.nwk.gz"
    drawing = Drawing(random_tree(3, 0), ["a", "b", "c"])
    write_drawing(str(path), drawing)
    assert gzip.decompress(path.read_bytes()).decode() == text_of(drawing, "newick")
    with pytest.raises(OutputExistsError):
        write_drawing(str(path), drawing)
    assert [one.name for one in tmp_path.iterdir()] == ["tree.nwk.gz"]
