"""Vectors that a user has, as the start of the word vectors of a training.

Only word vectors start from them. Output vectors start at zero and trees or classes are built as
they always are, unlike those of a model that is continued (`continuing.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.errors import UsageError
from hsw2v.events import Listener, Notice, ignore
from hsw2v.files import readable
from hsw2v.model import Model, load
from hsw2v.network.network import Network
from hsw2v.network.parameters import NGRAMS
from hsw2v.training.continuing import copy_rows

LONG = 10.0
"""Mean length of vectors above which training may diverge.

Upon vectors of length 1 and of 5 it did not, and upon those of length 22 it did, with loss hs, at
an eighth of the learning rate, too. Vectors are not scaled to the length of random ones, 0.3 /
sqrt(D), with which most of what they tell was forgotten.
"""
_MEASURED = 10_000


@dataclass(frozen=True, eq=False)
class InitialVectors:
    """Words with vectors that those of the same words start from."""

    model: Model
    source: str
    freeze: bool = False
    """Whether they stay as they are."""

    @classmethod
    def of(cls, training: TrainingConfig, listener: Listener = ignore) -> InitialVectors | None:
        """Open the file that the settings name, if they name one.

        Raises:
            UsageError: its vectors have another dimension; vectors are to be frozen, and there is
                no file of them, or they are made of those of n-grams.
            And what `hsw2v.load` raises.
        """
        if training.freeze and training.ngram_lengths is not None:
            raise UsageError(
                "with subwords a vector changes with those of its n-grams, and cannot be frozen",
                hint="leave out --freeze or --subwords",
            )
        if training.init is None:
            if training.freeze:
                raise UsageError(
                    "there are no vectors to freeze", hint="name a file of them with --init"
                )
            return None
        model = load(training.init, listener=listener)
        if model.dim != training.dim:
            raise UsageError(
                f"its vectors have {model.dim} dimensions, and dim is {training.dim}",
                where=training.init,
                hint=f"train with --dim {model.dim}",
            )
        return cls(model, training.init, training.freeze)

    def start(self, vocabulary: Vocabulary, listener: Listener) -> Start:
        """Return where the words of a vocabulary start; tell how many have a vector here.

        Raises:
            UsageError: none has.
        """
        rows = self.model.vocabulary.find(vocabulary.words)
        found, words = int((rows >= 0).sum()), len(vocabulary)
        if not found:
            raise UsageError(
                f"has vectors of none of the {words:,} words of the vocabulary",
                where=self.source,
                hint="look whether it is of the same language, and cased as the text is "
                "(--lowercase)",
            )
        name = readable(self.source)
        do = "keep" if self.freeze else "start from"
        listener(Notice(f"of {words:,} words {found:,} {do} vectors of {name}"))
        some = self.model.vectors[rows[rows >= 0][:_MEASURED]].astype(np.float64)
        length = float(np.linalg.norm(some, axis=1).mean())
        if length > LONG:
            listener(
                Notice(
                    f"their mean length is {length:.1f}, with which training may diverge: hsw2v "
                    "export --normalize scales vectors to length 1"
                )
            )
        about = {"init": {"name": name, "words": found}}
        return Start(self.model, rows, self.freeze, about)


@dataclass(frozen=True, eq=False)
class Start:
    """The rows of vectors that words start from."""

    model: Model
    rows: NDArray[np.int64]
    """(V,) int64, of each word that in the model; -1 for a word that starts at random."""
    freeze: bool
    info: dict[str, Any]
    """What the trained model tells of it, as JSON."""

    def fill(self, network: Network) -> None:
        """Give a network, of which nothing is trained, the vectors that words start from."""
        copy_rows(self.model.vectors, self.rows, network.vectors[:, : network.dim])
        if network.inputs is not None:
            network.inputs.decompose(network.vectors, network.parameters[NGRAMS], self.rows >= 0)
        if self.freeze:
            network.freeze(self.rows >= 0)
