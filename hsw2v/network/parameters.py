"""What training changes: tables by name, and the state of the optimizer beside them.

    vectors (V, P), outputs (R, P)                word vectors and output vectors
    ngrams (B, P)                                 of n-grams, if words have some
    norm.parameters, norm.running (2, P)          of batch normalisation, and norm.batches (1,)
    X.squares, X.means (rows, P), X.steps (rows,) what the optimizer keeps of a table X

Rows are padded with zeros to P floats. Where arrays lie is the business of an allocator: in memory,
or in files that are mapped into it (`mapped.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hsw2v.arrays import PADDING, aligned_zeros, padded, physical_memory
from hsw2v.config import TrainingConfig
from hsw2v.errors import ResourceError
from hsw2v.network.mapped import check_folder, free_in, mapped_zeros, no_room

Parameters = dict[str, NDArray[Any]]
"""Arrays by name."""
Allocator = Callable[[int, int, DTypeLike], NDArray[Any]]
"""Gives zeros (rows, width) of a type: `arrays.aligned_zeros`, or what is like it."""

VECTORS, NGRAMS, OUTPUTS, NORM = "vectors", "ngrams", "outputs", "norm.parameters"
_NGRAMS_SEED = 0x6E6772616D73
_MARGIN = 0.98
"""Of a room, what parameters may take by proportion: some of them are not in proportion."""


def allocator(training: TrainingConfig) -> Allocator:
    """Return what makes arrays where the settings say that tables are."""
    folder = training.tables_folder
    return aligned_zeros if folder is None else partial(mapped_zeros, folder)


def check_tables(training: TrainingConfig) -> None:
    """Find out, before any work, whether tables can be where the settings say.

    Raises:
        OutputError, DiskFullError: files in the folder cannot be written, or mapped into memory.
    """
    if training.tables_folder is not None:
        check_folder(training.tables_folder)


def table_of(name: str) -> str:
    """Return the table that an array is, or whose optimizer's state it is, by its name."""
    return name.partition(".")[0]


def optimizer_state(
    optimizer: str, table: str, rows: int, width: int, allocate: Allocator = aligned_zeros
) -> Parameters:
    """Return the state of an optimizer of a table (rows, width) of which no row has moved.

    Adagrad has the sum of squared gradients, RMSProp and Adam their mean, Adam the mean gradient
    and how often each row has moved; of what an optimizer does not have, there are no rows.
    """
    adam = optimizer == "adam"
    return {
        f"{table}.squares": allocate(0 if optimizer == "sgd" else rows, width, np.float32),
        f"{table}.means": allocate(rows if adam else 0, width, np.float32),
        f"{table}.steps": allocate(1, rows if adam else 0, np.int32)[0],
    }


def norm_parameters(optimizer: str, dim: int, allocate: Allocator = aligned_zeros) -> Parameters:
    """Return what normalises hidden vectors (., D), padded, before any was seen.

    Its scale is 1/√D: hidden vectors are of length 1 then. Scores are products with them, and to
    steps of a usual learning rate a length of √D is too much.
    """
    width = padded(dim)
    made: Parameters = {
        NORM: allocate(2, width, np.float32),
        "norm.running": allocate(2, width, np.float32),
        "norm.batches": allocate(1, 1, np.int64)[0],
        **optimizer_state(optimizer, NORM, 2, width, allocate),
    }
    made[NORM][0, :dim] = dim**-0.5
    made["norm.running"][1] = 1.0
    return made


def initial_parameters(
    training: TrainingConfig,
    words: int,
    rows: int,
    allocate: Allocator = aligned_zeros,
    ngrams: int | None = None,
) -> Parameters:
    """Return the parameters of so many words, n-grams and output rows: nothing is trained."""
    optimizer, dim, width = training.optimizer, training.dim, padded(training.dim)
    made: Parameters = {VECTORS: initial_vectors(words, dim, training.seed, allocate)}
    if ngrams is not None:
        seed = (training.seed, _NGRAMS_SEED)
        made[NGRAMS] = initial_vectors(ngrams, dim, seed, allocate)
    return made | {
        OUTPUTS: allocate(rows, width, np.float32),
        **optimizer_state(optimizer, VECTORS, words, width, allocate),
        **optimizer_state(optimizer, OUTPUTS, rows, width, allocate),
        **norm_parameters(optimizer, training.dim, allocate),
    }


class ParameterBytes(NamedTuple):
    """What the parameters of a network take in memory, in bytes."""

    tables: int
    """The word vectors, those of n-grams and the output vectors."""
    optimizer: int
    """The state of the optimizer of both, and all of batch normalisation."""
    copies: int
    """The copies of all that, one for each thread, of deterministic training."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.tables + self.optimizer + self.copies


def parameter_bytes(
    training: TrainingConfig, words: int, rows: int, ngrams: int | None = None
) -> ParameterBytes:
    """Return what `initial_parameters` of so many rows take; none are made."""
    width, optimizer = padded(training.dim), training.optimizer
    state = optimizer_state(optimizer, "", words + rows, width, _without_memory)
    norm = norm_parameters(optimizer, training.dim)
    tables = (words + (ngrams or 0) + rows) * width * np.dtype(np.float32).itemsize
    states = sum(one.nbytes for one in (*state.values(), *norm.values()))
    return ParameterBytes(tables, states, table_copies(training) * (tables + states))


def table_copies(training: TrainingConfig) -> int:
    """Return how many copies of all parameters there are: in deterministic training, one a thread.

    Or one a worker, where rows stay with it until they are combined. Threads that have no worker to
    execute have none, nor has one worker alone, and on a cluster the workers have them.
    """
    if training.engine == "ray" or not training.combines:
        return 0
    if training.combine_rows is not None:
        return training.workers
    return min(training.threads or 1, training.workers)


def _without_memory(rows: int, width: int, kind: DTypeLike) -> NDArray[Any]:
    return np.broadcast_to(np.zeros((), kind), (rows, width))


def check_memory(
    training: TrainingConfig, words: int, rows: int, ngrams: int | None = None
) -> None:
    """Find out, before anything is made, whether there is room for the parameters.

    Raises:
        ResourceError: the machine has less memory.
        DiskFullError: they are mapped, and the folder of their files has less room.
    """
    needed = parameter_bytes(training, words, rows, ngrams).total
    folder = training.tables_folder
    there = physical_memory() if folder is None else free_in(folder)
    if there is None or needed <= there:
        return
    sentence = size_told(training, words, needed)
    hint = smaller(training) + would_fit(training, words, needed, there)
    if folder is not None:
        raise no_room(sentence, there, folder, hint)
    raise ResourceError(beyond_memory(sentence, there), hint=hint)


def size_told(training: TrainingConfig, words: int, needed: int) -> str:
    """Return the sentence that parameters take so many bytes."""
    kind = "" if training.optimizer == "sgd" else f" and the state of {training.optimizer}"
    if copies := table_copies(training):
        whose = "workers" if training.combine_rows else "threads"
        kind += f", with copies for {copies} {whose},"
    return (
        f"the tables{kind} take {needed / 1e9:,.1f} GB for {words:,} words of {training.dim:,} "
        "dimensions"
    )


def beyond_memory(sentence: str, there: int) -> str:
    """Return that sentence with the bytes of memory that there are."""
    return f"{sentence}, and there are {there / 1e9:,.1f} GB of memory"


def smaller(training: TrainingConfig) -> str:
    """Return what makes the parameters smaller, or has them elsewhere than in memory."""
    others = "" if training.optimizer == "sgd" else ", or use --optimizer sgd"
    if table_copies(training):
        others += ", or lower --workers" if training.combine_rows else ", or lower --threads"
    if training.tables_folder is None:
        others += ", or have them in files with --tables mapped:DIR"
    return f"lower --dim, raise --min-count, or set --max-vocab{others}"


def would_fit(training: TrainingConfig, words: int, needed: int, room: int) -> str:
    """Return which --dim, or --max-vocab, has parameters that fit in a room; nothing if none.

    They take `needed` bytes as it is, in proportion to the numbers of a row and, without n-grams,
    to the words.
    """
    share = _MARGIN * room / needed
    dim = int(share * padded(training.dim)) // PADDING * PADDING
    found = [f"--dim {dim}"] if dim else []
    most = int(share * words)
    most -= most % 10 ** max(0, len(str(most)) - 2)
    if most > 1 and not training.ngram_lengths:
        found.append(f"--max-vocab {most}")
    return f"; {' or '.join(found)} would fit" if found else ""


def initial_vectors(
    words: int, dim: int, seed: int | tuple[int, int], allocate: Allocator = aligned_zeros
) -> NDArray[np.float32]:
    """Return word vectors (V, P) float32 as word2vec begins: uniform in ±1/(2 D), padded by 0."""
    vectors = allocate(words, padded(dim), np.float32)
    rng = np.random.default_rng(seed)
    rows_at_once = max(1, 2**20 // dim)
    for start in range(0, words, rows_at_once):
        part = vectors[start : start + rows_at_once, :dim]
        part[:] = (rng.random(part.shape, np.float32) - np.float32(0.5)) / np.float32(dim)
    return vectors


def compacted(table: NDArray[np.float32], dim: int) -> NDArray[np.float32]:
    """Return the first `dim` columns of a table, (rows, dim) float32, in its own memory.

    The table is used up: a second copy of it would be the most memory that a run ever takes.
    """
    rows, width = table.shape
    if dim == width:
        return table
    flat = table.reshape(-1)
    at_once = max(1, 2**20 // width)
    for start in range(0, rows, at_once):
        part = table[start : start + at_once, :dim].copy()
        flat[start * dim : start * dim + part.size] = part.reshape(-1)
    return flat[: rows * dim].reshape(rows, dim)
