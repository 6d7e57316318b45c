"""What a model says of words in a context, and of sentences."""

from __future__ import annotations

import gc
import itertools
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hsw2v
from hsw2v import events
from hsw2v.config import Config, CorpusConfig
from hsw2v.corpus.stream import encode
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import EmptyCorpusError, MissingInputError, UnknownWordError, UsageError
from hsw2v.model.context import context_of_text
from hsw2v.model.predictor import Predictor
from hsw2v.trees.tree import Tree

SMALL: dict[str, Any] = {
    "dim": 12, "min_count": 1, "sample": 0.0, "threads": 1, "window": 2, "lr": 0.1,
}  # fmt: skip
CONTEXTS = (["a1", "a2", "a1"], "a1 b2 _ a3", ["b0"], "_ b7 b1", "nobody a1 a2 b3 b4 _ b5 b6 b7")


def sentences(count: int = 400, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [
        [f"{'ab'[group]}{member}" for member in rng.zipf(1.5, 7) % 9]
        for group in rng.integers(0, 2, count)
    ]


@pytest.fixture(scope="module", params=["skipgram", "cbow"])
def model(request: pytest.FixtureRequest) -> hsw2v.Model:
    return hsw2v.train(sentences(), model=request.param, **SMALL)


@pytest.fixture(scope="module")
def sampled() -> hsw2v.Model:
    return hsw2v.train(sentences(), loss="ns", **SMALL)


def test_a_distribution_sums_to_one_and_favours_the_words_that_go_with_the_context(
    model: hsw2v.Model,
) -> None:
    probabilities = model.distribution(["a1", "a2", "a3"])
    assert probabilities.shape == (len(model),)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-12)
    of_group = [row for row, word in enumerate(model.words) if word.startswith("a")]
    assert probabilities[of_group].sum() > 0.9


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("k", [1, 4, 1000])
def test_predictions_are_the_sorted_distribution(
    model: hsw2v.Model, context: str | list[str], k: int
) -> None:
    probabilities = model.distribution(context)
    best = np.argsort(-probabilities, kind="stable")[:k]
    answers = model.predict(context, k=k)
    assert answers == [(model.words[row], probabilities[row]) for row in best]
    assert len(answers) == min(k, len(model))


@pytest.mark.parametrize("context", CONTEXTS)
def test_the_log_probability_of_a_word_is_that_of_the_distribution(
    model: hsw2v.Model, context: str | list[str]
) -> None:
    logs = np.log(model.distribution(context))
    found = [model.log_prob(word, context) for word in model.words]
    assert found == pytest.approx(logs.tolist(), rel=1e-12)


def test_skipgram_mixes_what_its_words_predict_and_cbow_asks_their_mean(
    model: hsw2v.Model,
) -> None:
    one, other = model.distribution(["a1"]), model.distribution(["b1"])
    both = model.distribution(["a1", "b1"])
    mixes = model.config["training"]["model"] == "skipgram"
    assert np.allclose(both, (one + other) / 2) == mixes
    twice = model.distribution(["a1", "a1", "b1"])
    assert np.allclose(twice, (2 * one + other) / 3) == mixes


def test_a_saved_model_predicts_the_same(model: hsw2v.Model, tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    model.save(path)
    assert hsw2v.load(path).predict("a1 _ a2") == model.predict("a1 _ a2")


def test_of_a_text_the_known_words_within_the_window_count(model: hsw2v.Model) -> None:
    found = Predictor(model).predict("a1 nobody a2 a3 huh _ b1 none b2 b3", 1)
    assert found.context.words == ("a2", "a3", "b1", "b2")
    assert found.context.unknown == ("nobody", "huh", "none")
    assert found.context.out_of_window == ("a1", "b3")
    listed = model.predict(["a2", "a3", "b1", "b2"])
    assert model.predict("a1 nobody a2 a3 huh _ b1 none b2 b3") == listed


def test_the_gap_may_stand_at_either_end(model: hsw2v.Model) -> None:
    assert model.predict("_ a1 a2") == model.predict(["a1", "a2"])
    assert model.predict(" a1\ta2 _ ") == model.predict(["a1", "a2"])


@pytest.mark.parametrize(
    ("context", "error", "said"),
    [
        ("a1 a2", UsageError, "no gap"),
        ("a1", UsageError, "no gap"),
        ("_ a1 _", UsageError, "2 gaps"),
        ("", UsageError, "no gap"),
        ("_", UsageError, "no words"),
        ([], UsageError, "no words"),
        ([1], UsageError, "not a word"),
        (None, UsageError, "no list of words"),
        (5, UsageError, "no list of words"),
        (["a1", "nobody"], UnknownWordError, "'nobody'"),
        ("A1 _ nobody", UnknownWordError, "'A1' .*, 'nobody'"),
        (["a1", "_"], UnknownWordError, "'_'"),
    ],
)
def test_a_context_that_cannot_be_used_is_an_error(
    model: hsw2v.Model, context: Any, error: type[Exception], said: str
) -> None:
    for ask in (model.predict, model.distribution, lambda given: model.log_prob("a1", given)):
        with pytest.raises(error, match=said):
            ask(context)


def test_a_word_that_is_not_known_has_no_probability(model: hsw2v.Model) -> None:
    with pytest.raises(UnknownWordError, match="'nobody'"):
        model.log_prob("nobody", ["a1"])
    with pytest.raises(UsageError, match="k is 0"):
        model.predict(["a1"], k=0)


def by_hand(words: list[str], dim: int = 3, config: dict[str, Any] | None = None) -> hsw2v.Model:
    """A model of words over a balanced tree, or the only leaf there is."""
    rng = np.random.default_rng(1)
    nodes = len(words) - 1
    below = np.arange(1, 2 * nodes + 1)
    children = np.where(below < nodes, below, ~(below - nodes)).reshape(nodes, 2)
    return hsw2v.Model(
        Vocabulary.from_words(words, [1] * len(words)),
        rng.normal(size=(len(words), dim)),
        rng.normal(size=(nodes, dim)),
        Tree(children.astype(np.int32)),
        config,
    )


def test_a_vocabulary_of_one_word_is_certain_of_it() -> None:
    model = by_hand(["only"])
    assert model.predict(["only"]) == [("only", 1.0)]
    assert model.distribution("only _").tolist() == [1.0]
    assert model.log_prob("only", ["only", "only"]) == 0.0
    assert [one.perplexity for one in model.score([["only", "only"], ["only"]])] == [1.0, None]


def test_the_word_that_marks_a_gap_can_be_listed_and_predicted() -> None:
    model = by_hand(["_", "a", "b"])
    assert {word for word, _ in model.predict(["_", "a"])} == {"_", "a", "b"}
    assert model.log_prob("_", "a _ b") == model.log_prob("_", ["a", "b"])
    with pytest.raises(UsageError, match="list the words"):
        model.predict("_ a _")


def test_words_of_a_text_are_made_as_those_of_the_corpus() -> None:
    config = Config().replace(tokens="words", lowercase=True).to_dict()
    model = by_hand(["the", "king's", "land", "naïve"], config=config)
    found = Predictor(model).context("“The King's (land_) — NAÏVE, _.")
    assert found.words == ("the", "king's", "land", "naïve")


@given(
    st.text(st.sampled_from("aB'’Σσİé́9 -_.,\t東"), min_size=1, max_size=20), st.booleans(),
    st.sampled_from(["space", "words"]),
)  # fmt: skip
def test_the_tokens_of_a_gapped_text_are_the_tokeniser_s(
    tmp_path_factory: pytest.TempPathFactory, text: str, lowercase: bool, tokens: str
) -> None:
    text = text.replace("_", " ")
    corpus = CorpusConfig(tokens=tokens, lowercase=lowercase)
    config = Config().replace(tokens=tokens, lowercase=lowercase)
    found = context_of_text(f"{text} _ end", config, lambda _: ()).unknown
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(f"{text} end", encoding="utf-8")
    with encode(path, corpus) as encoded:
        words = encoded.types.words
        assert list(found) == [words[one - 1] for one in encoded.ids.tolist() if one]


def test_negative_sampling_is_refused_with_the_reason(sampled: hsw2v.Model) -> None:
    asked = [
        lambda: sampled.predict(["a1"]),
        lambda: sampled.distribution(["a1"]),
        lambda: sampled.log_prob("a1", ["a1"]),
        lambda: sampled.score([["a1", "a2"]]),
    ]
    for ask in asked:
        with pytest.raises(UsageError, match=r"negative sampling.*not normalised"):
            ask()


def test_negative_sampling_is_normalised_if_asked_to(sampled: hsw2v.Model) -> None:
    context = ["a1", "a2"]
    probabilities = sampled.distribution(context, normalize_exactly=True)
    assert sampled.output is not None
    scores = sampled.output.astype(np.float64) @ sampled.vectors[sampled.rows(context)].T
    odds = np.exp(scores)
    assert probabilities == pytest.approx((odds / odds.sum(axis=0)).mean(axis=1))
    answers = sampled.predict(context, k=3, normalize_exactly=True)
    assert [word for word, _ in answers] == [
        sampled.words[row] for row in np.argsort(-probabilities, kind="stable")[:3]
    ]
    word, probability = answers[0]
    log = sampled.log_prob(word, context, normalize_exactly=True)
    assert log == pytest.approx(np.log(probability))
    (score,) = sampled.score([["a1", word]], normalize_exactly=True)
    both = [("a1", [word]), (word, ["a1"])]
    assert score.log_prob == pytest.approx(
        sum(sampled.log_prob(*each, normalize_exactly=True) for each in both), rel=1e-5
    )


def test_vectors_alone_have_no_probabilities() -> None:
    model = hsw2v.Model(Vocabulary.from_words(["a", "b"], [2, 1]), np.eye(2))
    for normalize in (False, True):
        with pytest.raises(UsageError, match="vectors of words only"):
            model.predict(["a"], normalize_exactly=normalize)


def loop_score(model: hsw2v.Model, sentence: list[str]) -> tuple[float, int]:
    """Score a sentence one word at a time."""
    window = model.config["training"]["window"]
    known = [word for word in sentence if word in model]
    total, words = 0.0, 0
    for place, word in enumerate(known):
        around = known[max(0, place - window) : place] + known[place + 1 : place + 1 + window]
        if around:
            total += model.log_prob(word, around)
            words += 1
    return total, words


TEXT = [
    ["a1", "a2", "nobody", "a3", "b4", "a1"],
    ["nobody", "else"],
    ["b1"],
    ["b1", "nobody"],
    ["b1", "b2", "b3", "b1", "b5"],
]


def test_a_score_is_the_sum_over_the_words_given_their_windows(model: hsw2v.Model) -> None:
    found = list(model.score(TEXT))
    assert [list(one.tokens) for one in found] == TEXT
    for one, sentence in zip(found, TEXT, strict=True):
        total, words = loop_score(model, sentence)
        assert one.words == words
        assert one.log_prob == pytest.approx(total, rel=1e-5)
        expected = np.exp(-total / words) if words else None
        assert one.perplexity == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_a_file_scores_as_its_sentences_do(model: hsw2v.Model, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("\n\n".join(" ".join(sentence) for sentence in TEXT), encoding="utf-8")
    assert list(model.score(path)) == list(model.score(TEXT)) == list(model.score([path]))


def test_many_sentences_score_as_each_alone(model: hsw2v.Model) -> None:
    """More than one block, and more words than are taken at once."""
    text = sentences(1_500, seed=5)
    found = list(model.score(text))
    assert [list(one.tokens) for one in found] == text
    for number in (0, 170, 700, 1_171, 1_499):
        total, words = loop_score(model, text[number])
        assert found[number].log_prob == pytest.approx(total, rel=1e-5)
        assert found[number].words == words


def test_a_very_long_sentence_is_scored_in_pieces(model: hsw2v.Model) -> None:
    sentence = list(itertools.islice(itertools.cycle(["a1", "a2", "b3"]), 20_000))
    found = list(model.score([sentence]))
    assert [len(one.tokens) for one in found] == [8_192, 8_192, 3_616]
    assert list(itertools.chain.from_iterable(one.tokens for one in found)) == sentence


@pytest.mark.parametrize("trees", [1, 2])
@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
def test_cbow_scores_as_the_heldout_loss_says_and_mixtures_of_skipgram_better(
    kind: str, trees: int
) -> None:
    heard: list[events.Event] = []
    heldout = sentences(100, seed=9)
    model = hsw2v.train(
        sentences(),
        heldout=heldout,
        listener=heard.append,
        **SMALL | {"model": kind, "tree": "semantic", "num_trees": trees},
    )
    assert len(model.trees) == trees
    loss = [one.heldout_loss for one in heard if isinstance(one, events.EpochEnd)][-1]
    assert loss is not None
    scores = list(model.score(heldout))
    found = -sum(one.log_prob for one in scores) / sum(one.words for one in scores)
    if kind == "cbow":
        assert found == pytest.approx(loss, rel=1e-5)
    else:
        assert found < loss


def test_scoring_tells_how_far_it_is(model: hsw2v.Model) -> None:
    heard: list[events.Event] = []
    for _ in model.score(TEXT, listener=heard.append):
        pass
    told = [one for one in heard if isinstance(one, events.ScoringProgress)]
    assert told[0].tokens == 0
    assert {one.tokens_total for one in told} == {16}


def test_lists_of_tokens_are_scored_as_they_are_whatever_the_corpus_was() -> None:
    config = Config().replace(tokens="words").to_dict()
    model = by_hand(["a", "b c"], config=config)
    assert [one.words for one in model.score([["a", "b c"]])] == [2]


def test_what_cannot_be_read_is_not_scored(model: hsw2v.Model, tmp_path: Path) -> None:
    with pytest.raises(MissingInputError):
        model.score(tmp_path / "none.txt")
    with pytest.raises(EmptyCorpusError):
        model.score([])
    with pytest.raises(UsageError, match="source"):
        model.score(7)  # type: ignore[arg-type]


def test_a_model_that_was_asked_is_freed_as_soon_as_it_is_let_go(model: hsw2v.Model) -> None:
    other = hsw2v.Model(model.vocabulary, model.vectors, model.output, model.tree, model.config)
    other.predict(["a1"])
    gone = weakref.ref(other)
    gc.disable()
    try:
        del other
        assert gone() is None
    finally:
        gc.enable()
