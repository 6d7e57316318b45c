"""`compare`: every setting of an experiment in turn, on one reading of a corpus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from hsw2v.config import Config, as_keys, named
from hsw2v.corpus.sources import Path as PathLike
from hsw2v.corpus.sources import Source
from hsw2v.corpus.words import choose_words
from hsw2v.errors import DivergedError, OutputError, OutputExistsError
from hsw2v.events import EpochEnd, Event, Listener, Notice, Preparing, RunBegin, RunEnd, ignore
from hsw2v.experiments.comparison import Comparison, quality_of
from hsw2v.experiments.drawing import draw
from hsw2v.experiments.experiment import Experiment, Setting, read_experiment
from hsw2v.experiments.preparing import prepare
from hsw2v.experiments.results import Digests, Results, Run
from hsw2v.files import check_writable, explain_write_error, write_text
from hsw2v.model import Model
from hsw2v.network.outputs import effective
from hsw2v.plots import check_figure
from hsw2v.query.evaluation import Evaluation, evaluate_analogies, evaluate_pairs
from hsw2v.training.api import check_on, train_on, without_effect
from hsw2v.training.log import Log
from hsw2v.training.texts import Texts, read_texts

RESULTS = "results.json"
TABLES, RECORDS = "results.md", "results.csv"
FIGURE = "comparison.svg"


def compare(
    experiment: Experiment | PathLike,
    corpus: Source,
    folder: PathLike,
    *,
    plot: bool = False,
    keep_models: bool = False,
    listener: Listener = ignore,
) -> Comparison:
    """Train with every setting and every seed of an experiment, and compare what comes of it.

    The experiment is a TOML file, the corpus what `hsw2v.train` takes; it is read once. Settings
    take turns, so that what else the machine does falls on all of them. The folder gets
    `results.json`, `results.md` and `results.csv`, written after each run, a log of each run
    (`SETTING-SEED.jsonl`), with `keep_models` its model, and with `plot` at the end a figure,
    `comparison.svg`, for which matplotlib is needed. What is known there is not run again:
    interrupted, the same call goes on, and settings that were changed are run again. A setting with
    which training diverges has no figures.

    Raises:
        UsageError: the experiment is not one that can be done, or matplotlib is not installed.
        MissingInputError, CorruptInputError, EncodingError: a file of it cannot be read, or the
            corpus.
        OutputExistsError: the folder holds files of something else.
        OutputError, DiskFullError: it cannot be written to.
        EmptyCorpusError, ResourceError: as `train`.
    """
    chosen = experiment if isinstance(experiment, Experiment) else read_experiment(experiment)
    with (
        _results_in(Path(folder), plot) as results,
        read_texts(corpus, chosen.corpus, chosen.heldout, listener=listener) as texts,
    ):
        found = _Comparing(chosen, texts, results, Path(folder), keep_models, listener).work()
    if plot:
        draw(found, Path(folder) / FIGURE)
    return found


@contextmanager
def _results_in(folder: Path, plot: bool) -> Iterator[Results]:
    """Make a folder ready, and read what is known there; one that stays empty goes again."""
    made = not folder.exists()
    try:
        _make_ready(folder)
        if plot:
            check_figure(folder / FIGURE, force=True)
        yield Results(folder / RESULTS)
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _make_ready(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            "is a file, and should be a folder", where=str(folder), hint="name a folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = any(folder.iterdir()) and not (folder / RESULTS).exists()
    except OSError as error:
        raise explain_write_error(error, str(folder)) from error
    if others:
        raise OutputExistsError(
            "holds files that are not of a comparison",
            where=str(folder),
            hint="name a folder of its own",
        )
    for name in (RESULTS, TABLES, RECORDS):
        check_writable(folder / name, force=True)


@dataclass(frozen=True)
class _Planned:
    """A run to be done, or known."""

    number: int
    setting: Setting
    seed: int
    digest: str

    @property
    def stem(self) -> str:
        """The name of its files."""
        return f"{self.setting.stem}-{self.seed}"


class _Comparing:
    """The runs of an experiment under way."""

    def __init__(
        self,
        experiment: Experiment,
        texts: Texts,
        results: Results,
        folder: Path,
        keep_models: bool,
        listener: Listener,
    ) -> None:
        self._experiment, self._texts, self._results = experiment, texts, results
        self._folder, self._keep_models, self._listener = folder, keep_models, listener
        digests = Digests(experiment, texts)
        turns = [(seed, one) for seed in experiment.seeds for one in experiment.settings]
        self._plan = [
            _Planned(number, setting, seed, digests.of(setting, seed))
            for number, (seed, setting) in enumerate(turns, 1)
        ]

    def work(self) -> Comparison:
        """Do the runs that are not known."""
        self._tell_of_heldout_losses()
        self._tell_of_unused_settings()
        wanted = [one for one in self._plan if not self._is_known(one)]
        vocabulary_of = cache(lambda chosen: choose_words(self._texts.corpus, chosen)[0])
        for setting in {one.setting.name: one.setting for one in wanted}.values():
            with named(f"setting '{setting.name}'"):
                vocabulary = vocabulary_of(setting.config.vocabulary)
                check_on(vocabulary, self._texts.corpus.tokens, setting.config)
        self._results.save()
        self._prepare(wanted)
        for one in wanted:
            place = (one.number, len(self._plan), one.setting.name, one.seed)
            self._listener(RunBegin(*place))
            run = self._run(one)
            self._publish()
            self._listener(
                RunEnd(*place, run.seconds, run.heldout_loss, quality_of(run), run.problem)
            )
        self._tell_of_files_of_others()
        return self._publish()

    def _is_known(self, one: _Planned) -> bool:
        if one.digest not in self._results:
            return False
        # What diverges has no model.
        without_model = not self._keep_models or bool(self._results[one.digest].problem)
        return without_model or self._results.is_of(self._model_path(one), one.digest)

    def _log_path(self, one: _Planned) -> Path:
        return self._folder / f"{one.stem}.jsonl"

    def _model_path(self, one: _Planned) -> Path:
        return self._folder / f"{one.stem}.safetensors"

    def _prepare(self, wanted: Iterable[_Planned]) -> None:
        experiment = self._experiment
        if wanted:
            self._listener(Preparing(len({one.setting.name for one in wanted})))
        for measured in (True, False):
            prepare(
                [
                    one.setting.config
                    for one in wanted
                    if experiment.has_heldout_loss(one.setting) == measured
                ],
                heldout=measured,
                normalize_exactly=experiment.normalize_exactly,
            )

    def _tell_of_heldout_losses(self) -> None:
        experiment = self._experiment
        without = [one for one in experiment.settings if not experiment.has_heldout_loss(one)]
        if experiment.heldout is not None and without:
            names = ", ".join(one.name for one in without)
            self._listener(
                Notice(
                    f"there is no held-out loss of {names}: the scores of loss ns and sampled are "
                    "no probabilities (normalize_exactly = true measures their softmax)"
                )
            )

    def _tell_of_unused_settings(self) -> None:
        names: dict[Config, str] = {}
        for one in self._experiment.settings:
            if one.unused:
                told = without_effect(one.unused, one.config)
                self._listener(Notice(f"setting '{one.name}': {told}"))
            same = names.setdefault(effective(one.config), one.name)
            if same != one.name:
                self._listener(Notice(f"settings '{same}' and '{one.name}' come to the same"))

    def _tell_of_files_of_others(self) -> None:
        """Tell of files that have the name of a run, but are of one with other settings."""
        others = [
            file.name
            for one in self._plan
            for file in (self._log_path(one), self._model_path(one))
            if file.exists() and not self._results.is_of(file, one.digest)
        ]
        if others:
            names = ", ".join(others)
            self._listener(Notice(f"of other runs than those of the tables: {names}"))

    def _run(self, one: _Planned) -> Run:
        files = [self._log_path(one), *([self._model_path(one)] if self._keep_models else [])]
        self._results.disown(*files)
        run = Run(digest=one.digest, setting=one.setting.name, seed=one.seed)
        config = one.setting.config.replace(seed=one.seed)
        ends: list[EpochEnd] = []
        with Log(str(self._log_path(one))) as log:
            log.write("Settings", config=config.to_dict(), setting=run.setting)

            def listen(event: Event) -> None:
                log.listen(event)
                if isinstance(event, EpochEnd):
                    ends.append(event)
                self._listener(event)

            try:
                model = self._train(one.setting, config, listen)
            except DivergedError as error:
                run = replace(run, problem=as_keys(str(error)))
                del files[1:]
            else:
                if self._keep_models:
                    model.save(self._model_path(one), force=True)
                run = self._measured(run, model, ends[-1])
            log.write("Summary", **asdict(run))
        self._results.add(run, *files)
        return run

    def _train(self, setting: Setting, config: Config, listener: Listener) -> Model:
        experiment, texts = self._experiment, self._texts
        if not experiment.has_heldout_loss(setting):
            texts = replace(texts, heldout=None)
        exactly = experiment.normalize_exactly
        return train_on(texts, config, normalize_exactly=exactly, listener=listener)

    def _measured(self, run: Run, model: Model, end: EpochEnd) -> Run:
        unit, index = model.unit_vectors, model.vocabulary.index
        experiment = self._experiment
        seconds = float(model.info["seconds"]["training"])
        return replace(
            run,
            seconds=seconds,
            words_per_second=end.tokens / seconds,
            heldout_loss=end.heldout_loss,
            evaluation=Evaluation(
                tuple(evaluate_pairs(unit, index, test) for test in experiment.pairs),
                tuple(evaluate_analogies(unit, index, test) for test in experiment.analogies),
            ),
            versions=model.info["versions"],
        )

    def _publish(self) -> Comparison:
        """Write the tables of what is known."""
        experiment = self._experiment
        plan = sorted(
            (one for one in self._plan if one.digest in self._results),
            key=lambda one: experiment.settings.index(one.setting),
        )
        comparison = Comparison(
            experiment.name,
            experiment.common,
            experiment.settings,
            experiment.seeds,
            self._texts.corpus.tokens,
            tuple(replace(self._results[one.digest], setting=one.setting.name) for one in plan),
        )
        write_text(self._folder / TABLES, [comparison.markdown()], force=True)
        write_text(self._folder / RECORDS, [comparison.csv()], force=True)
        return comparison
