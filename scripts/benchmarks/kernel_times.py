#!/usr/bin/env python3
"""Time the kernel of training and its parts on one thread, and print them as JSON.

kernel_times.py CORPUS

A process of its own, since the kind of vector code is chosen when hsw2v is imported.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import threadpoolctl
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import Config
from hsw2v.corpus.stream import encode
from hsw2v.corpus.vocabulary import choose, keep_probability
from hsw2v.jit import cgutils, compiled, inlined, intrinsic, ir, types
from hsw2v.kernels.arguments import HIERARCHICAL, NEGATIVE, Layer, Plan, Tables
from hsw2v.kernels.block import train_block
from hsw2v.kernels.emit import LANES, VECTOR, splat
from hsw2v.kernels.memory import load_int64
from hsw2v.kernels.optimizers import SGD
from hsw2v.kernels.output.hierarchical import TreePaths, tree_paths
from hsw2v.kernels.output.negative import noise_distribution
from hsw2v.kernels.rows import decay_rows
from hsw2v.kernels.step import gradients, step
from hsw2v.kernels.tiles import (
    MAX_CONTEXT,
    MAX_OUTPUT,
    TILE_WIDTH,
    add_to_rows,
    mean_row,
    score_row,
    score_rows,
)
from hsw2v.kernels.windows import Windowing, windows_of
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.parameters import initial_parameters
from hsw2v.training.schedule import LOSS_EVERY
from hsw2v.training.tables import layer_of, tables_of
from hsw2v.training.workspace import scratch
from hsw2v.trees.huffman import huffman
from hsw2v.trees.shape import node_keep

DIM, WINDOW, NEGATIVE_WORDS = 100, 5, 5
WIDTH = padded(DIM)
BLOCKS, LISTED = 200, 4096
"""Blocks of the corpus that are trained on, and windows whose sizes the parts are timed with."""
REPETITIONS = 5
ALIKE = 4
"""Words, and nodes of a level, that stand for all others where rows stay in cache."""
FLOPS_OF_A_PAIR = 6
"""A dot product and two updates, a multiplication and an addition each, per number of a row."""
CHAINS = 12
"""Multiply-adds that do not wait for each other: enough for two units of four cycles each."""
NODE_SAMPLE = 0.003
CASES = (
    ("skip-gram, hs", False, HIERARCHICAL, False),
    ("skip-gram, hs, subsampled", False, HIERARCHICAL, True),
    ("CBOW, hs", True, HIERARCHICAL, False),
    ("CBOW, hs, subsampled", True, HIERARCHICAL, True),
    ("skip-gram, ns", False, NEGATIVE, False),
    ("CBOW, ns", True, NEGATIVE, False),
)
"""Name, CBOW, output layer, and whether decisions are subsampled by NODE_SAMPLE."""
STEPS = ((6, 14), (6, 6), (1, 14), (1, 6))


@intrinsic
def _multiply_adds(typingctx, times, factor, addend):
    """Do x = x * factor + addend `times` times on each of CHAINS vectors; return some float."""

    def emit(context, builder, signature, arguments):
        count, factor, addend = arguments
        by, plus = splat(builder, factor), splat(builder, addend)
        kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
        fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        chains = [cgutils.alloca_once_value(builder, plus) for _ in range(CHAINS)]
        with cgutils.for_range(builder, count):
            for chain in chains:
                builder.store(builder.call(fma, [builder.load(chain), by, plus]), chain)
        total = builder.load(chains[0])
        for chain in chains[1:]:
            total = builder.fadd(total, builder.load(chain))
        return builder.extract_element(total, cgutils.intp_t(0))

    return types.float32(types.int64, types.float32, types.float32), emit


@compiled
def multiply_adds(times, factor, addend) -> float:
    """Do what `_multiply_adds` does."""
    return _multiply_adds(times, factor, addend)


@inlined
def _scores(hidden, n, output, m, chunks, scores):
    """Do what `step.gradients` does, without the link."""
    for i in range(0, n, 2):
        for j in range(0, m, TILE_WIDTH):
            width = min(m - j, TILE_WIDTH)
            here = hidden + 8 * i
            there = output + 8 * j
            place = scores + 4 * (i * MAX_OUTPUT + j)
            if i + 1 < n:
                score_rows(width, here, there, chunks, place)
            else:
                score_row(width, here, there, chunks, place)


CONTEXTS, SCORES, GRADIENTS, STEP, PASSES = range(5)


@compiled
def do_parts(what, contexts, outputs, hidden, output, labels, chunks, scores, one) -> None:
    """Do a part of the work of windows of these sizes (N,) int64, on rows at these addresses.

    `one` is 1: what rows are multiplied by must not be known when compiling.
    """
    rate = np.float32(0.0)
    for place in range(len(contexts)):
        n = contexts[place]
        m = outputs[place]
        if what == CONTEXTS:
            mean_row(hidden, n, chunks, load_int64(output))
            add_to_rows(hidden, n, chunks, load_int64(output))
        elif what == SCORES:
            _scores(hidden, n, output, m, chunks, scores)
        elif what == GRADIENTS:
            gradients(hidden, n, output, m, labels, rate, chunks, scores)
        elif what == PASSES:
            decay_rows(output, m, one, chunks)
        else:
            step(hidden, hidden, n, output, m, labels, rate, chunks, scores)


class Rows:
    """Rows that stay in the nearest cache, to do parts of windows on."""

    def __init__(self, most: int) -> None:
        self._rows = aligned_zeros(2 * WINDOW + most, WIDTH)
        self._rows[:] = 0.01
        places = np.arange(len(self._rows)) * self._rows.strides[0]
        self._addresses = self._rows.ctypes.data + places
        self._labels = np.zeros(most + LANES, np.float32)
        self._scores = aligned_zeros(MAX_CONTEXT, MAX_OUTPUT)

    def time(self, what: int, contexts: NDArray[np.int64], outputs: NDArray[np.int64]) -> float:
        """Return the seconds of a part of a window, of the mean over windows of these sizes."""

        def once() -> float:
            begun = time.thread_time()
            do_parts(
                what,
                contexts,
                outputs,
                self._addresses.ctypes.data,
                self._addresses[2 * WINDOW :].ctypes.data,
                self._labels.ctypes.data,
                WIDTH // LANES,
                self._scores.ctypes.data,
                np.float32(1.0),
            )
            return (time.thread_time() - begun) / len(contexts)

        return best(once)


def best(work: Callable[[], float]) -> float:
    """Return the least of a few results, after a first one that warms up."""
    work()
    return min(work() for _ in range(REPETITIONS))


def multiply_add_rate() -> float:
    """Return the most floating-point operations a second that the core does, in registers."""
    times = 10_000_000

    def once() -> float:
        begun = time.thread_time()
        multiply_adds(times, np.float32(0.999), np.float32(0.001))
        return time.thread_time() - begun

    return 2 * times * CHAINS * LANES / best(once)


def product_rate() -> tuple[float, str]:
    """Return the floating-point operations a second of NumPy's matrix product, and its kernel."""
    size = 768
    left, right = (np.ones((size, size), np.float32) for _ in range(2))
    with threadpoolctl.threadpool_limits(1, user_api="blas"):

        def once() -> float:
            begun = time.thread_time()
            np.matmul(left, right)
            return time.thread_time() - begun

        seconds = best(once)
    (library,) = threadpoolctl.ThreadpoolController().select(user_api="blas").info()[:1]
    return 2 * size**3 / seconds, f"{library['internal_api']} for {library['architecture']}"


class Setting(NamedTuple):
    """What a kernel trains on."""

    windowing: Windowing
    tables: Tables
    layer: Layer
    paths: TreePaths
    """With every decision; `subsampled` has the others."""
    subsampled: TreePaths


class Kernel:
    """The kernel of training over the first blocks of a corpus."""

    def __init__(self, corpus: str) -> None:
        config = Config().replace(dim=DIM)
        encoded = encode(corpus, config.corpus)
        vocabulary, remap = choose(encoded.types, config.vocabulary)
        counts = vocabulary.counts
        share = keep_probability(counts, config.vocabulary.sample)
        weights = counts * share
        tree = huffman(counts.astype(np.float64))
        self.paths = tree.paths()
        self.keep = node_keep(tree, weights, NODE_SAMPLE)
        self._training = config.training
        self._weights = weights
        self.blocks = [
            encoded.ids[slice(*encoded.blocks[number : number + 2])]
            for number in range(min(BLOCKS, len(encoded.blocks) - 1))
        ]
        self._scratch = scratch(
            int(np.diff(encoded.blocks).max()),
            WINDOW,
            max(int(self.paths.lengths.max()), 1 + NEGATIVE_WORDS),
            WIDTH,
        )
        offsets, nodes, codes = self.paths.offsets, self.paths.nodes, self.paths.codes
        self.far = self._setting(
            remap,
            share,
            counts**0.75,
            tree_paths(offsets, nodes, codes),
            tree_paths(offsets, nodes, codes, self.keep[None]),
        )
        self.near = self._few_rows(remap, counts, share)

    def _setting(
        self,
        remap: NDArray[np.int32],
        share: NDArray[np.float64],
        noise: NDArray[np.float64],
        paths: TreePaths,
        subsampled: TreePaths,
    ) -> Setting:
        words = len(share)
        keep = np.ceil(share * 2**32).astype(np.uint64)
        layer = layer_of(SoftmaxOutput(words), np.ones(words), DIM)
        return Setting(
            Windowing(remap, keep, WINDOW, True),
            tables_of(initial_parameters(self._training, words, words)),
            layer._replace(noise=noise_distribution(noise, NEGATIVE_WORDS)),
            paths,
            subsampled,
        )

    def _few_rows(
        self, remap: NDArray[np.int32], counts: NDArray[np.int64], share: NDArray[np.float64]
    ) -> Setting:
        """Return the same windows over rows that stay in cache.

        Every word becomes one of ALIKE that have a path of its length, and every node one of ALIKE
        of its level, which are kept as often as those of the level in the mean.
        """
        lengths = self.paths.lengths
        longest = int(lengths.max())
        word_of = ((lengths - 1) * ALIKE + np.arange(len(lengths)) % ALIKE).astype(np.int64)
        words = longest * ALIKE
        some = np.bincount(word_of, counts, words)
        kept = np.bincount(word_of, self._weights, words)
        steps = np.repeat(np.arange(1, longest + 1), ALIKE)
        offsets = np.concatenate(([0], np.cumsum(steps)))
        nodes = np.concatenate(
            [np.arange(length) * ALIKE + word % ALIKE for word, length in enumerate(steps)]
        ).astype(np.int32)
        codes = np.random.default_rng(1).integers(0, 2, len(nodes)).astype(np.uint8)
        levels = np.arange(len(self.paths.nodes)) - self.paths.offsets[:-1].repeat(lengths)
        visits = self._weights.repeat(lengths)
        of_level = np.bincount(levels, visits * self.keep[self.paths.nodes], longest)
        of_level = np.maximum.accumulate(of_level / np.bincount(levels, visits, longest))
        near = remap.copy()
        near[remap >= 0] = word_of[remap[remap >= 0]]
        return self._setting(
            near,
            np.where(some > 0, kept / np.maximum(some, 1), 1.0),
            np.ones(words),
            tree_paths(offsets, nodes, codes),
            tree_paths(offsets, nodes, codes, of_level.repeat(ALIKE)[None]),
        )

    def time(self, setting: Setting, *, cbow: bool, output: int, subsampled: bool) -> float:
        """Return the seconds of a kept word."""
        layer = setting.layer._replace(
            kind=output, paths=setting.subsampled if subsampled else setting.paths
        )
        plan = Plan(cbow, 0.025, 0.025, LOSS_EVERY, SGD, 0.0, False)

        def over_blocks() -> float:
            begun = time.thread_time()
            kept = 0
            for number, ids in enumerate(self.blocks):
                arguments = (plan, setting.windowing, setting.tables, layer, self._scratch)
                kept += train_block(ids, np.uint64(number), *arguments)[2]
            return (time.thread_time() - begun) / kept

        return best(over_blocks)

    def time_windows(self) -> float:
        """Return the seconds of a kept word that finding the windows takes."""

        def over_blocks() -> float:
            begun = time.thread_time()
            kept = 0
            for number, ids in enumerate(self.blocks):
                kept += len(windows_of(ids, self.far.windowing, np.uint64(number))[0])
            return (time.thread_time() - begun) / kept

        return best(over_blocks)

    def sizes(
        self, *, cbow: bool, output: int, subsampled: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the context words, hidden rows and output rows of the first windows."""
        contexts: list[Any] = []
        targets: list[Any] = []
        for number, ids in enumerate(self.blocks):
            kept, bounds = windows_of(ids, self.far.windowing, np.uint64(number))
            contexts += (bounds[:, 1] - bounds[:, 0] - 1).tolist()
            targets += kept.tolist()
            if len(contexts) >= LISTED:
                break
        context = np.array(contexts[:LISTED], np.int64)
        outputs = np.full(len(context), 1 + NEGATIVE_WORDS)
        if output == HIERARCHICAL:
            drawn = np.random.default_rng(1).random(len(context))
            for one, word in enumerate(targets[:LISTED]):
                path = self.paths.nodes[self.paths.offsets[word] : self.paths.offsets[word + 1]]
                kept = drawn[one] < self.keep[path] if subsampled else np.ones(len(path))
                outputs[one] = np.count_nonzero(kept)
        return context, np.minimum(context, 1) if cbow else context, outputs


def account(kernel: Kernel, *, cbow: bool, output: int, subsampled: bool) -> dict[str, float]:
    """Return what the time of a window is made of, in seconds, with its mean sizes."""
    choice: dict[str, Any] = {"cbow": cbow, "output": output, "subsampled": subsampled}
    whole, near = (kernel.time(setting, **choice) for setting in (kernel.far, kernel.near))
    context, hidden, outputs = kernel.sizes(**choice)
    rows = Rows(int(outputs.max()))
    scores, gradients_, whole_step = (
        rows.time(part, hidden, outputs) for part in (SCORES, GRADIENTS, STEP)
    )
    contexts = rows.time(CONTEXTS, context, outputs) if cbow else 0.0
    windows = kernel.time_windows()
    return {
        "rows": float(hidden.mean()),
        "columns": float(outputs.mean()),
        "rate": float((hidden * outputs).mean()) * DIM * FLOPS_OF_A_PAIR / whole,
        "seconds": whole,
        "waiting": whole - near,
        "windows": windows,
        "contexts": contexts,
        "scores": scores,
        "link": gradients_ - scores,
        "update": whole_step - gradients_,
        "rest": near - windows - contexts - whole_step,
    }


def main() -> None:
    """Measure everything, and print it."""
    rate, kernel_of_product = product_rate()
    found: list[dict[str, Any]] = [
        {"what": "multiply-adds in registers", "rate": multiply_add_rate()},
        {"what": f"NumPy's matrix product ({kernel_of_product})", "rate": rate},
    ]
    rows = Rows(max(m for _, m in STEPS))
    for n, m in STEPS:
        sizes = (np.full(LISTED, size) for size in (n, m))
        seconds = rows.time(STEP, *sizes)
        found.append(
            {
                "what": f"a step{' of CBOW' if n == 1 else ''}, rows in cache",
                "rows": n,
                "columns": m,
                "seconds": seconds,
                "rate": n * m * DIM * FLOPS_OF_A_PAIR / seconds,
            }
        )
    rows_of_path = np.full(LISTED, STEPS[0][1])
    found.append(
        {
            "what": "output rows read and written, in cache",
            "rows": 0,
            "columns": STEPS[0][1],
            "seconds": rows.time(PASSES, np.zeros_like(rows_of_path), rows_of_path),
        }
    )
    kernel = Kernel(sys.argv[1])
    for name, cbow, output, subsampled in CASES:
        parts = account(kernel, cbow=cbow, output=output, subsampled=subsampled)
        found.append({"what": name, **parts})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
