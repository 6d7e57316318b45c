"""Trees as text: what is written is read back, and what is no tree is told with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, shuffled_tree

from hsw2v.errors import CorruptInputError, EncodingError, MissingInputError, UsageError
from hsw2v.trees.codes import code_lines, read_codes
from hsw2v.trees.tree import Tree


def same_codes(one: Tree, other: Tree) -> bool:
    a, b = one.paths(), other.paths()
    return np.array_equal(a.offsets, b.offsets) and np.array_equal(a.codes, b.codes)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("codes") / "codes.tsv"


def reading(file: Path, content: str | bytes) -> str:
    """Write a file that is no tree, and return what is complained of, without the path."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(CorruptInputError) as caught:
        read_codes(str(file))
    assert caught.value.where.startswith(str(file))
    assert caught.value.hint
    return f"{caught.value.where.removeprefix(str(file)).removeprefix(', ')}: {caught.value.what}"


@given(st.integers(1, 80), st.integers(0, 99))
def test_a_tree_that_is_written_is_read_back(file: Path, count: int, seed: int) -> None:
    tree = shuffled_tree(count, seed)
    words = [f"word{number}" for number in range(count)]
    lines = list(code_lines(tree, words))
    np.random.default_rng(seed).shuffle(lines)
    file.write_text("\n".join(lines), encoding="utf-8")
    back = read_codes(str(file)).tree(words)
    back.check()
    assert same_codes(back, tree)


@given(st.lists(st.text(min_size=1).filter(lambda word: "\n" not in word), min_size=1, unique=True))
def test_any_word_without_a_line_feed_is_read_back(file: Path, words: list[str]) -> None:
    # A mark at the very beginning of a file says that it is UTF-8, and is no part of a word.
    words = [word for word in words if word[0] != "\ufeff"] or ["word"]
    tree = shuffled_tree(len(words), 5)
    file.write_bytes("".join(f"{line}\n" for line in code_lines(tree, words)).encode())
    assert same_codes(read_codes(str(file)).tree(words), tree)


def test_codes_spell_the_turns_from_the_root() -> None:
    tree = Tree(np.array([[1, ~0], [~2, ~1]], np.int32))
    assert list(code_lines(tree, ["a", "b", "c"])) == ["a\t1", "b\t01", "c\t00"]


def test_codes_say_where_words_hang_in_whatever_order_the_vocabulary_is(file: Path) -> None:
    file.write_text("c\t00\na\t1\nb\t01\n", encoding="utf-8")
    tree = read_codes(str(file)).tree(["b", "c", "a"])
    assert tree.children.tolist() == [[1, ~2], [~1, ~0]]


def test_a_single_word_has_the_empty_code(file: Path) -> None:
    assert list(code_lines(Tree(np.empty((0, 2), np.int32)), ["alone"])) == ["alone\t"]
    file.write_text("alone\t\n", encoding="utf-8")
    assert len(read_codes(str(file)).tree(["alone"])) == 1


def test_a_very_deep_tree_is_read_back(file: Path) -> None:
    tree = chain(3_000)
    words = [str(number) for number in range(3_000)]
    file.write_text("\n".join(code_lines(tree, words)), encoding="utf-8")
    assert np.array_equal(read_codes(str(file)).tree(words).children, tree.children)


def test_a_tree_whose_paths_no_memory_can_hold_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = code_lines(chain(300), [str(number) for number in range(300)])
    file.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr("hsw2v.trees.tree.MOST_DECISIONS", 40_000)
    with pytest.raises(CorruptInputError, match="add up to more than 40,000"):
        read_codes(str(file))
    monkeypatch.setattr("hsw2v.trees.tree.MOST_DECISIONS", 0)
    with pytest.raises(CorruptInputError, match="more than 30,000"):
        read_codes(str(file))


def test_empty_lines_other_line_ends_and_compression_are_no_matter(file: Path) -> None:
    packed = file.with_name("codes.tsv.gz")
    packed.write_bytes(gzip.compress(b"\xef\xbb\xbf\r\na\t0\r\n\r\nb\t1"))
    assert read_codes(str(packed)).words == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("a\t0\nb 1\n", "line 2: is not a word, a tab and a code of 0 and 1: 'b 1'"),
        ("a\t0\nb\t12\n", "line 2: is not a word, a tab and a code of 0 and 1: 'b\\t12'"),
        ("\n\t0\n", "line 2: is not a word, a tab and a code of 0 and 1: '\\t0'"),
        ("a\t0\nb\t1 \n", "line 2: is not a word, a tab and a code of 0 and 1: 'b\\t1 '"),
        ("a\t0\n\nb\t10\na\t11\n", "line 4: 'a' has a code already, in line 1"),
        ("a\t1\nb\t0\nc\t1\n", "line 1: the code of 'a', '1', is also that of 'c' in line 3"),
        (
            "a\t1\nb\t010\nc\t01\n",
            "line 3: the code of 'c', '01', is the beginning of that of 'b' in line 2",
        ),
        ("a\t\nb\t1\n", "line 1: the code of 'a', '', is the beginning of that of 'b' in line 2"),
        ("a\t0\nb\t10\n", "line 2: the code of 'b' begins with '10', but none with '11'"),
        ("a\t1\n", "line 1: the code of 'a' begins with '1', but none with '0'"),
        ("b\t1\na\t001\n", "line 2: the code of 'a' begins with '001', but none with '000'"),
        (
            "a\t00\nb\t010\nc\t10\nd\t11\n",
            "line 2: the code of 'b' begins with '010', but none with '011'",
        ),
        (
            "a\t0\nb\t101\nc\t11\n",
            "line 2: the code of 'b' begins with '101', but none with '100'",
        ),
        ("\n\n", ": holds no words"),
        (b"a\t0\n\xff\t1\n", "line 2: is not UTF-8 (byte 4)"),
    ],
)
def test_what_is_no_tree_is_told_with_its_line(
    file: Path, content: str | bytes, complaint: str
) -> None:
    assert reading(file, content) == complaint


@given(st.integers(2, 40), st.integers(0, 99), st.data())
def test_a_tree_with_a_word_missing_is_never_accepted(
    file: Path, count: int, seed: int, data: st.DataObject
) -> None:
    lines = list(code_lines(shuffled_tree(count, seed), [str(number) for number in range(count)]))
    lost = lines.pop(data.draw(st.integers(0, count - 1))).split("\t")[1]
    said = reading(file, "\n".join(lines))
    absent = said.rpartition("none with '")[2].rstrip("'")
    there = said.partition("begins with '")[2].partition("'")[0]
    codes = [line.split("\t")[1] for line in lines]
    assert lost.startswith(absent)
    assert not any(code.startswith(absent) for code in codes)
    line = int(said.partition("line ")[2].partition(":")[0])
    assert codes[line - 1].startswith(there)


@given(st.integers(1, 40), st.integers(0, 99), st.data())
def test_a_code_below_a_word_is_never_accepted(
    file: Path, count: int, seed: int, data: st.DataObject
) -> None:
    lines = list(code_lines(shuffled_tree(count, seed), [str(number) for number in range(count)]))
    below = data.draw(st.sampled_from(lines)).split("\t")[1]
    lines.append(f"new\t{below}{data.draw(st.text('01', max_size=3))}")
    said = reading(file, "\n".join(lines))
    assert "is the beginning of" in said or "is also" in said
    assert f"line {len(lines)}" in said


def test_a_file_that_is_not_there_or_not_text_has_its_own_error(file: Path) -> None:
    with pytest.raises(MissingInputError):
        read_codes(str(file.with_name("absent.tsv")))
    file.write_bytes(b"caf\xe9\t0\n")
    with pytest.raises(EncodingError):
        read_codes(str(file))


@pytest.mark.parametrize(
    ("vocabulary", "complaint"),
    [
        (["a", "b", "x"], "has no code for 1 word ('x') of the vocabulary"),
        (["a"], "has codes for 1 word ('b') outside the vocabulary"),
        (
            ["a", *"qrstuvw"],
            "has no code for 7 words ('q', 'r', 's', 't', 'u', ...) of the vocabulary and has "
            "codes for 1 word ('b') outside the vocabulary",
        ),
    ],
)
def test_a_tree_of_other_words_is_refused_and_they_are_named(
    file: Path, vocabulary: list[str], complaint: str
) -> None:
    file.write_text("a\t0\nb\t1\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_codes(str(file)).tree(vocabulary)
    assert caught.value.what == complaint
    assert "--min-count" in caught.value.hint


def test_a_word_with_a_line_feed_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="line feed"):
        list(code_lines(Tree(np.array([[~0, ~1]], np.int32)), ["a", "b\nc"]))
