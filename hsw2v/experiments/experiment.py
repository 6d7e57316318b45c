"""An experiment: which settings are compared, and by what, read from a TOML file and checked."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hsw2v.config import (
    TREES,
    Config,
    CorpusConfig,
    GraphConfig,
    check_plain,
    from_tables,
    named,
    nearest,
    read_tables,
    sections,
)
from hsw2v.corpus.lists import read_lists
from hsw2v.errors import UsageError
from hsw2v.events import ignore
from hsw2v.files import expand_sources, is_address
from hsw2v.network.outputs import is_normalized, unused_settings
from hsw2v.query.labels import WordLabels, check_protocol, read_labels
from hsw2v.query.testsets import AnalogyQuestions, WordPairs, read_analogies, read_pairs
from hsw2v.training.checks import check_training
from hsw2v.training.initial import InitialVectors
from hsw2v.trees.codes import Codes

TestSet = TypeVar("TestSet", WordPairs, AnalogyQuestions, WordLabels)
Value = TypeVar("Value")
KEYS = ("name", "seeds", "pairs", "analogies", "labels", "heldout", "normalize_exactly")
"""Of the section [experiment]; the other sections are those of a settings file."""


@dataclass(frozen=True)
class Setting:
    """Settings of a training, with a name."""

    name: str
    config: Config
    """Resolved; its seed is ignored."""
    given: Mapping[str, Any]
    """Its own settings, over the common ones."""

    @property
    def stem(self) -> str:
        """The name as part of a file name."""
        return re.sub(r"[^\w.+-]+", "-", self.name).strip(".-") or "setting"

    @property
    def unused(self) -> list[str]:
        """The names of its own settings that have no effect."""
        return [name for name in unused_settings(self.config) if name in self.given]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Settings that are trained on one corpus or graph, each with every seed, and their test sets.

    The first of the settings is the baseline.
    """

    name: str
    settings: tuple[Setting, ...]
    common: Mapping[str, Any] = field(default_factory=dict)
    """The settings that all have in common, unless they override them."""
    seeds: tuple[int, ...] = (1,)
    pairs: tuple[WordPairs, ...] = ()
    analogies: tuple[AnalogyQuestions, ...] = ()
    labels: tuple[WordLabels, ...] = ()
    heldout: str | None = None
    """A text whose exact loss is measured after every epoch."""
    normalize_exactly: bool = False
    """Measure it for loss ns and sampled too, by the softmax of their scores over all words."""
    codes: dict[str, Codes] = field(init=False, default_factory=dict, compare=False, repr=False)
    """The trees that are files, by the names of the settings."""

    def __post_init__(self) -> None:
        """Check the experiment, before any work.

        Raises:
            UsageError: there is no setting, or no seed; two things have one name, or two settings
                are the same; training refuses a setting, or a setting has its own [corpus], or
                reads the graph in its own way; `normalize_exactly` is set without a held-out text.
            MissingInputError: the file of a tree, or the held-out text, is not there; there are
                labels, and scikit-learn is not installed.
            CorruptInputError, EncodingError: the file of a tree is not a tree.
        """
        if not self.settings:
            raise UsageError("there is no setting to compare", hint="add a section [[setting]]")
        if not self.seeds:
            raise UsageError("there is no seed", hint="give seeds = [1]")
        self._check_names()
        if self.normalize_exactly and self.heldout is None:
            raise UsageError(
                "normalize_exactly needs a held-out loss, and there is no held-out text",
                hint="give heldout = 'FILE', or leave it out",
            )
        names: dict[Config, str] = {}
        for one in self.settings:
            with named(f"setting '{one.name}'"):
                self._check_reading(one.config)
                same = names.setdefault(one.config, one.name)
                if same != one.name:
                    raise UsageError(f"is the same as setting '{same}'", hint="leave one out")
                codes = check_training(one.config.training, heldout=False)
                read_lists(one.config, ignore)
                InitialVectors.of(one.config.training)
                if codes is not None:
                    self.codes[one.name] = codes
        if self.heldout is not None:
            with named("heldout"):
                expand_sources([self.heldout])
        if self.labels:
            check_protocol()

    def _check_reading(self, config: Config) -> None:
        if config.corpus != self.corpus:
            raise UsageError(
                "has settings of the corpus, which is read only once",
                hint="put them under [corpus]",
            )
        if _graph_reading(config) != _graph_reading(self.settings[0].config):
            raise UsageError(
                "reads the graph in its own way, and it is read only once",
                hint="put directed and graph_format under [graph]",
            )

    @property
    def test_sets(self) -> tuple[WordPairs | AnalogyQuestions | WordLabels, ...]:
        """All of them."""
        return (*self.pairs, *self.analogies, *self.labels)

    def _check_names(self) -> None:
        for what, names in (
            ("seeds are", self.seeds),
            ("settings are named", [one.name for one in self.settings]),
            ("test sets are named", [stem(one.name) for one in self.test_sets]),
            # There are file systems where A and a are one file.
            ("settings have the file name", [one.stem.casefold() for one in self.settings]),
        ):
            if doubled := [name for name, times in Counter(names).items() if times > 1]:
                raise UsageError(f"two {what} {doubled[0]!r}", hint="change or remove one of them")

    @property
    def corpus(self) -> CorpusConfig:
        """How the corpus is read."""
        return self.settings[0].config.corpus

    def spared(self) -> frozenset[str]:
        """Return the words of any setting that `max_types` is not to drop."""
        lists = [read_lists(one.config, ignore) for one in self.settings]
        return frozenset().union(*(one.spared(self.corpus) for one in lists))

    def has_heldout_loss(self, setting: Setting) -> bool:
        """Tell whether a held-out loss is measured with a setting."""
        normalized = is_normalized(setting.config.training.loss)
        return self.heldout is not None and (normalized or self.normalize_exactly)


def _graph_reading(config: Config) -> tuple[bool, str]:
    graph = config.graph or GraphConfig()
    return graph.directed, graph.graph_format


def stem(name: str) -> str:
    """Return the name of a test set in tables: that of its file without extensions."""
    return name.split(".", 1)[0] or name


def read_experiment(path: str | os.PathLike[str], defaults: Config | None = None) -> Experiment:
    """Read an experiment from a TOML file; paths in it are relative to its folder.

    Settings that it does not have are those of `defaults` (default: those for a text).

    Raises:
        MissingInputError: the file, or one that it names, cannot be read.
        CorruptInputError, EncodingError: a test set, or the file of a tree, is malformed.
        UsageError: the file is not TOML, or not an experiment that can be done.
    """
    where = os.fspath(path)
    tables = read_tables(path)
    with named(where):
        return _experiment(tables, where, defaults)


def _experiment(tables: Mapping[str, Any], where: str, defaults: Config | None) -> Experiment:
    known = ("experiment", "setting", *sections())
    for name in tables:
        if name not in known:
            raise UsageError(f"unknown section [{name}]", hint=nearest(name, known))
    own = tables.get("experiment", {})
    if not isinstance(own, dict):
        raise UsageError("'experiment' is not a section", hint="write [experiment]")
    for name in own:
        if name not in KEYS:
            raise UsageError(f"unknown key '{name}' in [experiment]", hint=nearest(name, KEYS))
    common = {name: values for name, values in tables.items() if name in sections()}
    base = from_tables(common, defaults)
    if "seed" in common.get("training", {}):
        raise _seed_elsewhere()
    heldout, exactly = own.get("heldout"), own.get("normalize_exactly", False)
    seeds = _typed("seeds", own.get("seeds", [1]), list, "a list of whole numbers")
    return Experiment(
        name=_text("name", own.get("name", Path(where).stem)),
        settings=tuple(_settings(tables.get("setting", []), base, where)),
        common={name: value for values in common.values() for name, value in values.items()},
        seeds=tuple(Config().replace(seed=one).training.seed for one in seeds),
        pairs=tuple(_test_sets("pairs", read_pairs, own, where)),
        analogies=tuple(_test_sets("analogies", read_analogies, own, where)),
        labels=tuple(_test_sets("labels", read_labels, own, where)),
        heldout=None if heldout is None else _beside(where, _text("heldout", heldout)),
        normalize_exactly=_typed("normalize_exactly", exactly, bool, "true or false"),
    )


def _settings(tables: Any, base: Config, where: str) -> Iterable[Setting]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise UsageError("'setting' is not a list of sections", hint="write [[setting]]")
    for number, table in enumerate(tables, 1):
        values = dict(table)
        if "name" not in values:
            raise UsageError(f"setting {number} has no name", hint="give it a name = '...'")
        name = _text("name", values.pop("name"))
        if "seed" in values:
            raise _seed_elsewhere()
        with named(f"setting '{name}'"):
            check_plain(values)
            config = base.replace(**values)
        files = config.files
        if config.training.tree not in TREES:
            files["tree"] = config.training.tree
        config = config.replace(**{key: _beside(where, file) for key, file in files.items()})
        yield Setting(name, config.resolved(), values)


def _seed_elsewhere() -> UsageError:
    return UsageError(
        "every setting is trained with every seed", hint="list them: seeds = [1, 2] in [experiment]"
    )


def _typed(name: str, value: Any, kind: type[Value], what: str) -> Value:
    if not isinstance(value, kind):
        raise UsageError(f"{name} is {value!r}", hint=f"it must be {what}")
    return value


def _text(name: str, value: Any) -> str:
    if not _typed(name, value, str, "a string").strip():
        raise UsageError(f"{name} is empty", hint="it must not be blank")
    return str(value)


def _test_sets(
    name: str, read: Callable[[str], TestSet], own: Mapping[str, Any], where: str
) -> Iterable[TestSet]:
    for one in _typed(name, own.get(name, []), list, "a list of files"):
        path = _beside(where, _text(f"an item of {name}", one))
        with named(name):
            yield read(path)


def _beside(where: str, name: str) -> str:
    """Return the path of a file that is named relative to the folder of `where`."""
    return name if is_address(name) else os.path.join(os.path.dirname(where), name)
