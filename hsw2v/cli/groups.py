"""Which commands and which options belong together, under which headings.

Help and docs/cli.md show them so. What is in no group stands under the last heading.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import click

T = TypeVar("T")
Groups = Mapping[str, tuple[str, ...]]
"""Names by heading."""

COMMANDS: Groups = {
    "Train": ("train", "resume", "plan", "demo", "compare"),
    "Ask": (
        *("similar", "neighbours", "similarity", "analogy", "odd-one-out", "predict", "score"),
        "sentences",
    ),
    "Look": ("info", "vector", "map", "explore", "tree", "evaluate", "diagnose"),
    "Texts and files": ("vocab", "phrases", "walks", "export", "align", "index", "verify"),
    "Shell": ("completion",),
}
OPTIONS: Groups = {
    "Input and output": (
        *("graph", "from_model", "output", "force", "config", "heldout", "normalize_exactly"),
        *("keep_epochs", "dry_run", "sample_mb", "as_json"),
    ),
    "Model": ("model", "dim", "window", "fixed_window", "init", "freeze"),
    "Subwords": ("subwords", "buckets", "whole_words"),
    "Output layer": (
        *("loss", "pretrain", "negative", "samples", "ns_exponent", "classes", "num_classes"),
    ),
    "Tree": ("tree", "num_trees", "rebuild_at", "rebuild_every", "node_sample"),
    "Optimization": ("epochs", "lr", "optimizer", "l2", "batch_norm", "seed"),
    "Text": (
        *("tokens", "lowercase", "field", "format", "header", "skip_bad_records"),
        *("encoding_errors", "max_types", "cache_dir"),
    ),
    "Phrases": (
        *("phrases", "phrase_threshold", "phrase_min_count", "phrase_scoring"),
        *("phrase_delimiter", "connector_words"),
    ),
    "Vocabulary": (
        *("min_count", "max_vocab", "keep_words", "drop_words", "vocab", "sample", "oov_counts"),
    ),
    "Graph": ("graph_format", "directed", "walks_per_node", "walk_length", "p", "q"),
    "Threads and workers": (
        *("threads", "tables", "deterministic", "engine", "workers", "worker_threads"),
        *("ray_address", "round", "combine_rows", "combine_all_every", "combine_dtype"),
    ),
    "Checkpoints and progress": (
        *("checkpoint_every", "resume", "quiet", "log_json", "record_gradients", "plot"),
    ),
}
OTHERS = "Other"
"""The heading of what is in no group: `Other commands`, `Other options`."""
_TRAINING = (
    *("output", "model", "dim", "window", "epochs", "loss"),
    *("min_count", "tokens", "lowercase", "threads"),
)
COMMON: Mapping[str, tuple[str, ...]] = {
    "train": _TRAINING,
    "plan": (*_TRAINING, "sample_mb"),
    "vocab": ("min_count", "max_vocab", "tokens", "lowercase", "field", "phrases"),
    "phrases": (
        *("output", "phrases", "phrase_threshold", "phrase_min_count", "phrase_scoring"),
        *("connector_words", "tokens", "lowercase", "field"),
    ),
}
"""Of a command with many options, by its name: those that its help shows."""
FEWEST_GROUPED = 14
"""With fewer options, one list is easier to read than several."""


def grouped(named: Iterable[tuple[str, T]], groups: Groups, others: str) -> dict[str, list[T]]:
    """Return things by heading, in the order of the groups; those of no group come last."""
    left = dict(named)
    found = {
        heading: [left.pop(name) for name in names if name in left]
        for heading, names in groups.items()
    }
    found[others] = list(left.values())
    return {heading: some for heading, some in found.items() if some}


def option_groups(command: click.Command) -> dict[str, list[click.Option]]:
    """Return the options of a command by heading; all under one if they are few."""
    options = own_options(command)
    few = len(options) < FEWEST_GROUPED
    groups = grouped(options, {} if few else OPTIONS, f"{OTHERS} options")
    return {"Options": groups.popitem()[1]} if len(groups) == 1 else groups


def common_options(command: click.Command) -> list[click.Option]:
    """Return the options that the help of a command shows first; none if it shows all."""
    options, names = dict(own_options(command)), COMMON.get(command.name or "", ())
    return [options[name] for name in names if name in options]


def own_options(command: click.Command) -> list[tuple[str, click.Option]]:
    """Return the options of a command by name, without --help and hidden ones."""
    return [
        (one.name or "", one)
        for one in command.params
        if isinstance(one, click.Option) and one.expose_value and not one.hidden
    ]
