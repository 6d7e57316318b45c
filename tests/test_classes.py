"""Classes of words: what they hold, and what makes them classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsw2v.trees.classes import Classes


@st.composite
def some_classes(draw: st.DrawFn) -> Classes:
    count = draw(st.integers(1, 6))
    more = draw(st.lists(st.integers(0, count - 1), max_size=20))
    of = draw(st.permutations([*range(count), *more]))
    return Classes(np.array(of, np.int32), count)


@given(some_classes())
def test_members_are_the_words_of_a_class_in_order(classes: Classes) -> None:
    classes.check()
    for one in range(classes.count):
        assert np.array_equal(classes.words(one), np.nonzero(classes.of == one)[0])
        assert len(classes.words(one)) == classes.sizes[one]
    assert classes.offsets[-1] == len(classes)


@given(some_classes())
def test_the_place_of_a_word_is_where_its_class_has_it(classes: Classes) -> None:
    at = classes.offsets[classes.of] + classes.places
    assert np.array_equal(classes.members[at], np.arange(len(classes)))


def test_arrays_have_the_types_that_kernels_take() -> None:
    classes = Classes(np.array([1, 0, 1], np.int32), 2)
    assert classes.members.dtype == classes.places.dtype == np.int32
    assert classes.offsets.dtype == classes.sizes.dtype == np.int64


@pytest.mark.parametrize(
    ("of", "count", "reason"),
    [([0, 2], 2, "outside 0 to 1"), ([0, -1], 2, "outside 0 to 1"), ([0, 2], 3, "has no word")],
)
def test_what_is_no_classes_is_refused(of: list[int], count: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Classes(np.array(of, np.int32), count).check()
