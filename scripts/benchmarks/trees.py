"""Training with every tree, with negative sampling, and with other programs.

What vectors are worth and what they cost is measured apart. Runs of one thread, several at a time,
tell the quality; the time is that of rounds in which the variants take turns, with nothing beside.
"""

from __future__ import annotations

import shlex
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.benchmark import ANALOGIES, CORPUS, PAIRS, THREADS, Benchmark, option
from benchmarks.processes import tell
from benchmarks.programs import OURS, PROGRAMS, Case, Job, is_there
from benchmarks.records import Fields, Record, rounds
from benchmarks.training import Tests, first_megabyte, train
from benchmarks.tree_tables import render, sampling_block
from benchmarks.variants import FOLLOWED, MODELS, VARIANTS


def qualities(given: Namespace) -> Iterator[Fields]:
    """Yield the runs that tell the quality, in order: what is not followed has the first seed."""
    every = {*given.epochs, given.middle}
    for seed in given.seeds:
        for model in given.models:
            for epochs in sorted({*every, *given.peer_epochs}):
                for variant in given.variants:
                    ours = VARIANTS[variant].program == OURS
                    trees = every if variant in FOLLOWED else {given.middle}
                    wanted = epochs in (trees if ours else given.peer_epochs)
                    if wanted and (seed == given.seeds[0] or variant in FOLLOWED):
                        yield _key("quality", model, variant, epochs, seed)


def timings(given: Namespace) -> list[Fields]:
    """Return the runs of all rounds, each with a seed of its own: variants take turns."""
    variants = [one for one in given.variants if one in FOLLOWED]
    keys = rounds(given.rounds, model=given.models, epochs=[1, given.middle], variant=variants)
    return [_key("time", one["model"], one["variant"], one["epochs"], one["round"]) for one in keys]


def _key(kind: str, model: str, variant: str, epochs: int, seed: int) -> Fields:
    return {"kind": kind, "model": model, "variant": variant, "epochs": epochs, "seed": seed}


def measure(given: Namespace, record: Record) -> None:
    """Time the variants in rounds, then find out their quality."""
    options = shlex.split(given.options)
    tests = Tests(given.pairs, given.analogies)

    def job(key: Fields, threads: int) -> Job:
        one = VARIANTS[key["variant"]]
        seed, epochs = str(key["seed"]), str(key["epochs"])
        more = (*one.options_for(key["epochs"]), *options)
        case = Case(key["model"], one.loss)
        return Job(case, given.corpus, "", seed, str(threads), epochs, more)

    def time(key: Fields) -> Fields:
        figures, _ = train(job(key, given.threads))
        return {name: figures[name] for name in ("seconds", "processor")}

    def quality(key: Fields) -> Fields:
        figures, log = train(job(key, 1), VARIANTS[key["variant"]].program, tests)
        tree = log.get("TreeReady", {})
        lengths = {"decisions": tree.get("mean_length"), "trained": tree.get("trained_length")}
        return figures | lengths

    there = [one for one in given.variants if is_there(one, PROGRAMS[VARIANTS[one].program])]
    to_time = timings(given)
    to_judge = [key for key in qualities(given) if key["variant"] in there]
    # All code is compiled that will run, and the corpus is in the system's cache.
    with tempfile.TemporaryDirectory() as folder:
        small = first_megabyte(given.corpus, folder)
        wanted = record.missing([*to_time, *to_judge])
        for key in {(key["model"], key["variant"]): key for key in wanted}.values():
            if VARIANTS[key["variant"]].program == OURS:
                tell(f"warming up: {key['model']}, {key['variant']}")
                train(replace(job(key, given.threads), corpus=small))
    with open(given.corpus, "rb") as file:
        while wanted and file.read(1 << 20):
            pass
    record.measure(to_time, time)
    record.measure(to_judge, quality, given.jobs)


BENCHMARK = Benchmark(
    "trees",
    "the defaults against other trees, output layers and programs",
    measure,
    render,
    (
        *(CORPUS, THREADS, PAIRS, ANALOGIES),
        option("--models", list(MODELS), choices=MODELS),
        option("--variants", list(VARIANTS), choices=VARIANTS),
        option("--epochs", [1, 3, 5, 10], metavar="NUMBER"),
        option("--middle", 5, help="epochs at which trees are measured and, like one, timed (5)"),
        option("--peer-epochs", [1, 5], help="epochs at which other programs are measured (1 5)"),
        option("--seeds", [1, 2, 3], metavar="SEED"),
        option("--rounds", 3, help="rounds of timings (3)"),
        option("--jobs", 2, help="runs of one thread at the same time (2)"),
        option("--options", "", metavar="'--dim 20 ...'", help="more of them for hsw2v train"),
    ),
    ("corpus", "threads", "options", "pairs", "analogies"),
    ("hsw2v", "gensim", "fasttext-numpy2", "numpy", "numba"),
    {"trees-and-sampling": sampling_block},
)
