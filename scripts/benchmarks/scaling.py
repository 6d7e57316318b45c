"""How the time of hsw2v grows: with threads, from a cold start, with V, and with D."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measuring import Spread, measure, tell
from benchmarks.page import table
from benchmarks.programs import CASES, SAMPLE, Case, Job, hsw2v_command
from benchmarks.training import first_megabyte, read_log, trained

HERE = Path(__file__).parent
TOKENIZER_LINE = re.compile(r"\s*(\S.*?)\s+(\d+) MB/s\s+([\d.]+) s, (.+)")


@dataclass(frozen=True)
class Training:
    """One training of hsw2v, as its process and its log tell it."""

    seconds: float
    """Of the whole command."""
    reading: float
    """Seconds until the vocabulary was ready."""
    epoch: float
    """Seconds of the epoch alone."""
    tokens: int
    words: int
    peak_bytes: int

    @property
    def per_token(self) -> float:
        """Return the microseconds of wall-clock time that the epoch took a token."""
        return self.epoch / self.tokens * 1e6


@dataclass(frozen=True)
class Variant:
    """A training that is compared with others: what differs, by name, and its job."""

    names: tuple[str, ...]
    job: Job
    more: tuple[str, ...] = ()


def train(variant: Variant) -> Training:
    """Train once."""
    # Huffman's tree costs the same from the first block to the last.
    with trained(variant.job, "--tree", "huffman", *variant.more) as done:
        measured, lines = done.measured, done.log
    tell(f"{' '.join(variant.names)}: {measured.seconds:.2f} s")
    ready, end = lines["VocabularyReady"], lines["EpochEnd"]
    return Training(
        measured.seconds,
        float(ready["seconds"]),
        float(end["seconds"]),
        int(end["tokens"]),
        int(ready["words"]),
        measured.peak_bytes,
    )


def train_in_turn(variants: Sequence[Variant], runs: int) -> list[list[Training]]:
    """Train every variant `runs` times, in turn, after a warm-up; return the runs by variant."""
    train(variants[0])
    rounds = [[train(variant) for variant in variants] for _ in range(runs)]
    return [list(one) for one in zip(*rounds, strict=True)]


def threads(corpus: str, counts: Sequence[int], runs: int) -> str:
    """Return a table of every case with so many threads; the ratios are to the first number."""
    variants = [
        Variant((case.title, str(count)), job(corpus, count, case))
        for case in CASES.values()
        for count in counts
    ]
    found = train_in_turn(variants, runs)
    rows = []
    for place, (variant, mine) in enumerate(zip(variants, found, strict=True)):
        first = found[place - place % len(counts)]
        rows.append(
            [
                *variant.names,
                Spread.of(run.seconds for run in mine).shown(2),
                Spread.of(run.epoch for run in mine).shown(2),
                _ratio([run.epoch for run in first], [run.epoch for run in mine]),
                _peak(mine),
            ]
        )
    header = ["case", "threads", "seconds", "seconds of the epoch", "faster", "peak MB"]
    return table(header, rows)


def start(corpus: str, runs: int, number: int) -> str:
    """Return a table of the time to the first trained block, compiling and not."""
    with tempfile.TemporaryDirectory() as folder:
        rows = []
        for text in (first_megabyte(corpus, folder), corpus):
            found = [_cold_and_warm(text, number) for _ in range(runs)]
            for place, state in enumerate(("empty", "filled")):
                moments, readings = zip(*(one[place] for one in found), strict=True)
                shown = [Spread.of(values).shown(2) for values in (moments, readings)]
                rows.append([Path(text).name, state, *shown])
    header = ["corpus", "cache of compiled code", "seconds to the first block"]
    return table([*header, "of which to the vocabulary"], rows)


def _cold_and_warm(corpus: str, number: int) -> list[tuple[float, float]]:
    """Start with an empty cache and again with what that left there."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"NUMBA_CACHE_DIR": f"{folder}/compiled"}
        return [_first_block(corpus, number, environment) for _ in range(2)]


def _first_block(corpus: str, number: int, environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds from the start of the process to a trained block, and those of reading."""
    with tempfile.TemporaryDirectory() as folder:
        moment, log = Path(folder, "moment"), f"{folder}/log.json"
        wanted = dataclasses.replace(job(corpus, number), output=f"{folder}/model.safetensors")
        # Without the interpreter, -m and hsw2v.
        arguments = hsw2v_command(wanted, "--log-json", log)[3:]
        begun = time.monotonic()
        measure(
            [sys.executable, str(HERE / "first_block.py"), str(moment), *arguments], environment
        )
        seconds = float(moment.read_text(encoding="utf-8")) - begun
        reading = float(read_log(log)["VocabularyReady"]["seconds"])
    tell(f"first block of {Path(corpus).name}: {seconds:.2f} s")
    return seconds, reading


def vocabulary(sizes: Sequence[int], tokens: int, runs: int, number: int, seed: int) -> str:
    """Return a table of the time a word against the number of words, on generated text."""
    with tempfile.TemporaryDirectory() as folder:
        variants, facts = [], []
        for size in sizes:
            path = f"{folder}/{size}.txt"
            tell(f"generating a text of {size:,} words")
            facts.append(_generate(path, size, tokens, seed))
            variants.append(Variant((f"{size:,}",), job(path, number), ("--min-count", "1")))
        found = train_in_turn(variants, runs)
    rows = [
        [
            *variant.names,
            f"{fact['tokens'] / 1e6:.1f} M",
            f"{fact['kept'] / fact['tokens']:.0%}",
            f"{fact['path']:.1f}",
            Spread.of(run.seconds for run in mine).shown(2),
            Spread.of(run.per_token for run in mine).shown(3),
            Spread.of(run.per_token * fact["tokens"] / fact["kept"] for run in mine).shown(3),
            _peak(mine),
        ]
        for variant, fact, mine in zip(variants, facts, found, strict=True)
    ]
    header = ["V", "tokens", "kept", "nodes a path", "seconds"]
    return table([*header, "µs a token", "µs a kept token", "peak MB"], rows)


def _generate(path: str, words: int, tokens: int, seed: int) -> dict[str, float]:
    command = [sys.executable, str(HERE / "zipf_text.py"), path, "--words", str(words)]
    command += ["--tokens", str(tokens), "--seed", str(seed), "--sample", SAMPLE]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit("no text could be generated")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def dimensions(corpus: str, dims: Sequence[int], runs: int, number: int) -> str:
    """Return a table of the time a word against the dimensions; the ratios are to the first."""
    variants = [Variant((str(dim),), job(corpus, number), ("--dim", str(dim))) for dim in dims]
    found = train_in_turn(variants, runs)
    rows = [
        [
            *variant.names,
            Spread.of(run.seconds for run in mine).shown(2),
            Spread.of(run.per_token for run in mine).shown(3),
            _ratio([run.per_token for run in mine], [run.per_token for run in found[0]]),
            _peak(mine),
        ]
        for variant, mine in zip(variants, found, strict=True)
    ]
    return table(["D", "seconds", "µs a token", f"times D = {dims[0]}", "peak MB"], rows)


def tokenizer(corpus: str) -> str:
    """Return what `scripts/bench_tokenizer` prints, as a table."""
    command = [sys.executable, str(HERE.parent / "bench_tokenizer"), corpus]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit("bench_tokenizer failed")
    lines = [TOKENIZER_LINE.fullmatch(line) for line in done.stdout.splitlines()]
    rows = [[one[1], one[2], one[3], one[4]] for one in lines if one]
    return table(["stage", "MB/s", "seconds", "measured as"], rows)


def job(corpus: str, number: int, case: Case = CASES["hs-skipgram"]) -> Job:
    """Return a training with so many threads; where it is saved does not matter."""
    return Job(case, corpus, "", "1", str(number))


def _ratio(dividends: Sequence[float], divisors: Sequence[float]) -> str:
    return Spread.of(a / b for a, b in zip(dividends, divisors, strict=True)).shown(2)


def _peak(runs: Sequence[Training]) -> str:
    return f"{max(run.peak_bytes for run in runs) / 1e6:.0f}"
