"""The results of the runs of an experiment, and the file that keeps them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hsw2v.errors import CorruptInputError
from hsw2v.experiments.corpora import Corpora
from hsw2v.experiments.experiment import Experiment, Setting
from hsw2v.files import atomic_write, pieces, read_text
from hsw2v.query.evaluation import AnalogiesResult, Evaluation, PairsResult, Score
from hsw2v.query.labels import LabelScore, LabelsResult
from hsw2v.records import records
from hsw2v.training.report import perplexity

FORMAT = "hsw2v comparison 1"


@dataclass(frozen=True, kw_only=True)
class Run:
    """The results of one training."""

    digest: str
    """What identifies the run: see `Digests`."""
    setting: str
    """The name of its setting."""
    seed: int
    seconds: float | None = None
    """Of training, without reading the corpus and without measuring."""
    words_per_second: float | None = None
    """Tokens of the corpus per second of training."""
    heldout_loss: float | None = None
    """After the last epoch, in nats a prediction."""
    evaluation: Evaluation = field(default_factory=lambda: Evaluation((), ()))
    labels: tuple[LabelsResult, ...] = ()
    """On each file of labels, as `Model.evaluate_labels` returns it."""
    versions: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    """Why there are no figures; empty if there are."""

    @property
    def heldout_perplexity(self) -> float | None:
        """exp of the held-out loss; None where that is beyond a float."""
        return perplexity(self.heldout_loss)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Run:
        """Return the run that `dataclasses.asdict` made a dict of.

        Raises:
            KeyError, TypeError: a field is missing, unknown, or of another type.
        """
        found = fields["evaluation"]
        analogies = records(
            AnalogiesResult,
            [{**one, "sections": records(Score, one["sections"])} for one in found["analogies"]],
        )
        evaluation = Evaluation(records(PairsResult, found["pairs"]), analogies)
        labels = records(
            LabelsResult,
            [
                {**one, "scores": records(LabelScore, one["scores"])}
                for one in fields.get("labels", [])
            ],
        )
        (run,) = records(cls, [{**fields, "evaluation": evaluation, "labels": labels}])
        if not all(isinstance(one, str) for one in run.versions.values()):
            raise TypeError("a version is no string")
        return run


class Digests:
    """What identifies runs: a digest of all that their figures depend on.

    These are the settings with the seed, what is in the files that they name, every token of the
    corpus or the whole graph, every token of the held-out text, the test sets, and the version of
    hsw2v. The names of settings do not matter, nor do `cache_dir` and `tables`.
    """

    def __init__(self, experiment: Experiment, corpora: Corpora) -> None:
        """Compute what all runs have in common."""
        self._experiment = experiment
        self._of_file = cache(lambda path: _digest(pieces(path)))
        tests = [astuple(one) for one in experiment.test_sets]
        self._common = [version("hsw2v"), _digest(corpora.parts()), tests]
        self._heldout = None if experiment.heldout is None else _digest(corpora.heldout_parts())

    def of(self, setting: Setting, seed: int) -> str:
        """Return the digest of one run."""
        config = setting.config.replace(seed=seed, cache_dir=None, tables="memory")
        known = {name: "file " + self._of_file(file) for name, file in config.files.items()}
        config = config.replace(**known)
        measured = self._experiment.has_heldout_loss(setting)
        facts = [config.to_dict(), self._common, self._heldout if measured else None]
        return _digest([json.dumps(facts, sort_keys=True).encode()])


def _digest(parts: Iterable[bytes | memoryview]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(part)
    return found.hexdigest()


class Results:
    """A file of runs, written after each of them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read the file, if it exists.

        Raises:
            MissingInputError: it cannot be read.
            CorruptInputError, EncodingError: it holds something else.
        """
        self._path = Path(path)
        runs, self._files = _read(self._path)
        self._runs = {run.digest: run for run in runs}

    def get(self, digest: str) -> Run | None:
        """Return a run, if it is there."""
        return self._runs.get(digest)

    def is_of(self, file: Path, digest: str) -> bool:
        """Tell whether a log or a model exists and belongs to this run."""
        return self._files.get(file.name) == digest and file.exists()

    def disown(self, *files: Path) -> None:
        """Record that these files belong to no run, before they are overwritten.

        Raises:
            OutputError, DiskFullError: the file cannot be written.
        """
        for one in files:
            self._files.pop(one.name, None)
        self.save()

    def add(self, run: Run, *files: Path) -> None:
        """Add a run, and the files that belong to it.

        Raises:
            OutputError, DiskFullError: the file cannot be written.
        """
        self._runs[run.digest] = run
        self._files |= {one.name: run.digest for one in files}
        self.save()

    def save(self) -> None:
        """Write the file, even without any run: it marks the folder as one of a comparison.

        Raises:
            OutputError, DiskFullError: the file cannot be written.
        """
        runs = [asdict(one) for one in self._runs.values()]
        content = {"format": FORMAT, "runs": runs, "files": self._files}
        with atomic_write(self._path, force=True) as stream:
            stream.write(json.dumps(content, indent=1).encode() + b"\n")


def _read(path: Path) -> tuple[list[Run], dict[str, str]]:
    if not path.exists():
        return [], {}
    text = read_text(str(path))
    try:
        content = json.loads(text)
        if content["format"] != FORMAT:
            raise ValueError(content["format"])
        return [Run.from_dict(one) for one in content["runs"]], dict(content.get("files", {}))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptInputError(
            "does not hold the results of a comparison",
            where=str(path),
            hint="name another folder, or remove the file",
        ) from error
