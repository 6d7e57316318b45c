"""A training that continues a model: what was trained is where it begins, and new words join.

Word vectors and output rows are those of the model, whatever their words are numbered now, and
batch normalisation goes on. Only the state of the optimizer begins anew: a model file has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import LISTS, PHRASE_SETTINGS, Config, VocabularyConfig, known_settings, named
from hsw2v.corpus.lists import NO_LISTS, WordLists
from hsw2v.corpus.sources import Path
from hsw2v.corpus.vocabulary import Vocabulary, extend, kept_counts
from hsw2v.errors import UsageError
from hsw2v.events import Listener, Notice, ignore
from hsw2v.kernels.normalisation import MOMENTUM
from hsw2v.model import Model, load
from hsw2v.model.modelfile import phrase_arrays
from hsw2v.model.subwords import SubwordVectors
from hsw2v.network.network import Network
from hsw2v.network.outputs import OUTPUTS, structure_tensors
from hsw2v.network.parameters import NGRAMS, NORM
from hsw2v.network.subwords import InputRows
from hsw2v.training.building import Report
from hsw2v.trees.classes import Classes

FIXED = ("model", "dim", "loss", "batch_norm", "subwords", "buckets", "whole_words")
"""Settings that tell what the numbers of a model are."""
BUILT_BY = ("tree", "num_trees", "classes", "num_classes")
"""Those that its trees or its classes were built by."""
WORST_CONTINUED = 10.0
"""Times the loss of an untrained output layer that the loss of an epoch may be.

Of a text unlike those before, a model that is sure of itself knows less than nothing.
"""
_ROWS_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class Earlier:
    """A model that a training continues."""

    model: Model
    output: NDArray[np.float32]
    """Its output vectors."""

    @classmethod
    def of(cls, given: Model | Path, listener: Listener = ignore) -> Earlier:
        """Take a model, or open its file.

        Raises:
            UsageError: training cannot go on with it: it has no output layer, or no counts.
            MissingInputError, ModelFileError: as `hsw2v.load`.
        """
        model = given if isinstance(given, Model) else load(given, listener=listener)
        where, hint = model.name, "name a model file that hsw2v train wrote"
        output = model.output
        if output is None:
            raise UsageError(
                "has no output layer, and training cannot go on without one", where=where, hint=hint
            )
        if model.counts is None:
            raise UsageError("does not tell how often its words occur", where=where, hint=hint)
        return cls(model, output)

    @property
    def settings(self) -> Config:
        """What the training goes on with, but for what is asked for: the settings of the model.

        The tree, or classes, are not rebuilt. What was said of the machine, of the format of the
        text and of records of gradients is not kept.
        """
        model = self.model
        with named(model.name):
            known = known_settings(model.config)
        classes, subwords = model.classes, model.subwords
        return known.replace(
            loss=model.output_layer.name,
            dim=model.dim,
            batch_norm=model.batch_norm is not None,
            num_trees=max(1, len(model.trees)),
            num_classes=known.training.num_classes if classes is None else classes.count,
            subwords="" if subwords is None else str(subwords.settings),
            buckets=known.training.buckets if subwords is None else subwords.settings.buckets,
            whole_words=0 if subwords is None else subwords.whole_words,
            pretrain="",
            field=None,
            format="auto",
            header=True,
            skip_bad_records=False,
            rebuild_at=0.0,
            threads=None,
            cache_dir=None,
            tables="memory",
            engine="threads",
            ray_address=None,
            record_gradients=0,
            init=None,
            **dict.fromkeys(LISTS),
        )

    def checked(self, asked: Config, *, has_lr: bool, text: bool = True) -> Config:
        """Return the settings asked for; another optimizer has its own default learning rate.

        `has_lr` tells that the learning rate was asked for, `text` that what follows is one, and
        no graph.

        Raises:
            UsageError: some contradict the model.
        """
        was, now = self.settings.training, asked.training
        built = OUTPUTS[was.loss].settings if was.loss == now.loss else ()
        wrong = [
            f"{name} is {getattr(now, name)}, and the model's is {getattr(was, name)}"
            for name in (*FIXED, *(one for one in BUILT_BY if one in built))
            if getattr(now, name) not in (None, getattr(was, name))
        ]
        wrong += self._other_phrases(asked) if text else []
        wrong += [
            f"{name} is given, and the model has its own {what}"
            for name, what, given in (
                ("vocab", "words", asked.vocabulary.vocab),
                ("init", "vectors", now.init),
            )
            if given is not None
        ]
        if now.pretrain:
            wrong.append("pretrain is given, and the model is trained already")
        if wrong:
            raise UsageError(
                "; ".join(wrong),
                where=self.model.name,
                hint="leave that out, or train a new model",
            )
        if now.optimizer != was.optimizer and not has_lr:
            return asked.replace(lr=None)
        return asked

    def _other_phrases(self, asked: Config) -> list[str]:
        """Return what is asked for of phrases that is not as in the model, whose own are joined."""
        if self.model.phrases is None:
            return []
        was, now = self.settings.corpus, asked.corpus
        return [
            f"{name} is {getattr(now, name)}, and the model's is {getattr(was, name)}"
            for name in ("phrases", *PHRASE_SETTINGS)
            # Words given in Python are told by their digest in a model.
            if str(getattr(now, name)) != str(getattr(was, name))
        ]

    @cached_property
    def digest(self) -> str:
        """What tells this model from others: a digest of its settings and arrays."""
        found = hashlib.blake2b(digest_size=16)
        found.update(json.dumps(self.model.config, sort_keys=True, default=str).encode())
        for array in self._arrays():
            found.update(str((array.dtype.str, array.shape)).encode())
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def _arrays(self) -> Iterator[NDArray[Any]]:
        model = self.model
        yield from (model.vocabulary.blob, model.vocabulary.offsets, model.vocabulary.counts)
        yield from (model.vectors, self.output)
        yield from structure_tensors(model.structure).values()
        if model.batch_norm is not None:
            yield model.batch_norm
        if model.subwords is not None:
            yield from (model.subwords.buckets, model.subwords.vectors)
        yield from phrase_arrays(model.phrases).values()

    @property
    def info(self) -> dict[str, Any]:
        """What a model that continues this one tells of it, as JSON."""
        before = self.model.info
        texts = [before.get("corpus"), before.get("continued_from")]
        tokens = [one.get("tokens") for one in texts if isinstance(one, dict)]
        told = {
            "name": self.model.name,
            "digest": self.digest,
            "words": len(self.model),
            "tokens": sum(one for one in tokens if isinstance(one, int)),
        }
        return {"continued_from": told}


class WarmStart:
    """Where a training begins that continues a model: its words and new ones, and their rows."""

    def __init__(
        self,
        earlier: Earlier,
        types: Vocabulary,
        config: VocabularyConfig,
        listener: Listener,
        lists: WordLists = NO_LISTS,
    ) -> None:
        """Let the types of a text join the words of a model, as far as `extend` says."""
        self._earlier = earlier
        self.vocabulary, self._before = extend(earlier.model.vocabulary, types, config, lists)
        layer = earlier.model.output_layer
        self.structure, self._rows = layer.extended(self.vocabulary.counts, self._before)
        new, known = np.count_nonzero(self._before < 0), len(earlier.model)
        join = "1 new word joins" if new == 1 else f"{new:,} new words join"
        listener(Notice(f"{join} the {known:,} of {earlier.model.name or 'the model'}"))

    def tell(self, config: Config, listener: Listener) -> None:
        """Describe the tree or the classes that training goes on with."""
        training = config.training
        weights = kept_counts(self.vocabulary.counts, config.vocabulary.sample)
        if isinstance(self.structure, Classes):
            Report(training.classes, training, listener).classes_ready(self.structure, weights)
        elif self.structure is not None:
            Report(training.tree, training, listener).trees_ready(self.structure.trees, weights)

    def fill(self, network: Network) -> None:
        """Give a network, of which nothing is trained, what is trained of the model.

        Word vectors and output rows of new words stay as they are.
        """
        model, dim = self._earlier.model, network.dim
        copy_rows(model.vectors, self._before, network.vectors[:, :dim])
        copy_rows(self._earlier.output, self._rows, network.outputs[:, :dim])
        if model.subwords is not None and network.inputs is not None:
            self._fill_ngrams(model.subwords, network, network.inputs)
        if model.batch_norm is not None:
            parameters = network.parameters
            parameters[NORM][:, :dim] = model.batch_norm[:2]
            parameters["norm.running"][:, :dim] = model.batch_norm[2:]
            # As many as the running statistics remember.
            parameters["norm.batches"][0] = round(1.0 / (1.0 - MOMENTUM))

    def _fill_ngrams(self, subwords: SubwordVectors, network: Network, inputs: InputRows) -> None:
        """Give n-grams their rows, those of new words alone excepted, and words the rest."""
        ngrams = network.parameters[NGRAMS]
        copy_rows(subwords.vectors, subwords.rows(inputs.buckets), ngrams[:, : network.dim])
        inputs.decompose(network.vectors, ngrams, self._before >= 0)


def copy_rows(
    table: NDArray[np.float32], before: NDArray[np.int64], wider: NDArray[np.float32]
) -> None:
    """Copy to each row of `wider` (V, D) the row `before (V,)` of a table, if it is not -1.

    It takes bounded memory.
    """
    for start in range(0, len(before), _ROWS_AT_ONCE):
        rows = np.nonzero(before[start : start + _ROWS_AT_ONCE] >= 0)[0] + start
        wider[rows] = table[before[rows]]
