"""How many words whose contexts have changed `align` finds, where it is known which these are."""

from __future__ import annotations

import random
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import hsw2v
from benchmarks.benchmark import CORPUS, SEED, THREADS, Benchmark, option
from benchmarks.pages import Pages, table
from benchmarks.records import Fields, Record, rounded

BANDS = (100, 200, 500, 2_000, 10_000)
"""Bounds of how often the words occur in the second part."""
NONE, HALF, ALL = 0.0, 0.5, 1.0

Places = dict[str, str]


def measure(given: Namespace, record: Record) -> None:
    """Train on the odd lines, and on the even ones with words that have changed places."""
    keys = [{"share": share} for share in (ALL, HALF, NONE)]
    if not record.missing(keys):
        return
    with tempfile.TemporaryDirectory() as folder:
        odd, even = f"{folder}/odd.txt", f"{folder}/even.txt"
        with open(given.corpus, encoding="utf-8") as text, open(odd, "w", encoding="utf-8") as out:
            rest = []
            for number, line in enumerate(text):
                rest += [line] if number % 2 else []
                out.write("" if number % 2 else line)
        places = chosen(rest, given.planted, given.seed)
        reference = hsw2v.train(odd, threads=given.threads, seed=given.seed)

        def work(key: Fields) -> Fields:
            write_changed(even, rest, places, key["share"], given.seed)
            model = hsw2v.train(even, threads=given.threads, seed=given.seed + 1)
            return found(hsw2v.align(reference, model), places)

        record.measure(keys, work)


def chosen(lines: Iterable[str], planted: int, seed: int) -> Places:
    """Return words, so many of each band of frequency, with the words that they change places with.

    Those of a pair occur about as often.
    """
    draw = random.Random(seed)
    counts = Counter(word for line in lines for word in line.split())
    places: Places = {}
    for least, most in pairwise(BANDS):
        words = sorted(
            (word for word, count in counts.items() if least <= count < most),
            key=lambda word: (counts[word], word),
        )
        starts = range(0, len(words) - 1, 2)
        for at in draw.sample(starts, min(planted // 2, len(starts))):
            places |= {words[at]: words[at + 1], words[at + 1]: words[at]}
    return places


def write_changed(path: str, lines: Iterable[str], places: Places, share: float, seed: int) -> None:
    """Write lines in which a share of the occurrences of words is the other word."""
    draw = random.Random(seed)
    with open(path, "w", encoding="utf-8") as out:
        for line in lines:
            words = [
                places[word] if word in places and draw.random() < share else word
                for word in line.split()
            ]
            out.write(" ".join(words) + "\n")


def found(alignment: hsw2v.Alignment, places: Places) -> Fields:
    """Return how many of these words are among as many that changed most, in each band."""
    changes = alignment.changes(len(alignment.pairs), min_count=BANDS[0], neighbours=1)
    planted = [one for one in changes if one.word in places]
    first = {one.word for one in changes[: len(planted)]}
    bands = []
    for least, most in pairwise(BANDS):
        some = [one for one in planted if least <= (one.counts[1] or 0) < most]
        bands.append([sum(one.word in first for one in some), len(some)])
    middle = sorted(one.similarity for one in changes)[len(changes) // 2]
    return {
        "words": len(changes),
        "planted": len(planted),
        "bands": bands,
        "similarity": rounded(alignment.similarity),
        "median": rounded(middle),
        "median_planted": rounded(sorted(one.similarity for one in planted)[len(planted) // 2]),
    }


def render(record: Record, pages: Pages) -> str:
    """Return a table with a row for each share of occurrences that are changed."""
    bands = [f"{least:,}–{most:,}" for least, most in pairwise(BANDS)]
    header = [
        *("occurrences changed", "cosine of all words", "of planted ones", "found"),
        *(f"of words that occur {one}" for one in bands),
    ]
    rows = []
    for run in record.runs:
        hits = sum(one for one, _ in run["bands"])
        rows.append(
            [
                f"{run['share']:.0%}",
                f"{run['median']:.3f}",
                f"{run['median_planted']:.3f}",
                f"{hits} of {run['planted']}",
                *(f"{one} of {all_of}" for one, all_of in run["bands"]),
            ]
        )
    total = record.runs[0]["words"]
    return f"{total:,} words occur {BANDS[0]} times or more in both parts:\n\n{table(header, rows)}"


BENCHMARK = Benchmark(
    "changes",
    "how many words that have changed are found by align",
    measure,
    render,
    (
        *(CORPUS, SEED, THREADS),
        option("--planted", 20, help="words of each band of frequency (20)"),
    ),
    ("corpus", "seed", "planted"),
)
