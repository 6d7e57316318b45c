"""The experiments of the page: `hsw2v compare`, and what its models are like on held-out text."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import hsw2v
from benchmarks.laboratory import KIND, Course, Record, Result, Trial, course_of, packed, rounded
from benchmarks.machine import describe_machine, describe_versions
from benchmarks.measuring import tell
from benchmarks.programs import ROOT
from hsw2v import events
from hsw2v.diagnosis.course import read_course
from hsw2v.errors import UsageError
from hsw2v.experiments.comparison import PERPLEXITY, cost_of, parts_of, quality_of
from hsw2v.experiments.experiment import Setting, read_experiment
from hsw2v.experiments.results import Run
from hsw2v.files import pieces

EXPERIMENTS = ROOT / "configs" / "experiments" / "laboratory"
CORPUS, HELDOUT = "corpus.txt", "heldout.txt"
_TEST_SET = re.compile(r'"([^"/]+\.txt)"')


@dataclass(frozen=True)
class Cut:
    """Which part of a corpus is trained on, and which is held out: bytes."""

    train: int
    """From the beginning; 0 for all that is not held out."""
    heldout: int
    """At the end."""

    def described(self, corpus: str) -> str:
        """Return it in words."""
        first = f"the first {self.train / 1e6:g} MB" if self.train else "all but its end"
        last = f"the last {self.heldout / 1e6:g} MB"
        return f"{Path(corpus).name}: trained on {first}, held out {last}"


@dataclass(frozen=True)
class Task:
    """What is to be done for one part of the page."""

    corpus: str
    cut: Cut
    tests: Path
    """The folder that has the test sets."""
    experiments: Sequence[Path]
    work: Path
    """The folder where texts, models and logs are kept from run to run."""
    windows: int
    command: str


def run(task: Task, path: Path) -> Record:
    """Do every experiment of a part that is not done yet, and keep what came of it.

    Raises:
        SystemExit: a test set is not there.
        What `hsw2v.compare` raises.
    """
    task.work.mkdir(parents=True, exist_ok=True)
    _cut(task.corpus, task.cut, task.work)
    trials = []
    for source in task.experiments:
        trials.append(_trial(_beside_its_files(source, task), task))
        versions = describe_versions(["hsw2v", "numpy", "numba"])
        told = task.cut.described(task.corpus)
        record = Record(describe_machine(), versions, task.command, told, trials)
        record.save(path)
    return record


def _cut(corpus: str, cut: Cut, folder: Path) -> None:
    """Write the text to train on and the held-out one, cut at white space."""
    wanted = cut.described(corpus)
    note = folder / "cut.txt"
    if note.exists() and note.read_text(encoding="utf-8") == wanted:
        return
    tell(wanted)
    text = b"".join(pieces(corpus))
    train, heldout = split(text, cut)
    (folder / CORPUS).write_bytes(train)
    (folder / HELDOUT).write_bytes(heldout)
    note.write_text(wanted, encoding="utf-8")


def split(text: bytes, cut: Cut) -> tuple[bytes, bytes]:
    """Return the text to train on and the one held out; neither breaks a line, or else a word."""
    begin = _border(text, max(0, len(text) - cut.heldout))
    end = _border(text, cut.train) if cut.train else begin
    return text[: min(begin, end)], text[begin:]


def _border(text: bytes, place: int) -> int:
    """Return the end of the line that a place lies in, or of the word if lines are long."""
    for border in (b"\n", b" "):
        found = text.find(border, place, place + 100_000)
        if found >= 0:
            return found + 1
    return len(text)


def _beside_its_files(source: Path, task: Task) -> Path:
    """Copy an experiment to where its texts are, and its test sets too."""
    text = source.read_text(encoding="utf-8")
    for name in dict.fromkeys(_TEST_SET.findall(text)):
        if name != HELDOUT:
            if not (task.tests / name).is_file():
                sys.exit(f"{task.tests / name}: is not there, but {source.name} names it")
            shutil.copy(task.tests / name, task.work / name)
    copy = task.work / source.name
    copy.write_text(text, encoding="utf-8")
    return copy


def _trial(path: Path, task: Task) -> Trial:
    experiment = read_experiment(path)
    folder = path.with_suffix("")
    found = hsw2v.compare(
        path, task.work / CORPUS, folder, keep_models=True, listener=_told(experiment.name)
    )
    words = 0
    diagnoses, courses = {}, {}
    for setting in experiment.settings:
        stem = f"{setting.stem}-{experiment.seeds[0]}"
        model_file = folder / f"{stem}.safetensors"
        # Of other layers nothing is told, and some go through all words for it.
        if setting.config.training.loss == "hs" and model_file.exists():
            tell(f"{experiment.name}: diagnosis of {setting.name}")
            model = hsw2v.load(model_file)
            words = len(model.vocabulary)
            heldout = str(task.work / HELDOUT)
            diagnoses[setting.name] = packed(hsw2v.diagnose(model, heldout, windows=task.windows))
        if course := _course(setting, folder / f"{stem}.jsonl"):
            courses[setting.name] = course
    return Trial(
        experiment.name,
        experiment.settings[0].config.training.model,
        [one.name for one in experiment.settings],
        {one.name: _kind(one) for one in experiment.settings},
        list(experiment.seeds),
        found.tokens,
        words,
        [_result(one) for one in found.runs],
        diagnoses,
        courses,
    )


def _kind(setting: Setting) -> dict[str, object]:
    return {name: getattr(setting.config.training, name) for name in KIND}


def _course(setting: Setting, log: Path) -> Course | None:
    if not setting.config.training.record_gradients:
        return None
    try:
        return course_of(read_course(str(log)))
    except UsageError:
        return None


def _result(one: Run) -> Result:
    figures = cost_of(one) | quality_of(one) | parts_of(one)
    # It is known from the loss.
    del figures[PERPLEXITY]
    kept = {name: rounded(value, 6) for name, value in figures.items()}
    return Result(one.setting, one.seed, kept, one.problem)


def _told(name: str) -> events.Listener:
    """Return a listener that says on standard error which run begins and what came of it."""

    def listen(event: events.Event) -> None:
        if isinstance(event, events.RunBegin):
            tell(f"{name}: run {event.run} of {event.runs}: {event.setting}, seed {event.seed}")
        elif isinstance(event, events.RunEnd):
            tell(f"  {event.seconds} s, loss {event.heldout_loss}, {event.quality} {event.problem}")

    return listen
