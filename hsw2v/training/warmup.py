"""Compiling (or loading from the cache) ahead of need, beside the reading of the corpus."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

import numpy as np

from hsw2v.kernels.block import HIERARCHICAL, Plan, Tables, train_block
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import noise_distribution
from hsw2v.kernels.windows import Windowing
from hsw2v.training.tables import aligned_zeros, padded
from hsw2v.training.workspace import private_top, scratch
from hsw2v.trees.brown import brown
from hsw2v.trees.huffman import huffman
from hsw2v.trees.semantic import semantic


def warm_up() -> None:
    """Make every kernel of training ready, by calls with next to nothing to do."""
    huffman(np.ones(2))
    width = padded(1)
    train_block(
        np.empty(0, np.int32),
        np.uint64(0),
        Plan(False, HIERARCHICAL, 0.0, 0.0, 1),
        Windowing(np.zeros(1, np.int32), np.zeros(1, np.uint64), 1, True),
        Tables(aligned_zeros(1, width), aligned_zeros(1, width)),
        tree_paths(np.zeros(2, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8)),
        private_top(0, width),
        noise_distribution(np.ones(1), 1),
        scratch(1, 1, 1, 1, width),
    )


def warm_up_brown() -> None:
    """Make ready what grows the brown tree."""
    ids = np.arange(3, dtype=np.int32)
    brown(ids, np.array([0, 3]), ids, np.ones(3))


def warm_up_semantic() -> None:
    """Make ready what grows the semantic tree."""
    semantic(aligned_zeros(3, padded(1)), np.ones(3))


class WarmUp:
    """`warm_up` in a thread of its own, beside the reading of the corpus.

    What grows the semantic tree is made ready last: it is not wanted before training is under way.
    """

    def __init__(self, tree: str) -> None:
        self._tree = tree
        self._ready = threading.Event()
        # Nobody waits for the thread at the end of the program: compiling cannot be interrupted.
        self._thread = threading.Thread(target=self._compile, daemon=True)

    def begin(self) -> None:
        """Begin, unless begun.

        Only one thing is compiled at a time: what reads the corpus should be ready by then.
        """
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Wait until all is ready, as no call of a kernel does: so that Ctrl-C is heard."""
        self.begin()
        self._ready.wait()

    def _compile(self) -> None:
        if self._tree == "brown":
            _try(warm_up_brown)
        _try(warm_up)
        self._ready.set()
        if self._tree == "semantic":
            _try(warm_up_semantic)


def _try(make_ready: Callable[[], None]) -> None:
    # A failure is not lost: the same compilation fails again where it is needed.
    with contextlib.suppress(Exception):
        make_ready()
