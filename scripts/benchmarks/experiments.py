"""Experiments with `hsw2v compare`, and a diagnosis of their models on held-out text."""

from __future__ import annotations

import re
import shutil
import sys
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hsw2v
from benchmarks.benchmark import CORPUS, Benchmark, Render, option
from benchmarks.experiment_tables import courses_block, gradients_block, render
from benchmarks.processes import tell
from benchmarks.programs import ROOT
from benchmarks.records import Record, rounded
from benchmarks.trials import KIND, Trial, course_of, packed
from hsw2v import events
from hsw2v.diagnosis.course import read_course
from hsw2v.errors import UsageError
from hsw2v.experiments.comparison import PERPLEXITY, cost_of, parts_of, quality_of
from hsw2v.experiments.experiment import Experiment, read_experiment
from hsw2v.experiments.results import Run
from hsw2v.files import pieces

EXPERIMENTS = ROOT / "configs" / "experiments" / "measured"
TRAINED_ON, HELDOUT = "corpus.txt", "heldout.txt"
_TEST_SET = re.compile(r'"([^"/]+\.txt)"')


def split(text: bytes, train: int, heldout: int) -> tuple[bytes, bytes]:
    """Return the first bytes to train on, or all but the end with 0, and the end held out.

    Neither breaks a line, or else a word.
    """
    begin = _border(text, max(0, len(text) - heldout))
    end = _border(text, train) if train else begin
    return text[: min(begin, end)], text[begin:]


def _border(text: bytes, position: int) -> int:
    """Return the end of the line at a position, or of the word if lines are long."""
    for border in (b"\n", b" "):
        found = text.find(border, position, position + 100_000)
        if found >= 0:
            return found + 1
    return len(text)


def measure(given: Namespace, record: Record) -> None:
    """Do every experiment, and keep what came of it.

    What `hsw2v compare` knows in the folder `--work` is not run again.

    Raises:
        SystemExit: a test set is not there.
        What `hsw2v.compare` raises.
    """
    first = f"the first {given.train / 1e6:g} MB" if given.train else "all but its end"
    last = f"the last {given.heldout / 1e6:g} MB"
    name = Path(given.corpus).name
    record.setting["text"] = f"{name}: trained on {first}, held out {last}"
    tell(record.setting["text"])
    given.work.mkdir(parents=True, exist_ok=True)
    texts = split(b"".join(pieces(given.corpus)), given.train, given.heldout)
    for name, text in zip((TRAINED_ON, HELDOUT), texts, strict=True):
        (given.work / name).write_bytes(text)
    for source in given.experiments:
        trial = _trial(_beside_its_files(source, given), given)
        record.put({"name": trial.name, "model": trial.model}, asdict(trial))


def _beside_its_files(source: Path, given: Namespace) -> Path:
    """Copy an experiment to where its texts are, and its test sets too."""
    text = source.read_text(encoding="utf-8")
    for name in _TEST_SET.findall(text.replace(HELDOUT, "")):
        if not (given.tests / name).is_file():
            sys.exit(f"{given.tests / name}: is not there, but {source.name} names it")
        shutil.copy(given.tests / name, given.work / name)
    copy: Path = given.work / source.name
    copy.write_text(text, encoding="utf-8")
    return copy


def _trial(path: Path, given: Namespace) -> Trial:
    experiment, folder = read_experiment(path), path.with_suffix("")
    found = hsw2v.compare(
        path, given.work / TRAINED_ON, folder, keep_models=True, listener=_listener(experiment)
    )
    words, diagnoses, courses = 0, {}, {}
    for setting in experiment.settings:
        files = folder / f"{setting.stem}-{experiment.seeds[0]}"
        model_file = Path(f"{files}.safetensors")
        # Other layers have no depths, and some go through all words for a diagnosis.
        if setting.config.training.loss == "hs" and model_file.exists():
            tell(f"{experiment.name}: diagnosis of {setting.name}")
            model = hsw2v.load(model_file)
            words = len(model.vocabulary)
            heldout = str(given.work / HELDOUT)
            diagnoses[setting.name] = packed(hsw2v.diagnose(model, heldout, windows=given.windows))
        if setting.config.training.record_gradients:
            try:
                courses[setting.name] = course_of(read_course(f"{files}.jsonl"))
            except UsageError:
                tell(f"{files}.jsonl: training ended before any gradients were recorded")
    return Trial(
        experiment.name,
        experiment.settings[0].config.training.model,
        found.names,
        {
            one.name: {name: getattr(one.config.training, name) for name in KIND}
            for one in experiment.settings
        },
        list(experiment.seeds),
        found.tokens,
        words,
        [
            {"setting": one.setting, "seed": one.seed, "figures": _figures(one)}
            | {"problem": one.problem}
            for one in found.runs
        ],
        diagnoses,
        courses,
    )


def _figures(run: Run) -> dict[str, Any]:
    figures = cost_of(run) | quality_of(run) | parts_of(run)
    # It is known from the loss.
    del figures[PERPLEXITY]
    return {name: rounded(value, 6) for name, value in figures.items()}


def _listener(experiment: Experiment) -> events.Listener:
    """Return a listener that says on standard error which run begins and what came of it."""

    def listen(event: events.Event) -> None:
        if isinstance(event, events.RunBegin):
            run = f"run {event.run} of {event.runs}: {event.setting}, seed {event.seed}"
            tell(f"{experiment.name}: {run}")
        elif isinstance(event, events.RunEnd):
            tell(f"  {event.seconds} s, loss {event.heldout_loss}, {event.quality} {event.problem}")

    return listen


def _benchmark(name: str, about: str, train: int, heldout: int, **more: Render) -> Benchmark:
    """Return the benchmark of a skip-gram and of a CBOW experiment."""
    files = [EXPERIMENTS / f"{name}-{model}.toml" for model in ("skipgram", "cbow")]
    return Benchmark(
        name,
        about,
        measure,
        render,
        (
            CORPUS,
            option("--tests", required=True, type=Path, metavar="FOLDER", help="has the test sets"),
            option("--experiments", files, type=Path, metavar="FILE", help="for hsw2v compare"),
            option("--train", train, metavar="BYTES", help=f"0 for all but the end ({train})"),
            option("--heldout", heldout, metavar="BYTES", help=f"at the end ({heldout})"),
            option("--windows", 20_000, help="of a diagnosis (20000)"),
            option("--work", Path(f"bench-{name}"), metavar="FOLDER", help="for models and logs"),
        ),
        ("corpus", "train", "heldout", "windows"),
        more=more,
    )


BENCHMARKS = (
    # A softmax over all words bounds what is trained on.
    _benchmark("layers", "every output layer on a small text", 5_000_000, 200_000),
    _benchmark("rates", "every optimizer at several learning rates", 10_000_000, 200_000),
    _benchmark(
        "remedies",
        "every remedy on the whole corpus, its gradients, and their course",
        *(0, 1_000_000),
        gradients=gradients_block,
        course=courses_block,
    ),
    _benchmark("decisions", "subsampled decisions", 0, 1_000_000),
    _benchmark("workers", "rounds of workers beside Hogwild", 0, 1_000_000),
    _benchmark("rounds", "what workers combine, and how often", 0, 1_000_000),
)
