"""The output layers by name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.config import Config, TrainingConfig
from hsw2v.network.outputs.classes import ClassOutput
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.network.outputs.hybrid import HybridOutput
from hsw2v.network.outputs.ns import NegativeOutput
from hsw2v.network.outputs.output import BuiltOutput, OutputLayer
from hsw2v.network.outputs.sampled import SampledOutput
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.trees.classes import Classes
from hsw2v.trees.tree import Tree

__all__ = [
    "OUTPUTS",
    "OutputLayer",
    "built_output",
    "built_outputs",
    "effective",
    "is_normalized",
    "output_layer",
    "structure_tensors",
    "unused_settings",
]

OUTPUTS: dict[str, type[OutputLayer]] = {
    one.name: one
    for one in (
        HierarchicalOutput,
        HybridOutput,
        ClassOutput,
        NegativeOutput,
        SampledOutput,
        SoftmaxOutput,
    )
}
"""As `config.LOSSES` names them."""


def output_layer(
    training: TrainingConfig,
    counts: NDArray[np.int64],
    structure: Tree | Classes | None = None,
    loss: str | None = None,
) -> OutputLayer:
    """Return the output layer that the settings name, or another, upon its tree or classes.

    `counts (V,)` tell how often words occur.
    """
    return OUTPUTS[loss or training.loss].of(training, counts, structure)


def built_outputs() -> list[type[BuiltOutput[Any]]]:
    """Return the output layers whose rows stand for parts of a structure."""
    return [one for one in OUTPUTS.values() if issubclass(one, BuiltOutput)]


def built_output(structure: Tree | Classes, rows: int) -> type[BuiltOutput[Any]]:
    """Return the output layer that is built of a structure, and has so many rows."""
    kinds = [one for one in built_outputs() if one.structure is type(structure)]
    words = len(structure)
    return next((one for one in kinds if one.rows_of(words, rows) == rows), kinds[0])


def structure_tensors(structure: Tree | Classes | None) -> dict[str, NDArray[np.int32]]:
    """Return the array of a tree or of classes, under its name in a file; nothing without one."""
    if structure is None:
        return {}
    kind = next(one for one in built_outputs() if one.structure is type(structure))
    return {kind.structure_tensor: kind.to_tensor(structure)}


def is_normalized(loss: str) -> bool:
    """Tell whether the scores of an output layer are probabilities."""
    return OUTPUTS[loss].refusal is None


def unused_settings(config: Config) -> list[str]:
    """Return the names of settings that are not at their default, but have no effect."""
    training = config.training
    used = {name for loss in training.losses for name in OUTPUTS[loss].used(training)}
    unused = {name for one in OUTPUTS.values() for name in one.settings}.difference(used)
    if not training.deterministic:
        unused.add("workers")
    return [
        one.name
        for one in dataclasses.fields(training)
        if one.name in unused and getattr(training, one.name) != one.default
    ]


def effective(config: Config) -> Config:
    """Return a copy in which every setting without effect is at its default."""
    defaults = TrainingConfig()
    return config.replace(**{name: getattr(defaults, name) for name in unused_settings(config)})
