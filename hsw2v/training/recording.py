"""What training records of errors and gradients, between two blocks."""

from __future__ import annotations

import numpy as np

from hsw2v.config import Config
from hsw2v.corpus.vocabulary import Vocabulary, kept_counts
from hsw2v.corpus.words import WordCorpus
from hsw2v.diagnosis.diagnosis import Diagnoser
from hsw2v.diagnosis.windows import Sampling, draw_windows
from hsw2v.events import GradientsRecorded, Listener
from hsw2v.network.network import Network

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
        network: Network,
        passed: float,
    ) -> None:
        """Look at a block, and tell what was seen.

        Epoch and block are counted from 0; so many epochs have `passed`, as a fraction. Nobody
        trains meanwhile.
        """
        diagnoser = Diagnoser(
            network.output,
            network.outputs,
            network.word_vectors(),
            self._counts,
            self._kept,
            cbow=self._training.model == "cbow",
            batch_norm=network.norm,
            seed=self._training.seed,
        )
        encoded = corpus.encoded
        begin, end = encoded.blocks[block : block + 2].tolist()
        rng = np.random.default_rng((self._training.seed, epoch, block))
        diagnoser.add(
            draw_windows(encoded.ids[begin:end], corpus.remap, self._sampling, WINDOWS, rng)
        )
        found = diagnoser.result().to_dict()
        self._listener(GradientsRecorded(epoch + 1, block, round(passed * encoded.tokens), **found))
