#!/usr/bin/env python3
"""Golden runs: what training comes to with every output layer, optimizer and tree, to the bit.

    tests/golden_runs.py           print the runs of this process as JSON
    tests/golden_runs.py --write   run with each kind of vector code, and keep that as golden

Each run trains with one thread on golden/text.txt. Of its tables there is a digest, which tells
whether a bit is different, and products with fixed random vectors, which tell by how much.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hsw2v
from hsw2v.config import LOSSES, OPTIMIZERS
from hsw2v.events import EpochEnd, Event

sys.path.append(str(Path(__file__).parents[1] / "scripts"))
from benchmarks.vector_code import environment_of, kinds_here

HERE = Path(__file__).parent / "golden"
GOLDEN = HERE / "runs.json"
TEXT = HERE / "text.txt"
COMMON: dict[str, Any] = {
    "threads": 1,
    "epochs": 2,
    "dim": 20,
    "min_count": 4,
    "sample": 1e-3,
    "node_sample": 0.05,
    "tree": "huffman",
}
PROBES = 4
"""Random vectors that a table is multiplied with."""

Trace = dict[str, Any]


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every run: its name, and its settings beside those in common."""
    for model in ("skipgram", "cbow"):
        for loss in LOSSES:
            base = {"model": model, "loss": loss}
            for optimizer in OPTIMIZERS:
                yield f"{model} {loss} {optimizer}", {**base, "optimizer": optimizer}
            yield f"{model} {loss} l2", {**base, "l2": 0.01}
            yield f"{model} {loss} batch norm", {**base, "batch_norm": True}
        everything = {"optimizer": "adam", "l2": 0.01, "batch_norm": True}
        yield f"{model} hs adam, l2, batch norm", {"model": model, **everything}
        for name, settings in _variants():
            yield f"{model} {name}", {"model": model, **settings}


def _variants() -> Iterator[tuple[str, dict[str, Any]]]:
    semantic = {"tree": "semantic"}
    for tree in ("semantic", "balanced", "random", "brown", "FILE"):
        yield f"tree {tree}", {"tree": tree}
    yield "every decision", {"node_sample": 0.0}
    yield "semantic, adam", {**semantic, "optimizer": "adam"}
    yield "semantic, batch norm", {**semantic, "batch_norm": True}
    yield "semantic from ns", {**semantic, "pretrain": "ns:0.5"}
    yield "semantic thrice", {**semantic, "epochs": 4, "rebuild_at": 0.5, "rebuild_every": 0.75}
    yield "two trees", {**semantic, "num_trees": 2}
    yield "two trees, ns", {**semantic, "num_trees": 2, "loss": "hs+ns"}
    yield "three trees, adam", {**semantic, "num_trees": 3, "optimizer": "adam"}
    for classes in ("kmeans", "exchange"):
        yield f"classes {classes}", {"loss": "class", "classes": classes}
    yield "few classes", {"loss": "class", "num_classes": 3, "node_sample": 0.0}
    yield "wide window", {"window": 14, "fixed_window": True}
    yield "wide window, ns", {"window": 14, "loss": "ns", "negative": 20}
    yield "many dimensions", {"dim": 150}
    yield "one dimension", {"dim": 1}
    yield "few samples", {"loss": "sampled", "samples": 5, "ns_exponent": 0.0}
    yield "few words", {"max_vocab": 50, "sample": 0.0}


def run(settings: dict[str, Any]) -> Trace:
    """Train, and return what came of it."""
    ends: list[EpochEnd] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnd):
            ends.append(event)

    chosen = {**COMMON, **settings}
    with tempfile.TemporaryDirectory() as folder:
        heldout = Path(folder) / "heldout.txt"
        heldout.write_text("".join(TEXT.read_text().splitlines(keepends=True)[:100]))
        if chosen["tree"] == "FILE":
            chosen["tree"] = _tree_file(Path(folder) / "tree.txt", chosen)
        model = hsw2v.train(
            [TEXT, TEXT],  # twice, for several blocks
            heldout=heldout,
            normalize_exactly=chosen.get("loss") in ("ns", "sampled"),
            listener=listen,
            **chosen,
        )
    assert model.output is not None
    tables = {"vectors": model.vectors, "outputs": model.output}
    if model.batch_norm is not None:
        tables["batch norm"] = model.batch_norm
    return {
        "losses": [end.loss for end in ends],
        "heldout": [end.heldout_loss for end in ends],
        "digests": {name: _digest(table) for name, table in tables.items()},
        "products": {name: _products(table) for name, table in tables.items()},
    }


def _tree_file(path: Path, settings: dict[str, Any]) -> str:
    """Write a tree of the words that these settings give."""
    counts: dict[str, int] = {}
    for word in TEXT.read_text().split():
        counts[word] = counts.get(word, 0) + 2
    words = sorted(word for word, count in counts.items() if count >= settings["min_count"])
    codes = _codes(len(words))
    path.write_text("".join(f"{word}\t{code}\n" for word, code in zip(words, codes, strict=True)))
    return str(path)


def _codes(words: int) -> Sequence[str]:
    """Return turns from the root, of a tree whose sides are a third and two thirds of the words."""
    if words == 1:
        return [""]
    left = max(1, words // 3)
    return [f"0{code}" for code in _codes(left)] + [f"1{code}" for code in _codes(words - left)]


def _digest(table: NDArray[np.float32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(table, "<f4").tobytes()).hexdigest()[:16]


def _products(table: NDArray[np.float32]) -> list[float]:
    """Return products u·Tv of a table (R, D) with random unit vectors, times √(R·D)."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(PROBES):
        left, right = rng.standard_normal(table.shape[0]), rng.standard_normal(table.shape[1])
        scale = np.sqrt(table.size) / (np.linalg.norm(left) * np.linalg.norm(right))
        found.append(float(scale * (left @ table.astype(np.float64) @ right)))
    return found


def all_runs() -> dict[str, Trace]:
    """Return all runs of this process, by name."""
    return {name: run(settings) for name, settings in cases()}


def versions() -> dict[str, str]:
    """Return the versions that the bits depend on."""
    packages = ("numba", "llvmlite", "numpy")
    libc = " ".join(platform.libc_ver())
    return {**{name: metadata.version(name) for name in packages}, "libc": libc}


def start(kind: str | None) -> subprocess.Popen[str]:
    """Start all runs in a process of their own, with a kind of vector code; None for the host's."""
    environment = dict(os.environ, OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="1")
    if kind is not None:
        environment |= environment_of(kind)
    return subprocess.Popen(
        [sys.executable, __file__], env=environment, stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Trace]:
    """Return the runs of a process that was started."""
    text, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"golden runs failed with exit code {process.returncode}")
    found: dict[str, Trace] = json.loads(text)
    return found


def main() -> None:
    """Print this process's runs, or renew what is golden."""
    if "--write" not in sys.argv:
        json.dump(all_runs(), sys.stdout)
        return
    processes = {kind: start(kind) for kind in kinds_here()}
    kept = json.loads(GOLDEN.read_text())["runs"] if GOLDEN.exists() else {}
    runs = {**kept, **{kind: finish(process) for kind, process in processes.items()}}
    golden = {"versions": versions(), "runs": runs}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
