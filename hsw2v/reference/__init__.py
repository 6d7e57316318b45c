"""The arithmetic of training in plain NumPy: the definition that the kernels are tested against.

The same names as in `hsw2v.kernels` and `hsw2v.trees`, written to be read.
"""

from hsw2v.reference.normalisation import Norm, backward, normalise
from hsw2v.reference.optimizers import State, move_row
from hsw2v.reference.steps import (
    LOSS_KEY,
    MAX_CONTEXT,
    MAX_OUTPUT,
    NOISE_KEY,
    Hierarchical,
    Hybrid,
    Layer,
    Negative,
    Plan,
    Trees,
    below,
    decision_loss,
    draw,
    errors,
    gradients,
    keep_tokens,
    loss,
    sigmoid,
    step,
    train_block,
    update,
)
from hsw2v.reference.subwords import Composing
from hsw2v.reference.trees import (
    class_bigrams,
    class_likelihood,
    exchange_gains,
    merging_loss,
    split,
)

__all__ = [
    "LOSS_KEY",
    "MAX_CONTEXT",
    "MAX_OUTPUT",
    "NOISE_KEY",
    "Composing",
    "Hierarchical",
    "Hybrid",
    "Layer",
    "Negative",
    "Norm",
    "Plan",
    "State",
    "Trees",
    "backward",
    "below",
    "class_bigrams",
    "class_likelihood",
    "decision_loss",
    "draw",
    "errors",
    "exchange_gains",
    "gradients",
    "keep_tokens",
    "loss",
    "merging_loss",
    "move_row",
    "normalise",
    "sigmoid",
    "split",
    "step",
    "train_block",
    "update",
]
