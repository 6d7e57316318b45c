"""Nearest rows: the fast selection against the obvious one."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsw2v.arrays import blas_thread_count
from hsw2v.query import neighbours
from hsw2v.query.neighbours import UnitRows, nearest, top_k, unit_rows


def obvious(unit, query, k, exclude=()):
    cosines = unit @ (query / np.linalg.norm(query))
    order = [int(i) for i in np.argsort(-cosines, kind="stable") if i not in exclude]
    return order[:k], cosines[order[:k]]


@pytest.fixture
def unit():
    return unit_rows(np.random.default_rng(1).normal(size=(5000, 7)).astype(np.float32))


def test_unit_rows_have_length_one_and_zeros_stay_zeros():
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]], np.float32)
    assert unit_rows(rows) == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0], [1.0, 0.0]]))
    assert unit_rows(rows).dtype == np.float32


@pytest.mark.parametrize("k", [1, 3, 10, 100])
def test_nearest_finds_what_sorting_all_cosines_finds(unit, k):
    queries = np.random.default_rng(2).normal(size=(4, 7)).astype(np.float32)
    exclude = np.array([[0, 1], [2, 3], [4, 5], [6, 7]])
    indexes, cosines = nearest(UnitRows(unit), queries, k, exclude)
    for row in range(4):
        expected, values = obvious(unit, queries[row], k, set(exclude[row]))
        assert indexes[row].tolist() == expected[: indexes.shape[1]]
        assert cosines[row] == pytest.approx(values[: cosines.shape[1]], abs=1e-6)


def test_excluded_rows_never_come_back_even_when_everything_is_asked_for(unit):
    few = unit[:6]
    indexes, cosines = nearest(UnitRows(few), few[:2], 99, np.array([[0], [1]]))
    assert indexes.shape == (2, 5)
    assert 0 not in indexes[0]
    assert 1 not in indexes[1]
    assert np.isfinite(cosines).all()


def test_answers_do_not_depend_on_how_the_work_is_cut_into_pieces(unit, monkeypatch):
    queries = unit[:50]
    exclude = np.arange(50)[:, None] + np.array([[0, 4000]])
    whole = nearest(UnitRows(unit), queries, 5, exclude)
    monkeypatch.setattr(neighbours, "QUERIES_AT_ONCE", 7)
    monkeypatch.setattr(neighbours, "SCORES_AT_ONCE", 7 * 300)
    cut = nearest(UnitRows(unit), queries, 5, exclude)
    assert np.array_equal(whole[0], cut[0])
    assert whole[1] == pytest.approx(cut[1], abs=1e-6)


def test_a_query_need_not_have_length_one(unit):
    assert nearest(UnitRows(unit), unit[:1] * 50, 1)[1][0, 0] == pytest.approx(1.0)


def test_no_queries_and_no_answers_are_fine(unit):
    assert nearest(UnitRows(unit), unit[:0], 3)[0].shape == (0, 3)
    assert nearest(UnitRows(unit), unit[:2], 0)[0].shape == (2, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.integers(1, 12), st.integers(0, 2**32 - 1), st.booleans())
def test_top_k_returns_the_greatest_scores_in_order(columns, k, seed, ties):
    scores = np.random.default_rng(seed).normal(size=(3, columns)).astype(np.float32)
    if ties:
        scores = np.round(scores)
    k = min(k, columns)
    indexes, values = top_k(scores, k)
    assert np.array_equal(values, -np.sort(-scores, axis=1)[:, :k])
    assert np.array_equal(np.take_along_axis(scores, indexes, axis=1), values)
    assert all(len(set(row)) == k for row in indexes.tolist())
    equal = values[:, 1:] == values[:, :-1]
    assert np.all(indexes[:, 1:][equal] > indexes[:, :-1][equal])


def test_tiny_rows_have_directions_too() -> None:
    unit = unit_rows(np.array([[1e-40, 0.0], [3e38, 3e38]], np.float32))
    assert np.allclose(unit, [[1, 0], [0.5**0.5, 0.5**0.5]])


@pytest.mark.parametrize("lengths", [[0.5, 1, 80], [0, 1, 1e9], [1e-40, 0, 1], [3e38, 1, 1e-30]])
def test_products_are_scaled_as_rows_would_be(lengths) -> None:
    rng = np.random.default_rng(4)
    rows = unit_rows(rng.normal(size=(300, 6)).astype(np.float32))
    rows *= rng.choice(lengths, (300, 1)).astype(np.float32)
    unit, directions = UnitRows(rows), unit_rows(rng.normal(size=(5, 6)).astype(np.float32))
    # Of the least numbers that there are, few digits are left.
    expected = directions @ unit_rows(rows)[7:200].T
    assert unit.products(directions, slice(7, 200)) == pytest.approx(expected, abs=1e-6)
    chosen = np.array([299, 0, 299])
    assert unit[chosen] == pytest.approx(unit_rows(rows)[chosen], abs=1e-6)
    assert len(unit.first(12)) == 12
    assert unit.first(12).products(directions, slice(12)) == pytest.approx(
        directions @ unit_rows(rows)[:12].T, abs=1e-6
    )


def test_no_second_table_is_made_of_rows_of_usual_lengths() -> None:
    rows = np.random.default_rng(4).normal(size=(20_000, 50)).astype(np.float32)
    rows[7] = 0.0
    tracemalloc.start()
    try:
        nearest(UnitRows(rows), rows[:3], 5)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < rows.nbytes / 2


def test_threads_that_share_queries_find_what_one_finds(unit, monkeypatch):
    queries = np.random.default_rng(5).normal(size=(200, 7)).astype(np.float32)
    monkeypatch.setattr(neighbours, "blas_thread_count", lambda: 1)
    alone = nearest(UnitRows(unit), queries, 5)
    monkeypatch.setattr(neighbours, "blas_thread_count", lambda: 3)
    shared = nearest(UnitRows(unit), queries, 5)
    assert np.array_equal(alone[0], shared[0])
    assert alone[1] == pytest.approx(shared[1], abs=1e-6)


def test_batches_at_the_same_time_leave_blas_its_threads(unit) -> None:
    before = blas_thread_count()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: nearest(UnitRows(unit), unit[:300], 3)[0], range(8)))
    assert all(np.array_equal(one, found[0]) for one in found)
    assert blas_thread_count() == before


def test_a_row_that_is_no_number_hides_no_other(unit, monkeypatch) -> None:
    expected, _ = obvious(unit, unit[9], 4, {9, 2_000})
    rows = unit.copy()
    rows[2_000] = np.nan
    monkeypatch.setattr(neighbours, "SCORES_AT_ONCE", 1_000)
    assert nearest(UnitRows(rows), unit[9:10], 4, np.array([[9]]))[0].tolist() == [expected]
    for direction in unit[9:10], rows[2_000:2_001]:
        found, cosines = nearest(UnitRows(rows), direction, len(rows))
        assert sorted(found[0]) == list(range(len(rows)))
        assert not np.isnan(cosines).any()
