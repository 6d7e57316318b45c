"""The questions a model answers, and its errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from some_models import some_model

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UnknownWordError, UsageError

WORDS = ["man", "king", "woman", "queen", "apple", "pear"]
VECTORS = np.array(
    [[2, 0, 0], [2, 0, 2], [0, 1, 0], [0, 1, 1], [-1, -1, 0.1], [-3, -3, 0]], np.float32
)


@pytest.fixture
def model():
    return hsw2v.Model(Vocabulary.from_words(WORDS, [9, 7, 5, 3, 2, 1]), VECTORS)


def test_a_model_tells_its_words_counts_and_vectors(model):
    assert len(model) == 6
    assert list(model.words) == WORDS
    assert "king" in model
    assert "kong" not in model
    assert model.dim == 3
    assert model.counts.tolist() == [9, 7, 5, 3, 2, 1]
    assert model["queen"].tolist() == model.vector("queen").tolist() == [0.0, 1.0, 1.0]
    assert (model.output, model.tree) == (None, None)


def test_nothing_in_a_model_can_be_changed_by_accident(model):
    for array in (model.vectors, model["king"], model.unit_vectors):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


def test_counts_of_zero_mean_that_they_are_not_known():
    assert hsw2v.Model(Vocabulary.from_words(WORDS, [0] * 6), VECTORS).counts is None


def test_similar_words_come_best_first_without_the_word_itself(model):
    answers = model.similar("man", k=2)
    assert [word for word, _ in answers] == ["king", "queen"]
    assert answers[0][1] == pytest.approx(np.sqrt(0.5))
    assert all(isinstance(score, float) for _, score in answers)
    assert len(model.similar("man", k=100)) == 5


def test_several_words_ask_for_the_mean_of_their_unit_vectors(model):
    mean = np.array([1.0, 0.0, 0.0]) + np.array([0.0, 1.0, 0.0])
    answers = dict(model.similar(["man", "woman"], k=10))
    assert "man" not in answers
    assert "woman" not in answers
    cosine = VECTORS[3] @ mean / np.linalg.norm(VECTORS[3]) / np.linalg.norm(mean)
    assert answers["queen"] == pytest.approx(cosine)
    assert model.similar(["man", "man"]) == model.similar("man")


def test_a_vector_asks_for_any_word(model):
    assert model.similar(model["king"] * 3, k=1) == [("king", pytest.approx(1.0))]
    assert model.similar([2.0, 0.0, 2.0], k=1)[0][0] == "king"


def test_a_batch_gives_what_one_by_one_gives(model):
    for word, answers in zip(WORDS, model.similar_batch(WORDS, k=3), strict=True):
        expected = model.similar(word, k=3)
        assert [w for w, _ in answers] == [w for w, _ in expected]
        assert [s for _, s in answers] == pytest.approx([s for _, s in expected])


def test_similarity_is_the_cosine(model):
    assert model.similarity("man", "king") == pytest.approx(np.sqrt(0.5))
    assert model.similarity("apple", "pear") == pytest.approx(0.9975, abs=1e-4)


@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_man_is_to_king_as_woman_is_to_queen(model, method):
    assert model.analogy("man", "king", "woman", k=1, method=method)[0][0] == "queen"


def test_the_odd_one_out_is_named(model):
    assert model.odd_one_out(["apple", "queen", "pear"]) == "queen"


def test_unknown_words_are_all_named_with_the_nearest_spellings(model):
    with pytest.raises(UnknownWordError) as caught:
        model.similar(["kinng", "man", "qeen", "kinng"])
    sentence = str(caught.value)
    assert "not in the vocabulary: 'kinng', 'qeen'" in sentence
    assert "'kinng' king" in sentence
    assert "'qeen' queen" in sentence
    assert "'man'" not in sentence


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model["kinng"],
        lambda model: model.vector("kinng"),
        lambda model: model.similar("kinng"),
        lambda model: model.similar_batch(["man", "kinng"]),
        lambda model: model.similarity("man", "kinng"),
        lambda model: model.analogy("man", "kinng", "queen"),
        lambda model: model.odd_one_out(["man", "queen", "kinng"]),
    ],
)
def test_every_question_refuses_unknown_words(model, ask):
    with pytest.raises(UnknownWordError, match="king"):
        ask(model)
    with pytest.raises(KeyError):
        ask(model)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda model: model.similar([]), "at least one"),
        (lambda model: model.similar(np.zeros(4)), "a vector has 3 numbers"),
        (lambda model: model.analogy("man", "king", "woman", method="cosdiv"), "cosadd, cosmul"),
        (lambda model: model.odd_one_out(["man", "king"]), "at least three"),
        (lambda model: model.evaluate(restrict=-1), "at least 0"),
        (lambda model: model.export("x.txt", top=0), "at least 1"),
        (lambda model: model.export("x.txt", format="csv"), "text, binary, npy"),
    ],
)
def test_questions_that_make_no_sense_say_what_would(model, ask, message):
    with pytest.raises(UsageError, match=message):
        ask(model)


def test_evaluate_reads_files_and_scores_them(model, tmp_path):
    pairs, questions = tmp_path / "pairs.txt", tmp_path / "questions.txt"
    pairs.write_text("man king 9\napple pear 10\nman apple 1\nman nobody 5\n")
    questions.write_text(": royals\nman king woman queen\n: gram\nwoman queen man king\n")
    result = model.evaluate(pairs=[pairs], analogies=[questions])
    assert (result.pairs[0].covered, result.pairs[0].pairs) == (3, 4)
    assert result.pairs[0].spearman == pytest.approx(1.0)
    assert result.analogies[0].total.accuracy == 1.0
    assert model.evaluate(analogies=[questions], restrict=3).analogies[0].total.covered == 0


def test_opening_and_asking_a_model_never_imports_the_compiler(model, tmp_path):
    model.save(tmp_path / "m.safetensors")
    program = (
        "import sys, hsw2v\n"
        "assert 'numpy' not in sys.modules\n"
        f"model = hsw2v.load({str(tmp_path / 'm.safetensors')!r})\n"
        "assert model.similar('man', k=1)[0][0] == 'king'\n"
        "assert not {'numba', 'llvmlite', 'smart_open'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("k", [0, -1, 1.5])
def test_fewer_than_one_answer_cannot_be_asked_for(model, k):
    for ask in (
        lambda: model.similar("king", k=k),
        lambda: model.similar_batch(["king"], k=k),
        lambda: model.analogy("man", "king", "woman", k=k),
    ):
        with pytest.raises(UsageError, match="at least 1"):
            ask()


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_a_query_must_be_finite(model, number):
    with pytest.raises(UsageError, match="not finite"):
        model.similar([number, 0, 0])


def test_one_string_is_not_taken_for_its_letters(model):
    for ask in (model.similar_batch, model.odd_one_out, model.rows):
        with pytest.raises(UsageError, match="one word"):
            ask("king")


@pytest.mark.parametrize("key", [5, ["king"], None])
def test_a_key_that_is_no_string_is_a_usage_error(model, key):
    with pytest.raises(UsageError, match="words are strings"):
        model[key]


def test_evaluation_takes_one_path_or_many(model, tmp_path):
    (tmp_path / "pairs.tsv").write_text("king queen 9\nking apple 1\n")
    (tmp_path / "questions.txt").write_text("man king woman queen\n")
    pairs, questions = tmp_path / "pairs.tsv", str(tmp_path / "questions.txt")
    assert model.evaluate(pairs, questions) == model.evaluate([pairs], [questions])


def test_vectors_of_float64_can_be_saved(tmp_path):
    model = hsw2v.Model(Vocabulary.from_words(WORDS, [9, 7, 5, 3, 2, 1]), VECTORS.astype(float))
    model.save(tmp_path / "m.safetensors")
    assert np.array_equal(hsw2v.load(tmp_path / "m.safetensors").vectors, VECTORS)


def test_words_may_be_in_any_container(model):
    expected = model.similar(["king", "queen"], k=2)
    for words in (("king", "queen"), np.array(["king", "queen"]), iter(["king", "queen"])):
        assert model.similar(words, k=2) == expected
    assert list(model) == list(model.words)


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: hsw2v.align(model, "other.safetensors"),
        lambda model: hsw2v.align("other.safetensors", model),
        lambda model: hsw2v.diagnose("model.safetensors", "corpus.txt"),
        lambda model: model.sentence_vectors(5),
        lambda model: model.similar(np.array("king")),
        lambda model: model.map(top="all"),
        lambda model: model.map(k=2.5),
        lambda model: model.map(branches=["8"]),
        lambda model: model.map(branches=8),
        lambda model: some_model("hs", ["a", "b"]).draw_tree("deep"),
        lambda model: model.neighbours(0),
    ],
)
def test_what_is_of_another_kind_is_refused(model, ask):
    with pytest.raises(UsageError):
        ask(model)
