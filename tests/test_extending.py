"""What docs/architecture.md says of adding an output layer, or a tree: in these places alone."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pytest
from test_training import planted

import hsw2v
from hsw2v.config import LOSSES, TREES, Config, TrainingConfig
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import choose_words
from hsw2v.events import EpochEnd, Event, Listener, TreeReady, ignore
from hsw2v.kernels.windows import windows_of
from hsw2v.network.network import Network
from hsw2v.network.outputs import OUTPUTS, output_layer
from hsw2v.network.outputs.output import OutputLayer, Rows
from hsw2v.network.outputs.words import WordOutput
from hsw2v.training import building
from hsw2v.training.building import Switch
from hsw2v.training.engines import ENGINES, Task
from hsw2v.training.schedule import Pass
from hsw2v.training.texts import read_texts
from hsw2v.training.trainer import Trainer
from hsw2v.trees.huffman import huffman
from hsw2v.trees.tree import Tree

SMALL: dict[str, Any] = {"dim": 16, "min_count": 1, "sample": 0.0, "threads": 1, "epochs": 3}


@dataclass(frozen=True, eq=False)
class ToyOutput(WordOutput):
    """A score for each word, whose target's is pulled up, and nothing else pushed down."""

    words: int

    name = "toy"
    settings = ("negative",)

    @classmethod
    def of(cls, training: TrainingConfig, counts: np.ndarray, structure: Any) -> Self:
        return cls(len(counts))

    @property
    def rows(self) -> int:
        return self.words

    def visits(self, kept: np.ndarray) -> Rows:
        return Rows(np.zeros(len(kept), np.int64), kept)


class ToyEngine:
    """Plain steps, in NumPy."""

    threads = 1

    def __init__(self, task: Task) -> None:
        self.task = task

    def train(self, thread: int, some: Pass, position: int) -> tuple[float, int, int]:
        vectors, outputs = self.task.tables.vectors, self.task.tables.outputs
        kept, bounds = windows_of(some.ids_of(position), some.windowing, some.key_of(position))
        loss, predictions = 0.0, 0
        for centre, (first, last) in enumerate(bounds.tolist()):
            for context in {*range(first, last)} - {centre}:
                hidden, row = vectors[kept[context]], outputs[kept[centre]]
                share = 1.0 / (1.0 + np.exp(-float(hidden @ row)))
                loss -= np.log(share)
                predictions += 1
                step = np.float32(some.rates[position] * (1.0 - share))
                moved = step * row
                row += step * hidden
                hidden += moved
        return loss, predictions, len(kept)


def allow(monkeypatch: pytest.MonkeyPatch, setting: str, choices: tuple[str, ...]) -> None:
    """Do what a change of `config/training.py` would."""
    (field,) = (one for one in dataclasses.fields(TrainingConfig) if one.name == setting)
    changed = MappingProxyType({**field.metadata, "choices": choices})
    monkeypatch.setattr(field, "metadata", changed)


def test_an_output_layer_is_added_in_four_places(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "loss", (*LOSSES, "toy"))
    monkeypatch.setitem(OUTPUTS, "toy", ToyOutput)
    monkeypatch.setitem(ENGINES, "toy", ToyEngine)
    heard: list[Event] = []
    model = hsw2v.train(
        planted(), heldout=planted(), loss="toy", samples=9, listener=heard.append, **SMALL
    )
    assert any("samples has no effect" in str(event) for event in heard)
    assert model.output is not None
    assert model.output.any()
    assert model.distribution(model.words[:1]).sum() == pytest.approx(1.0)
    found = hsw2v.diagnose(model, planted(), windows=50)
    assert found.output == "toy"
    assert found.totals.windows == 50


def test_a_tree_is_added_in_two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    def chain(wanted: building.Wanted, report: building.Report) -> Tree:
        words = len(wanted.counts)
        children = np.array([[~node, node + 1] for node in range(words - 1)], np.int32)
        children[-1, 1] = ~(words - 1)
        return Tree(children)

    monkeypatch.setattr("hsw2v.config.training.TREES", (*TREES, "chain"))
    monkeypatch.setitem(building.BUILDERS, "chain", chain)
    heard: list[Event] = []
    model = hsw2v.train(planted(), tree="chain", listener=heard.append, **SMALL)
    assert [event.tree for event in heard if isinstance(event, TreeReady)] == ["chain"]
    assert model.tree is not None
    assert int(model.tree.paths().lengths.max()) == len(model) - 1


class ThenNegativeSampling:
    """Phases: negative sampling from the second epoch on, then the tree again from the third."""

    def __init__(self, training: TrainingConfig, vocabulary: Vocabulary, tree: Tree) -> None:
        self.outputs = {
            1: output_layer(dataclasses.replace(training, loss="ns"), vocabulary.counts),
            2: output_layer(training, vocabulary.counts, tree),
        }

    def switches(self, epoch: int, borders: np.ndarray) -> list[Switch]:
        return [Switch(0, str(epoch))] if epoch in self.outputs else []

    def output(self, loss: str, network: Network, listener: Listener) -> OutputLayer:
        return self.outputs[int(loss)]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_output_layers_take_turns_on_the_same_word_vectors(optimizer: str) -> None:
    config = Config().replace(**SMALL, optimizer=optimizer, node_sample=0.0)
    with read_texts(planted(), config.corpus) as texts:
        vocabulary, corpus = choose_words(texts.corpus, config.vocabulary)
        tree = huffman(vocabulary.counts.astype(np.float64))
        phases = ThenNegativeSampling(config.training, vocabulary, tree)
        trainer = Trainer(config, vocabulary, tree, phases)
        heard: list[Event] = []
        trainer.train(corpus, heard.append, corpus)
        assert [one.output for one in heard if isinstance(one, EpochEnd)] == ["hs", "ns", "hs"]
        assert len(trainer.network.outputs) == len(vocabulary) - 1
        assert trainer.network.outputs.any()
        assert np.isfinite(trainer.network.vectors).all()
        loss = trainer.heldout_loss(corpus, ignore)
        assert loss is not None
        assert loss < np.log(len(vocabulary))
