"""Windows of a text as training visits them: some of a block, or some from all over it."""

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
"""A text is sampled in so many blocks of it, or in all that it has."""
WINDOWS_OF_A_BLOCK = 100
"""In more blocks if it would be more windows of each."""
WINDOWS_AT_ONCE = 256


class Windows(NamedTuple):
    """B targets, each with one context word at least."""

    targets: NDArray[np.int64]
    """(B,)."""
    contexts: NDArray[np.int64]
    """(ΣN,), the context words of one target after those of another."""
    counts: NDArray[np.int64]
    """(B,), how many each has."""


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
        """Return what the settings say, for a vocabulary of these counts (V,)."""
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
    beside = sentences[1:] == sentences[:-1]
    with_context = np.nonzero(np.append(False, beside) | np.append(beside, False))[0]
    centres = rng.choice(with_context, min(count, len(with_context)), replace=False)
    centres.sort()
    reach = np.full(len(centres), sampling.window)
    if sampling.shrink:
        reach = rng.integers(1, sampling.window, len(centres), endpoint=True)
    distances = np.arange(1, min(sampling.window, max(1, len(words) - 1)) + 1)
    around = np.concatenate((-distances[::-1], distances))
    places = centres[:, None] + around
    present = (abs(around) <= reach[:, None]) & (places >= 0) & (places < len(words))
    places[~present] = 0
    present &= sentences[places] == sentences[centres, None]
    return Windows(words[centres], words[places[present]], present.sum(axis=1))


def sampled_windows(
    text: WordCorpus, sampling: Sampling, count: int, seed: int
) -> Iterator[Windows]:
    """Yield at most `count` windows of a text, some at a time, evenly from all over it."""
    encoded = text.encoded
    blocks = len(encoded.blocks) - 1
    looked_at = min(blocks, max(BLOCKS, count // WINDOWS_OF_A_BLOCK))
    chosen = ((np.arange(looked_at) + 0.5) * (blocks / looked_at)).astype(np.int64)
    sizes = encoded.blocks[chosen + 1] - encoded.blocks[chosen]
    done = np.rint(np.cumsum(sizes) * (count / sizes.sum())).astype(np.int64)
    some: list[Windows] = []
    for block, wanted in zip(chosen.tolist(), np.diff(done, prepend=0).tolist(), strict=True):
        begin, end = encoded.blocks[block : block + 2].tolist()
        rng = np.random.default_rng((seed, block))
        some.append(draw_windows(encoded.ids[begin:end], text.remap, sampling, wanted, rng))
        encoded.forget()
        if sum(len(one.targets) for one in some) >= WINDOWS_AT_ONCE:
            yield _together(some)
            some = []
    if some:
        yield _together(some)


def _together(some: list[Windows]) -> Windows:
    return Windows(*(np.concatenate(parts) for parts in zip(*some, strict=True)))
