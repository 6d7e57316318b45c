"""Labels of words, told from their vectors by DeepWalk's protocol."""

from __future__ import annotations

import builtins
import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commandline import complaint, run
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

import hsw2v
from hsw2v import arrays, events
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import CorruptInputError, EmptyCorpusError, UsageError
from hsw2v.query.labels import LabelTask, WordLabels, f1, most_probable, read_labels

WORDS = [f"w{number}" for number in range(120)]


def some_labels() -> dict[str, tuple[str, ...]]:
    """Return labels that follow from the number of a word, some words with two."""
    return {
        word: tuple(
            label
            for label, has in (
                ("a", number % 3 == 0),
                ("b", number % 3 == 1),
                ("c", number % 3 == 2),
                ("d", number % 7 == 0),
            )
            if has
        )
        for number, word in enumerate(WORDS)
    }


def some_vectors() -> np.ndarray:
    vectors = np.random.default_rng(1).normal(0.0, 1.0, (len(WORDS), 6)).astype(np.float32)
    for number in range(len(WORDS)):
        vectors[number, number % 3] += 1.5
        vectors[number, 3] += 2.0 * (number % 7 == 0)
    return vectors


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    hsw2v.Model(Vocabulary.from_words(WORDS, [1] * len(WORDS)), some_vectors()).save(path)
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    lines = (f"{word} {' '.join(some)}\n" for word, some in some_labels().items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_a_trial_is_that_of_deepwalk() -> None:
    task = LabelTask(WordLabels("labels", some_labels()), np.arange(len(WORDS)))
    vectors = some_vectors()
    splits = list(task.splits(vectors, [0.3, 0.6], 2, 5))
    chance, expected = np.random.default_rng(5), []
    for _ in range(2):
        order = chance.permutation(len(WORDS))
        for known in (36, 72):
            first, rest = order[:known], order[known:]
            classifier = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
            classifier.fit(vectors[first], task.table[first].astype(int))
            guessed = np.zeros_like(task.table[rest])
            # As many labels as the word has, the most probable ones.
            for row, scores in enumerate(classifier.predict_proba(vectors[rest])):
                count = task.table[rest][row].sum()
                guessed[row, np.argsort(scores)[::-1][:count]] = True
            expected += [f1_score(task.table[rest], guessed, average="micro")]
            expected += [f1_score(task.table[rest], guessed, average="macro", zero_division=0)]
    found = [score for one in splits for score in one[1:]]
    assert found == pytest.approx(expected)
    # Far above one in three.
    assert min(found) > 0.6
    result = task.result(splits, 2)
    assert [one.labelled for one in result.scores] == [0.3, 0.6]
    assert result.scores[0].micro_f1 == pytest.approx(np.mean(expected[0::4]))
    assert result.scores[1].macro_f1_deviation == pytest.approx(np.std(expected[3::4], ddof=1))


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    task = LabelTask(WordLabels("labels", some_labels()), np.arange(len(WORDS)))
    found = []
    for threads in (1, 4):
        monkeypatch.setattr(arrays, "blas_thread_count", lambda count=threads: count)
        found.append(list(task.splits(some_vectors(), [0.3, 0.6], 2, 5)))
    assert found[0] == found[1]


def test_f1_is_that_of_scikit_learn() -> None:
    draws = np.random.default_rng(1)
    for _ in range(20):
        true, guessed = draws.random((2, 30, 5)) < 0.3
        true[:, 4] = guessed[:, 4] = False
        expected = [f1_score(true, guessed, average=a, zero_division=0) for a in ("micro", "macro")]
        assert f1(true, guessed) == pytest.approx(tuple(expected))


def test_a_word_is_given_as_many_labels_as_it_has() -> None:
    scores = np.array([[0.1, 0.9, 0.5], [0.2, 0.2, 0.1], [0.3, 0.2, 0.1]])
    guessed = most_probable(scores, np.array([2, 1, 0]))
    assert guessed.tolist() == [[False, True, True], [True, False, False], [False] * 3]


def test_labels_that_none_or_all_of_the_known_words_have() -> None:
    names = {word: ("all", *(["one"] if word == "w5" else [])) for word in WORDS[:10]}
    task = LabelTask(WordLabels("labels", names), np.arange(10))
    splits = list(task.splits(some_vectors()[:10], [0.2, 0.8], 3, 1))
    assert {one.labelled for one in splits} == {0.2, 0.8}
    assert all(0.0 < one.micro_f1 <= 1.0 for one in splits)


@pytest.mark.parametrize(
    "text",
    [
        "a x y\nb y\n",
        "# word label\n\na\tx\r\na\ty\r\nb,y\r\n",
        "a x\nb y\na y\na x\n",
        "a x;y\nb y",
    ],
)
def test_labels_are_on_one_line_or_on_several(tmp_path: Path, text: str) -> None:
    path = tmp_path / "l.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert read_labels(str(path)) == WordLabels("l.txt.gz", {"a": ("x", "y"), "b": ("y",)})


@pytest.mark.parametrize(
    ("text", "what"), [("a x\nb\n", "line 2: 'b' has no label"), ("# a\n", "holds no labels")]
)
def test_a_file_that_holds_no_labels_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "l.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorruptInputError, match=what):
        read_labels(str(path))


@pytest.mark.parametrize(
    "wrong", [{"fractions": []}, {"fractions": [0.5, 1.0]}, {"fractions": [0.0]}, {"repeats": 0}]
)
def test_what_cannot_be_done_is_refused(model: Path, labels: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        hsw2v.load(model).evaluate_labels(labels, **wrong)


def test_words_without_vectors_are_left_out(model: Path, tmp_path: Path) -> None:
    opened, path = hsw2v.load(model), tmp_path / "l.txt"
    path.write_text("w1 a\nw2 b\nw3 a\nnone b\n", encoding="utf-8")
    heard: list[events.Event] = []
    found = opened.evaluate_labels(path, fractions=[0.5], repeats=3, listener=heard.append)
    assert (found.words, found.covered, found.labels, found.repeats) == (4, 3, 2, 3)
    assert isinstance(heard[0], events.LabelsProgress)
    path.write_text("w1 a\nnone b\n", encoding="utf-8")
    with pytest.raises(EmptyCorpusError, match=r"1 of 2 labelled .* two words of this model"):
        opened.evaluate_labels(path)
    path.write_text("w1 a\n", encoding="utf-8")
    with pytest.raises(EmptyCorpusError, match="there is 1 labelled word; name the labels of two"):
        opened.evaluate_labels(path)


def test_without_scikit_learn_the_extra_is_named(
    model: Path, labels: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = builtins.__import__

    def gone(name: str, *rest: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError("no module named sklearn")
        return there(name, *rest)

    monkeypatch.setattr(builtins, "__import__", gone)
    with pytest.raises(UsageError, match=r"pip install 'hsw2v\[sklearn\]'"):
        hsw2v.load(model).evaluate_labels(labels)


def test_the_command_line_evaluates_on_labels(model: Path, labels: Path) -> None:
    # In a process of its own: `train` keeps SciPy out of this one.
    apart = {"env": dict(os.environ)}
    asked = ("evaluate", model, "--labels", labels, "--fraction", 0.125, 0.5, "--repeats", 2)
    done = run(*asked, **apart)
    table = [line.split() for line in done.stdout.splitlines()]
    assert table[0] == ["labels.txt", "Micro-F1", "Macro-F1", "covered"]
    assert [row[:2] for row in table[1:]] == [["12.5%", "labelled"], ["50%", "labelled"]]
    found = json.loads(run(*asked, "--json", "--seed", 1, **apart).stdout)["labels"][0]
    expected = hsw2v.load(model).evaluate_labels(labels, fractions=[0.125, 0.5], repeats=2)
    for one, score in zip(found["scores"], expected.scores, strict=True):
        assert one["micro_f1"] == pytest.approx(score.micro_f1)
        assert table[1 + found["scores"].index(one)][2] == f"{score.micro_f1:.4f}"
    assert "--labels FILE" in complaint("evaluate", model, code=2)
    assert "no such file" in complaint("evaluate", model, "--labels", "none.txt", code=3, **apart)
