"""Rows of tables: which of them blocks reach, which are combined when, and how they are sent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsw2v.arrays import aligned_zeros, from_bfloat16, to_bfloat16
from hsw2v.config import TrainingConfig
from hsw2v.kernels.arguments import SAMPLED, Layer
from hsw2v.kernels.combining import Found, find_ngrams, find_rows, forget, take_rows
from hsw2v.kernels.output.negative import NoiseDistribution
from hsw2v.kernels.output.sampled import SHARED_BY
from hsw2v.network.outputs import OutputLayer
from hsw2v.network.parameters import NGRAMS, NORM, OUTPUTS, VECTORS, Allocator, Parameters, table_of
from hsw2v.training.engines import Task
from hsw2v.training.schedule import Pass

TRAINED = {VECTORS, NGRAMS, OUTPUTS, NORM}
"""What is combined by `reference.combining.combined`; of other numbers it is the mean, and of
counts the largest."""

Rows = dict[str, NDArray[np.int32]]
"""Of arrays by name, ascending rows, (n,) int32."""


Frequent = dict[str, NDArray[np.bool_]]
"""Of tables by name, which rows are combined after every round, (R,) bool; of others, all are."""


def frequent_rows(
    training: TrainingConfig, output: OutputLayer, weights: NDArray[np.float64]
) -> Frequent:
    """Return the rows that are combined after every round, if not all are.

    Words are in order of frequency; `weights (V,)` tell how often each is a target.
    """
    count = training.combine_rows
    if count is None:
        return {}
    return {VECTORS: np.arange(len(weights)) < count, OUTPUTS: output.frequent(weights, count)}


class Finder:
    """Finds the rows that blocks reach."""

    def __init__(self, task: Task, parameters: Parameters) -> None:
        """Make room for a task on these parameters."""
        self._layer = task.layer
        self._noise, self._shared_by = _noise(task.layer)
        self._kept = aligned_zeros(1, task.longest_block, np.int32)[0]
        self._bounds = aligned_zeros(task.longest_block, 2, np.int32)
        self._words, self._outputs = (
            Found(
                np.zeros(len(parameters[name]), np.uint8),
                np.empty(len(parameters[name]) + 1, np.int32),
            )
            for name in (VECTORS, OUTPUTS)
        )
        self._inputs = None
        if task.inputs is not None:
            self._inputs = task.inputs.offsets, task.inputs.ngrams
            rows = len(parameters[NGRAMS])
            self._ngrams = Found(np.zeros(rows, np.uint8), np.empty(rows + 1, np.int32))

    def rows(self, some: Pass, positions: range, parameters: Parameters) -> Rows:
        """Return the rows that blocks reach of all arrays that have some."""
        words = outputs = 0
        for position in positions:
            words, outputs = find_rows(
                some.ids_of(position),
                some.key_of(position),
                some.windowing,
                self._layer,
                self._noise,
                self._shared_by,
                self._kept,
                self._bounds,
                self._words,
                self._outputs,
                words,
                outputs,
            )
        of = {VECTORS: _taken(self._words, words), OUTPUTS: _taken(self._outputs, outputs)}
        if self._inputs is not None:
            found = find_ngrams(of[VECTORS], *self._inputs, self._ngrams)
            of[NGRAMS] = _taken(self._ngrams, found)
        return {
            name: of.get(table_of(name), np.arange(len(array), dtype=np.int32))
            for name, array in parameters.items()
            if len(array)
        }


def _taken(found: Found, count: int) -> NDArray[np.int32]:
    """Return the rows that are found, `count` of them, ascending; none is afterwards."""
    # Not in compiled code: NumPy sorts by vector instructions.
    rows = np.sort(found.rows[:count])
    forget(found.marks, rows)
    return rows


def _noise(layer: Layer) -> tuple[NoiseDistribution, int]:
    """Return what words are drawn by, and how many windows share what is drawn."""
    if layer.kind != SAMPLED:
        return layer.noise, 1
    by = layer.proposal
    return NoiseDistribution(by.columns, by.samples, layer.noise.labels, 0), SHARED_BY


class Pending:
    """Rows that a worker has trained on and that are not combined yet; none is a frequent one."""

    def __init__(self, parameters: Parameters, frequent: Frequent) -> None:
        """Have none of these parameters."""
        self._frequent = frequent
        self._marks = {
            name: np.zeros(len(array), np.bool_)
            for name, array in parameters.items()
            if table_of(name) in frequent and len(array)
        }

    def others(self, rows: Rows) -> Rows:
        """Return the rows but for these: those to begin from the parameters again."""
        marks = self._marks
        return {
            name: own[~marks[name][own]] if name in marks else own for name, own in rows.items()
        }

    def combined(self, rows: Rows, *, full: bool) -> Rows:
        """Add rows that the worker has trained on; return those that are combined now.

        With `full` that is all of them, else the frequent ones among `rows`.
        """
        now = {name: own for name, own in rows.items() if name not in self._marks}
        for name, marks in self._marks.items():
            own = rows.get(name, np.empty(0, np.int32))
            frequent = self._frequent[table_of(name)][own]
            marks[own[~frequent]] = True
            now[name] = own[frequent]
            if full:
                rest = np.flatnonzero(marks).astype(np.int32)
                marks[rest] = False
                now[name] = np.sort(np.concatenate((now[name], rest)))
        return now

    def forget(self) -> None:
        """Have none again."""
        for marks in self._marks.values():
            marks[:] = False


def sent(
    array: NDArray[Any], rows: NDArray[Any], after: NDArray[Any], name: str, dtype: str
) -> NDArray[Any]:
    """Return what is sent of rows (n,) of an array by name: what they are `after`, or a change."""
    if dtype == "float32" or name not in TRAINED:
        return after
    return to_bfloat16(after - array[rows])


def received(array: NDArray[Any], rows: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return what rows (n,) of an array become by what was sent."""
    return array[rows] + from_bfloat16(values) if values.dtype == np.uint16 else values


def zeros_like(array: NDArray[Any], size: int, allocate: Allocator = aligned_zeros) -> NDArray[Any]:
    """Return an array of another length."""
    made: NDArray[Any]
    if array.ndim == 1:
        made = allocate(1, size, array.dtype)[0]
    else:
        made = allocate(size, array.shape[1], array.dtype)
    return made


def take(array: NDArray[Any], rows: NDArray[np.int32], target: NDArray[Any]) -> None:
    """Copy n rows of an array (R, P) or (R,) to the first n of another."""
    if array.ndim == 1:
        target[: len(rows)] = array[rows]
    else:
        take_rows(array, rows, target)
