"""Defaults for what is trained on, where they are not those for a text."""

from __future__ import annotations

from hsw2v.config import Config

GRAPH = Config().replace(
    min_count=1,
    sample=0.0,
    tree="huffman",
    node_sample=0.0,
    dim=128,
    window=10,
    epochs=1,
)
"""For walks over a graph: those of DeepWalk (Perozzi et al. 2014). `configs/graph-walks.toml` has
the reasons."""


def defaults_of(graph: object) -> Config:
    """Return the defaults for a graph or, if it is None, for a text."""
    return Config() if graph is None else GRAPH
