"""The network as the kernels take it: the same arrays, under the kernels' own names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import padded
from hsw2v.kernels.arguments import (
    CLASSES,
    HIERARCHICAL,
    HYBRID,
    NEGATIVE,
    OTHER,
    SAMPLED,
    Layer,
    Tables,
)
from hsw2v.kernels.normalisation import Norm
from hsw2v.kernels.optimizers import State
from hsw2v.kernels.output.classes import ClassMembers
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import alias_table, noise_distribution
from hsw2v.kernels.output.sampled import Proposal
from hsw2v.kernels.random import thresholds
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.outputs.classes import ClassOutput
from hsw2v.network.outputs.hs import HierarchicalOutput
from hsw2v.network.outputs.hybrid import HybridOutput
from hsw2v.network.outputs.ns import NegativeOutput
from hsw2v.network.outputs.sampled import SampledOutput
from hsw2v.network.parameters import NORM, OUTPUTS, VECTORS, Parameters
from hsw2v.query.normalisation import EPSILON
from hsw2v.training.workspace import private_top


def state_of(parameters: Parameters, table: str) -> State:
    """Return the state of the optimizer of a table."""
    return State(*(parameters[f"{table}.{name}"] for name in State._fields))


def norm_of(parameters: Parameters) -> Norm:
    """Return what batch normalisation trains and keeps."""
    return Norm(
        parameters[NORM],
        parameters["norm.running"],
        parameters["norm.batches"],
        EPSILON,
        state_of(parameters, NORM),
    )


def tables_of(parameters: Parameters) -> Tables:
    """Return all parameters."""
    return Tables(
        parameters[VECTORS],
        parameters[OUTPUTS],
        state_of(parameters, VECTORS),
        state_of(parameters, OUTPUTS),
        norm_of(parameters),
    )


def layer_of(output: OutputLayer, weights: NDArray[np.float64], dim: int) -> Layer:
    """Return what the kernels choose output rows by.

    `weights (V,)` are how often each word is a target.
    """
    nothing, none = np.empty(0, np.uint64), np.empty(0, np.int32)
    noise = noise_distribution(np.ones(1), 1)
    layer = Layer(
        OTHER,
        tree_paths(np.zeros(2, np.int64), none, np.empty(0, np.uint8)),
        private_top(0, padded(dim)),
        noise,
        ClassMembers(none, none, none, np.zeros(1, np.int64), nothing),
        Proposal(noise.columns, np.zeros(1, np.float32), 1),
    )
    if isinstance(output, HierarchicalOutput):
        paths = output.paths
        chosen = tree_paths(paths.offsets, paths.nodes, paths.codes, output.keep(weights))
        layer = layer._replace(kind=HIERARCHICAL, paths=chosen)
        if isinstance(output, HybridOutput):
            sampling = output.sampling
            noise = noise_distribution(sampling.weights, sampling.draws, output.nodes)
            return layer._replace(kind=HYBRID, noise=noise)
        return layer
    if isinstance(output, ClassOutput):
        classes, keep = output.classes, thresholds(output.keep(weights))
        members = ClassMembers(classes.of, classes.places, classes.members, classes.offsets, keep)
        return layer._replace(kind=CLASSES, classes=members)
    if isinstance(output, NegativeOutput):
        noise = noise_distribution(output.weights, output.draws)
        return layer._replace(kind=NEGATIVE, noise=noise)
    if isinstance(output, SampledOutput):
        return layer._replace(kind=SAMPLED, proposal=_proposal(output.weights, output.draws))
    return layer


def _proposal(weights: NDArray[np.float64], samples: int) -> Proposal:
    # What has no weight is never drawn, but is a target.
    expected = samples * np.maximum(weights / weights.sum(), np.finfo(np.float32).tiny)
    return Proposal(alias_table(weights), -np.log(expected).astype(np.float32), samples)
