"""Answers to questions: lists of named tuples, which a DataFrame takes as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

from hsw2v.markup import table


class Neighbour(NamedTuple):
    """A word near to what was asked for."""

    word: str
    similarity: float
    """The cosine; of an analogy, the score of its method."""

    def __repr__(self) -> str:
        return tuple.__repr__(self)


class Candidate(NamedTuple):
    """A word that may be in a context."""

    word: str
    probability: float

    def __repr__(self) -> str:
        return tuple.__repr__(self)


T = TypeVar("T", Neighbour, Candidate)


class Answers(list[T]):
    """Named tuples, the best first: a list, which a notebook shows as a table."""

    @classmethod
    def of(cls, kind: type[T], words: Iterable[str], scores: Iterable[float]) -> Answers[T]:
        """Return words with their scores, as tuples of a kind."""
        make: Any = kind
        return cls(map(make, words, scores))

    def _repr_html_(self) -> str:
        return table(self[0]._fields, self) if self else "<p>no words</p>"
