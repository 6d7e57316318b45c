"""Experiments of a few small trainings, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import hsw2v
from hsw2v import events

Heard = list[events.Event]

COMMON = """
[vocabulary]
min_count = 1
sample = 0.0
[training]
dim = 6
epochs = 1
threads = 1
tree = "huffman"
"""
TWO = """
[[setting]]
name = "tree"
[[setting]]
name = "sampling / two"
loss = "ns"
negative = 2
"""


def write_text(path: Path, sentences: int = 200, seed: int = 1) -> Path:
    """Write sentences of words of one of a few groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 4, sentences)
    members = rng.integers(0, 5, (sentences, 8))
    lines = [
        " ".join(f"g{group}w{member}" for member in row)
        for group, row in zip(groups, members, strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_experiment(
    folder: Path, settings: str = TWO, *, own: str = "seeds = [1, 2]", common: str = COMMON
) -> Path:
    """Write an experiment, with a held-out text and test sets beside it for it to name."""
    write_text(folder / "heldout.txt", 20, seed=2)
    (folder / "pairs.tsv").write_text(
        "g0w0\tg0w1\t9\ng0w0\tg1w1\t1\ng1w2\tg1w3\t8\ng2w0\tg3w0\t2\ng2w4\tg2w3\t7\n"
    )
    (folder / "questions.txt").write_text(
        ": groups\ng0w0 g0w1 g1w0 g1w1\n: gram-all\ng0w0 g0w1 g2w0 g2w1\n"
    )
    path = folder / "mine.toml"
    path.write_text(f"[experiment]\n{own}\n{common}{settings}", encoding="utf-8")
    return path


EVERYTHING = """
seeds = [1, 2]
name = "Two | ways"
pairs = ["pairs.tsv"]
analogies = ["questions.txt"]
heldout = "heldout.txt"
"""


def compared(path: Path, corpus: Path, **options: Any) -> tuple[hsw2v.Comparison, Heard]:
    """Compare in a folder beside the experiment, and return what was heard, too."""
    heard: Heard = []
    found = hsw2v.compare(path, corpus, path.parent / "out", listener=heard.append, **options)
    return found, heard


def runs_in(heard: Heard) -> list[tuple[str, int]]:
    """Return the setting and the seed of every run that was begun."""
    return [(one.setting, one.seed) for one in heard if isinstance(one, events.RunBegin)]


def notices_in(heard: Heard) -> list[str]:
    """Return the sentences that were told."""
    return [one.message for one in heard if isinstance(one, events.Notice)]
