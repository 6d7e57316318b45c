"""Class-based softmax: the probability of a word's class times that of the word in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsw2v.query.neighbours import Indexes
from hsw2v.query.probabilities import Floats, FullSoftmax, Logs, MostProbable, equal_parts
from hsw2v.query.search import raised
from hsw2v.trees.classes import Classes


@dataclass(frozen=True, eq=False)
class ClassSoftmax:
    """Softmax over classes, times softmax over the words of one (Goodman 2001)."""

    outputs: Floats
    """(C+V, D): the classes, then the words."""
    classes: Classes

    @cached_property
    def _top(self) -> FullSoftmax:
        return FullSoftmax(self.outputs[: self.classes.count])

    @cached_property
    def _members(self) -> Floats:
        """Return the rows of words, class after class, (V, D)."""
        rows: Floats = self.outputs[self.classes.count + self.classes.members]
        return rows

    def _words(self, one: int) -> FullSoftmax:
        """Return the softmax over the words of a class."""
        return FullSoftmax(self._members[slice(*self.classes.offsets[one : one + 2])])

    def log_distribution(self, hidden: Floats) -> Logs:
        """Return the log-probability of every word, (V,) float64, class after class."""
        reach = self._top.logs(hidden, equal_parts(hidden))
        mixed = np.empty(len(self.classes))
        for one in range(self.classes.count):
            mixed[self.classes.words(one)] = self._words(one).mixed(hidden, reach[one])
        return mixed

    def most_probable(self, hidden: Floats, k: int) -> MostProbable:
        """Return the k most probable words, exactly, of equals the lower first.

        No word is more probable than its class. Classes are opened in falling order of probability,
        until the next is less probable than k words found.
        """
        k = min(k, len(self.classes))
        reach = self._top.logs(hidden, equal_parts(hidden))
        bounds = raised(np.logaddexp.reduce(reach, axis=1))
        words, logs = np.empty(0, np.int64), np.empty(0)
        visited = self.classes.count
        for one in np.argsort(-bounds, kind="stable").tolist():
            if len(words) >= k:
                least = np.partition(logs, -k)[-k]
                if bounds[one] < least:
                    break
                words, logs = words[logs >= least], logs[logs >= least]
            more = self.classes.words(one)
            visited += len(more)
            words = np.concatenate((words, more))
            logs = np.concatenate((logs, self._words(one).mixed(hidden, reach[one])))
        best = np.lexsort((words, -logs))[:k]
        return MostProbable(words[best], logs[best], visited)

    def log_probs(self, hidden: Floats, sources: Indexes, targets: Indexes) -> Logs:
        """Return the log-probability of target b given each of its hidden rows, (B, n) float64."""
        of = self.classes.of[targets].astype(np.int64)
        logs = self._top.log_probs(hidden, sources, of)
        for one in np.unique(of).tolist():
            chosen = np.nonzero(of == one)[0]
            places = self.classes.places[targets[chosen]].astype(np.int64)
            logs[chosen] += self._words(one).log_probs(hidden, sources[chosen], places)
        return logs
