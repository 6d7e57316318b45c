"""Maps of words: positions, neighbours, branches, and the files they are written to."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from benchmarks.maps import kept
from commandline import complaint, run, write_model
from numpy.typing import NDArray
from some_trees import ODD_WORDS, chain, random_tree

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import MissingInputError, OutputExistsError, UsageError
from hsw2v.maps.wordmap import WordMap
from hsw2v.trees.branches import cut
from hsw2v.trees.tree import Tree

GROUPS = 4


def some_vectors(count: int, dim: int = 8) -> NDArray[np.float32]:
    """Return vectors around a few axes, word w around that of w % GROUPS."""
    rng = np.random.default_rng(5)
    vectors = rng.normal(scale=0.15, size=(count, dim))
    vectors[np.arange(count), np.arange(count) % GROUPS] += 1.0
    return vectors.astype(np.float32)


def some_words(count: int) -> list[str]:
    return [*ODD_WORDS, *(f"word{row}" for row in range(count - len(ODD_WORDS)))]


def some_model(count: int = 120, tree: Tree | None = None) -> hsw2v.Model:
    vocabulary = Vocabulary.from_words(some_words(count), range(10 * count, 9 * count, -1))
    config = {"training": {"tree": "semantic"}} if tree else {}
    return hsw2v.Model(vocabulary, some_vectors(count), tree=tree, config=config)


@pytest.fixture(scope="module")
def found() -> WordMap:
    return some_model().map(k=5, branches=(2, 4, 8))


def test_words_of_a_group_are_near_each_other(found: WordMap) -> None:
    group = np.arange(len(found)) % GROUPS
    distance = np.linalg.norm(found.positions[:, None] - found.positions[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    assert (group[distance.argmin(axis=1)] == group).mean() > 0.95


def test_neighbours_are_those_of_the_cosine(found: WordMap) -> None:
    vectors = some_vectors(len(found)).astype(np.float64)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :5]
    np.testing.assert_array_equal(found.neighbours, order)
    expected = np.take_along_axis(cosines, order, axis=1)
    np.testing.assert_allclose(found.similarities, expected, atol=1e-6)


def test_the_same_seed_gives_the_same_map(found: WordMap) -> None:
    again = some_model().map(k=5, branches=(2, 4, 8))
    np.testing.assert_array_equal(again.positions, found.positions)
    np.testing.assert_array_equal(again.branches, found.branches)


def test_a_model_without_a_tree_has_branches_of_its_vectors(found: WordMap) -> None:
    assert [len(names) for names in found.branch_names] == [2, 4, 8]
    group = np.arange(len(found)) % GROUPS
    four = found.branches[:, 1]
    largest = [np.bincount(group[four == branch]).max() for branch in range(GROUPS)]
    assert sum(largest) > 0.9 * len(found)


def test_a_model_with_a_tree_has_its_branches() -> None:
    tree = random_tree(120, 1)
    found = some_model(120, tree).map(branches=(2, 5))
    two, five = cut(tree, np.ones(120), (2, 5))
    np.testing.assert_array_equal(found.branches, np.stack((two, five), axis=1))


def below(tree: Tree, node: int) -> set[int]:
    if node < 0:
        return {~node}
    return below(tree, int(tree.children[node, 0])) | below(tree, int(tree.children[node, 1]))


@pytest.mark.parametrize("count", [2, 3, 7, 16, 40])
def test_branches_are_subtrees_the_heaviest_split_first(count: int) -> None:
    tree = random_tree(40, 1)
    weights = np.random.default_rng(2).integers(1, 9, 40).astype(float)
    # By sets, in plain Python.
    branches = [0]
    while len(branches) < count:
        sums = [weights[list(below(tree, one))].sum() if one >= 0 else -1 for one in branches]
        place = int(np.argmax(sums))
        branches[place : place + 1] = tree.children[branches[place]].tolist()
    (found,) = cut(tree, weights, [count])
    sets = [set(np.flatnonzero(found == branch).tolist()) for branch in range(count)]
    assert sorted(map(sorted, sets)) == sorted(sorted(below(tree, one)) for one in branches)


def test_words_without_weight_are_in_no_branch_of_their_own() -> None:
    weights = np.zeros(9)
    weights[:3] = 1.0
    (found,) = cut(chain(9), weights, [5])
    assert len(set(found[:3].tolist())) == 3


def test_a_tree_of_one_word_is_one_branch() -> None:
    (found,) = cut(Tree(np.empty((0, 2), np.int32)), np.ones(1), [8])
    assert found.tolist() == [0]


@pytest.mark.parametrize("count", [3, 4, 17])
def test_small_maps_and_equal_vectors(count: int) -> None:
    words = Vocabulary.from_words([f"w{row}" for row in range(count)], [0] * count)
    line = np.arange(count, dtype=np.float32)[:, None] - 1
    for vectors in (np.zeros((count, 3)), np.ones((count, 3)), some_vectors(count), line):
        found = hsw2v.Model(words, vectors).map()
        assert np.isfinite(found.positions).all()
        assert found.neighbours.shape == (count, min(10, count - 1))
        assert found.counts is None


@pytest.mark.parametrize(
    "given",
    [{"top": 2}, {"k": 0}, {"branches": (8, 8)}, {"branches": (1,)}, {"seed": -1}],
)
def test_numbers_out_of_bounds_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        some_model().map(**given)  # type: ignore[arg-type]


def rows_of_csv(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def check_row(row: dict[str, object], found: WordMap, at: int) -> None:
    assert row["word"] == found.words[at]
    assert found.counts is not None
    assert int(str(row["count"])) == found.counts[at]
    assert np.float32(row["x"]) == found.positions[at, 0]
    near = row["neighbors"]
    near = json.loads(near) if isinstance(near, str) else near
    assert isinstance(near, dict)
    assert near["ids"] == found.neighbours[at].tolist()
    np.testing.assert_allclose(near["distances"], 1 - found.similarities[at], atol=1e-6)
    assert row["branch_2"] == found.branch_names[1][found.branches[at, 1]]


def test_tables_hold_every_word_as_it_is(found: WordMap, tmp_path: Path) -> None:
    from pyarrow import parquet

    names = [tmp_path / f"m{one}" for one in (".csv", ".jsonl", ".parquet")]
    assert found.save(*names) == [str(one) for one in names]
    lines = names[1].read_text(encoding="utf-8").split("\n")[:-1]
    tables = [
        rows_of_csv(names[0]),
        [json.loads(line) for line in lines],
        parquet.read_table(names[2]).to_pylist(),
    ]
    for table in tables:
        assert len(table) == len(found)
        assert list(table[0]) == [
            *("word", "count", "x", "y", "neighbors", "branch_1", "branch_2", "branch_3")
        ]
        for at, row in enumerate(table):
            check_row(row, found, at)


def test_the_projector_has_positions_and_words(found: WordMap, tmp_path: Path) -> None:
    plain = dataclasses.replace(found, words=[f"w{row}" for row in range(len(found))])
    assert plain.save(tmp_path / "m.tsv") == [
        str(tmp_path / "m.tsv"),
        str(tmp_path / "m.metadata.tsv"),
    ]
    positions = np.loadtxt(tmp_path / "m.tsv", dtype=np.float32, delimiter="\t")
    np.testing.assert_array_equal(positions, found.positions)
    lines = (tmp_path / "m.metadata.tsv").read_text(encoding="utf-8").split("\n")
    assert lines[0].split("\t") == ["word", "count", "branch_1", "branch_2", "branch_3"]
    assert lines[1].split("\t")[:2] == ["w0", "1200"]
    assert len(lines) == len(found) + 2


@pytest.mark.parametrize("word", ["a\tb", "a\n", "\r"])
def test_what_does_not_fit_into_the_projector_is_told_before_any_file(
    found: WordMap, tmp_path: Path, word: str
) -> None:
    odd = dataclasses.replace(found, words=[word, *(f"w{row}" for row in range(len(found) - 1))])
    with pytest.raises(UsageError, match="tab-separated"):
        odd.save(tmp_path / "m.csv", tmp_path / "m.tsv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("extension", [".png", ".svg"])
def test_figures_are_the_same_bytes_again(found: WordMap, tmp_path: Path, extension: str) -> None:
    for name in ("a", "b"):
        found.save(tmp_path / f"{name}{extension}")
    first, second = ((tmp_path / f"{name}{extension}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert len(first) > 10_000


def test_a_word_that_is_wider_than_the_figure_is_left_out(
    found: WordMap, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    some = [f"w{row}" for row in range(len(found) - 1)]
    plain = dataclasses.replace(found, words=["x" * 5_000, *some])
    plain.save(tmp_path / "long.svg")
    dataclasses.replace(found, words=["☃\U0010ffff", *some]).save(tmp_path / "none.svg")
    assert not recwarn.list
    # As one that no font has.
    assert (tmp_path / "long.svg").read_bytes() == (tmp_path / "none.svg").read_bytes()


def test_the_command_writes_beside_the_model(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    done = run("map", model)
    page = tmp_path / "m.map.html"
    assert page.exists()
    assert done.stderr.splitlines()[-1].startswith(f"{page}: a map of 8 words in ")
    assert "exists already" in complaint("map", model, code=OutputExistsError.exit_code)
    assert run("map", model, "--force", "--quiet").stderr == ""


@pytest.mark.parametrize("name", ["m.tsv", "m.metadata.tsv"])
def test_no_map_replaces_its_vectors(tmp_path: Path, name: str) -> None:
    vectors = tmp_path / name
    vectors.write_text("4 2\na 1 0\nb 0 1\nc 1 1\nd 1 2\n")
    before = vectors.read_bytes()
    said = complaint("map", vectors, "-o", tmp_path / "m.tsv", "--force", code=2)
    assert "is an input" in said
    assert vectors.read_bytes() == before


@pytest.mark.parametrize("given", [[], ["--top", "2"]])
def test_too_few_words_are_told(tmp_path: Path, given: list[str]) -> None:
    vectors = tmp_path / "m.txt"
    vectors.write_text("4 1\na 1\nb 2\nc 3\nd 4\n" if given else "2 1\na 1\nb 2\n")
    assert "at least 3" in complaint("map", vectors, *given, code=2)
    assert [one.name for one in tmp_path.iterdir()] == ["m.txt"]


def test_several_outputs_of_one_map(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    run("map", model, "-o", tmp_path / "a.csv", "-o", tmp_path / "a.tsv", "--branches", "2")
    assert {one.name for one in tmp_path.iterdir()} == {
        *("m.safetensors", "a.csv", "a.tsv", "a.metadata.tsv")
    }


def test_mistakes_are_told_before_any_work(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors")
    usage = UsageError.exit_code
    assert ".html" in complaint("map", model, "-o", tmp_path / "m.pdf", code=usage)
    assert "8,32,128" in complaint("map", model, "--branches", "many", code=usage)
    twice = complaint("map", model, "-o", tmp_path / "a.csv", "-o", tmp_path / "a.csv", code=usage)
    assert "is named twice" in twice
    assert "--open" in complaint("map", model, "-o", tmp_path / "a.csv", "--open", code=usage)
    assert "did you mean" in complaint("map", tmp_path / "m", code=MissingInputError.exit_code)
    assert [one.name for one in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize(
    ("library", "name"),
    [("openTSNE", "a.csv"), ("bokeh", "a.html"), ("matplotlib.figure", "a.png")],
)
def test_what_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, name: str
) -> None:
    model = write_model(tmp_path / "m.safetensors")
    monkeypatch.setitem(sys.modules, library, None)
    said = complaint("map", model, "-o", tmp_path / name, code=UsageError.exit_code)
    assert "pip install 'hsw2v[" in said


def test_open_shows_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", shown.append)
    model = write_model(tmp_path / "m.safetensors")
    run("map", model, "--open")
    assert shown == [(tmp_path / "m.map.html").as_uri()]


def test_how_much_of_the_neighbours_a_map_keeps_is_measured() -> None:
    places = np.random.default_rng(1).normal(size=(200, 2)).astype(np.float32)
    distances = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    near = np.argsort(distances, axis=1)[:, :10]
    assert kept(places, near) == 1.0
    near[:, :5] = np.argsort(-distances, axis=1)[:, 1:6]
    assert kept(places, near) == 0.5
