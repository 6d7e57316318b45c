"""Finding phrases and joining them in a text, beside gensim and word2phrase."""

from __future__ import annotations

import filecmp
import heapq
import json
import subprocess
import sys
import sysconfig
import tempfile
from argparse import Namespace
from itertools import product
from pathlib import Path

import hsw2v
from benchmarks import phrases_peer
from benchmarks.benchmark import CORPUS, ROUNDS, Benchmark, option
from benchmarks.machine import version_of
from benchmarks.pages import Pages, spread, table
from benchmarks.processes import measure as measured
from benchmarks.processes import tell
from benchmarks.records import Fields, Record, rounded, rounds
from benchmarks.training import read_log

PEER = Path(phrases_peer.__file__)
WORD2PHRASE = Path(sysconfig.get_path("scripts"), "word2phrase")
THRESHOLDS = {"default": 10.0, "npmi": 0.5}
OURS, INSIDE = "hsw2v", "hsw2v, in train"
PROGRAMS = {OURS: "hsw2v", INSIDE: "hsw2v", "word2phrase": "word2vec", "gensim": "gensim"}
"""With the distributions that they are of."""
SETTINGS = (
    *({"scoring": "default", "threshold": one, "english": False, "passes": 2} for one in (10, 100)),
    {"scoring": "default", "threshold": 10, "english": True, "passes": 2},
    *({"scoring": "npmi", "threshold": one, "english": False, "passes": 2} for one in (0.5, 0.7)),
    {"scoring": "default", "threshold": 10, "english": False, "passes": 4},
)
"""Those whose phrases are shown."""
SHOWN = 8


def ours(corpus: str, output: str, given: Fields) -> list[str]:
    """Return the command that writes a text with its phrases joined."""
    return [
        *(sys.executable, "-m", "hsw2v", "phrases", corpus, "-o", output, "--force", "--quiet"),
        *("--phrases", str(given["passes"]), "--phrase-scoring", given["scoring"]),
        *("--phrase-threshold", str(given["threshold"])),
        *(("--connector-words", "english") if given["english"] else ()),
    ]


def theirs(corpus: str, output: str, **given: object) -> list[str]:
    """Return the command that does the same with gensim."""
    return [sys.executable, str(PEER), corpus, output, json.dumps(given)]


def time_program(program: str, corpus: str, folder: str) -> Fields:
    """Return what one pass of a program took, with its defaults."""
    output, log = f"{folder}/{program}.txt", f"{folder}/log.jsonl"
    once = {"passes": 1, "scoring": "default", "threshold": 10.0, "english": False}
    if program == INSIDE:
        train = (sys.executable, "-m", "hsw2v", "train", corpus, "-o", f"{folder}/m.safetensors")
        least = ("--force", "--quiet", "--dim", "1", "--epochs", "1", "--checkpoint-every", "0")
        command = [*train, *least, "--phrases", "1", "--log-json", log]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return {"seconds": rounded(read_log(log)["PhrasesReady"]["seconds"])}
    if program == "word2phrase":
        files = ("-train", corpus, "-output", output)
        command = [str(WORD2PHRASE), *files, "-threshold", "100", "-debug", "0"]
    else:
        command = ours(corpus, output, once) if program == OURS else theirs(corpus, output)
    found = measured(command)
    return {
        "seconds": rounded(found.seconds),
        "processor": rounded(found.processor),
        "peak_bytes": found.peak_bytes,
    }


def compare(corpus: str, folder: str, given: Fields) -> Fields:
    """Return whether the text of gensim is the same, byte for byte."""
    outputs = [f"{folder}/{name}.txt" for name in ("ours", "theirs")]
    subprocess.run(ours(corpus, outputs[0], given), check=True)
    subprocess.run(theirs(corpus, outputs[1], frozen=False, **given), check=True)
    with open(outputs[0], encoding="utf-8") as text:
        words = sum(len(line.split()) for line in text)
    return {"words": words, "same": filecmp.cmp(*outputs, shallow=False)}


def describe(corpus: str, given: Fields) -> Fields:
    """Return how many phrases each pass finds, and those that occur most."""
    found = hsw2v.find_phrases(
        corpus,
        phrases=given["passes"],
        phrase_scoring=given["scoring"],
        phrase_threshold=given["threshold"],
        connector_words="english" if given["english"] else "",
    )
    return {
        "found": [len(some) for some in found.passes],
        "most": [
            [found.joined(one) for one in heapq.nlargest(SHOWN, some, key=lambda one: one.count)]
            for some in found.passes
        ],
    }


def measure(given: Namespace, record: Record) -> None:
    """Time the programs in turn, compare texts with gensim's, and list phrases."""
    known = [name for name, distribution in PROGRAMS.items() if version_of(distribution)]
    programs = [name for name in known if name != "word2phrase" or WORD2PHRASE.exists()]
    cases = product((1, 2), THRESHOLDS.items(), (False, True))
    same: list[Fields] = [
        {"passes": passes, "scoring": scoring, "threshold": threshold, "english": english}
        for passes, (scoring, threshold), english in cases
    ]
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        keys = [{"what": "time", **one} for one in rounds(given.rounds, program=programs)]
        if record.missing(keys):
            tell("warming up")
            for program in (OURS, INSIDE):
                time_program(program, given.corpus, folder)
        record.measure(keys, lambda key: time_program(key["program"], given.corpus, folder))
        if "gensim" in programs:
            keys = [{"what": "same", **one} for one in same]
            record.measure(keys, lambda key: compare(given.corpus, folder, _settings(key)))
    keys = [{"what": "phrases", **one} for one in SETTINGS]
    record.measure(keys, lambda key: describe(given.corpus, _settings(key)))


def _settings(key: Fields) -> Fields:
    return {name: one for name, one in key.items() if name != "what"}


def render(record: Record, pages: Pages) -> str:
    """Return the tables of times, of texts that are gensim's, and of phrases."""
    return "\n\n".join(
        part for part in (_times(record), _same(record), _phrases(record)) if part is not None
    )


def _times(record: Record) -> str:
    groups = record.groups("program", what="time")
    base = sorted(run["seconds"] for run in groups[OURS])[len(groups[OURS]) // 2]
    rows = []
    for program, runs in groups.items():
        seconds = sorted(run["seconds"] for run in runs)[len(runs) // 2]
        whole = program != INSIDE
        rows.append(
            [
                program,
                spread((run["seconds"] for run in runs), 2),
                spread((run["processor"] for run in runs), 2) if whole else "-",
                spread((run["peak_bytes"] / 1e6 for run in runs), 0) if whole else "-",
                f"{seconds / base:.1f}",
            ]
        )
    return table(["program", "seconds", "processor seconds", "peak MB", "times hsw2v"], rows)


def _same(record: Record) -> str | None:
    rows = [
        [*_named(run), f"{run['words']:,}", "yes" if run["same"] else "no"]
        for run in record.select(what="same")
    ]
    return table([*_NAMES, "tokens left", "same text as gensim"], rows) if rows else None


def _phrases(record: Record) -> str:
    rows = []
    for run in record.select(what="phrases"):
        for number, (found, most) in enumerate(zip(run["found"], run["most"], strict=False), 1):
            scoring, threshold, english, _ = _named(run)
            cells = [scoring, threshold, english, str(number), f"{found:,}"]
            if number <= run["passes"] and cells not in [row[:5] for row in rows]:
                rows.append([*cells, ", ".join(f"`{one}`" for one in most)])
    return table([*_NAMES[:3], "pass", "phrases", "those that occur most"], rows)


_NAMES = ("scoring", "threshold", "connector words", "passes")


def _named(run: Fields) -> tuple[str, str, str, str]:
    english = "english" if run["english"] else "none"
    return run["scoring"], f"{run['threshold']:g}", english, str(run["passes"])


BENCHMARK = Benchmark(
    "phrases",
    "finding and joining phrases beside gensim and word2phrase, and what phrases are found",
    measure,
    render,
    (
        CORPUS,
        ROUNDS,
        option("--folder", None, help="folder for joined texts (the temporary one)"),
    ),
    ("corpus",),
    ("hsw2v", "numpy", "numba", "gensim", "word2vec"),
)
