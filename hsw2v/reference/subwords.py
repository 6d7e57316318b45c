"""Word vectors that are means of several rows: the definition of `kernels.subwords`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@dataclass
class Composing:
    """The vectors of the words of a block: means of their own row and those of their n-grams.

    Bojanowski et al. 2017 add the gradient of a word vector to each of its rows, of which it is the
    mean: so it moves by just that gradient. Here it is moved alone while the word is near the
    window, and then its change is added to its rows.
    """

    own: Floats
    """(V, D), a row for each word."""
    ngrams: Floats
    """(B, D)."""
    rows: list[list[int]]
    """For each word, the rows of its n-grams; one that it has twice counts twice."""
    frozen: frozenset[int] = frozenset()
    """Words whose rows gain nothing."""
    vectors: Floats = field(default_factory=lambda: np.empty((0, 0)))
    """(n, D), those of the words of the block by place, between entering and leaving."""

    def begin(self, words: list[int]) -> None:
        """Begin a block of n words."""
        self._words = words
        self._before = np.zeros((len(words), self.own.shape[1]))
        self.vectors = np.zeros_like(self._before)
        self._left = self._entered = 0

    def move_on(self, begin: int, end: int) -> None:
        """Let words before place `begin` leave, and then those before `end` enter."""
        end = min(end, len(self._words))
        while self._left < min(begin, self._entered):
            word = self._words[self._left]
            self.give_back(word, self.vectors[self._left] - self._before[self._left])
            self._left += 1
        self._left = max(self._left, begin)
        for place in range(max(self._entered, self._left), end):
            self._before[place] = self.vectors[place] = self.compose(self._words[place])
        self._entered = max(self._entered, end)

    def end(self) -> None:
        """Let all words leave."""
        self.move_on(len(self._words), 0)

    def compose(self, word: int) -> Floats:
        """Return the vector of a word, (D,)."""
        mean: Floats = np.vstack([self.own[word], self.ngrams[self.rows[word]]]).mean(axis=0)
        return mean

    def give_back(self, word: int, change: Floats) -> None:
        """Add the change of the vector of a word to all of its rows."""
        if word not in self.frozen:
            self.own[word] += change
            np.add.at(self.ngrams, self.rows[word], change)
