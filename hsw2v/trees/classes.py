"""Word classes: the class of each word, and the words of each class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Classes:
    """A partition of V words into C classes: a tree of two levels."""

    of: NDArray[np.int32]
    """(V,) int32, the class of each word."""
    count: int
    """The number of classes C."""

    def __len__(self) -> int:
        """Return the number of words V."""
        return len(self.of)

    def check(self) -> None:
        """Check that every word has a class, and every class a word.

        Raises:
            ValueError: a class is empty, or not below C.
        """
        if len(self) and not 0 <= self.of.min() <= self.of.max() < self.count:
            raise ValueError(f"a word has a class outside 0 to {self.count - 1}")
        if len(np.unique(self.of)) != self.count:
            raise ValueError("a class has no word")

    def words(self, one: int) -> NDArray[np.int32]:
        """Return the words of a class in rising order, (n,) int32."""
        return self.members[self.offsets[one] : self.offsets[one + 1]]

    @cached_property
    def members(self) -> NDArray[np.int32]:
        """The words by class, and by number within a class, (V,) int32."""
        return np.argsort(self.of, kind="stable").astype(np.int32)

    @cached_property
    def offsets(self) -> NDArray[np.int64]:
        """The borders of the classes among the members, (C+1,) int64."""
        return np.append(0, np.cumsum(self.sizes))

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """The number of words of each class, (C,) int64."""
        return np.bincount(self.of, minlength=self.count)

    @cached_property
    def places(self) -> NDArray[np.int32]:
        """The position of each word among the members of its class, (V,) int32."""
        places = np.empty(len(self), np.int32)
        places[self.members] = np.arange(len(self)) - self.offsets[:-1].repeat(self.sizes)
        return places
