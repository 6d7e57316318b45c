"""What callers of a model may give, checked."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from hsw2v.arrays import all_finite
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UnknownWordError, UsageError
from hsw2v.model.missing import Reasons, explained
from hsw2v.query.neighbours import Floats
from hsw2v.query.spelling import nearest_spellings

Path = str | os.PathLike[str]


def check_positive(name: str, value: object) -> None:
    """Make sure that a value is a whole number of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise UsageError(f"{name} is {value!r}", hint="it must be a whole number of at least 1")


def check_model(value: object) -> None:
    """Make sure that a value is a model, and not the path of its file."""
    from hsw2v.model.base import ModelBase

    if not isinstance(value, ModelBase):
        raise UsageError(f"{value!r} is no model", hint="open its file with hsw2v.load")


def check_finite(table: Floats) -> None:
    """Make sure that a table to be written `(rows, D)` holds no NaN and no infinity."""
    if not all_finite(table):
        raise UsageError("a vector holds a number that is not finite", hint="train with a lower lr")


def listed(words: Iterable[str]) -> list[str]:
    """Return words as a list; one string is a mistake for a list of one, not its letters."""
    if isinstance(words, str):
        raise UsageError(f"{words!r} is one word", hint=f"give a list of words: [{words!r}]")
    if not isinstance(words, Iterable):
        raise UsageError(f"{words!r} is no list of words", hint="give a list of words")
    found = list(words)
    for word in found:
        if not isinstance(word, str):
            raise UsageError(f"{word!r} is not a word", hint="words are strings")
    return found


def words_in(query: Any) -> list[str] | None:
    """Return a query as a list of words; None where it is something else, such as a vector."""
    if isinstance(query, str):
        return [query]
    numbers = isinstance(query, np.ndarray) and (query.dtype.kind in "biuf" or query.ndim != 1)
    if numbers or not isinstance(query, Iterable):
        return None
    found = list(query)
    return [str(one) for one in found] if all(isinstance(one, str) for one in found) else None


def vector_of(query: Any, dim: int, what: str = "query") -> Floats:
    """Return a query, or `what` it is, as a vector `(D,) float32` of finite numbers."""
    try:
        with np.errstate(over="ignore"):
            vector: Floats = np.asarray(query, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the {what} is neither words nor numbers", hint="give words, or one vector"
        ) from error
    if vector.shape != (dim,):
        raise UsageError(f"the {what} has shape {vector.shape}", hint=f"a vector has {dim} numbers")
    if not np.isfinite(vector).all():
        raise UsageError(f"the {what} holds a number that is not finite", hint="check the vector")
    return vector


def paths_of(given: Path | Iterable[Path]) -> list[Path]:
    """Return one path or several as a list."""
    return [given] if isinstance(given, (str, os.PathLike)) else list(given)


def unknown(
    missing: list[str], vocabulary: Vocabulary, reasons: Reasons, otherwise: str, more: str = ""
) -> UnknownWordError:
    """Return the error that words are missing, and why, with the nearest ones that are not.

    `otherwise` is what to do if there are none, `more` what holds of all that are missing.
    """
    suggestions = []
    for word in missing[:5]:
        near = nearest_spellings(word, vocabulary.blob, vocabulary.offsets)
        if near:
            suggestions.append(f"for {word!r} {', '.join(near)}")
    hint = "nearest spellings: " + "; ".join(suggestions) if suggestions else otherwise
    told = explained(missing, reasons)
    return UnknownWordError(f"not in the vocabulary{more}: {told}", hint=hint)
