"""`hsw2v tree` through a real process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_models import some_model
from some_trees import ODD_WORDS, chain, shuffled_tree, write_tree_model

import hsw2v
from hsw2v.corpus.vocabulary import keep_probability
from hsw2v.trees.codes import code_lines, read_codes
from hsw2v.trees.shape import cost
from hsw2v.trees.tree import Tree

WORDS = ["the", "of", "king", "queen", "naïve"]
COUNTS = [40, 20, 10, 5, 5]
TREE = Tree(np.array([[~0, 1], [~1, 2], [3, ~2], [~4, ~3]], np.int32))
"""the 0, of 10, king 111, queen 1101, naïve 1100."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree_model(
        tmp_path_factory.mktemp("model") / "small.safetensors",
        TREE,
        WORDS,
        COUNTS,
        training={"tree": "huffman", "loss": "hs"},
        vocabulary={"sample": 0.01},
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows nothing of counts and settings, of odd words in a tree of any shape."""
    path = tmp_path_factory.mktemp("model") / "bare.safetensors"
    return write_tree_model(path, shuffled_tree(len(ODD_WORDS), 1), ODD_WORDS)


def test_the_shape_tells_costs_and_how_many_words_lie_how_deep(model: Path) -> None:
    lines = [line.split() for line in run("tree", model).stdout.splitlines()]
    assert lines[:4] == [["kind", "huffman"], ["words", "5"], ["shortest", "1"], ["longest", "4"]]
    # Shares of 1/2, 1/4, 1/8 and twice 1/16: the lengths are what entropy asks for.
    assert lines[6] == ["tokens", "1.8750", "1.8750", "1.8750", "0.0000"]
    assert lines[8][-4:] == ["2.8000", "2.3219", "2.4000", "0.4781"]
    assert lines[10:] == [
        ["depth", "words", "tokens"],
        ["1", "1", "50.00%", "#" * 40],
        ["2", "1", "25.00%", "#" * 20],
        ["3", "1", "12.50%", "#" * 10],
        ["4", "2", "12.50%", "#" * 10],
    ]


def test_the_shape_as_json_tells_also_the_cost_in_training(model: Path) -> None:
    answer = json.loads(run("tree", model, "--json").stdout)
    kept = cost(np.array([1, 2, 3, 4, 4]), COUNTS * keep_probability(np.array(COUNTS), 0.01))
    assert answer["cost"]["kept_tokens"] == {
        "mean": pytest.approx(kept.mean),
        "entropy": pytest.approx(kept.entropy),
        "huffman": pytest.approx(kept.huffman),
        "redundancy": pytest.approx(kept.redundancy),
    }
    assert list(answer["cost"]) == ["tokens", "kept_tokens", "words"]
    assert answer["depths"] == [
        {"depth": 1, "words": 1, "tokens": 0.5},
        {"depth": 2, "words": 1, "tokens": 0.25},
        {"depth": 3, "words": 1, "tokens": 0.125},
        {"depth": 4, "words": 2, "tokens": 0.125},
    ]


def test_without_counts_the_shape_is_of_words_alone(bare: Path) -> None:
    assert list(json.loads(run("tree", bare, "--json").stdout)["cost"]) == ["words"]
    assert "tokens" not in run("tree", bare).stdout


def test_of_several_trees_one_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    some_model("hs", WORDS, trees=2).save(path)
    first, second = (run("tree", path, "--number", n, "--codes").stdout for n in ("1", "2"))
    assert first == run("tree", path, "--codes").stdout != second
    assert json.loads(run("tree", path, "--json").stdout)["trees"] == 2
    assert "has 2 trees" in complaint("tree", path, "--number", "3", code=2)


def test_a_very_deep_tree_has_a_short_histogram(tmp_path: Path) -> None:
    path = write_tree_model(
        tmp_path / "deep.safetensors", chain(3_000), [f"w{i}" for i in range(3_000)]
    )
    rows = run("tree", path).stdout.split("depth", 1)[1].splitlines()[1:]
    assert len(rows) <= 40
    assert rows[0].split()[0] == "1-75"
    assert sum(int(row.split()[1].replace(",", "")) for row in rows) == 3_000
    assert len(run("tree", path, "w2999").stdout.splitlines()) == 3_001


def test_a_path_tells_each_decision_and_who_is_on_the_other_side(model: Path) -> None:
    assert run("tree", model, "queen", "the").stdout.splitlines() == [
        "queen: 4 decisions 1101",
        "turn  kept  others  among the others",
        "   1     4       1  the",
        "   1     3       1  of",
        "   0     2       1  king",
        "   1     1       1  naïve",
        "the: 1 decision 0",
        "turn  kept  others  among the others",
        "   0     1       4  of king queen naïve",
    ]


def test_a_path_as_json_is_a_line_a_word(model: Path) -> None:
    lines = run("tree", model, "of", "naïve", "--json", "-k", "2").stdout.splitlines()
    of, naive = map(json.loads, lines)
    assert (naive["word"], naive["code"]) == ("naïve", "1100")
    assert of == {
        "word": "of",
        "code": "10",
        "decisions": [
            {"node": 0, "turn": 1, "words": 4, "others": 1, "examples": ["the"]},
            {"node": 1, "turn": 0, "words": 1, "others": 3, "examples": ["king", "queen"]},
        ],
    }


def test_a_path_fits_into_a_hundred_columns(tmp_path: Path) -> None:
    words = [f"{'long' * (1 + number % 40)}{number}" for number in range(400)]
    path = write_tree_model(tmp_path / "m.safetensors", shuffled_tree(400, 2), words)
    shown = run("tree", path, *words[:20], "-k", "50").stdout
    table = [line for line in shown.splitlines() if line.startswith(" ")]
    assert max(map(len, table)) <= 100
    assert any(len(line) > 80 for line in table)


def test_codes_are_what_training_reads(bare: Path, tmp_path: Path) -> None:
    printed = run("tree", bare, "--codes").stdout
    tree = hsw2v.load(bare).tree
    assert tree is not None
    assert printed.split("\n")[:-1] == list(code_lines(tree, ODD_WORDS))
    path = tmp_path / "codes.tsv.gz"
    run("tree", bare, "--codes", "-o", path)
    back = read_codes(str(path)).tree(ODD_WORDS).paths()
    assert np.array_equal(back.codes, tree.paths().codes)


def test_output_writes_the_tree_or_its_top(model: Path, tmp_path: Path) -> None:
    for name in ("tree.nwk", "tree.txt"):
        extra = ["--format", "newick"] if name.endswith("txt") else []
        assert run("tree", model, "--output", tmp_path / name, *extra).stdout == ""
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert written == "('the',('of',(('naïve','queen'),'king')));\n"
    run("tree", model, "--output", tmp_path / "tree.nwk", "--depth", "2", "--force")
    written = (tmp_path / "tree.nwk").read_text(encoding="utf-8")
    assert written == "('the',('of','king queen naïve (3 words)'));\n"


def test_an_output_is_not_replaced_without_being_asked(model: Path, tmp_path: Path) -> None:
    path = tmp_path / "tree.json"
    path.write_text("precious", encoding="utf-8")
    assert "--force" in complaint("tree", model, "--output", path, code=7)
    assert "--force" in complaint("tree", model, "--codes", "--output", path, code=7)
    assert path.read_text(encoding="utf-8") == "precious"


def test_a_model_of_one_word_has_a_tree_without_decisions(tmp_path: Path) -> None:
    lone = Tree(np.empty((0, 2), np.int32))
    path = write_tree_model(tmp_path / "one.safetensors", lone, ["alone"], [3])
    assert json.loads(run("tree", path, "--json").stdout)["longest"] == 0
    assert run("tree", path).stdout.splitlines()[-1].split()[:2] == ["0", "1"]
    assert run("tree", path, "alone").stdout == "alone: 0 decisions\n"
    assert run("tree", path, "--codes").stdout == "alone\t\n"


def test_models_without_a_tree_are_refused_with_the_reason(tmp_path: Path) -> None:
    sampled = write_tree_model(
        tmp_path / "ns.safetensors", None, WORDS, COUNTS, training={"loss": "ns"}
    )
    assert "trained with loss ns" in complaint("tree", sampled, code=2)
    foreign = tmp_path / "vectors.txt"
    foreign.write_text("1 2\nking 1 2\n", encoding="utf-8")
    said = complaint("tree", foreign, code=2)
    assert "has no tree" in said
    assert "--loss hs" in said


def test_an_unknown_word_is_an_error_that_names_the_nearest(model: Path) -> None:
    assert "king" in complaint("tree", model, "kingg", code=11)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--codes", "king"],
        ["--codes", "--json"],
        ["--output", "tree.json", "king"],
        ["--output", "tree.json", "--json"],
        ["--depth", "3"],
        ["--format", "dot"],
        ["--codes", "--output", "tree.json", "--depth", "3"],
        ["--output", "tree.png"],
        ["--output", "tree.json", "--depth", "0"],
    ],
)
def test_what_does_not_go_together_is_refused(
    model: Path, tmp_path: Path, arguments: list[str]
) -> None:
    complaint("tree", model, *arguments, code=2, cwd=tmp_path)
    assert not list(tmp_path.iterdir())
