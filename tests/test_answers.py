"""Answers as named tuples, as DataFrames, and as a notebook shows them."""

from __future__ import annotations

import base64
import copy
import pickle
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commandline import write_corpus, write_model
from some_models import EVERY_LOSS, some_model
from some_subwords import OTHERS, some_subwords
from some_trees import ODD_WORDS, chain

import hsw2v
from hsw2v.corpus.phrases import Phrase, Phrases
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.markup import table
from hsw2v.model.model import Model
from hsw2v.query.evaluation import AnalogiesResult, Evaluation, PairsResult, Score
from hsw2v.query.labels import LabelScore, LabelsResult
from hsw2v.trees.tree import Tree

EVIL = "<script>alert('&')</script>"


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A small model."""
    return hsw2v.load(write_model(tmp_path / "m.safetensors"))


def test_neighbours_have_names_and_are_tuples_still(model: Model) -> None:
    found = model.similar("king", k=2)
    assert isinstance(found, list)
    assert [(one.word, one.similarity) for one in found] == found == [tuple(one) for one in found]
    assert repr(found) == repr([tuple(one) for one in found])
    assert model.similar_batch(["king"], k=2) == [found]
    assert model.analogy("man", "king", "woman", k=1)[0].word == "queen"


def test_answers_become_data_frames(model: Model) -> None:
    frame = pd.DataFrame(model.similar("king", k=3))
    assert list(frame.columns) == ["word", "similarity"]
    assert len(frame) == 3
    predicting = some_model("hs", ["a", "b", "c"])
    assert list(pd.DataFrame(predicting.predict(["a"], k=2))) == ["word", "probability"]
    scores = pd.DataFrame(predicting.score([["a", "b"], ["c", "a"]]))
    assert list(scores) == ["log_prob", "words", "tokens"]


def test_an_evaluation_is_a_frame_of_its_figures(model: Model, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("king\tqueen\t3\nking\tapple\t1\nman\twoman\t4\nman\tpear\t0\n")
    questions = tmp_path / "questions.txt"
    questions.write_text(": family\nman king woman queen\n")
    found = model.evaluate(pairs, questions)
    frame = pd.DataFrame(found.figures()).set_index(["test", "part"])
    assert frame.loc[("pairs.tsv", "all"), "value"] == found.pairs[0].spearman
    assert frame.loc[("questions.txt", "total"), "value"] == 1.0
    assert frame.loc[("questions.txt", "family"), "asked"] == 1


def test_phrases_and_diagnoses_become_data_frames(tmp_path: Path) -> None:
    phrases = Phrases(((Phrase(("new", "york"), 7, 12.5),),))
    assert list(pd.DataFrame(phrases.table)) == ["phrase", "count", "score"]
    assert phrases.table == [("new_york", 7, 12.5)]
    words = [f"a{one}" for one in range(8)] + [f"b{one}" for one in range(8)]
    diagnosed = hsw2v.diagnose(some_model("hs", words), write_corpus(tmp_path / "a.txt"), windows=9)
    assert "output_gradient" in pd.DataFrame(diagnosed.by_depth)
    assert repr(diagnosed).startswith("<hsw2v.Diagnosis of hs: 9 windows")
    assert cells(diagnosed)[:2] == ["depth", "decisions"]


class Cells(HTMLParser):
    """The cells of tables, and which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.elements: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data


def cells(thing: Any) -> list[str]:
    """Return the cells of what a notebook shows, and make sure that it is tables alone."""
    found = Cells()
    html = thing._repr_html_()
    found.feed(html)
    assert found.elements <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert "color" not in html
    return found.cells


def test_a_notebook_shows_answers_as_a_table(model: Model) -> None:
    best, *_ = found = model.similar("king", k=2)
    assert cells(found)[:4] == ["word", "similarity", best.word, f"{best.similarity:.4f}"]
    assert cells(model.similar_batch([], k=2) or found[:0] or type(found)()) == []


def test_a_notebook_shows_words_as_they_are_and_no_markup_of_theirs() -> None:
    some = hsw2v.Model(Vocabulary.from_words([EVIL, "b"], [2, 1]), np.eye(2, dtype=np.float32))
    some.name = EVIL
    assert cells(some.similar("b"))[2] == EVIL
    assert cells(some)[1] == EVIL
    assert cells(Phrases(((Phrase((EVIL, EVIL), 1, 1.0),),)))[3] == f"{EVIL}_{EVIL}"


def test_a_notebook_shows_what_a_model_is(tmp_path: Path) -> None:
    trained = hsw2v.train(write_corpus(tmp_path / "a.txt"), dim=4, epochs=1, threads=1)
    found = cells(trained)
    shown = dict(zip(found[::2], found[1::2], strict=True))
    assert shown["words"] == "16"
    assert shown["loss"] == "hs"
    assert shown["tokens of the text"] == "3,000"
    assert cells(hsw2v.plan(write_corpus(tmp_path / "b.txt"), dim=4))[:2] == ["field", "value"]


def test_a_notebook_shows_evaluations() -> None:
    found = Evaluation(
        (PairsResult("pairs", None, 0, 3),),
        (AnalogiesResult("questions", (Score("gram1", 1, 2, 4),)),),
    )
    assert cells(found)[6:12] == ["pairs", "all", "Spearman", "-", "0", "3"]
    assert "0.5000" in cells(found)
    labels = LabelsResult("labels", 3, 2, 2, 1, (LabelScore(0.5, 0.25, 0.125, 0.0, 0.0),))
    assert cells(labels)[3:] == ["0.5000", "0.2500", "0.1250"]


def test_numbers_are_shown_in_few_digits() -> None:
    html = table(("a",), [[0.123456], [1234567.8], [1234567], [None], [True], ["<"]])
    shown = re.findall(r"<td[^>]*>([^<]*)</td>", html)
    assert shown == ["0.1235", "1.235e+06", "1,234,567", "-", "True", "&lt;"]


def picture(thing: Any) -> str:
    """Return the SVG that a notebook shows."""
    found = re.fullmatch(r'<img alt="([^"]*)" src="data:image/svg\+xml;base64,(.*)">', thing)
    assert found
    return base64.b64decode(found[2]).decode()


@pytest.mark.parametrize("depth", [1, 4, 10])
def test_a_notebook_shows_the_top_of_a_tree(depth: int) -> None:
    model = some_model("hs", ODD_WORDS)
    drawing = model.draw_tree(depth)
    svg = picture(drawing._repr_html_())
    assert svg == drawing.svg()
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    shown = ["".join(one.itertext()) for one in texts]
    assert 2 <= len(shown) <= min(2**depth, len(ODD_WORDS))
    assert repr(drawing) == f"<hsw2v.trees.Drawing: 18 words, cut off at depth {depth}>"


def test_a_tree_without_words_shows_their_numbers() -> None:
    tree = chain(5)
    assert repr(tree) == "<hsw2v.Tree: 5 words>"
    assert ">0<" in picture(tree._repr_html_())
    assert ">0<" in picture(Tree(np.zeros((0, 2), np.int32))._repr_html_())


def test_a_drawing_is_of_a_tree_and_of_few_levels() -> None:
    with pytest.raises(UsageError, match="has no tree"):
        some_model("ns", ["a", "b"]).draw_tree()
    for depth in (0, 11):
        with pytest.raises(UsageError, match=f"the depth is {depth}"):
            some_model("hs", ["a", "b"]).draw_tree(depth)


def test_large_things_have_short_names() -> None:
    model = some_model("hs", ["a", "b", "c"])
    assert repr(model.vocabulary) == "<hsw2v.Vocabulary: 3 words>"
    assert repr(Phrases(((), ()))) == "<hsw2v.Phrases: 0 phrases, 2 passes>"
    walks = hsw2v.Graph.from_edges([[0, 1], [1, 2]]).walks(walks_per_node=2)
    assert repr(walks) == "<hsw2v.Walks: 6 walks over 3 nodes>"
    assert repr(model.align(model)) == "<hsw2v.Alignment: 3 pairs, mean cosine 1.0000>"


@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_a_model_is_pickled_whole(loss: str, tmp_path: Path) -> None:
    some_model(loss, ["a", "b", "c", "d"], batch_norm=True).save(tmp_path / "m.safetensors")
    opened = hsw2v.load(tmp_path / "m.safetensors")
    again = pickle.loads(pickle.dumps(opened))
    (tmp_path / "m.safetensors").unlink()
    assert again.similar("a") == opened.similar("a")
    asked = {"normalize_exactly": True} if loss in ("ns", "sampled") else {}
    assert again.predict(["a"], **asked) == opened.predict(["a"], **asked)
    again.save(tmp_path / "again.safetensors")
    opened.save(tmp_path / "opened.safetensors")
    both = [(tmp_path / f"{one}.safetensors").read_bytes() for one in ("again", "opened")]
    assert both[0] == both[1]
    assert copy.deepcopy(opened) is opened


def test_a_model_of_ngrams_is_pickled_whole() -> None:
    model = some_subwords()
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.vectors_of(OTHERS), model.vectors_of(OTHERS))
