"""The questions of the command line, asked by a page: a query in, an answer as for JSON out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from hsw2v.errors import Hsw2vError, UnknownWordError, UsageError
from hsw2v.explore.asked import MOST_ANSWERS, Asked
from hsw2v.explore.trees import DrawnTree
from hsw2v.model.context import GAP
from hsw2v.model.model import Model
from hsw2v.model.predictor import Predictor
from hsw2v.query.answers import Answers, Neighbour
from hsw2v.query.mixture import MixtureSoftmax
from hsw2v.query.neighbours import unit_rows
from hsw2v.query.prefixes import beginning_with
from hsw2v.query.probabilities import TreeSoftmax
from hsw2v.query.spelling import nearest_spellings

Record = dict[str, Any]


class Questions:
    """Answers the questions of a page about a model, one at a time."""

    def __init__(self, model: Model, *, normalize_exactly: bool = False) -> None:
        """Take a model; `normalize_exactly` is for its predictions, as of `Model.predict`."""
        self._model, self._exactly, self._lock = model, normalize_exactly, Lock()
        self._drawn: dict[int, DrawnTree] = {}
        self._answers: dict[str, Callable[[Asked], Record]] = {
            "model": self.model,
            "similar": self.similar,
            "analogy": self.analogy,
            "compare": self.compare,
            "path": self.path,
            "predict": self.predict,
        }

    def answer(self, name: str, query: str) -> tuple[int, Record]:
        """Return a status of HTTP and an answer.

        An error that a question can cause is an answer, too: browsers log other statuses.
        """
        if name != "words" and name not in self._answers:
            return 404, {"error": "there is no such question", "hint": ""}
        try:
            if name == "words":
                # Beside the others: what is typed is completed while a question is answered.
                return 200, self.words(Asked(query))
            with self._lock:
                return 200, self._answers[name](Asked(query))
        except Hsw2vError as error:
            return 200, self._told(error, query)

    def words(self, asked: Asked) -> Record:
        """Return words that begin with a `prefix`, the most frequent first."""
        vocabulary = self._model.vocabulary
        ids = beginning_with(asked.text("prefix"), vocabulary.blob, vocabulary.offsets)
        return {"words": vocabulary.spelled(ids)}

    def model(self, asked: Asked) -> Record:
        """Return what a page is to know of the model."""
        model = self._model
        return {
            "name": model.name,
            "words": len(model),
            "dim": model.dim,
            "trees": len(model.trees),
            "subwords": model.subwords is not None,
            "counted": model.counts is not None,
            "no_tree": "" if model.trees else self._why_no_tree(),
            "no_prediction": self._why_no_prediction,
            "frequent": model.vocabulary.spelled(range(min(len(model), 300))),
        }

    def similar(self, asked: Asked) -> Record:
        """Return the words nearest to the mean of each `word`, and of each `minus` turned round."""
        words, minus = asked.words("word"), asked.words("minus")
        k = asked.number("k", 10, MOST_ANSWERS)
        found = self._model.similar(words, k, minus=minus)
        return {"similar": _records(found), **self._composed(words + minus)}

    def analogy(self, asked: Asked) -> Record:
        """Return the answers to: `a` is to `b` as `c` is to ?"""
        a, b, c = (asked.word(name) for name in "abc")
        k = asked.number("k", 10, MOST_ANSWERS)
        found = self._model.analogy(a, b, c, k=k, method=asked.text("method") or "cosadd")
        return {"answers": _records(found), **self._composed([a, b, c])}

    def compare(self, asked: Asked) -> Record:
        """Return the cosines of each `word` with each, and which does not match the others."""
        words = list(dict.fromkeys(asked.words("word", 2)))
        unit = unit_rows(self._model.vectors_of(words))
        table = np.clip(unit @ unit.T, -1.0, 1.0).tolist()
        odd = self._model.odd_one_out(words) if len(words) > 2 else None
        return {
            "words": words,
            "similarities": table,
            "odd_one_out": odd,
            **self._composed(words),
        }

    def path(self, asked: Asked) -> Record:
        """Return the path to a `word` in a tree, with probabilities where a `context` is given."""
        word, context = asked.word("word"), asked.text("context")
        drawn, number = self._tree(asked)
        (row,) = self._model.rows([word]).tolist()
        softmax = hidden = None
        told: Record = {}
        if context:
            found = self._predictor.context(context if GAP in context.split() else context.split())
            softmax, hidden = self._part(number), self._predictor.hidden(found)
            told = _told_of(found)
        return {"word": word, "tree": number, **told, **drawn.path(row, softmax, hidden)}

    def predict(self, asked: Asked) -> Record:
        """Return the most probable words at the gap of a `text`, and the search of a tree."""
        k, text = asked.number("k", 10, MOST_ANSWERS), asked.text("text")
        predicted = self._predictor.predict(text, k)
        found: Record = {
            "predictions": [
                {"word": word, "probability": p}
                for word, p in zip(predicted.words, np.exp(predicted.log_probs), strict=True)
            ],
            **_told_of(predicted.context),
            "visited": predicted.visited,
            "outputs": predicted.outputs,
        }
        if self._model.trees:
            drawn, number = self._tree(asked)
            hidden = self._predictor.hidden(predicted.context)
            found["search"] = drawn.search(self._part(number), hidden, k)
            found["tree"] = number
        return found

    @cached_property
    def _predictor(self) -> Predictor:
        return Predictor(self._model, normalize_exactly=self._exactly)

    @property
    def _why_no_prediction(self) -> str:
        """Why there are no probabilities: the tables are not read to find out."""
        if not self._model.has_output:
            return "The file holds the vectors of words only. Ask the one that hsw2v train wrote."
        refusal = None if self._exactly else self._model.output_layer.refusal
        return "; ".join(refusal or ())

    def _why_no_tree(self) -> str:
        if not self._model.has_output:
            return f"The model has no tree. {self._why_no_prediction}"
        loss = self._model.config.get("training", {}).get("loss")
        how = f"it was trained with loss {loss}" if loss else "its file holds the vectors of words"
        return f"The model has no tree: {how}. Trees are those of hsw2v train --loss hs."

    def _tree(self, asked: Asked) -> tuple[DrawnTree, int]:
        model = self._model
        if not model.trees:
            raise UsageError(self._why_no_tree())
        number = asked.number("tree", 1, len(model.trees))
        if number not in self._drawn:
            tree = model.trees[number - 1]
            self._drawn[number] = DrawnTree(tree, model.vocabulary.spelled, model.counts)
        return self._drawn[number], number

    def _part(self, number: int) -> TreeSoftmax:
        """Return the probabilities of one of the trees."""
        softmax = self._predictor.softmax
        found = softmax.parts[number - 1] if isinstance(softmax, MixtureSoftmax) else softmax
        assert isinstance(found, TreeSoftmax)
        return found

    def _composed(self, words: Sequence[str]) -> Record:
        return {"composed": [word for word in dict.fromkeys(words) if word not in self._model]}

    def _told(self, error: Hsw2vError, query: str) -> Record:
        told: Record = {"error": error.what, "hint": error.hint}
        if isinstance(error, UnknownWordError):
            told["near"] = self._near(Asked(query))
        return told

    def _near(self, asked: Asked) -> list[Record]:
        """Return the words of a question that are unknown, with the nearest spellings of each."""
        vocabulary = self._model.vocabulary
        words = dict.fromkeys(asked.every_word())
        missing = [word for word in words if word not in vocabulary][:5]
        return [
            {"word": one, "words": nearest_spellings(one, vocabulary.blob, vocabulary.offsets)}
            for one in missing
        ]


def _records(answers: Answers[Neighbour]) -> list[Record]:
    return [one._asdict() for one in answers]


def _told_of(context: Any) -> Record:
    return {
        "context": context.words,
        "unknown": context.unknown,
        "out_of_window": context.out_of_window,
    }
