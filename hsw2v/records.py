"""What JSON holds, made dataclasses again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def records(kind: type[T], found: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    """Return a dataclass of each record. What containers hold is not looked at.

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
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, int):
        # JSON may write a float as a whole number, and either with any number of digits.
        return value.bit_length() < 64 and (int in types or float in types)
    return isinstance(value, tuple(map(_class_of, types)))


def _class_of(one: Any) -> Any:
    """Return the class of a generic type, or of an alias of one, as NDArray is in NumPy 2.5."""
    origin = get_origin(one) or one
    return _class_of(origin.__value__) if hasattr(origin, "__value__") else origin
