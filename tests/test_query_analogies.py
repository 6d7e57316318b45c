"""Analogies and the odd one out, against their formulas written out."""

from __future__ import annotations

import numpy as np
import pytest

from hsw2v.query.analogies import analogies, odd_one_out
from hsw2v.query.neighbours import UnitRows, unit_rows


@pytest.fixture
def unit():
    return unit_rows(np.random.default_rng(3).normal(size=(400, 9)).astype(np.float32))


QUESTIONS = np.array([[0, 1, 2], [5, 4, 3], [7, 7, 8]])


def test_cosadd_is_the_cosine_to_the_sum_of_unit_vectors(unit):
    indexes, scores = analogies(UnitRows(unit), QUESTIONS, 5, "cosadd")
    for (a, b, c), found, values in zip(QUESTIONS, indexes, scores, strict=True):
        target = unit[b] - unit[a] + unit[c]
        cosines = unit @ target / np.linalg.norm(target)
        cosines[[a, b, c]] = -np.inf
        assert found.tolist() == np.argsort(-cosines)[:5].tolist()
        assert values == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-6)


def test_cosmul_is_the_formula_of_levy_and_goldberg(unit):
    indexes, scores = analogies(UnitRows(unit), QUESTIONS, 5, "cosmul")
    for (a, b, c), found, values in zip(QUESTIONS, indexes, scores, strict=True):
        to_a, to_b, to_c = ((1 + unit @ unit[word]) / 2 for word in (a, b, c))
        formula = to_b * to_c / (to_a + 0.001)
        formula[[a, b, c]] = -np.inf
        assert found.tolist() == np.argsort(-formula)[:5].tolist()
        assert values == pytest.approx(np.sort(formula)[::-1][:5], rel=1e-4)


@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_the_words_of_a_question_are_never_its_answer(unit, method):
    indexes, _ = analogies(UnitRows(unit[:10]), QUESTIONS, 10, method)
    for question, found in zip(QUESTIONS, indexes, strict=True):
        assert len(found) == 7
        assert not set(question) & set(found)


def test_the_odd_one_is_the_row_farthest_from_the_mean():
    rows = unit_rows(np.array([[1, 0.1], [1, 0], [-1, 0.2], [1, -0.1]], np.float32))
    assert odd_one_out(rows) == 2
