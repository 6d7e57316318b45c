"""Training with every tree, with other output layers, and with other programs.

Every run has one thread, and as many are done at a time as there are cores: two processes lose
nothing to each other, as two threads do, whose rows go from one core's cache to the other's.
"""

from __future__ import annotations

import shlex
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.benchmark import ANALOGIES, CORPUS, PAIRS, Benchmark, option
from benchmarks.processes import tell
from benchmarks.programs import OURS, PROGRAMS, Case, Job, is_there
from benchmarks.records import Fields, Record
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


def _key(kind: str, model: str, variant: str, epochs: int, seed: int) -> Fields:
    return {"kind": kind, "model": model, "variant": variant, "epochs": epochs, "seed": seed}


def measure(given: Namespace, record: Record) -> None:
    """Find out what vectors are worth, and what they cost."""
    options = shlex.split(given.options)
    tests = Tests(given.pairs, given.analogies)

    def job(key: Fields) -> Job:
        one = VARIANTS[key["variant"]]
        seed, epochs = str(key["seed"]), str(key["epochs"])
        more = (*one.options_for(key["epochs"]), *options)
        case = Case(key["model"], one.loss)
        return Job(case, given.corpus, "", seed, "1", epochs, more)

    def quality(key: Fields) -> Fields:
        figures, log = train(job(key), VARIANTS[key["variant"]].program, tests)
        tree = log.get("TreeReady", {})
        lengths = {"decisions": tree.get("mean_length"), "trained": tree.get("trained_length")}
        return figures | lengths

    there = [one for one in given.variants if is_there(one, PROGRAMS[VARIANTS[one].program])]
    keys = [key for key in qualities(given) if key["variant"] in there]
    # All code is compiled that will run, and the corpus is in the system's cache.
    with tempfile.TemporaryDirectory() as folder:
        small = first_megabyte(given.corpus, folder)
        wanted = record.missing(keys)
        for key in {(key["model"], key["variant"]): key for key in wanted}.values():
            if VARIANTS[key["variant"]].program == OURS:
                tell(f"warming up: {key['model']}, {key['variant']}")
                train(replace(job(key), corpus=small))
    with open(given.corpus, "rb") as file:
        while wanted and file.read(1 << 20):
            pass
    record.measure(keys, quality, given.jobs)


BENCHMARK = Benchmark(
    "trees",
    "the defaults against other trees, output layers and programs",
    measure,
    render,
    (
        *(CORPUS, PAIRS, ANALOGIES),
        option("--models", list(MODELS), choices=MODELS),
        option("--variants", list(VARIANTS), choices=VARIANTS),
        option("--epochs", [1, 3, 5, 10], metavar="NUMBER"),
        option("--middle", 5, help="epochs at which what is not followed is measured (5)"),
        option("--peer-epochs", [1, 5], help="epochs at which other programs are measured (1 5)"),
        option("--seeds", [1, 2, 3], metavar="SEED"),
        option("--jobs", 2, help="runs of one thread at the same time (2)"),
        option("--options", "", metavar="'--dim 20 ...'", help="more of them for hsw2v train"),
    ),
    ("corpus", "options", "pairs", "analogies"),
    ("hsw2v", "gensim", "fasttext-numpy2", "numpy", "numba"),
    {"trees-and-sampling": sampling_block},
)
