"""The memory that training takes beyond its tables is bounded, whatever the text is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from generated import LETTERS, TOPICS, spelled, write_line, write_types, zipf
from peaks import Case, hold

ALLOWANCE = 300_000_000
"""Bytes, as docs/reliability.md has it; of 200,000 words."""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others count memory otherwise")
def test_training_takes_its_tables_and_a_fixed_allowance(tmp_path: Path) -> None:
    def write(stream: BinaryIO) -> None:
        write_types(stream, 200_000)
        write_line(stream, 40_000_000)

    # Every word is one, and most of the line is skipped, which takes no less memory.
    options = ("--min-count", "1", "--sample", "1e-6", "--dim", "50", "--optimizer", "adam")
    found = hold(Case("a line, and many types", write, options), tmp_path)
    assert found.words == 200_000
    assert found.tables > 280_000_000
    assert found.peak - found.tables < ALLOWANCE


def test_texts_that_are_made_up_are_the_same_every_time() -> None:
    text = b"".join(zipf(100_000, 5_000))
    assert text == b"".join(zipf(100_000, 5_000))
    assert text != b"".join(zipf(100_000, 5_000, seed=2))
    assert len(text) == 100_000 * (LETTERS + 1)
    sentences = text.decode().splitlines()
    assert {len(one.split()) for one in sentences} == {20}
    counts = np.unique(text.split(), return_counts=True)[1]
    assert 4_000 < len(counts) <= 5_000
    # Zipf's law: as many words of ranks 10 to 100 as of ranks 100 to 1,000.
    highest = -np.sort(-counts)
    assert 0.5 < highest[10:100].sum() / highest[100:1_000].sum() < 2.0
    number = {
        word.tobytes()[:LETTERS].decode(): one for one, word in enumerate(spelled(np.arange(5_000)))
    }
    topics = {number[word] % TOPICS for word in sentences[0].split()[::2]}
    assert len(topics) == 1
