"""Figures by depth and by frequency, visits, and what is said and drawn of them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from some_trees import chain, shuffled_tree

from hsw2v import reference
from hsw2v.config import Config
from hsw2v.diagnosis.diagnosis import Diagnoser, Diagnosis, Figures, mean_over
from hsw2v.diagnosis.findings import bands, factor_a_level, findings, span
from hsw2v.diagnosis.windows import Windows
from hsw2v.network import decisions
from hsw2v.network.outputs import output_layer
from hsw2v.network.outputs.classes import ClassOutput
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.network.outputs.ns import NegativeOutput
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

DIM = 6


def random(shape: tuple[int, ...], seed: int, scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=shape)


def some_windows(words: int, count: int, seed: int) -> Windows:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 5, count)
    contexts = rng.integers(0, words, counts.sum())
    return Windows(rng.integers(0, words, count), contexts, counts)


def diagnosed(
    tree: Tree, windows: list[Windows], *, seed: int = 1, scale: float = 1.0, **parts: object
) -> Diagnosis:
    words = len(tree)
    counts = np.arange(words, 0, -1) * 7
    given_parts = {"cbow": False, **parts}
    diagnoser = Diagnoser(
        HierarchicalOutput(tree, 0.0),
        random((words - 1, DIM), seed, scale),
        random((words, DIM), seed + 1),
        counts,
        counts / 2.0,
        **given_parts,  # type: ignore[arg-type]
    )
    for some in windows:
        diagnoser.add(some)
    return diagnoser.result()


@given(st.integers(2, 25), st.booleans(), st.integers(0, 100))
def test_figures_are_means_of_a_loop_over_all_decisions(words: int, cbow: bool, seed: int) -> None:
    tree, windows = shuffled_tree(words, seed), some_windows(words, 20, seed)
    found = diagnosed(tree, [windows], seed=seed, scale=3.0, cbow=cbow)
    nodes, vectors = random((words - 1, DIM), seed, 3.0), random((words, DIM), seed + 1)
    paths = tree.paths()
    by_depth: dict[int, list[list[float]]] = {}
    by_decile: dict[int, list[list[float]]] = {}
    begin = 0
    for target, count in zip(windows.targets, windows.counts, strict=True):
        hidden = vectors[windows.contexts[begin : begin + count]]
        begin += count
        for h in [hidden.mean(axis=0)] if cbow else hidden:
            path = slice(paths.offsets[target], paths.offsets[target + 1])
            for depth, step in enumerate(range(path.start, path.stop)):
                node = nodes[paths.nodes[step]]
                odds = (1 - 2 * int(paths.codes[step])) * float(h @ node)
                error = float(reference.sigmoid(np.float64(-odds)))
                figures = [
                    error,
                    float(np.logaddexp(0.0, -odds)),
                    error * np.linalg.norm(h),
                    error * np.linalg.norm(node),
                    np.linalg.norm(node),
                    abs(odds) > 6,
                    error < 0.01,
                    error > 0.99,
                ]
                by_depth.setdefault(depth, []).append(figures)
                by_decile.setdefault(1 + 10 * int(target) // words, []).append(figures)
    names = [one.name for one in dataclasses.fields(Figures)][1:]
    for rows, place, groups in (
        (found.by_depth, "depth", by_depth),
        (found.by_decile, "decile", by_decile),
    ):
        for row in rows:
            expected = groups.pop(getattr(row, place), [])
            assert row.decisions == len(expected)
            if expected:
                measured = [getattr(row, name) for name in names]
                np.testing.assert_allclose(measured, np.mean(expected, axis=0))
            else:
                assert row.error is None
        assert not groups


def test_what_is_looked_at_together_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    tree, windows = shuffled_tree(30, 1), [some_windows(30, 50, 1), some_windows(30, 50, 2)]
    whole = diagnosed(tree, windows)
    monkeypatch.setattr(decisions, "NUMBERS_AT_ONCE", 1)
    one_by_one = diagnosed(tree, windows)
    assert whole.totals.windows == 100
    flat, again = (json.loads(json.dumps(one.to_dict())) for one in (whole, one_by_one))
    for rows, others in zip(flat["by_depth"], again["by_depth"], strict=True):
        assert rows == pytest.approx(others)
    assert flat["totals"] == pytest.approx(again["totals"])


def test_hidden_vectors_are_normalised_before_they_are_looked_at() -> None:
    tree, windows = shuffled_tree(12, 1), some_windows(12, 30, 1)
    halved = np.vstack((np.full(DIM, 0.5), *np.zeros((2, DIM)), np.full(DIM, 1 - 1e-5)))
    for cbow in (False, True):
        plain = diagnosed(tree, [windows], cbow=cbow).totals
        small = diagnosed(tree, [windows], cbow=cbow, batch_norm=halved).totals
        assert small.output_norm == pytest.approx(plain.output_norm)
        assert small.saturated is not None
        assert small.output_gradient < plain.output_gradient
        assert abs(small.error - 0.5) < abs(plain.error - 0.5) or small.loss < plain.loss


def visits_by_hand(tree: Tree, kept: np.ndarray) -> np.ndarray:
    visits, paths = np.zeros(len(tree) - 1), tree.paths()
    for word, times in enumerate(kept):
        visits[paths.nodes[paths.offsets[word] : paths.offsets[word + 1]]] += times
    return visits


@given(st.integers(2, 40), st.integers(0, 100))
def test_nodes_are_visited_for_every_word_below_them(words: int, seed: int) -> None:
    tree = shuffled_tree(words, seed)
    kept = np.random.default_rng(seed).integers(0, 60, words).astype(float)
    rows = HierarchicalOutput(tree, 0.0).visits(kept)
    np.testing.assert_allclose(rows.visits, visits_by_hand(tree, kept))
    above = np.full(words - 1, -1)
    for node, children in enumerate(tree.children):
        above[children[children >= 0]] = rows.depths[node]
    np.testing.assert_array_equal(rows.depths, above + 1)


def test_by_depth_tells_how_many_nodes_are_starved() -> None:
    found = diagnosed(chain(31), [some_windows(31, 5, 1)])
    kept = np.arange(31, 0, -1) * 3.5
    visits = visits_by_hand(chain(31), kept)
    assert [one.count for one in found.by_depth] == [1] * 30
    assert [one.visits for one in found.by_depth] == pytest.approx(visits.tolist())
    assert [one.under_10 for one in found.by_depth] == (visits < 10).astype(float).tolist()
    totals = found.totals
    assert totals.count == 30
    assert totals.under_100 == pytest.approx((visits < 100).mean())
    assert totals.median_visits == pytest.approx(np.median(visits))
    assert found.by_decile[-1].visits == pytest.approx(np.mean(kept[-3:]))
    assert (found.by_decile[-1].most, found.by_decile[-1].least) == (21, 7)


def test_words_fall_into_tenths_by_their_frequency() -> None:
    found = diagnosed(shuffled_tree(25, 1), [some_windows(25, 5, 1)])
    assert [one.decile for one in found.by_decile] == list(range(1, 11))
    assert sum(one.count for one in found.by_decile) == 25
    assert {one.count for one in found.by_decile} == {2, 3}
    few = diagnosed(shuffled_tree(3, 1), [some_windows(3, 5, 1)])
    assert [one.count for one in few.by_decile] == [1, 1, 1]


def test_rows_of_classes_are_visited_with_their_class() -> None:
    classes = Classes(np.array([0, 0, 1, 1, 1], np.int32), 2)
    rows = ClassOutput(classes, 0.0).visits(np.array([10.0, 8.0, 3.0, 2.0, 1.0]))
    assert rows.depths.tolist() == [0, 0, 1, 1, 1, 1, 1]
    assert rows.visits.tolist() == [24, 24, 18, 18, 6, 6, 6]


def test_rows_of_the_softmax_are_all_visited_and_those_of_samples_by_chance() -> None:
    counts, kept = np.array([4, 3, 1]), np.array([4.0, 3.0, 1.0])
    full = output_layer(Config().replace(loss="softmax").training, counts)
    assert full.visits(kept).visits.tolist() == [8, 8, 8]
    settings = Config().replace(loss="ns", negative=2, ns_exponent=1.0).training
    drawn = output_layer(settings, counts)
    chances = 1 - (1 - counts / 8) ** 2
    np.testing.assert_allclose(drawn.visits(kept).visits, kept + (8 - kept) * chances)
    settings = Config().replace(loss="sampled", samples=2, ns_exponent=1.0).training
    sampled = output_layer(settings, counts)
    assert (full.name, drawn.name, sampled.name) == ("softmax", "ns", "sampled")
    np.testing.assert_allclose(sampled.visits(kept).visits, drawn.visits(kept).visits)


def test_visits_of_negative_sampling_are_those_of_its_draws() -> None:
    output, outputs = NegativeOutput(np.array([0.5, 0.3, 0.2]), 2), np.diag([1.0, 2.0, 4.0])
    windows = 3_000
    hidden, targets = np.ones((windows, 3)), np.zeros(windows, np.int64)
    made = output.decide(outputs, hidden, targets, np.random.default_rng(1))
    found = [np.count_nonzero(np.isclose(made.output_norms, norm)) for norm in (1.0, 2.0, 4.0)]
    expected = output.visits(np.array([windows, 0.0, 0.0])).visits
    np.testing.assert_allclose(found, expected, rtol=0.05)


def test_a_diagnosis_comes_back_from_json() -> None:
    found = diagnosed(shuffled_tree(12, 1), [some_windows(12, 3, 1)])
    assert Diagnosis.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_means_over_rows_are_those_of_all_that_they_stand_for() -> None:
    found = diagnosed(shuffled_tree(40, 3), [some_windows(40, 60, 1)])
    for name in ("error", "output_gradient", "saturated"):
        whole = pytest.approx(getattr(found.totals, name))
        assert mean_over(found.by_depth, name) == whole
        assert mean_over(found.by_decile, name) == whole
    assert mean_over(found.by_depth, "visits") == pytest.approx(found.totals.visits)
    loss = mean_over(found.by_decile, "prediction_loss")
    assert loss == pytest.approx(found.totals.prediction_loss)
    assert mean_over([], "error") is None


def test_the_factor_of_a_level_is_that_of_figures_that_fall_by_it() -> None:
    tree = shuffled_tree(60, 1)
    rows = diagnosed(tree, [some_windows(60, 40, 1)]).by_depth
    seen = [one for one in rows if one.decisions]
    for by in (0.25, 1.0, 1.5):
        changed = [dataclasses.replace(one, visits=3.0 * by**one.depth) for one in seen]
        assert factor_a_level(changed, "visits") == pytest.approx(by)
    assert factor_a_level(seen[:1], "visits") is None


def test_bands_hold_every_depth_once() -> None:
    rows = diagnosed(chain(23), [some_windows(23, 5, 1)]).by_depth
    cut = bands(rows, 4)
    assert [one for band in cut for one in band] == list(rows)
    assert [span(band) for band in cut] == ["0-5", "6-11", "12-17", "18-21"]
    assert [span(band) for band in bands(rows[:2], 40)] == ["0", "1"]


def test_findings_follow_the_figures() -> None:
    tree, windows = shuffled_tree(60, 1), [some_windows(60, 200, 1)]
    weak, strong = (
        " ".join(findings(diagnosed(tree, windows, scale=scale))) for scale in (0.001, 40.0)
    )
    assert weak.startswith("200 windows, ")
    assert "Saturation: 0% of the decisions are saturated" in weak
    assert "Saturation: 9" in strong
    assert "a factor of 1.00 per level (through a sigmoid" in weak
    assert "The mean norm of a node is 0.00" in weak
    starved = findings(diagnosed(chain(60), windows))
    assert any("of 59 nodes 10% are visited fewer than 100 times" in one for one in starved)


def test_a_vocabulary_of_one_word_has_nothing_to_decide() -> None:
    tree = Tree(np.empty((0, 2), np.int32))
    windows = Windows(np.zeros(2, np.int64), np.zeros(4, np.int64), np.array([1, 3]))
    found = diagnosed(tree, [windows])
    assert found.totals.decisions == 0
    assert found.totals.prediction_loss == 0.0
    assert list(findings(found))
