"""The values of settings: of the right type, and within their bounds."""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from collections.abc import Mapping
from typing import Any, get_args

from hsw2v.config.given import given_words, is_text
from hsw2v.config.settings import LARGEST
from hsw2v.errors import UsageError

_DESCRIBED = {
    int: "a whole number",
    float: "a number",
    str: "a string of valid Unicode",
    bool: "true or false",
}

_LONGEST_SHOWN = 100


def type_of(one: dataclasses.Field[Any]) -> type:
    """Return the plain type of a setting, without its None."""
    kinds: tuple[type, ...] = get_args(one.type) or (one.type,)
    return kinds[0]


def checked(one: dataclasses.Field[Any], given: Any) -> Any:
    """Return a value as the plain type of its setting; None where that is the default.

    Choices may be in any case.

    Raises:
        UsageError: it has another type, or is out of bounds.
    """
    if given is None and one.default is None:
        return None
    if one.metadata["words"]:
        words = given_words(one.name, given, counted=one.name == "vocab")
        if words is not None:
            return words
    value, choices = _plain(given, type_of(one)), one.metadata["choices"]
    if choices and value is not None:
        value = {choice.lower(): choice for choice in choices}.get(value.lower(), value)
    if value is None:
        kind = type_of(one)
        expected = "a string" if kind is str and not isinstance(given, str) else _DESCRIBED[kind]
    elif choices and value not in choices:
        expected = "one of " + ", ".join(choices)
    elif isinstance(value, str) or _within(value, one.metadata):
        return value
    else:
        expected = bounds(one) if value <= LARGEST else "at most 2^63 - 1"
    if one.metadata["words"]:
        expected += ", or a list of words"
    raise UsageError(f"{one.name} is {_shown(given)}", hint=f"it must be {expected}")


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}…"


def _within(value: float, rules: Mapping[str, Any]) -> bool:
    if rules["or_zero"] and value == 0:
        return True
    minimum, above = rules["minimum"], rules["above"]
    return bool(
        (minimum is None or value >= minimum)
        and (above is None or value > above)
        and value <= rules["maximum"]
    )


def _plain(value: Any, kind: type) -> Any:
    """Return a value, perhaps NumPy's or a path, as a plain type; None if it has another type."""
    if kind is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if kind is bool:
        return value if isinstance(value, bool) else None
    if kind is str:
        return value if isinstance(value, str) and is_text(value) else None
    family = numbers.Integral if kind is int else numbers.Real
    if isinstance(value, bool) or not isinstance(value, family):
        return None
    try:
        plain = kind(value)
    except OverflowError:
        return None
    return plain if isinstance(plain, int) or math.isfinite(plain) else None


def bounds(one: dataclasses.Field[Any]) -> str:
    """Return the bounds of a setting in words, as 'above 0 and at most 10'; '' if none."""
    rules = one.metadata
    parts = []
    if rules["minimum"] is not None:
        parts.append(f"at least {_written(rules['minimum'])}")
    if rules["above"] is not None:
        parts.append(f"above {_written(rules['above'])}")
    if rules["maximum"] != LARGEST:
        parts.append(f"at most {_written(rules['maximum'])}")
    return ("0, or " if rules["or_zero"] else "") + " and ".join(parts)


def _written(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
