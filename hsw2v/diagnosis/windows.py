"""A sample of the windows of a text, or of a block of it, as training visits them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config
from hsw2v.corpus.vocabulary import END_OF_SENTENCE, keep_probability

if TYPE_CHECKING:
    from hsw2v.corpus.words import WordCorpus

BLOCKS = 1_000
"""Blocks of a text that are sampled, or all if it has fewer."""
WINDOWS_OF_A_BLOCK = 100
"""More blocks are sampled if there would be more windows of each."""
_LEAST_WINDOWS = 256
"""Windows that are yielded together, at least."""


class Windows(NamedTuple):
    """B targets, each with at least one context word."""

    targets: NDArray[np.int64]
    """(B,)."""
    contexts: NDArray[np.int64]
    """(ΣN,), the context words of all targets, one after the other."""
    counts: NDArray[np.int64]
    """(B,), the number of context words of each."""


@dataclass(frozen=True, eq=False)
class Sampling:
    """How tokens become windows in training."""

    keep: NDArray[np.float64]
    """(V,), the probability that an occurrence of each word is kept."""
    window: int
    """Largest distance of a context word from its target."""
    shrink: bool
    """Draw the reach of every window from 1 … window."""

    @classmethod
    def of(cls, config: Config, counts: NDArray[np.int64]) -> Sampling:
        """Return the sampling of these settings, for a vocabulary of these counts (V,)."""
        keep = keep_probability(counts, config.vocabulary.sample)
        return cls(keep, config.training.window, not config.training.fixed_window)


def draw_windows(
    ids: NDArray[np.int32],
    remap: NDArray[np.int32],
    sampling: Sampling,
    count: int,
    rng: np.random.Generator,
) -> Windows:
    """Return at most `count` windows of a block of provisional ids (B,), in order of the text.

    They are drawn from those that one epoch of training would visit.
    """
    words = remap[ids].astype(np.int64)
    keep = np.where(words >= 0, sampling.keep[np.maximum(words, 0)], 0.0)
    kept = rng.random(len(words)) < keep
    sentences = np.cumsum(words == END_OF_SENTENCE)[kept]
    words = words[kept]
    joined = sentences[1:] == sentences[:-1]
    with_context = np.nonzero(np.append(False, joined) | np.append(joined, False))[0]
    centres = rng.choice(with_context, min(count, len(with_context)), replace=False)
    centres.sort()
    reach = np.full(len(centres), sampling.window)
    if sampling.shrink:
        reach = rng.integers(1, sampling.window, len(centres), endpoint=True)
    distances = np.arange(1, min(sampling.window, max(1, len(words) - 1)) + 1)
    around = np.concatenate((-distances[::-1], distances))
    positions = centres[:, None] + around
    present = (abs(around) <= reach[:, None]) & (positions >= 0) & (positions < len(words))
    positions[~present] = 0
    present &= sentences[positions] == sentences[centres, None]
    return Windows(words[centres], words[positions[present]], present.sum(axis=1))


def sampled_windows(
    text: WordCorpus, sampling: Sampling, count: int, seed: int
) -> Iterator[Windows]:
    """Yield at most `count` windows from all over a text, some at a time."""
    encoded = text.encoded
    blocks = len(encoded.blocks) - 1
    sampled = min(blocks, max(BLOCKS, count // WINDOWS_OF_A_BLOCK))
    chosen = ((np.arange(sampled) + 0.5) * (blocks / sampled)).astype(np.int64)
    sizes = encoded.blocks[chosen + 1] - encoded.blocks[chosen]
    done = np.rint(np.cumsum(sizes) * (count / sizes.sum())).astype(np.int64)
    some: list[Windows] = []
    for block, wanted in zip(chosen.tolist(), np.diff(done, prepend=0).tolist(), strict=True):
        begin, end = encoded.blocks[block : block + 2].tolist()
        rng = np.random.default_rng((seed, block))
        some.append(draw_windows(encoded.ids[begin:end], text.remap, sampling, wanted, rng))
        encoded.forget()
        if sum(len(one.targets) for one in some) >= _LEAST_WINDOWS:
            yield _together(some)
            some = []
    if some:
        yield _together(some)


def _together(some: list[Windows]) -> Windows:
    return Windows(*(np.concatenate(parts) for parts in zip(*some, strict=True)))
