"""The ways to train that are held against each other: trees, other output layers, programs."""

from __future__ import annotations

from dataclasses import dataclass

MODELS = ("skipgram", "cbow")
DEFAULTS, NEGATIVE = "hsw2v", "negative sampling"
HYBRID, SAMPLED = "hs+ns", "sampled softmax"
TWO_TREES = "two trees"
AFTER_TREE = "hs, then ns"


@dataclass(frozen=True)
class Variant:
    """A program, its output layer, and more options for hsw2v."""

    program: str
    loss: str
    options: tuple[str, ...] = ()
    """{fifth} stands for a fifth of the epochs."""

    def options_for(self, epochs: int | None) -> tuple[str, ...]:
        """Return the options for a number of epochs; in words without one."""
        fifth = "A-FIFTH-OF-EPOCHS" if epochs is None else f"{epochs / 5:g}"
        return tuple(one.format(fifth=fifth) for one in self.options)


VARIANTS = {
    DEFAULTS: Variant("hsw2v", "hs"),
    TWO_TREES: Variant("hsw2v", "hs", ("--num-trees", "2")),
    HYBRID: Variant("hsw2v", "hs+ns"),
    AFTER_TREE: Variant("hsw2v", "ns", ("--pretrain", "hs:{fifth}")),
    SAMPLED: Variant("hsw2v", "sampled"),
    NEGATIVE: Variant("hsw2v", "ns"),
    "every decision": Variant("hsw2v", "hs", ("--node-sample", "0")),
    "huffman": Variant("hsw2v", "hs", ("--tree", "huffman")),
    "huffman, every decision": Variant("hsw2v", "hs", ("--tree", "huffman", "--node-sample", "0")),
    "brown": Variant("hsw2v", "hs", ("--tree", "brown")),
    "balanced": Variant("hsw2v", "hs", ("--tree", "balanced")),
    "random": Variant("hsw2v", "hs", ("--tree", "random")),
    "gensim, ns": Variant("gensim", "ns"),
    "gensim, hs": Variant("gensim", "hs"),
    "fastText, ns": Variant("fastText", "ns"),
    "fastText, hs": Variant("fastText", "hs"),
}
HELD = (DEFAULTS, TWO_TREES, HYBRID, AFTER_TREE, SAMPLED)
"""Those that are held against negative sampling at equal time."""
FOLLOWED = (*HELD, NEGATIVE)
"""Those that are measured with every seed at every number of epochs."""
