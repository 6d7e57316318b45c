"""The ways to train that are held against each other: trees, other output layers, programs."""

from __future__ import annotations

from dataclasses import dataclass

MODELS = ("skipgram", "cbow")
DEFAULTS, EVERY_DECISION, NEGATIVE = "hsw2v", "every decision", "negative sampling"


@dataclass(frozen=True)
class Variant:
    """A program, its output layer, and more options for hsw2v."""

    program: str
    loss: str
    options: tuple[str, ...] = ()


VARIANTS = {
    DEFAULTS: Variant("hsw2v", "hs"),
    EVERY_DECISION: Variant("hsw2v", "hs", ("--node-sample", "0")),
    "huffman": Variant("hsw2v", "hs", ("--tree", "huffman")),
    "huffman, every decision": Variant("hsw2v", "hs", ("--tree", "huffman", "--node-sample", "0")),
    "brown": Variant("hsw2v", "hs", ("--tree", "brown")),
    "balanced": Variant("hsw2v", "hs", ("--tree", "balanced")),
    "random": Variant("hsw2v", "hs", ("--tree", "random")),
    NEGATIVE: Variant("hsw2v", "ns"),
    "sampled softmax": Variant("hsw2v", "sampled"),
    "gensim, ns": Variant("gensim", "ns"),
    "gensim, hs": Variant("gensim", "hs"),
    "fastText, ns": Variant("fastText", "ns"),
    "fastText, hs": Variant("fastText", "hs"),
}
FOLLOWED = (DEFAULTS, EVERY_DECISION, NEGATIVE)
"""Those that are measured with every seed at every number of epochs."""
TIMED = (*FOLLOWED, "sampled softmax")
"""Those that are timed; what is slow is measured at every number of epochs with one seed."""
