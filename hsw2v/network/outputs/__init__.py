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
from hsw2v.network.outputs.output import BuiltOutput, OutputLayer, Structure
from hsw2v.network.outputs.sampled import SampledOutput
from hsw2v.network.outputs.softmax import SoftmaxOutput

__all__ = [
    "OUTPUTS",
    "OutputLayer",
    "Structure",
    "built_output",
    "built_outputs",
    "effective",
    "is_normalized",
    "most_rows",
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
    structure: Structure | None = None,
    loss: str | None = None,
) -> OutputLayer:
    """Return the output layer that the settings name, or another, upon its tree or classes.

    `counts (V,)` tell how often words occur.
    """
    return OUTPUTS[loss or training.loss].of(training, counts, structure)


def built_outputs() -> list[type[BuiltOutput[Any]]]:
    """Return the output layers whose rows stand for parts of a structure."""
    return [one for one in OUTPUTS.values() if issubclass(one, BuiltOutput)]


def built_output(structure: Structure, rows: int) -> type[BuiltOutput[Any]]:
    """Return the output layer that is built of a structure, and has so many rows."""
    kinds = _built_of(structure)
    words, shape = len(structure), kinds[0].to_tensor(structure).shape
    return next((one for one in kinds if one.sizes(words, rows, shape)[0] == rows), kinds[0])


def structure_tensors(structure: Structure | None) -> dict[str, NDArray[np.int32]]:
    """Return the array of trees or of classes, under its name in a file; nothing without them."""
    if structure is None:
        return {}
    kind = _built_of(structure)[0]
    return {kind.structure_tensor: kind.to_tensor(structure)}


def _built_of(structure: Structure) -> list[type[BuiltOutput[Any]]]:
    """Return the output layers that may be built of a structure."""
    kinds = built_outputs()
    return [one for one in kinds if one.structure and isinstance(structure, one.structure)]


def most_rows(training: TrainingConfig, words: int) -> int:
    """Return the most output rows that a training on so many words has at a time."""
    return max(OUTPUTS[loss].rows_for(training, words) for loss in training.losses)


def is_normalized(loss: str) -> bool:
    """Tell whether the scores of an output layer are probabilities."""
    return OUTPUTS[loss].refusal is None


def unused_settings(config: Config) -> list[str]:
    """Return the names of settings that are not at their default, but have no effect."""
    training = config.training
    used = {name for loss in training.losses for name in OUTPUTS[loss].used(training)}
    unused = {name for one in OUTPUTS.values() for name in one.settings}.difference(used)
    if not training.subwords:
        unused |= {"buckets", "whole_words"}
    if not training.in_rounds:
        unused |= {"workers", "round", "combine_rows", "combine_dtype"}
    if not training.in_rounds or training.combine_rows is None:
        unused.add("combine_all_every")
    if training.engine != "ray":
        unused |= {"worker_threads", "ray_address"}
    return [
        one.name
        for one in dataclasses.fields(training)
        if one.name in unused and getattr(training, one.name) != one.default
    ]


def effective(config: Config) -> Config:
    """Return a copy in which every setting without effect is at its default."""
    defaults = TrainingConfig()
    return config.replace(**{name: getattr(defaults, name) for name in unused_settings(config)})
