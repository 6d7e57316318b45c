"""Records of JSON are made dataclasses, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import GenericAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from hsw2v.records import records


@dataclass
class Entry:
    name: str
    count: int
    share: float | None = None
    known: bool = False
    parts: tuple[int, ...] = ()
    notes: dict[str, str] = field(default_factory=dict)


def test_records_are_made() -> None:
    found = {"name": "a", "count": 2, "share": 1, "known": True, "parts": (1,), "notes": {"b": ""}}
    assert records(Entry, [found]) == (Entry("a", 2, 1.0, True, (1,), {"b": ""}),)
    assert records(Entry, [{"name": "", "count": 0}, {"name": "b", "count": -1}])[1].count == -1


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": 1.0},
        {"count": True},
        {"count": 2**64},
        {"count": None},
        {"name": 1},
        {"share": "1"},
        {"share": False},
        {"share": 10**400},
        {"known": 1},
        {"parts": [1]},
        {"notes": []},
        {"other": 1},
    ],
)
def test_values_of_another_type_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        records(Entry, [{"name": "a", "count": 1} | wrong])


def test_a_field_may_not_be_missing() -> None:
    with pytest.raises(TypeError):
        records(Entry, [{"name": "a"}])


class Alias:
    """As `type Alias[T] = list[T]` of Python 3.12, and as NumPy 2.5 has NDArray."""

    __value__ = list[int]

    def __getitem__(self, arguments: tuple[type, ...]) -> GenericAlias:
        return GenericAlias(self, arguments)  # type: ignore[arg-type]


def test_an_alias_of_a_generic_type_is_the_type() -> None:
    @dataclass
    class Holder:
        values: object

    for array, kind, others in (
        (np.zeros(2), NDArray[np.float64], [0.0]),
        ([1], Alias()[int,], (1,)),
    ):
        Holder.__annotations__["values"] = kind
        assert records(Holder, [{"values": array}])[0].values is array
        with pytest.raises(TypeError):
            records(Holder, [{"values": others}])
