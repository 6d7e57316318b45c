"""The questions of `hsw2v explore`: the answers of the library, as a page is told them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from commandline import WORDS, write_model
from some_models import EVERY_LOSS, some_model
from some_pages import address, ask, explored, model, request
from some_subwords import some_subwords
from some_trees import chain

import hsw2v
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.explore.trees import MOST_DECISIONS
from hsw2v.query.prefixes import beginning_with
from hsw2v.trees.decisions import decisions

__all__ = ["address", "model"]


def test_neighbours_are_those_of_the_model(address: str, model: hsw2v.Model) -> None:
    def answered(**fields: object) -> list[tuple[str, float]]:
        found = ask(address, "similar", **fields)["similar"]
        return [(one["word"], pytest.approx(one["similarity"], abs=1e-6)) for one in found]

    assert answered(word="king", k=3) == model.similar("king", k=3)
    assert answered(word=["king", "pear"]) == model.similar(["king", "pear"])
    unit = model.unit_vectors
    rows = dict(zip(model.words, unit, strict=True))
    wanted = rows["king"] - rows["man"] + rows["woman"]
    asked = {"king", "man", "woman"}
    expected = [one for one in model.similar(wanted, k=20) if one[0] not in asked]
    assert answered(word=["king", "woman"], minus="man") == expected[:10]


def test_analogies_and_comparisons_are_those_of_the_model(address: str, model: hsw2v.Model) -> None:
    found = ask(address, "analogy", a="man", b="king", c="woman", method="cosmul", k=4)["answers"]
    assert [one["word"] for one in found] == [
        word for word, _ in model.analogy("man", "king", "woman", k=4, method="cosmul")
    ]
    words = ["king", "queen", "pear"]
    table = ask(address, "compare", word=words)
    expected = [[model.similarity(a, b) for b in words] for a in words]
    assert np.allclose(table["similarities"], expected, atol=1e-6)
    assert table["odd_one_out"] == model.odd_one_out(words)
    assert ask(address, "compare", word=words[:2])["odd_one_out"] is None


@pytest.mark.parametrize(
    ("question", "fields", "said"),
    [
        ("similar", {}, "no words"),
        ("words", {"prefix": "x" * 1_001}, "characters"),
        ("words", {"prefix": ["x"] * 101}, "too long"),
        ("similar", {"word": "king", "k": 0}, "k is '0'"),
        ("similar", {"word": "king", "k": 101}, "k is"),
        ("similar", {"word": "king", "k": "1e9"}, "k is"),
        ("similar", {"word": "king", "k": "٣"}, "k is"),
        ("similar", {"word": "king", "k": "9" * 900}, "k is"),
        ("analogy", {"a": "king", "b": "man"}, "c is missing"),
        ("analogy", {"a": "king", "b": "man", "c": "woman", "method": "x"}, "unknown method"),
        ("compare", {"word": "king"}, "one word"),
        ("path", {}, "word is missing"),
        ("path", {"word": "king", "tree": 2}, "tree is"),
        ("predict", {"text": "no gap"}, "no gap"),
        ("predict", {"text": "_ and _"}, "2 gaps"),
        ("predict", {"text": ""}, "no gap"),
    ],
)
def test_what_cannot_be_answered_is_told_as_the_library_tells_it(
    address: str, question: str, fields: dict[str, object], said: str
) -> None:
    assert said in ask(address, question, **fields)["error"]


def test_unknown_words_come_with_the_nearest_spellings(address: str) -> None:
    told = ask(address, "similar", word=["kign", "queen"], minus="womann")
    assert "not in the vocabulary: 'kign'" in told["error"]
    near = {one["word"]: one["words"] for one in told["near"]}
    assert "kind" in near["kign"]
    assert near["womann"] == ["woman"]
    assert "king" in ask(address, "predict", text="the _ kin")["near"][-1]["words"]


def test_a_path_is_that_of_the_tree(address: str, model: hsw2v.Model) -> None:
    found = ask(address, "path", word="queen")
    (expected,) = decisions(model.tree, model.rows(["queen"]), 6)
    assert found["length"] == len(expected)
    for row, one in zip(found["decisions"], expected, strict=True):
        assert row["turn"] == one.turn
        taken, other = row["sides"][one.turn], row["sides"][1 - one.turn]
        assert taken.get("words", 1) == one.words
        assert other.get("words", 1) == one.others
        named = other.get("examples") or [other["word"]]
        assert named == [model.words[word] for word in one.examples]
        assert sum(side["share"] for side in row["sides"]) == pytest.approx(1)
    shares = [row["sides"][row["turn"]]["share"] for row in found["decisions"]]
    counts = model.counts
    assert np.prod(shares) == pytest.approx(counts[model.words.index("queen")] / counts.sum())
    assert found["share"] == pytest.approx(np.prod(shares))
    assert "probability" not in found


@pytest.mark.parametrize("kind", ["skipgram", "cbow"])
@pytest.mark.parametrize(("loss", "trees"), [("hs", 1), ("hs", 2), ("hs+ns", 1)])
def test_probabilities_along_a_path_are_those_of_the_word(kind: str, loss: str, trees: int) -> None:
    model = some_model(loss, WORDS, window=2, model=kind, trees=trees)
    chances = []
    with explored(model) as address:
        for tree in range(1, trees + 1):
            found = ask(address, "path", word="queen", context="man king _ pear", tree=tree)
            along = [row["sides"][row["turn"]]["probability"] for row in found["decisions"]]
            assert np.prod(along) == pytest.approx(found["probability"])
            chances.append(found["probability"])
    assert np.mean(chances) == pytest.approx(
        np.exp(model.log_prob("queen", ["man", "king", "pear"]))
    )


def test_the_steps_of_a_search_lead_to_its_answers(address: str, model: hsw2v.Model) -> None:
    found = ask(address, "predict", text="man _ king", k=5)
    search = found["search"]
    expected = model.predict("man _ king", k=5)
    assert [one["word"] for one in found["predictions"]] == [word for word, _ in expected]
    assert [one["word"] for one in search["found"]] == [word for word, _ in expected]
    assert search["visited"] == found["visited"]
    reached = {0: 1.0}
    for step in search["steps"]:
        if "found" in step:
            answer = search["found"][step["found"]]
            # What is found is as probable as all that is left: nothing closed is wider.
            assert answer["probability"] >= max(reached.values(), default=0) - 1e-12
            continue
        chance = reached.pop(step["node"])
        assert chance >= max(reached.values(), default=0) - 1e-12
        assert sum(one["probability"] for one in step["children"]) == pytest.approx(chance)
        reached |= {c["node"]: c["probability"] for c in step["children"] if "node" in c}
    assert sum("node" in step for step in search["steps"]) == search["visited"]


def test_of_several_trees_one_is_searched_and_all_answer() -> None:
    model = some_model("hs", WORDS, window=2, trees=2)
    with explored(model) as address:
        found = [ask(address, "predict", text="man _ king", k=3, tree=tree) for tree in (1, 2)]
    for one in found:
        words = [(each["word"], pytest.approx(each["probability"])) for each in one["predictions"]]
        assert words == model.predict("man _ king", k=3)
    assert found[0]["search"]["steps"] != found[1]["search"]["steps"]


def test_a_long_path_is_cut_and_its_probability_is_not() -> None:
    words = [f"w{number}" for number in range(400)]
    rng = np.random.default_rng(1)
    vectors, nodes = rng.normal(size=(400, 4)) / 9, rng.normal(size=(399, 4)) / 9
    model = hsw2v.Model(Vocabulary.from_words(words, [1] * 400), vectors, nodes, chain(400))
    with explored(model) as address:
        found = ask(address, "path", word="w399", context="w1 w2")
    assert (found["length"], len(found["decisions"])) == (399, MOST_DECISIONS)
    chance = np.exp(model.log_prob("w399", ["w1", "w2"]))
    assert found["probability"] == pytest.approx(chance, rel=1e-9)


@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_every_output_layer_says_what_it_has(loss: str) -> None:
    model = some_model(loss, WORDS, window=2)
    with explored(model) as address:
        told = ask(address, "model")
        assert (told["words"], told["dim"], told["trees"]) == (8, 6, len(model.trees))
        assert bool(told["no_tree"]) == (not model.trees)
        assert bool(told["no_prediction"]) == (loss in ("ns", "sampled"))
        predicted = ask(address, "predict", text="man _ king")
        assert ("error" in predicted) == bool(told["no_prediction"])
        if not model.trees:
            assert f"trained with loss {loss}" in ask(address, "path", word="king")["error"]
    with explored(model, normalize_exactly=True) as address:
        assert not ask(address, "model")["no_prediction"]
        found = ask(address, "predict", text="man _ king")["predictions"]
        exact = model.predict("man _ king", normalize_exactly=True)
        assert [one["word"] for one in found] == [word for word, _ in exact]


def test_a_file_of_vectors_has_neither_paths_nor_predictions(tmp_path: Path) -> None:
    with explored(hsw2v.load(write_model(tmp_path / "m.safetensors"))) as address:
        told = ask(address, "model")
        assert told["name"] == "m.safetensors"
        assert "no tree" in told["no_tree"]
        assert "vectors of words only" in told["no_prediction"]
        assert "vectors of words only" in ask(address, "predict", text="man _")["error"]
        assert (
            ask(address, "analogy", a="man", b="king", c="woman")["answers"][0]["word"] == "queen"
        )


def test_words_with_ngrams_may_be_any() -> None:
    with explored(some_subwords(loss="hs")) as address:
        assert ask(address, "model")["subwords"]
        answer = ask(address, "similar", word="größer", k=2)
        assert (answer["composed"], len(answer["similar"])) == (["größer"], 2)
        assert "not in the vocabulary" in ask(address, "path", word="größer")["error"]


def test_one_word_alone_has_a_path_without_decisions() -> None:
    with explored(some_model("hs", ["alone"])) as address:
        found = ask(address, "path", word="alone")
        assert (found["length"], found["share"]) == (0, 1.0)
        search = ask(address, "predict", text="alone _")["search"]
        assert search["steps"] == [{"found": 0}]


def test_hostile_words_come_back_as_they_are(address: str) -> None:
    reply = request(address, "ask/words?prefix=%3Cscript")
    assert json.loads(reply.body)["words"] == ["<script>alert(1)</script>"]
    assert reply.headers["Content-Type"] == "application/json"
    for bad in ("%ff%fe", "%00", "%F0%9F", "%ED%A0%80"):
        reply = request(address, f"ask/similar?word={bad}")
        assert reply.status == 200
        assert "not in the vocabulary" in json.loads(reply.body)["error"]


def test_words_are_completed_whatever_their_case(address: str) -> None:
    assert ask(address, "words", prefix="kin")["words"] == ["king", "Kingdom", "kind"]
    assert ask(address, "words", prefix="KIN")["words"] == ["king", "Kingdom", "kind"]
    assert ask(address, "words", prefix="éc")["words"] == ["ÉCOLE", "école"]
    assert ask(address, "words", prefix="zz")["words"] == []
    assert ask(address, "words", prefix="")["words"] == []


def test_prefixes_are_those_that_python_finds() -> None:
    rng = np.random.default_rng(5)
    words = list({"".join(rng.choice(list("abé東"), rng.integers(0, 5))) for _ in range(400)})
    vocabulary = Vocabulary.from_words(words, [1] * len(words))
    for prefix in ("a", "é", "東", "ab", "aé東", "bbb", "x"):
        expected = [row for row, word in enumerate(words) if word.startswith(prefix)]
        for count in (1, 7, 1_000):
            found = beginning_with(prefix, vocabulary.blob, vocabulary.offsets, count)
            assert found == expected[:count]


def test_no_question_imports_numba(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    some_model("hs", WORDS, window=2).save(path)
    code = f"""
import sys, hsw2v
from hsw2v.explore.questions import Questions
from hsw2v.explore.server import ExploreServer
ask = Questions(hsw2v.load({str(path)!r})).answer
for question in (
    ("model", ""), ("words", "prefix=k"), ("similar", "word=king&minus=man"),
    ("path", "word=king&context=man"), ("compare", "word=king&word=queen"),
    ("analogy", "a=man&b=king&c=woman"), ("predict", "text=man+_"),
):
    status, answer = ask(*question)
    assert status == 200 and "error" not in answer, answer
assert not {{"numba", "llvmlite", "tqdm"}} & {{name.split(".")[0] for name in sys.modules}}
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
