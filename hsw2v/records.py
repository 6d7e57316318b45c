"""Records of numbers and strings, as JSON has them, made dataclasses again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_type_hints

T = TypeVar("T")


def records(kind: type[T], found: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    """Return a dataclass of each record; fields that are neither strings nor numbers are as given.

    Raises:
        TypeError: a field is missing or unknown, or its value of another type.
    """
    made, types = tuple(kind(**fields) for fields in found), get_type_hints(kind)
    for row in made:
        for name, expected in types.items():
            if not _fits(getattr(row, name), expected):
                raise TypeError(f"{name} is of another type")
    return made


def _fits(value: object, expected: Any) -> bool:
    types = get_args(expected) if isinstance(expected, UnionType) else (expected,)
    if not {str, int, float, NoneType}.issuperset(types):
        return True
    if isinstance(value, int):
        # JSON may write a float as a whole number, of any length.
        whole = not isinstance(value, bool) and value.bit_length() < 64
        return whole and (int in types or float in types)
    return isinstance(value, tuple(one for one in types if one in (str, float, NoneType)))
