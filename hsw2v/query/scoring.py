"""The log-probability of text: each word given its window, in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsw2v.query.neighbours import Indexes, slices
from hsw2v.query.probabilities import Floats, Logs, Softmax, log_mean

POSITIONS_AT_ONCE = 1024
WINDOW_WORDS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Score:
    """The log-probability of a text."""

    log_prob: float
    """In nats, summed over the words that were scored."""
    words: int
    """Words that were scored: those of the vocabulary with another one in their window."""
    tokens: tuple[str, ...] = ()
    """The sentence."""

    @property
    def perplexity(self) -> float | None:
        """Return exp(-log_prob / words); None without a word."""
        if not self.words:
            return None
        with np.errstate(over="ignore"):
            return float(np.exp(np.float64(-self.log_prob / self.words)))


def word_logs(
    softmax: Softmax,
    vectors: Floats,
    words: Indexes,
    sentences: Indexes,
    window: int,
    cbow: bool,
) -> Iterator[Logs]:
    """Yield the log-probability of each word given its whole window, in nats, in batches.

    `words (N,)` are rows of `vectors (V, D)`, `sentences (N,)` the number of each one's sentence,
    whose ends no window crosses. NaN for a word that is alone in its sentence.
    """
    reach = np.arange(1, min(window, max(1, len(words) - 1)) + 1)
    around = np.concatenate((-reach[::-1], reach))
    for some in slices(
        len(words), min(POSITIONS_AT_ONCE, max(1, WINDOW_WORDS_AT_ONCE // len(around)))
    ):
        places = np.arange(some.start, some.stop)[:, None] + around
        present = (places >= 0) & (places < len(words))
        places[~present] = 0
        present &= sentences[places] == sentences[some, None]
        yield _window_logs(softmax, vectors, words[some], words[places], present, cbow)


def _window_logs(
    softmax: Softmax,
    vectors: Floats,
    targets: Indexes,
    contexts: Indexes,
    present: NDArray[np.bool_],
    cbow: bool,
) -> Logs:
    """Return the log-probability of targets (B,) given those present of contexts (B, n)."""
    if cbow:
        hidden = _means(vectors, contexts, present)
        logs = softmax.log_probs(hidden, np.arange(len(targets))[:, None], targets)
        mixed: Logs = logs[:, 0]
    else:
        mixed = log_mean(softmax.log_probs(vectors, contexts, targets), present)
    return np.where(present.any(axis=1), mixed, np.nan)


def _means(vectors: Floats, contexts: Indexes, present: NDArray[np.bool_]) -> Floats:
    """Return the mean vector of the present words of each row, (B, D)."""
    sums = np.zeros((len(contexts), vectors.shape[1]), vectors.dtype)
    for column in range(contexts.shape[1]):
        sums += vectors[contexts[:, column]] * present[:, column, None]
    means: Floats = sums / np.maximum(present.sum(axis=1, keepdims=True), 1).astype(sums.dtype)
    return means
