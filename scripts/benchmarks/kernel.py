"""What the time of training is made of, on one thread, with 100 dimensions and a window of 5.

- the step alone, on rows that stay in the nearest cache, for the mean size of a window;
- the whole kernel over blocks of the corpus;
- above them what the core does in a loop of fused multiply-adds in registers: its limit.
"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable

import numpy as np

from benchmarks.benchmark import CORPUS, Benchmark
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record
from hsw2v.arrays import aligned_zeros, padded
from hsw2v.config import Config
from hsw2v.corpus.stream import encode
from hsw2v.corpus.vocabulary import choose, keep_probability
from hsw2v.jit import cgutils, compiled, intrinsic, ir, types
from hsw2v.kernels.arguments import HIERARCHICAL, NEGATIVE, Plan
from hsw2v.kernels.block import train_block
from hsw2v.kernels.emit import LANES, VECTOR, splat
from hsw2v.kernels.optimizers import SGD
from hsw2v.kernels.output.hierarchical import tree_paths
from hsw2v.kernels.output.negative import noise_distribution
from hsw2v.kernels.step import step
from hsw2v.kernels.tiles import MAX_CONTEXT, MAX_OUTPUT
from hsw2v.kernels.windows import Windowing
from hsw2v.network.outputs.softmax import SoftmaxOutput
from hsw2v.network.parameters import initial_parameters
from hsw2v.training.tables import layer_of, tables_of
from hsw2v.training.workspace import scratch
from hsw2v.trees.huffman import huffman

DIM, WINDOW, NEGATIVE_WORDS = 100, 5, 5
WIDTH = padded(DIM)
BLOCKS = 300
REPETITIONS = 5
FLOPS_OF_A_PAIR = 6
"""A dot product and two updates, a multiplication and an addition each, per number of a row."""
CHAINS = 12
"""Multiply-adds that do not wait for each other: enough for two units of four cycles each."""


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


@compiled
def many_steps(times, hidden, n, output, m, labels, vectors, gradient):
    """Do the same step over and over."""
    for _ in range(times):
        step(hidden, hidden, n, output, m, labels, np.float32(0.0), vectors, gradient)


def best(work: Callable[[], float]) -> float:
    """Return the least of a few results."""
    return min(work() for _ in range(REPETITIONS))


def time_step(n: int, m: int) -> float:
    """Return the seconds of a step of n context rows and m output rows that stay in cache."""
    rows = aligned_zeros(n + m, WIDTH)
    rows[:] = 0.01
    addresses = rows.ctypes.data + np.arange(n + m) * rows.strides[0]
    labels = np.zeros(MAX_OUTPUT, np.float32)
    gradient = aligned_zeros(MAX_CONTEXT, MAX_OUTPUT)
    times = 20_000

    def once() -> float:
        begun = time.perf_counter()
        many_steps(
            times,
            addresses.ctypes.data,
            n,
            addresses[n:].ctypes.data,
            m,
            labels.ctypes.data,
            WIDTH // LANES,
            gradient.ctypes.data,
        )
        return (time.perf_counter() - begun) / times

    once()
    return best(once)


def multiply_add_rate() -> float:
    """Return the most floating-point operations a second that the core does, in registers."""
    times = 10_000_000

    def once() -> float:
        begun = time.perf_counter()
        multiply_adds(times, np.float32(0.999), np.float32(0.001))
        return time.perf_counter() - begun

    once()
    return 2 * times * CHAINS * LANES / best(once)


class Kernel:
    """The kernel of training over the first blocks of a corpus."""

    def __init__(self, corpus: str) -> None:
        config = Config()
        self.encoded = encode(corpus, config.corpus)
        vocabulary, self.remap = choose(self.encoded.types, config.vocabulary)
        words = len(vocabulary)
        keep = keep_probability(vocabulary.counts, config.vocabulary.sample)
        self.keep = np.ceil(keep * 2**32).astype(np.uint64)
        paths = huffman(vocabulary.counts.astype(np.float64)).paths()
        self.layer = layer_of(SoftmaxOutput(words), np.ones(words), DIM)._replace(
            paths=tree_paths(paths.offsets, paths.nodes, paths.codes),
            noise=noise_distribution(vocabulary.counts**0.75, NEGATIVE_WORDS),
        )
        training = config.replace(dim=DIM).training
        self.tables = tables_of(initial_parameters(training, words, words))
        weights = vocabulary.counts * keep
        self.mean_path = float((paths.lengths * weights).sum() / weights.sum())
        self.scratch = scratch(
            int(np.diff(self.encoded.blocks).max()),
            WINDOW,
            max(int(paths.lengths.max()), 1 + NEGATIVE_WORDS),
            WIDTH,
        )

    def time_window(self, *, cbow: bool, output: int) -> tuple[float, float]:
        """Return the seconds of a window, and its mean number of predictions."""
        arguments = (
            Windowing(self.remap, self.keep, WINDOW, True),
            self.tables,
            self.layer._replace(kind=output),
            self.scratch,
        )

        def over_blocks(loss_every: int) -> tuple[float, int, int]:
            plan = Plan(cbow, 0.025, 0.025, loss_every, SGD, 0.0, False)
            begun = time.perf_counter()
            kept = predictions = 0
            for number in range(min(BLOCKS, len(self.encoded.blocks) - 1)):
                ids = self.encoded.ids[slice(*self.encoded.blocks[number : number + 2])]
                _, some, count = train_block(ids, np.uint64(number), plan, *arguments)
                kept, predictions = kept + count, predictions + some
            return time.perf_counter() - begun, kept, predictions

        _, kept, predictions = over_blocks(1)
        return best(lambda: over_blocks(64)[0]) / kept, predictions / kept


def measure(given: Namespace, record: Record) -> None:
    """Time the limit of the core, steps in cache, and the kernel over the corpus."""
    if record.runs:
        return
    kernel = Kernel(given.corpus)
    skipgram, context = kernel.time_window(cbow=False, output=HIERARCHICAL)
    cbow, _ = kernel.time_window(cbow=True, output=HIERARCHICAL)
    negative, _ = kernel.time_window(cbow=False, output=NEGATIVE)
    path, drawn = kernel.mean_path, 1 + NEGATIVE_WORDS
    n, m = round(context), round(path)
    record.put({"what": "multiply-adds in registers"}, {"rate": multiply_add_rate()})
    for what, rows, columns, seconds in (
        ("a step, rows in cache", n, m, time_step(n, m)),
        ("a step of CBOW, rows in cache", 1, m, time_step(1, m)),
        ("skip-gram, hs", context, path, skipgram),
        ("CBOW, hs", 1, path, cbow),
        ("skip-gram, ns", context, drawn, negative),
    ):
        rate = rows * columns * DIM * FLOPS_OF_A_PAIR / seconds
        figures = {"rows": rows, "columns": columns, "seconds": seconds, "rate": rate}
        record.put({"what": what}, figures)


def render(record: Record, pages: Pages) -> str:
    """Return a table of the time of a window, and of floating-point operations a second."""
    header = ["what, a window", "rows: context × output", "µs", "GFlop/s"]
    rows = [[run["what"], *_size(run), f"{run['rate'] / 1e9:.0f}"] for run in record.runs]
    return table(header, rows)


def _size(run: Fields) -> tuple[str, str]:
    if "seconds" not in run:
        return "", ""
    rows, columns = (f"{one:.1f}".removesuffix(".0") for one in (run["rows"], run["columns"]))
    return f"{rows} × {columns}", f"{run['seconds'] * 1e6:.3f}"


BENCHMARK = Benchmark(
    "kernel", "what the time of training is made of", measure, render, (CORPUS,), ("corpus",)
)
