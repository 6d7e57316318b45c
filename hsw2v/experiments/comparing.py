"""`compare`: every setting of an experiment in turn, on one reading of a corpus."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from hsw2v.config import Config, VocabularyConfig, as_keys, named
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.lists import read_lists
from hsw2v.corpus.sources import Path as PathLike
from hsw2v.corpus.sources import Source
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import choose_words
from hsw2v.errors import DivergedError, OutputError, OutputExistsError
from hsw2v.events import EpochEnd, Event, Listener, Notice, Preparing, RunBegin, RunEnd, ignore
from hsw2v.experiments.comparison import Comparison, quality_of
from hsw2v.experiments.corpora import Corpora, on_what, read_corpora
from hsw2v.experiments.experiment import Experiment, Setting, read_experiment
from hsw2v.experiments.panels import draw
from hsw2v.experiments.preparing import prepare
from hsw2v.experiments.results import Digests, Results, Run
from hsw2v.files import check_writable, explain_write_error, write_text
from hsw2v.graphs.graph import Graph
from hsw2v.model import Model
from hsw2v.network.outputs import effective
from hsw2v.plots import check_figure
from hsw2v.progress import with_progress
from hsw2v.training.api import train_on
from hsw2v.training.checks import check_on, without_effect
from hsw2v.training.graphs import defaults
from hsw2v.training.log import Log

RESULTS = "results.json"
TABLES, RECORDS = "results.md", "results.csv"
FIGURE = "comparison.svg"


@with_progress
def compare(
    experiment: Experiment | PathLike,
    corpus: Source | None = None,
    folder: PathLike | None = None,
    *,
    graph: Graph | PathLike | None = None,
    plot: bool = False,
    keep_models: bool = False,
    listener: Listener = ignore,
    progress: bool = False,
) -> Comparison:
    """Train with every setting and every seed of an experiment, and compare the results.

    The experiment is a TOML file, the corpus what `hsw2v.train` takes; it is read once. In place of
    a corpus `graph` is a `Graph` or the path of one, which is read once; each run is on the walks
    that `train` makes with its settings and its seed, and defaults are those for a graph. Within a
    seed, settings are trained in turn, so that other load on the machine falls on all of them. The
    folder (default: the name of the experiment without .toml, in the current folder) gets
    `results.json`, `results.md` and `results.csv`, written after each run, a log of each run
    (`SETTING-SEED.jsonl`), with `keep_models` its model, and with `plot` at the end a figure,
    `comparison.svg`, for which matplotlib is needed. Runs that are in `results.json` are not run
    again: after an interrupt the same call continues, and settings that were changed are run again.
    A setting with which training diverges has no figures.

    Raises:
        UsageError: the experiment cannot be done, or matplotlib is not installed; or there are
            neither a corpus nor a graph, or both.
        MissingInputError, CorruptInputError, EncodingError: the corpus, the graph or a file of the
            experiment cannot be read.
        OutputExistsError: the folder holds files of something else.
        OutputError, DiskFullError: the folder cannot be written to.
        EmptyCorpusError, ResourceError: as `train`.
    """
    if isinstance(experiment, Experiment):
        name = experiment.name
    else:
        name = Path(experiment).stem
        experiment = read_experiment(experiment, defaults(graph))
    place = Path(folder or name)
    chosen = on_what(experiment, corpus, graph, listener)
    with (
        _results_in(place, plot) as results,
        read_corpora(chosen, corpus, graph, listener) as corpora,
    ):
        found = _Comparing(chosen, corpora, results, place, keep_models, listener).work()
    if plot:
        draw(found, place / FIGURE)
    return found


@contextmanager
def _results_in(folder: Path, plot: bool) -> Iterator[Results]:
    """Make the folder, and read its results; a folder made here that stays empty is removed."""
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


def _notes(experiment: Experiment) -> Iterator[str]:
    """Yield what a user should know of an experiment before it is done."""
    without = [one.name for one in experiment.settings if not experiment.has_heldout_loss(one)]
    if experiment.heldout is not None and without:
        yield (
            f"there is no held-out loss of {', '.join(without)}: the scores of loss ns and sampled "
            "are not normalised (normalize_exactly = true normalises them)"
        )
    names: dict[Config, str] = {}
    for one in experiment.settings:
        if one.unused:
            yield f"setting '{one.name}': {without_effect(one.unused, one.config)}"
        same = names.setdefault(effective(one.config), one.name)
        if same != one.name:
            yield f"settings '{same}' and '{one.name}' come to the same"


class _Planned(NamedTuple):
    """A run to be done, or done before."""

    number: int
    setting: Setting
    seed: int
    digest: str
    log: Path
    model: Path


class _Comparing:
    """An experiment under way."""

    def __init__(
        self,
        experiment: Experiment,
        corpora: Corpora,
        results: Results,
        folder: Path,
        keep_models: bool,
        listener: Listener,
    ) -> None:
        self._experiment, self._corpora, self._results = experiment, corpora, results
        self._folder, self._keep_models, self._listener = folder, keep_models, listener
        digests = Digests(experiment, corpora)
        turns = [(seed, one) for seed in experiment.seeds for one in experiment.settings]
        self._plan = [
            _Planned(
                number,
                one,
                seed,
                digests.of(one, seed),
                folder / f"{one.stem}-{seed}.jsonl",
                folder / f"{one.stem}-{seed}.safetensors",
            )
            for number, (seed, one) in enumerate(turns, 1)
        ]

    def work(self) -> Comparison:
        """Do the runs that have no results yet."""
        for message in _notes(self._experiment):
            self._listener(Notice(message))
        wanted = [one for one in self._plan if not self._is_known(one)]
        settings = {one.setting.name: one.setting for one in wanted}.values()
        self._check(settings)
        self._results.save()
        if wanted:
            self._listener(Preparing(len(settings)))
            has_loss = self._experiment.has_heldout_loss
            prepare(
                [(one.config, has_loss(one)) for one in settings],
                normalize_exactly=self._experiment.normalize_exactly,
            )
        for one in wanted:
            names = (one.number, len(self._plan), one.setting.name, one.seed)
            self._listener(RunBegin(*names))
            run = self._run(one)
            self._publish()
            self._listener(
                RunEnd(*names, run.seconds, run.heldout_loss, quality_of(run), run.problem)
            )
        others = [
            file.name
            for one in self._plan
            for file in (one.log, one.model)
            if file.exists() and not self._results.is_of(file, one.digest)
        ]
        if others:
            self._listener(Notice(f"of other runs than those of the tables: {', '.join(others)}"))
        return self._publish()

    def _check(self, settings: Iterable[Setting]) -> None:
        """Find out what training would refuse now that the corpus is read."""
        known: dict[tuple[EncodedCorpus, VocabularyConfig], Vocabulary] = {}
        for one in settings:
            corpus = self._corpora.of(one.config.replace(seed=self._experiment.seeds[0])).corpus
            chosen = one.config.vocabulary
            with named(f"setting '{one.name}'"):
                if (corpus, chosen) not in known:
                    lists = read_lists(one.config, ignore)
                    known[corpus, chosen] = choose_words(corpus, chosen, lists)[0]
                codes = self._experiment.codes.get(one.name)
                check_on(known[corpus, chosen], corpus.tokens, one.config, codes)

    def _is_known(self, one: _Planned) -> bool:
        run = self._results.get(one.digest)
        # A run that diverged has no model.
        wants_model = self._keep_models and run is not None and not run.problem
        return run is not None and (not wants_model or self._results.is_of(one.model, one.digest))

    def _run(self, one: _Planned) -> Run:
        files = [one.log, one.model] if self._keep_models else [one.log]
        self._results.disown(*files)
        run = Run(digest=one.digest, setting=one.setting.name, seed=one.seed)
        config = one.setting.config.replace(seed=one.seed)
        texts = self._corpora.of(config)
        if not self._experiment.has_heldout_loss(one.setting):
            texts = replace(texts, heldout=None)
        ends: list[EpochEnd] = []
        with Log(str(one.log)) as log:
            log.write("Settings", config=config.to_dict(), setting=run.setting)

            def listen(event: Event) -> None:
                log.listen(event)
                if isinstance(event, EpochEnd):
                    ends.append(event)
                self._listener(event)

            try:
                exactly = self._experiment.normalize_exactly
                model, seconds = train_on(texts, config, normalize_exactly=exactly, listener=listen)
            except DivergedError as error:
                run = replace(run, problem=as_keys(str(error)))
                files = [one.log]
            else:
                if self._keep_models:
                    model.save(one.model, force=True)
                run = self._measured(run, model, seconds, ends[-1])
            log.write("Summary", **asdict(run))
        self._results.add(run, *files)
        return run

    def _measured(self, run: Run, model: Model, seconds: float, end: EpochEnd) -> Run:
        experiment = self._experiment
        return replace(
            run,
            seconds=seconds,
            words_per_second=end.tokens / seconds,
            heldout_loss=end.heldout_loss,
            evaluation=model.evaluate_on(experiment.pairs, experiment.analogies),
            labels=tuple(
                model.evaluate_labels(labels, listener=self._listener)
                for labels in experiment.labels
            ),
            versions=model.info["versions"],
        )

    def _publish(self) -> Comparison:
        """Write the tables of all runs that have results, in order of the settings."""
        experiment = self._experiment
        runs = [
            replace(run, setting=setting.name)
            for setting in experiment.settings
            for one in self._plan
            if one.setting is setting and (run := self._results.get(one.digest))
        ]
        comparison = Comparison(
            experiment.name,
            experiment.common,
            experiment.settings,
            experiment.seeds,
            runs=tuple(runs),
            **self._corpora.sizes,
        )
        write_text(self._folder / TABLES, [comparison.markdown()], force=True)
        write_text(self._folder / RECORDS, [comparison.csv()], force=True)
        return comparison
