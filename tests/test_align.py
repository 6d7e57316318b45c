"""Models are rotated into the space of others, and nothing that they say changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_models import EVERY_LOSS, some_model
from some_subwords import OTHERS, some_subwords

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, UsageError
from hsw2v.events import Event, Notice, VectorsProgress
from hsw2v.query.alignment import cosines_of, rotation_between

WORDS = [f"w{number}" for number in range(30)]


def turned(dim: int, seed: int = 1) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dim, dim)))[0]


def model_of(vectors: np.ndarray, words: list[str] = WORDS, name: str = "") -> hsw2v.Model:
    return hsw2v.Model(Vocabulary.from_words(words, range(1000, 1000 - len(words), -1)), vectors)


def test_a_rotation_is_found_again() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 6)).astype(np.float32)
    rotation = turned(6)
    lengths = np.linspace(0.1, 3, 30, dtype=np.float32)[:, None]
    found = rotation_between(rows @ rotation.T.astype(np.float32) * lengths, rows)
    np.testing.assert_allclose(found, rotation, atol=1e-6)


def test_no_other_orthogonal_matrix_is_nearer() -> None:
    rng = np.random.default_rng(3)
    source, target = (rng.normal(size=(40, 5)).astype(np.float32) for _ in range(2))
    found = rotation_between(source, target)
    np.testing.assert_allclose(found @ found.T, np.eye(5), atol=1e-12)
    unit, aim = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (source, target))
    best = np.linalg.norm(unit @ found - aim)
    for _ in range(200):
        # Near ones, and others.
        small = rng.normal(size=(5, 5)) * rng.choice([0.01, 0.1, 1])
        near = found @ np.linalg.qr(np.eye(5) + small - small.T)[0]
        assert np.linalg.norm(unit @ near - aim) >= best - 1e-9


@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_probabilities_stay_what_they_are(loss: str) -> None:
    model = some_model(loss, WORDS)
    other = model_of(np.random.default_rng(5).normal(size=(30, 6)))
    found = hsw2v.align(other, model).model
    for context in (["w1"], ["w2", "w29"]):
        before, after = (
            one.distribution(context, normalize_exactly=True) for one in (model, found)
        )
        np.testing.assert_allclose(before, after, rtol=1e-5)
    assert [word for word, _ in model.similar("w3")] == [word for word, _ in found.similar("w3")]
    assert np.abs(found.vectors - model.vectors).max() > 0.1


def test_several_trees_are_rotated(tmp_path: Path) -> None:
    model = some_model("hs", WORDS, trees=2)
    found = hsw2v.align(model_of(model.vectors @ turned(6)), model).model
    found.save(tmp_path / "m.safetensors")
    again = hsw2v.load(tmp_path / "m.safetensors")
    assert len(again.trees) == 2
    assert again.info["aligned_to"] == {"model": "", "pairs": 30}
    before, after = (one.distribution(["w4"]) for one in (model, again))
    np.testing.assert_allclose(before, after, rtol=1e-5)


def test_without_what_cannot_be_rotated_the_words_are_kept() -> None:
    told: list[Event] = []
    model = some_model("hs", WORDS, batch_norm=True)
    found = hsw2v.align(model_of(model.vectors @ turned(6)), model, listener=told.append)
    (notice,) = told
    assert isinstance(notice, Notice)
    assert "batch normalisation" in notice.message
    assert found.model.batch_norm is None
    assert not found.model.has_output
    assert found.similarity == pytest.approx(1)
    with pytest.raises(UsageError, match="no probabilities"):
        found.model.predict(["w1"])


def test_vectors_of_ngrams_are_rotated() -> None:
    model = some_subwords()
    reference = hsw2v.Model(model.vocabulary, model.vectors @ turned(7))
    found = reference.align(model)
    for word in OTHERS:
        expected = model[word] @ found.rotation
        np.testing.assert_allclose(found.model[word], expected, atol=1e-5)


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsw2v.events.Pace.due", lambda self: True)
    told: list[Event] = []
    model = some_model("hs", WORDS)
    hsw2v.align(model, model, listener=told.append)
    assert [(one.stage, one.done) for one in told if isinstance(one, VectorsProgress)] == [
        ("rotating", 29),
        ("rotating", 59),
    ]


def test_words_are_listed_that_changed() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(30, 6))
    others = vectors @ turned(6)
    others[3] = -others[3]
    # Of the second model the words are in another order, and some are its own.
    order = rng.permutation(30)
    words = [WORDS[one] for one in order]
    found = hsw2v.align(model_of(vectors), model_of(others[order], words))
    worst, *rest = found.changes(30)
    assert worst.word == "w3"
    assert worst.similarity < 0
    assert min(one.similarity for one in rest) > 0.9
    assert worst.counts == (997, int(1000 - list(order).index(3)))
    assert worst.before == tuple(word for word, _ in model_of(vectors).similar("w3", 5))
    assert len(found.changes(30, min_count=990)) < 20
    assert found.changes(30, min_count=5000) == []
    cosines = cosines_of(vectors[order], found.model.vectors)
    assert found.similarity == pytest.approx(cosines.mean())


def test_models_that_do_not_fit_are_refused() -> None:
    rng = np.random.default_rng(1)
    four, three = (model_of(rng.normal(size=(30, dim))) for dim in (4, 3))
    with pytest.raises(UsageError, match="4 and 3 dimensions"):
        hsw2v.align(four, three)
    strangers = model_of(rng.normal(size=(2, 4)), ["a", "b"])
    with pytest.raises(UsageError, match="no words in common"):
        hsw2v.align(four, strangers)
    told: list[Event] = []
    few = model_of(rng.normal(size=(2, 4)), ["w1", "b"])
    hsw2v.align(four, few, listener=told.append)
    assert "do not determine a rotation" in str(told)


def test_a_dictionary_pairs_words_of_two_languages(tmp_path: Path) -> None:
    vectors = np.random.default_rng(9).normal(size=(30, 6))
    theirs = model_of(vectors @ turned(6), [word.upper() for word in WORDS])
    path = tmp_path / "pairs.txt"
    lines = [f"{word}\t{word.upper()}" for word in WORDS[:20]]
    path.write_text("\n".join([*lines, "", "nothing  here", "w1 nowhere"]), "utf-8")
    found = hsw2v.align(model_of(vectors), theirs, dictionary=path)
    assert len(found.pairs) == 20
    # Those that are not in it, too.
    np.testing.assert_allclose(found.model["W25"], vectors[25], atol=1e-5)
    path.write_text("w1 W1\nw2\n", "utf-8")
    with pytest.raises(CorruptInputError, match="line 2: is not two words"):
        hsw2v.align(model_of(vectors), theirs, dictionary=path)
    path.write_text("W1 w1\n", "utf-8")
    with pytest.raises(UsageError, match="have no pair of it; check its columns"):
        hsw2v.align(model_of(vectors), theirs, dictionary=path)


def test_the_command_line_aligns(tmp_path: Path) -> None:
    a, c = (tmp_path / f"{name}.safetensors" for name in "ac")
    model = some_model("hs", WORDS)
    model.save(a)
    model_of(model.vectors @ turned(6)).export(tmp_path / "b.bin")
    done = run("align", tmp_path / "b.bin", a, "-o", c)
    assert done.stderr == (
        f"{c}: 30 words × 6 dimensions, aligned by 30 pairs of words, mean similarity 1.000\n"
    )
    assert done.stdout == ""
    assert "exists already" in complaint("align", a, a, "-o", c, code=7)
    assert "is an input" in complaint("align", a, c, "-o", c, "--force", code=2)
    table = run("align", a, c, "--min-count", 1).stdout.splitlines()
    assert table[0].split() == ["similarity", "word", "counts", "before", "after"]
    assert len(table) == 21
    lines = run("align", a, c, "--json", "--changes", 3, "--min-count", 1, "--quiet").stdout
    first = json.loads(lines.splitlines()[0])
    assert set(first) == {"word", "similarity", "counts", "before", "after"}
    nothing = run("align", a, c, "--min-count", 10_000)
    assert "no word occurs 10000 times in both: lower --min-count" in nothing.stderr
    assert nothing.stdout == ""
    # Counts that a file does not tell are no reason to leave words out.
    lines = run("align", tmp_path / "b.bin", c, "--json", "--min-count", 1).stdout.splitlines()
    assert json.loads(lines[0])["counts"][0] is None
