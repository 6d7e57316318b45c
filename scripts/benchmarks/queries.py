"""What a question to a large model takes, as a command of its own and in a batch."""

from __future__ import annotations

import sys
import tempfile
import time
from argparse import Namespace

import numpy as np

import hsw2v
from benchmarks import processes
from benchmarks.benchmark import ROUNDS, SEED, Benchmark, option
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounds
from benchmarks.texts import zipf_counts
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.query.prefixes import beginning_with
from hsw2v.trees.huffman import huffman

TOKENS = 1_000_000_000
LETTERS = "etaoinshrdlucmfwypvbgkjqxzäöüéßαж"
SHORTEST, LONGEST = 3, 15
IN_A_BATCH = 1_000
COMMANDS = {
    "`similar`": ["similar", "{model}", "{a}"],
    "`similarity`": ["similarity", "{model}", "{a}", "{b}"],
    "`predict`": ["predict", "{model}", "--context", "{a} {b}"],
    "`info`": ["info", "{model}"],
    "`similar` of a word2vec `.bin`": ["similar", "{binary}", "{a}"],
}
BATCH = f"a word of {IN_A_BATCH:,} in a batch, of an open model"

TYPED = "the words that begin as it was typed, of an open model"
ONCE_MORE = 20


def measure(given: Namespace, record: Record) -> None:
    """Write a model and its vectors, and ask both in turn."""
    keys = rounds(given.rounds, what=[*COMMANDS, BATCH, TYPED])
    if not record.missing(keys):
        return
    with tempfile.TemporaryDirectory() as folder:
        files = {"model": f"{folder}/m.safetensors", "binary": f"{folder}/v.bin"}
        tell(f"generating a model of {given.words:,} words")
        words = _write(files, given)
        files |= {"a": words[len(words) // 3], "b": words[-1]}

        def work(key: Fields) -> Fields:
            if key["what"] == BATCH:
                return _batch(files["model"], words)
            if key["what"] == TYPED:
                return _typed(files["model"])
            parts = (part.format(**files) for part in COMMANDS[key["what"]])
            found = processes.measure([sys.executable, "-m", "hsw2v", *parts])
            return {"seconds": found.seconds, "processor": found.processor}

        # Files are read from memory from then on.
        work({"what": "`predict`"})
        record.measure(keys, work)


def _write(files: Fields, given: Namespace) -> list[str]:
    """Write a model of hierarchical softmax, and its vectors; return words to ask for."""
    rng = np.random.default_rng(given.seed)
    words = _words(given.words, rng)
    counts = zipf_counts(given.words, TOKENS)
    vectors, nodes = (
        0.3 * rng.standard_normal((rows, given.dim), np.float32)
        for rows in (given.words, given.words - 1)
    )
    tree = huffman(counts.astype(np.float64))
    config = {"training": {"loss": "hs", "dim": given.dim}}
    vocabulary = Vocabulary.from_words(words, counts.tolist())
    model = hsw2v.Model(vocabulary, vectors, nodes, tree, config)
    model.save(files["model"])
    model.export(files["binary"])
    return [words[one] for one in rng.integers(0, len(words), IN_A_BATCH)]


def _words(count: int, rng: np.random.Generator) -> list[str]:
    """Return distinct words, the letters of which fall off by Zipf's law."""
    shares = 1 / np.arange(3, 3 + len(LETTERS))
    found: dict[str, None] = {}
    while len(found) < count:
        lengths = rng.integers(SHORTEST, LONGEST + 1, count - len(found))
        drawn = rng.choice(list(LETTERS), lengths.sum(), p=shares / shares.sum())
        text, ends = "".join(drawn.tolist()), np.cumsum(lengths)
        starts = (ends - lengths).tolist()
        found |= dict.fromkeys(text[a:b] for a, b in zip(starts, ends.tolist(), strict=True))
    return list(found)


def _batch(path: str, words: list[str]) -> Fields:
    """Return the time of one word in a batch."""
    model = hsw2v.load(path)
    model.similar(words[0])
    seconds, processor = time.perf_counter(), time.process_time()
    model.similar_batch(words)
    seconds, processor = time.perf_counter() - seconds, time.process_time() - processor
    return {"seconds": seconds / len(words), "processor": processor / len(words)}


def _typed(path: str) -> Fields:
    """Return the time of a search for words that begin with what no word begins with."""
    vocabulary = hsw2v.load(path).vocabulary
    typed = 4 * LETTERS[0] + 3 * LETTERS[-1]
    seconds, processor = time.perf_counter(), time.process_time()
    for _ in range(ONCE_MORE):
        if beginning_with(typed, vocabulary.blob, vocabulary.offsets):
            raise ValueError(f"a word begins with {typed!r}")
    seconds, processor = time.perf_counter() - seconds, time.process_time() - processor
    return {"seconds": seconds / ONCE_MORE, "processor": processor / ONCE_MORE}


def render(record: Record, pages: Pages) -> str:
    """Return a table of the time of each question: those of an open model in milliseconds."""
    rows = []
    for what, runs in record.groups("what").items():
        unit, scale = ("ms", 1000) if what in (BATCH, TYPED) else ("s", 1)
        times = (spread((scale * run[one] for run in runs), 2) for one in ("seconds", "processor"))
        rows.append([f"{what}, {unit}", *times])
    return table(["what", "wall clock", "processor time"], rows)


BENCHMARK = Benchmark(
    "queries",
    "time of a question to a large model",
    measure,
    render,
    (ROUNDS, SEED, option("--words", 2_500_000), option("--dim", 100)),
    ("seed", "words", "dim"),
)
