"""What training records of errors and gradients, between two blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config
from hsw2v.corpus.vocabulary import Vocabulary, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.events import GradientsRecorded, Listener
from hsw2v.report.diagnosis import Diagnoser
from hsw2v.report.layers import layer_of
from hsw2v.report.windows import Sampling, windows_of
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

WINDOWS = 500
"""Of a block, at most."""


class Recorder:
    """Looks at windows of a block with the tables as they are, and tells the listener."""

    def __init__(self, config: Config, vocabulary: Vocabulary, listener: Listener) -> None:
        self._training, self._listener = config.training, listener
        self._counts = vocabulary.counts
        self._sampling = Sampling.of(config, self._counts)
        self._kept = kept_counts(self._counts, config.vocabulary.sample)

    def record(
        self,
        corpus: WordCorpus,
        epoch: int,
        block: int,
        vectors: NDArray[np.float32],
        outputs: NDArray[np.float32],
        *,
        tree: Tree | None = None,
        classes: Classes | None = None,
        batch_norm: NDArray[np.float32] | None = None,
    ) -> None:
        """Look at a block, and tell what was seen.

        Epoch and block are counted from 0. `vectors (V, P)` and `outputs (R, P)` are the tables
        under training, `batch_norm (4, P)` scale, shift, running mean and variance. Nobody trains
        meanwhile.
        """
        layer = layer_of(
            self._training,
            outputs,
            self._counts,
            tree=tree,
            classes=classes,
            seed=self._training.seed,
        )
        cbow = self._training.model == "cbow"
        diagnoser = Diagnoser(
            layer, vectors, self._counts, self._kept, cbow=cbow, batch_norm=batch_norm
        )
        encoded = corpus.encoded
        begin, end = encoded.blocks[block : block + 2].tolist()
        chance = np.random.default_rng((self._training.seed, epoch, block))
        diagnoser.add(
            windows_of(encoded.ids[begin:end], corpus.remap, self._sampling, WINDOWS, chance)
        )
        found = diagnoser.result().to_dict()
        passed = epoch + begin / len(encoded.ids)
        self._listener(GradientsRecorded(epoch + 1, block, round(passed * encoded.tokens), **found))
