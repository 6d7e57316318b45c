"""The values of settings: of the right type, and within their bounds."""

from __future__ import annotations

import dataclasses
import math
import numbers
import os
from typing import Any, get_args

from hsw2v.config.settings import LARGEST
from hsw2v.errors import UsageError


def checked(one: dataclasses.Field[Any], given: Any, hint: Any) -> Any:
    """Return a value as its plain type, once it is known to fit its setting."""
    allowed = get_args(hint) or (hint,)
    if given is None and type(None) in allowed:
        return None
    kind = next(t for t in allowed if t is not type(None))
    value = _plain(given, kind)
    rules = one.metadata
    if value is None:
        raise UsageError(f"{one.name} is {given!r}", hint=f"it must be {_described(kind)}")
    if rules["choices"] and value not in rules["choices"]:
        raise UsageError(
            f"{one.name} is {value!r}", hint="it must be one of " + ", ".join(rules["choices"])
        )
    if (
        (rules["minimum"] is not None and value < rules["minimum"])
        or (rules["maximum"] is not None and value > rules["maximum"])
        or (rules["above"] is not None and value <= rules["above"])
    ):
        raise UsageError(f"{one.name} is {value!r}", hint=f"it must be {bounds(one, every=True)}")
    return value


def _plain(value: Any, kind: type) -> Any:
    """Return a value, perhaps NumPy's or a path, as this plain type; None if it is none of it."""
    if kind is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if kind is bool:
        return value if isinstance(value, bool) else None
    if kind is str:
        return value if isinstance(value, str) and _is_text(value) else None
    family = numbers.Integral if kind is int else numbers.Real
    if isinstance(value, bool) or not isinstance(value, family):
        return None
    try:
        plain = kind(value)
    except OverflowError:
        return None
    return plain if math.isfinite(plain) else None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _described(kind: type) -> str:
    return {
        int: "a whole number",
        float: "a number",
        str: "a string of valid Unicode",
        bool: "true or false",
    }[kind]


def bounds(one: dataclasses.Field[Any], *, every: bool = False) -> str:
    """Return the bounds of a setting in words, as 'above 0 and at most 10'; '' if none.

    That a number must fit in 64 bits is left out, unless `every` bound is wanted.
    """
    rules = one.metadata
    parts = []
    if rules["minimum"] is not None:
        parts.append(f"at least {_written(rules['minimum'])}")
    if rules["above"] is not None:
        parts.append(f"above {_written(rules['above'])}")
    if rules["maximum"] is not None and (every or rules["maximum"] != LARGEST):
        parts.append(f"at most {_written(rules['maximum'])}")
    return " and ".join(parts)


def _written(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
