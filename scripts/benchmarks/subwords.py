"""Character n-grams: hsw2v with and without them, and fastText, on texts of several languages."""

from __future__ import annotations

import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from statistics import fmean

import numpy as np

import hsw2v
from benchmarks.benchmark import ANALOGIES, PAIRS, ROUNDS, THREADS, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import measure as measured
from benchmarks.processes import tell
from benchmarks.programs import PEER, PROGRAMS, is_there
from benchmarks.records import Fields, Record, rounded, rounds
from benchmarks.training import Quality, Tests, whole

PLAIN, NGRAMS, FASTTEXT = "hsw2v", "hsw2v, n-grams", "fastText"
TWICE = "hsw2v, n-grams, twice the epochs"
MORE_NOISE = "hsw2v, n-grams, --negative 10 --lr 0.04"
"""A name may end with options."""
NEAREST = 10
NEGATIVE_SAMPLING = ("ns", "hs+ns")
COVERED = 0.1
"""Of a test set at least: others are of another language."""


class Text:
    """A text, the same without some of its words, and what these are near."""

    def __init__(self, path: str, epochs: int, seed: int, given: Namespace, folder: str) -> None:
        """Write it to a folder without so many words, which no test set has."""
        self.path, self.epochs, self.seed, self.given = path, epochs, seed, given
        self.without = str(Path(folder, f"without words {Path(path).name}"))
        self.folder = folder
        self.removed = self._removed()
        gone = {word.encode() for word in self.removed}
        with open(path, "rb") as source, open(self.without, "wb") as target:
            for line in source:
                target.write(b" ".join(one for one in line.split() if one not in gone) + b"\n")

    def _removed(self) -> list[str]:
        tested = {
            word.lower()
            for name in (*self.given.pairs, *self.given.analogies)
            for word in Path(name).read_text(encoding="utf-8").split()
        }
        model = self.standards[0]
        assert model.counts is not None
        often = [
            word
            for word, count in zip(model.words, model.counts.tolist(), strict=True)
            if count >= self.given.least and word.lower() not in tested and len(word) > 3
        ]
        rng = np.random.default_rng(self.seed)
        count = min(self.given.removed, len(often) // 10)
        chosen = rng.choice(len(often), count, replace=False).tolist()
        return sorted(often[one] for one in chosen)

    @cached_property
    def standards(self) -> list[hsw2v.Model]:
        """Two models of the whole text, without n-grams."""
        found = []
        for seed in (1, 2):
            path = f"{self.folder}/standard-{seed}.safetensors"
            measured(hsw2v_command(self.path, path, self, "hs", seed=seed))
            found.append(hsw2v.load(path))
        return found

    def agreement(self, model: hsw2v.Model, known: hsw2v.Model) -> float:
        """Return the share of nearest words of those removed that a model has as a standard has.

        They are among the words that are also `known` to another model. A word of which no n-gram
        is known is near none.
        """
        there = model.known(self.removed)
        shares = [
            len(set(nearest(model, word, known)) & set(nearest(self.standards[0], word, known)))
            for word in self.removed
            if word in there
        ]
        return sum(shares) / (NEAREST * len(self.removed))


def nearest(model: hsw2v.Model, word: str, known: hsw2v.Model) -> list[str]:
    """Return the words nearest to one, of those that another model knows."""
    found = (name for name, _ in model.similar(word, 20 * NEAREST) if name in known)
    return [name for name, _ in zip(found, range(NEAREST), strict=False)]


def hsw2v_command(
    text: str,
    output: str,
    of: Text,
    loss: str,
    *more: str,
    seed: int | None = None,
    times: int = 1,
) -> list[str]:
    """Return the command that trains with hsw2v, with its defaults, for `times` the epochs."""
    given = of.given
    return [
        *(sys.executable, "-m", "hsw2v", "train", text, "-o", output, "--loss", loss, "--quiet"),
        *("--epochs", str(times * of.epochs), "--threads", str(given.threads)),
        *("--seed", str(of.seed if seed is None else seed), "--force", *more),
    ]


def fasttext_command(text: str, output: str, of: Text, loss: str) -> list[str]:
    """Return the command that trains with fastText, with its defaults but for subsampling."""
    given = of.given
    return [
        *(sys.executable, str(PEER), "fasttext", text, output, "--model", "skipgram"),
        *("--loss", loss, "--lr", "0.05", "--dim", "100", "--window", "5", "--sample", "1e-4"),
        *("--min-count", "5", "--negative", "5", "--epochs", str(of.epochs)),
        *("--threads", str(given.threads), "--seed", str(of.seed)),
        *("--subwords", given.subwords),
    ]


def _command(program: str, output: str, of: Text, loss: str) -> list[str]:
    if program == FASTTEXT:
        return fasttext_command(of.without, output, of, loss)
    more = () if program == PLAIN else ("--subwords", of.given.subwords, *_options(program))
    return hsw2v_command(of.without, output, of, loss, *more, times=1 + (program == TWICE))


def _options(program: str) -> list[str]:
    _, begin, rest = program.partition("--")
    return (begin + rest).split()


def _quality(model: hsw2v.Model, tests: Tests) -> Quality:
    """Return what the vectors of words of the vocabulary are worth, on sets of their language."""
    known = hsw2v.Model(model.vocabulary, model.vectors)
    found = known.evaluate(pairs=tests.pairs, analogies=tests.analogies)
    of_pairs = [one.covered / max(one.pairs, 1) for one in found.pairs]
    totals = [one.total for one in found.analogies]
    of_analogies = [one.covered / max(one.questions, 1) for one in totals]
    return Tests(
        [path for path, share in zip(tests.pairs, of_pairs, strict=True) if share >= COVERED],
        [
            path
            for path, share in zip(tests.analogies, of_analogies, strict=True)
            if share >= COVERED
        ],
    ).evaluate(known)


def _keys(given: Namespace, name: str, epochs: int) -> Iterator[Fields]:
    for key in rounds(given.rounds, loss=given.losses, program=given.programs):
        if key["program"] == FASTTEXT and not is_there(FASTTEXT, PROGRAMS[FASTTEXT]):
            continue
        if "--negative" in key["program"] and key["loss"] not in NEGATIVE_SAMPLING:
            continue
        yield {"text": name, "epochs": epochs} | key


def measure(given: Namespace, record: Record) -> None:
    """Train on each text without some of its words, and look for these afterwards.

    Each round has other words and another seed.
    """
    if len(given.epochs) not in (1, len(given.texts)):
        sys.exit("--epochs takes one number, or one for each text")
    many = given.epochs * len(given.texts) if len(given.epochs) == 1 else given.epochs
    for path, epochs in zip(given.texts, many, strict=True):
        keys = record.missing(_keys(given, Path(path).stem, epochs))
        for seed in dict.fromkeys(key["round"] for key in keys):
            with tempfile.TemporaryDirectory() as folder:
                tell(f"{path}, round {seed}: two models without n-grams")
                some = [key for key in keys if key["round"] == seed]
                _measure_text(Text(path, epochs, seed, given, folder), some, record)


def _measure_text(text: Text, keys: Sequence[Fields], record: Record) -> None:
    tests = Tests(text.given.pairs, text.given.analogies)
    # What is compiled is in the cache then.
    for key in {key["loss"]: key for key in keys if key["program"] != FASTTEXT}.values():
        small = f"{text.folder}/small.txt"
        with open(text.without, "rb") as source:
            Path(small).write_bytes(source.read(100_000) + source.readline())
        for more in ((), ("--subwords", text.given.subwords)):
            measured(hsw2v_command(small, f"{text.folder}/s.safetensors", text, key["loss"], *more))

    def work(key: Fields) -> Fields:
        suffix = ".bin" if key["program"] == FASTTEXT else ".safetensors"
        output = f"{text.folder}/model{suffix}"
        figures = asdict(measured(_command(key["program"], output, text, key["loss"])))
        model = hsw2v.load(output)
        found = {name: rounded(one) for name, one in figures.items()}
        found["quality"] = _quality(model, tests)
        if model.subwords is not None and text.removed:
            found["agreement"] = rounded(text.agreement(model, model))
            found["two standards"] = rounded(text.agreement(text.standards[1], model))
            found["removed"] = len(text.removed)
        Path(output).unlink()
        return found

    record.measure(keys, work)


def render(record: Record, pages: Pages) -> str:
    """Return a table for each text."""
    parts = []
    for text, runs in record.groups("text").items():
        sets = whole(list(runs[0]["quality"]), ("frequent",))
        rows = []
        for (loss, program), mine in record.groups("loss", "program", text=text).items():
            rows.append(
                [
                    f"{program}, {loss}",
                    spread((run["seconds"] for run in mine), 0),
                    spread((run["processor"] for run in mine), 0),
                    f"{max(run['peak_bytes'] for run in mine) / 1e6:,.0f}",
                    *(_mean(run["quality"].get(name) for run in mine) for name in sets),
                    _mean(run.get("agreement") for run in mine),
                ]
            )
        costs = ["seconds", "processor", "peak MB"]
        parts.append(f"**{text}**, {runs[0]['epochs']} epochs")
        parts.append(table(["program", *costs, *sets, "neighbours of removed words"], rows))
        if some := [run for run in runs if "two standards" in run]:
            shares = fmean(run["two standards"] for run in some)
            parts.append(
                f"Two models of the whole text agree in {shares:.3f} of the neighbours of the "
                f"{some[0]['removed']} words that were removed."
            )
    return "\n\n".join(parts)


def _mean(figures: Iterable[float | None]) -> str:
    return spread(figures, 3, fmean)


BENCHMARK = Benchmark(
    "subwords",
    "character n-grams, against training without them and fastText",
    measure,
    render,
    (
        ("texts", {"nargs": "+", "help": "texts, a sentence a line, words apart"}),
        PAIRS,
        ANALOGIES,
        option("--epochs", [5], help="of all texts, or of each"),
        option("--losses", ["hs", "ns"], metavar="LOSS", help="output layers (hs ns)"),
        option(
            "--programs",
            [PLAIN, NGRAMS, MORE_NOISE, TWICE, FASTTEXT],
            metavar="PROGRAM",
            help="(all)",
        ),
        option("--subwords", "3-6", help="lengths of n-grams (3-6)"),
        option("--removed", 300, help="words that are taken out of each text (300)"),
        option("--least", 10, help="how often such a word occurs at least (10)"),
        THREADS,
        ROUNDS,
    ),
    ("subwords", "removed", "least", "threads"),
    ("hsw2v", "fasttext-numpy2", "numpy", "numba"),
)
