"""What float16 and int8 cost: bytes, test sets, and neighbours that change."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np

import hsw2v
from benchmarks.benchmark import ANALOGIES, PAIRS, SEED, Benchmark, option
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record, rounded
from hsw2v.model.compact import DTYPES
from hsw2v.query.neighbours import UnitRows, nearest

K = 10


def measure(given: Namespace, record: Record) -> None:
    """Export each model in each type, and ask what is read again."""
    for path in given.models:
        keys = [{"model": Path(path).stem, "dtype": one} for one in DTYPES]
        if record.missing(keys):
            model = hsw2v.load(path)
            record.measure(keys, lambda key, model=model: ask(model, key["dtype"], given))


def ask(model: hsw2v.Model, dtype: str, given: Namespace) -> Fields:
    """Return the size of a file of this type, and what its vectors are worth."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v.safetensors"
        model.export(path, dtype=dtype)
        size, found = path.stat().st_size, hsw2v.load(path)
        array = Path(folder) / "v.npy"
        arrays = [Path(one) for one in model.export(array, dtype=dtype)]
        numbers = sum(one.stat().st_size for one in arrays if one.suffix == ".npy")
        result = found.evaluate(given.pairs, given.analogies)
        rows = np.random.default_rng(given.seed).choice(
            len(model), min(given.queries, len(model)), replace=False
        )
        before, after = (
            nearest(UnitRows(one.vectors), one.vectors[rows], K, rows[:, None])[0]
            for one in (model, found)
        )
    shared = (before[:, :, None] == after[:, None, :]).any(axis=2).mean()
    quality = {Path(one.name).stem: rounded(one.spearman, 5) for one in result.pairs}
    quality |= {Path(one.name).stem: rounded(one.total.accuracy, 5) for one in result.analogies}
    return {
        "words": len(model),
        "dim": model.dim,
        "bytes": size,
        "numbers_bytes": numbers,
        "quality": quality,
        "neighbours": rounded(float(shared), 5),
    }


def render(record: Record, pages: Pages) -> str:
    """Return a table of each model."""
    parts = []
    for model, runs in record.groups("model").items():
        sets = list(runs[0]["quality"])
        rows = [
            [
                run["dtype"],
                f"{run['bytes'] / 1e6:.1f}",
                f"{run['numbers_bytes'] / 1e6:.1f}",
                *(
                    "-" if run["quality"][one] is None else f"{run['quality'][one]:.4f}"
                    for one in sets
                ),
                f"{run['neighbours']:.4f}",
            ]
            for run in runs
        ]
        header = ["dtype", "`.safetensors`, MB", "numbers alone, MB", *sets, f"same {K} neighbours"]
        title = f"`{model}`, {runs[0]['words']:,} words of {runs[0]['dim']} dimensions:"
        parts.append(f"{title}\n\n{table(header, rows)}")
    return "\n\n".join(parts)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


BENCHMARK = Benchmark(
    "dtypes",
    "what float16 and int8 cost in quality",
    measure,
    render,
    (
        ("models", {"nargs": "+", "help": "models"}),
        *(PAIRS, ANALOGIES, SEED),
        option("--queries", 2_000, help="words whose neighbours are compared (2,000)"),
    ),
    ("pairs", "analogies", "seed", "queries"),
    ("hsw2v", "numpy"),
)
