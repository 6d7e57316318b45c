"""Golden runs: training comes to what it came to before, to the bit where that can be."""

from __future__ import annotations

import json
from typing import Any

import golden_runs
import pytest
from benchmarks import vector_code

GOLDEN = json.loads(golden_runs.GOLDEN.read_text())
KINDS = vector_code.kinds_here()
NAMES = [name for name, _ in golden_runs.cases()]
TOLERANCE = 1e-5
"""Of losses, and of products of a table relative to the square root of its size."""


LAST_DIGITS = 1e-13
"""Of losses on the same kind of processor. The logarithm of code that was compiled just now and of
the same code from the cache may differ in its last bit; no table depends on it."""


@pytest.fixture(scope="module")
def runs() -> dict[str, dict[str, Any]]:
    """All runs on this machine, by the kind of vector code whose golden runs they are held to."""
    if not KINDS:
        return {"avx2": golden_runs.finish(golden_runs.start(None))}
    processes = {kind: golden_runs.start(kind) for kind in KINDS}
    return {kind: golden_runs.finish(process) for kind, process in processes.items()}


@pytest.mark.parametrize("kind", KINDS or ["avx2"])
@pytest.mark.parametrize("name", NAMES)
def test_golden_run(runs: dict[str, dict[str, Any]], kind: str, name: str) -> None:
    found, golden = runs[kind][name], GOLDEN["runs"][kind][name]
    assert found["losses"] == pytest.approx(golden["losses"], rel=TOLERANCE)
    assert found["heldout"] == pytest.approx(golden["heldout"], rel=TOLERANCE)
    for table, products in golden["products"].items():
        assert found["products"][table] == pytest.approx(products, rel=TOLERANCE, abs=TOLERANCE)
    if KINDS and golden_runs.versions() == GOLDEN["versions"]:
        assert found["digests"] == golden["digests"]
        assert found["losses"] == pytest.approx(golden["losses"], rel=LAST_DIGITS)
        assert found["heldout"] == pytest.approx(golden["heldout"], rel=LAST_DIGITS)


def test_both_kinds_of_vector_code_are_golden() -> None:
    assert GOLDEN["runs"].keys() == vector_code.KINDS.keys()
    for runs in GOLDEN["runs"].values():
        assert list(runs) == NAMES
