"""What an experiment is, and what is wrong with it, is found out before any work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from some_experiments import COMMON, EVERYTHING, TWO, write_experiment

from hsw2v.config import Config
from hsw2v.errors import CorruptInputError, Hsw2vError, MissingInputError, UsageError
from hsw2v.experiments.experiment import Experiment, Setting, read_experiment

EXAMPLES = sorted((Path(__file__).parent.parent / "configs" / "experiments").glob("*.toml"))


def test_an_experiment_is_common_settings_those_of_each_and_what_judges_them(
    tmp_path: Path,
) -> None:
    found = read_experiment(write_experiment(tmp_path, own=EVERYTHING))
    assert found.name == "Two | ways"
    assert found.seeds == (1, 2)
    assert [one.name for one in found.pairs] == ["pairs.tsv"]
    assert [one.name for one in found.analogies] == ["questions.txt"]
    assert found.heldout == str(tmp_path / "heldout.txt")
    tree, sampling = found.settings
    assert (tree.name, sampling.name) == ("tree", "sampling / two")
    common = Config().replace(min_count=1, sample=0.0, dim=6, epochs=1, threads=1, tree="huffman")
    assert tree.config == common.resolved()
    assert sampling.config == common.replace(loss="ns", negative=2).resolved()
    assert (tree.given, sampling.given) == ({}, {"loss": "ns", "negative": 2})
    assert found.common["dim"] == 6


def test_an_experiment_needs_no_more_than_one_setting(tmp_path: Path) -> None:
    path = tmp_path / "alone.toml"
    path.write_text("[[setting]]\nname = 'one'\n")
    found = read_experiment(path)
    assert (found.name, found.seeds, found.pairs, found.heldout) == ("alone", (1,), (), None)
    assert found.settings == (Setting("one", Config().resolved(), {}),)


def test_the_file_of_a_tree_is_sought_beside_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "codes.tsv").write_text("a\t0\nb\t1\n")
    path = write_experiment(tmp_path, "[[setting]]\nname = 'codes'\ntree = 'codes.tsv'\n")
    (setting,) = read_experiment(path).settings
    assert setting.config.training.tree == str(tmp_path / "codes.tsv")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads(path: Path, tmp_path: Path) -> None:
    """The files that it names are the user's: others stand for them here."""
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r'"([^"]+\.txt)"', text):
        analogies = name.startswith("questions")
        (tmp_path / name).write_text("a b c d\n" if analogies else "a b 1\n")
    copy = tmp_path / path.name
    copy.write_text(text, encoding="utf-8")
    found = read_experiment(copy)
    assert len(found.settings) > 2
    if path.stem == "walks":
        assert found.labels
    else:
        assert found.pairs
        assert found.analogies
        assert found.heldout


def test_there_are_examples() -> None:
    assert {one.stem for one in EXAMPLES} == {"output-layers", "remedies", "walks"}


ONE = "[[setting]]\nname = 'one'\n"


@pytest.mark.parametrize(
    ("own", "settings", "what"),
    [
        ("", "", "no setting to compare"),
        ("seeds = []", ONE, "there is no seed"),
        ("seeds = 1", ONE, "seeds is 1; it must be a list"),
        ("seeds = [-1]", ONE, "seed is -1"),
        ("seeds = [1, 1]", ONE, "two seeds are 1; change or remove one"),
        ("seed = [1]", ONE, r"unknown key 'seed' in \[experiment\]; did you mean 'seeds'"),
        ("name = ''", ONE, "name is empty; it must not be blank"),
        ("normalize_exactly = 1", ONE, "it must be true or false"),
        ("heldout = ' '", ONE, "heldout is empty"),
        ("normalize_exactly = true", ONE, "there is no held-out text; give heldout"),
        ("pairs = 'pairs.tsv'", ONE, "pairs is 'pairs.tsv'; it must be a list of files"),
        ("pairs = ['pairs.tsv', 'pairs.tsv']", ONE, "two test sets are named 'pairs'"),
        ("", ONE + ONE, "two settings are named 'one'"),
        ("", ONE + "[[setting]]\nname = 'two'\n", "'two': is the same as setting 'one'"),
        (
            "",
            "[[setting]]\nname='A b'\n[[setting]]\nname='a-B'\ndim=3\n",
            "two settings have the file name 'a-b'",
        ),
        ("", "[[setting]]\ndim = 3\n", "setting 1 has no name"),
        ("", "[[setting]]\nname = 3\n", "name is 3; it must be a string"),
        ("", ONE + "windw = 3\n", "setting 'one': unknown setting 'windw'; did you mean 'window'"),
        ("", ONE + "dim = [50, 100]\n", "setting 'one': dim is .50, 100.; it must be a whole"),
        ("", ONE + "lr = 20\n", "setting 'one': lr is 20"),
        ("", ONE + "seed = 3\n", r"every seed; list them: seeds = \[1, 2\]"),
        (
            "",
            ONE + "tree='semantic'\nrebuild_at = 5\n",
            "'one': the tree.*; lower rebuild_at, or raise epochs",
        ),
        ("", ONE + "[[setting]]\nname='b'\nlowercase=true\n", r"'b'.*put them under \[corpus\]"),
        ("", "[settings]\nname = 'x'\n", r"unknown section \[settings\]; did you mean 'setting'"),
        ("", "[setting]\nname = 'x'\n", r"write \[\[setting\]\]"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    own: str, settings: str, what: str, tmp_path: Path
) -> None:
    path = write_experiment(tmp_path, settings, own=own)
    with pytest.raises(UsageError, match=what) as raised:
        read_experiment(path)
    assert str(raised.value).startswith(str(path))


@pytest.mark.parametrize("name", ["training", "corpus", "experiment", "setting"])
def test_a_section_that_is_a_number_is_a_mistake(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"{name} = 3\n")
    with pytest.raises(UsageError, match=name):
        read_experiment(path)


def test_a_common_seed_is_a_mistake(tmp_path: Path) -> None:
    path = write_experiment(tmp_path, common=COMMON + "seed = 3\n")
    with pytest.raises(UsageError, match=r"seeds = \[1, 2\] in \[experiment\]"):
        read_experiment(path)


@pytest.mark.parametrize(
    ("own", "kind", "what"),
    [
        ("pairs = ['absent.tsv']", MissingInputError, r"mine\.toml, pairs, .*absent\.tsv: "),
        ("pairs = ['questions.txt']", CorruptInputError, r"pairs, .*questions\.txt, line 1"),
        ("analogies = ['pairs.tsv']", CorruptInputError, r"analogies, .*pairs\.tsv, line 1"),
        ("heldout = 'absent.txt'", MissingInputError, r"mine\.toml, heldout, .*absent\.txt: no"),
    ],
)
def test_files_that_it_names_are_there_and_can_be_read(
    own: str, kind: type[Hsw2vError], what: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=what):
        read_experiment(write_experiment(tmp_path, own=own))


def test_a_heldout_loss_is_measured_where_there_are_probabilities(tmp_path: Path) -> None:
    own = "heldout = 'heldout.txt'"
    plain = read_experiment(write_experiment(tmp_path, own=own))
    assert [plain.has_heldout_loss(one) for one in plain.settings] == [True, False]
    exactly = read_experiment(write_experiment(tmp_path, own=own + "\nnormalize_exactly = true"))
    assert [exactly.has_heldout_loss(one) for one in exactly.settings] == [True, True]
    without = read_experiment(write_experiment(tmp_path, TWO, own=""))
    assert [without.has_heldout_loss(one) for one in without.settings] == [False, False]


def test_what_a_setting_says_without_effect_is_known(tmp_path: Path) -> None:
    own = TWO + "samples = 9\ntree = 'absent.tsv'\n"
    tree, sampling = read_experiment(write_experiment(tmp_path, own)).settings
    assert tree.unused == []
    # The common tree has no effect on it either, but that is not its own.
    assert sampling.unused == ["tree", "samples"]
    assert read_experiment(write_experiment(tmp_path)).settings[1].unused == []


def test_an_experiment_made_in_python_is_checked_too() -> None:
    with pytest.raises(UsageError, match="no setting"):
        Experiment(name="empty", settings=())
