"""Rules by which the copies that workers have of a row become one: ours, and those of others."""

from __future__ import annotations

import ctypes
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from benchmarks.benchmark import ANALOGIES, CORPUS, PAIRS, THREADS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded
from benchmarks.training import Tests, whole
from hsw2v.config import DEFAULT_LR, Config
from hsw2v.errors import DivergedError
from hsw2v.events import EpochEnd, Event
from hsw2v.kernels.combining import combine_rows
from hsw2v.reference.combining import AGREEING
from hsw2v.training import rounds
from hsw2v.training.api import train_on
from hsw2v.training.texts import Texts, read_texts

Floats = NDArray[np.float32]
Rule = Callable[[Floats, Floats], Floats]
"""Given rows (R, D) as they were, and the changes (n, R, D) of the n ≥ 2 workers that have reached
all of them, returns what the rows become. (Which n these are differs from row to row.)"""
ROWS_AT_ONCE = 1024
"""Of which the changes fit into a cache."""


def bounded(before: Floats, changes: Floats) -> Floats:
    """Return what `reference.combining` does: changes that agree go twice the way of one."""
    total = changes.sum(axis=0)
    squares, length = AGREEING * _dot(changes, changes).sum(axis=0), _dot(total, total)
    return before + total * np.minimum(1.0, _ratio(squares, length, 1.0))[:, None]


def added(before: Floats, changes: Floats) -> Floats:
    """Return rows with all changes: parameter servers, and Hogwild where threads do not collide."""
    return before + changes.sum(axis=0)


def averaged(before: Floats, changes: Floats) -> Floats:
    """Return rows with the mean of the changes: pWord2Vec, BlazingText, local SGD."""
    return before + changes.mean(axis=0)


def by_root(before: Floats, changes: Floats) -> Floats:
    """Return rows with the sum of n changes, divided by √n."""
    return before + changes.sum(axis=0) / np.float32(len(changes) ** 0.5)


def adasum(before: Floats, changes: Floats) -> Floats:
    """Return rows with the changes of Adasum (Maleki et al. 2021), by a binary tree of workers."""
    some = list(changes)
    while len(some) > 1:
        pairs = zip(some[::2], some[1::2], strict=False)
        some = [_adasum(*pair) for pair in pairs] + some[len(some) // 2 * 2 :]
    return before + some[0]


def _adasum(one: Floats, other: Floats) -> Floats:
    """Return what two changes (R, D) come to: each loses half of what the other has of it."""
    common = 0.5 * _dot(one, other)
    kept = [1.0 - _ratio(common, _dot(each, each), 0.0)[:, None] for each in (one, other)]
    return one * kept[0] + other * kept[1]


def _dot(some: Floats, others: Floats) -> Floats:
    """Return the products of rows (..., D), (...)."""
    found: Floats = np.einsum("...d,...d->...", some, others)
    return found


def _ratio(dividend: Floats, divisor: Floats, otherwise: float) -> Floats:
    """Return quotients, or a number where the divisor is 0."""
    known = divisor != 0.0
    return np.where(known, dividend / np.where(known, divisor, 1.0), otherwise).astype(np.float32)


class Variant(NamedTuple):
    """A rule, and how many times the default learning rate goes with it."""

    rule: Rule
    rate: float = 1.0


VARIANTS = {
    "bounded sum (hsw2v)": Variant(bounded),
    "sum": Variant(added),
    "sum / √n": Variant(by_root),
    "Adasum": Variant(adasum),
    "mean": Variant(averaged),
    "mean, twice the rate": Variant(averaged, 2.0),
    "mean, 4 times the rate": Variant(averaged, 4.0),
}


@contextmanager
def combining_by(rule: Rule) -> Iterator[None]:
    """Let rounds combine by a rule what is trained, in place of the compiled code."""

    def combine(
        array: Floats,
        rows: NDArray[np.int64],
        copies: NDArray[np.int64],
        counts: NDArray[np.int64],
        first: int,
        last: int,
        trained: bool,
        room: Floats,
    ) -> None:
        if not trained:
            combine_rows(array, rows, copies, counts, first, last, trained, room)
            return
        width = array.shape[1]
        having, what = [], []
        for where, copy, count in zip(rows.tolist(), copies.tolist(), counts.tolist(), strict=True):
            reached = _memory(where, ctypes.c_int32, count)
            part = slice(*np.searchsorted(reached, (first, last)))
            having.append(reached[part])
            what.append(_memory(copy, ctypes.c_float, count * width).reshape(-1, width)[part])
        _combine(array, np.concatenate(having), np.concatenate(what), rule)

    with mock.patch.object(rounds, "combine_rows", combine):
        yield


def _memory(address: int, kind: type[Any], count: int) -> NDArray[Any]:
    """Return the array of so many numbers at an address."""
    return np.ctypeslib.as_array((kind * count).from_address(address))


def _combine(array: Floats, having: NDArray[np.int32], copies: Floats, rule: Rule) -> None:
    """Combine copies (N, P), worker after worker, of the rows `having (N,)` of an array."""
    # By row, and of a row by worker.
    order = np.argsort(having, kind="stable")
    rows, begins, counts = np.unique(having[order], return_index=True, return_counts=True)
    for n in np.unique(counts).tolist():
        of_them = counts == n
        for part in range(0, int(of_them.sum()), ROWS_AT_ONCE):
            some = rows[of_them][part : part + ROWS_AT_ONCE]
            places = begins[of_them][part : part + ROWS_AT_ONCE] + np.arange(n)[:, None]
            found, before = copies[order[places]], array[some]
            # What diverges does so at the next block.
            with np.errstate(all="ignore"):
                array[some] = found[0] if n == 1 else rule(before, found - before)


def measure(given: Namespace, record: Record) -> None:
    """Train by each rule, and evaluate the vectors; what diverges is not tried again."""
    tests = Tests(given.pairs, given.analogies)
    base = Config().replace(
        model=given.model, epochs=given.epochs, threads=given.threads, deterministic=True
    )
    with read_texts(given.corpus, base.corpus) as texts:
        for key in record.missing(_keys(given)):
            tell(", ".join(f"{name} {value}" for name, value in key.items()))
            variant = VARIANTS[key["rule"]]
            config = base.replace(
                workers=key["workers"],
                round=key["tokens"] or None,
                seed=key["seed"],
                lr=variant.rate * DEFAULT_LR["sgd"][given.model],
            )
            with combining_by(variant.rule):
                figures = trained(texts, config, tests)
            tell(str(figures))
            record.put(key, figures)


def _keys(given: Namespace) -> Iterator[Fields]:
    for seed in given.seeds:
        for workers in given.workers:
            for tokens in given.tokens:
                for rule in given.rules:
                    yield {"rule": rule, "workers": workers, "tokens": tokens, "seed": seed}


def trained(texts: Texts, config: Config, tests: Tests) -> Fields:
    """Train; return the loss of the last epoch and the quality, or that it has diverged."""
    ends: list[EpochEnd] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd):
            ends.append(event)

    try:
        model = train_on(texts, config, listener=listen).model
    except DivergedError as error:
        return {"problem": str(error)}
    return {"loss": rounded(ends[-1].loss, 5), "quality": tests.evaluate(model)}


def render(record: Record, pages: Pages) -> str:
    """Return the table of rules."""
    sets = whole(next((list(run["quality"]) for run in record.runs if "quality" in run), []))
    rows, rules = [], list(VARIANTS)
    groups = record.groups("workers", "tokens", "rule")
    for workers, tokens, rule in sorted(groups, key=lambda one: (*one[:2], rules.index(one[2]))):
        runs = groups[workers, tokens, rule]
        where = [rule, str(workers), f"{tokens:,}" if tokens else "default"]
        rows.append([*where, *_cells(runs, sets)])
    return table(["rule", "workers", "tokens a round", "loss", *sets], rows)


def _cells(runs: Sequence[Fields], sets: Sequence[str]) -> list[str]:
    """Return the figures of the runs that came to some, and how many did not."""
    good = [run for run in runs if "problem" not in run]
    loss = spread((run["loss"] for run in good), 3)
    if bad := len(runs) - len(good):
        loss = f"{loss}, {bad} of {len(runs)} diverged" if good else "diverged"
    return [loss, *(spread((run["quality"][name] for run in good), 3) for name in sets)]


BENCHMARK = Benchmark(
    "rules",
    "rules by which workers combine what they have come to",
    measure,
    render,
    (
        CORPUS,
        PAIRS,
        ANALOGIES,
        THREADS,
        option("--rules", list(VARIANTS), choices=list(VARIANTS), metavar="RULE"),
        option("--workers", [8, 16], metavar="NUMBER"),
        option("--tokens", [0, 65_536], help="of a worker in a round, 0 for the default"),
        option("--model", "skipgram", choices=("skipgram", "cbow")),
        option("--epochs", 5),
        option("--seeds", [1], metavar="SEED"),
    ),
    ("corpus", "pairs", "analogies", "model", "epochs"),
)
