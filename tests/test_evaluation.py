"""Test sets in their usual shapes, Spearman's correlation, analogy accuracy."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.errors import CorruptInputError, EncodingError, MissingInputError
from hsw2v.query.evaluation import (
    average_ranks,
    evaluate_analogies,
    evaluate_pairs,
    spearman,
)
from hsw2v.query.neighbours import UnitRows, unit_rows
from hsw2v.query.testsets import AnalogyQuestions, WordPairs, read_analogies, read_pairs

PAIRS = (("tiger", "cat", 7.35), ("plane", "car", 5.5))


@pytest.fixture
def write(tmp_path):
    def write(content: bytes, name: str = "set.txt") -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(path)

    return write


@pytest.mark.parametrize(
    "content",
    [
        b"tiger\tcat\t7.35\nplane\tcar\t5.5\n",
        b"tiger cat 7.35\nplane  car 5.5",
        b"tiger,cat,7.35\nplane,car,5.5\n",
        b"tiger;cat;7.35\nplane;car;5.5\n",
        b"word 1\tword 2\tscore\rtiger\tcat\t7.35\rplane\tcar\t5.5\r",
        b"tiger\tcat\t7.35\r\n\r\n  \r\nplane\tcar\t5.5\r\n",
        b"\xef\xbb\xbfWord 1,Word 2,Human (mean)\ntiger,cat,7.35\nplane,car,5.5\n",
        b"# a comment\nw1 w2 mean\ntiger\tcat\t7.35\t12\textra\n# another\nplane\tcar\t5.5\t9\tx\n",
    ],
)
def test_word_pairs_are_read_in_all_usual_shapes(write, content):
    assert read_pairs(write(content)) == WordPairs("set.txt", PAIRS)


def test_a_compressed_test_set_is_read(write):
    import gzip

    path = write(gzip.compress(b"tiger\tcat\t7.35\nplane\tcar\t5.5\n"), "set.txt.gz")
    assert read_pairs(path).pairs == PAIRS


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"a b 1\nc d x\n", 2),
        (b"w1 w2 score\na b 1\nw1 w2 score\n", 3),
        (b"a b\n", 1),
        (b"# c\r\n\r\na b 1\r\nc\r\n", 4),
        (b"a b nan\na b nan\n", 2),
    ],
)
def test_a_malformed_pair_is_an_error_that_names_the_line(write, content, line):
    with pytest.raises(CorruptInputError, match=rf"set\.txt, line {line}:"):
        read_pairs(write(content))


def test_an_empty_or_missing_or_undecodable_test_set_is_an_error(write):
    with pytest.raises(CorruptInputError, match="holds no word pairs"):
        read_pairs(write(b"# only a comment\n"))
    with pytest.raises(CorruptInputError, match="holds no questions"):
        read_analogies(write(b": section\n"))
    with pytest.raises(MissingInputError, match=r"absent\.txt"):
        read_pairs("absent.txt")
    with pytest.raises(EncodingError, match="line 2"):
        read_pairs(write("a b 1\nä c 2\n".encode("latin-1")))


def test_analogies_are_read_by_section(write):
    path = write(b"# comment\r\n: capitals\r\nA B C D\r\n\r\n:gram1-x\r\na\tb\tc\td\r\ne f g h\r\n")
    assert read_analogies(path).sections == (
        ("capitals", (("A", "B", "C", "D"),)),
        ("gram1-x", (("a", "b", "c", "d"), ("e", "f", "g", "h"))),
    )
    assert read_analogies(write(b"a b c d\n")).sections[0][0] == "questions"


def test_a_question_without_four_words_names_its_line(write):
    with pytest.raises(CorruptInputError, match="line 3"):
        read_analogies(write(b": s\na b c d\na b c\n"))


def test_equal_values_share_the_mean_of_their_ranks():
    ranks = average_ranks(np.array([10.0, 20.0, 10.0, 30.0, 20.0, 20.0]))
    assert ranks.tolist() == [1.5, 4.0, 1.5, 6.0, 4.0, 4.0]


def test_spearman_of_a_case_worked_by_hand():
    # Ranks 1 2 3 4 5 against 2 1 4 3 5: 1 - 6 * 4 / (5 * 24).
    assert spearman(np.array([1.0, 2, 3, 4, 5]), np.array([20.0, 1, 40, 30, 99])) == pytest.approx(
        0.8
    )


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=30))
def test_spearman_is_pearson_of_average_ranks_and_blind_to_scale(points):
    x, y = np.array(points, np.float64).T
    found = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
        return
    naive = [
        [sum(v < w for v in values) + (sum(v == w for v in values) + 1) / 2 for w in values]
        for values in (x, y)
    ]
    assert found == pytest.approx(np.corrcoef(naive)[0, 1])
    assert spearman(np.exp(x), y**3) == pytest.approx(found)


def test_spearman_of_one_pair_is_undefined():
    assert spearman(np.array([1.0]), np.array([1.0])) is None


INDEX = {"man": 0, "king": 1, "woman": 2, "queen": 3, "Berlin": 4, "rare": 5}


@pytest.fixture
def unit():
    return unit_rows(
        np.array(
            [[1, 0, 0], [1, 0, 1], [0, 1, 0], [0, 1, 1], [-1, -1, 0.1], [-1, 0, -1]], np.float32
        )
    )


def test_pairs_count_what_is_covered_and_fall_back_to_lower_case(unit):
    test = WordPairs(
        "t", (("MAN", "king", 3.0), ("woman", "man", 2.0), ("Berlin", "man", 1.0), ("x", "man", 9))
    )
    result = evaluate_pairs(UnitRows(unit), INDEX, test)
    assert (result.covered, result.pairs) == (3, 4)
    assert result.spearman == pytest.approx(1.0)


def test_pairs_of_rare_words_are_judged_apart_by_their_rarer_word():
    """Six words on a line: among the frequent the ratings follow it, among the rare they do not."""
    angles = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5])
    unit = np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)
    index = {word: row for row, word in enumerate("abcdef")}
    frequent = (("a", "b", 9.0), ("a", "c", 8.0), ("c", "b", 8.5), ("d", "a", 1.0))
    rare = (("e", "d", 1.0), ("a", "f", 9.0), ("e", "c", 2.0), ("f", "e", 3.0))
    apart = evaluate_pairs(UnitRows(unit), index, WordPairs("t", rare))
    for pairs in (frequent + rare, rare + frequent):
        result = evaluate_pairs(UnitRows(unit), index, WordPairs("t", pairs))
        assert result.frequent == pytest.approx(1.0)
        assert result.rare == pytest.approx(apart.spearman)
        assert result.rare < 0 < result.spearman < 1


def test_pairs_at_the_median_are_frequent_wherever_they_stand(unit):
    """Rarer words 1 1 1 5: the median is 1."""
    pairs = (("man", "king", 3.0), ("king", "man", 2.0), ("king", "king", 1.0), ("rare", "man", 9))
    for turned in (pairs, pairs[::-1]):
        result = evaluate_pairs(UnitRows(unit), INDEX, WordPairs("t", turned))
        assert result.frequent is not None
        assert result.rare is None


def test_pairs_without_coverage_have_no_correlation(unit):
    result = evaluate_pairs(UnitRows(unit), INDEX, WordPairs("t", (("x", "y", 1.0),)))
    assert (result.spearman, result.covered, result.pairs) == (None, 0, 1)
    assert (result.rare, result.frequent) == (None, None)


QUESTIONS = AnalogyQuestions(
    "q",
    (
        ("family", (("man", "king", "Woman", "Queen"), ("man", "king", "woman", "nobody"))),
        ("gram1", (("man", "king", "woman", "Berlin"),)),
        ("empty", (("a", "b", "c", "d"),)),
    ),
)


def test_analogies_are_scored_by_section_semantic_syntactic_and_total(unit):
    result = evaluate_analogies(UnitRows(unit), INDEX, QUESTIONS, restrict=0)
    assert [(s.name, s.correct, s.covered, s.questions) for s in result.sections] == [
        ("family", 1, 1, 2),
        ("gram1", 0, 1, 1),
        ("empty", 0, 0, 1),
    ]
    assert (result.semantic.correct, result.semantic.covered, result.semantic.questions) == (
        1,
        1,
        3,
    )
    assert result.syntactic.accuracy == 0.0
    assert result.total.accuracy == 0.5
    assert result.sections[2].accuracy is None


def test_restrict_leaves_the_most_frequent_words_for_questions_and_answers(unit):
    result = evaluate_analogies(UnitRows(unit), INDEX, QUESTIONS, restrict=4)
    assert [s.covered for s in result.sections] == [1, 0, 0]
    # Between queen and the words asked for stands a word outside of the restriction.
    closer = np.concatenate((unit, unit[3:4] * 1.0))
    closer[3] = unit_rows(np.array([[0.3, 1, 1]], np.float32))[0]
    nearer, index = UnitRows(closer), INDEX | {"nearer": 6}
    assert evaluate_analogies(nearer, index, QUESTIONS, restrict=0).sections[0].correct == 0
    assert evaluate_analogies(nearer, index, QUESTIONS, restrict=6).sections[0].correct == 1


def test_a_frequent_lower_case_form_stands_in_for_a_rare_capital(unit):
    index = {"Man": 5, "man": 0, "king": 1, "woman": 2, "queen": 3}
    test = AnalogyQuestions("q", (("s", (("Man", "king", "woman", "queen"),)),))
    assert evaluate_analogies(UnitRows(unit), index, test, restrict=4).total.correct == 1


def test_the_name_of_a_set_is_text_even_if_that_of_its_file_is_not(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.tsv")
    try:
        path.write_text("king queen 9\n")
    except OSError:
        pytest.skip("the file system takes UTF-8 names only")
    assert read_pairs(str(path)).name == "caf\ufffd.tsv"
