"""An experiment: which settings are compared, and by what, read from a TOML file and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hsw2v.config import (
    TREES,
    Config,
    CorpusConfig,
    from_tables,
    named,
    nearest,
    read_tables,
    sections,
)
from hsw2v.errors import UsageError
from hsw2v.files import expand_sources, is_address
from hsw2v.network.outputs import is_normalized, unused_settings
from hsw2v.query.testsets import AnalogyQuestions, WordPairs, read_analogies, read_pairs
from hsw2v.training.api import check_training

TestSet = TypeVar("TestSet", WordPairs, AnalogyQuestions)
Item = TypeVar("Item")
KEYS = ("name", "seeds", "pairs", "analogies", "heldout", "normalize_exactly")
"""Of the section [experiment]; the other sections are those of a settings file."""


@dataclass(frozen=True)
class Setting:
    """One way of training, with a name."""

    name: str
    config: Config
    """Resolved; its seed does not count."""
    given: Mapping[str, Any]
    """What it says itself, over what all have in common."""

    @property
    def stem(self) -> str:
        """The name as that of a file."""
        return re.sub(r"[^\w.+-]+", "-", self.name).strip(".-") or "setting"

    @property
    def unused(self) -> list[str]:
        """The names of what it says itself, but without effect."""
        return [name for name in unused_settings(self.config) if name in self.given]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Settings that are trained on one corpus, each with every seed, and what judges them.

    The first of the settings is the baseline.
    """

    name: str
    settings: tuple[Setting, ...]
    common: Mapping[str, Any] = field(default_factory=dict)
    """What holds for all settings that do not say otherwise."""
    seeds: tuple[int, ...] = (1,)
    pairs: tuple[WordPairs, ...] = ()
    analogies: tuple[AnalogyQuestions, ...] = ()
    heldout: str | None = None
    """A text whose exact loss is measured after every epoch."""
    normalize_exactly: bool = False
    """Measure it for loss ns and sampled too, by the softmax of their scores over all words."""

    def __post_init__(self) -> None:
        """Find out, before any work, what would go wrong in it.

        Raises:
            UsageError: there is no setting, or no seed; two things have one name, or two settings
                are the same; a setting is one that training refuses, or reads the corpus in a way
                of its own; a loss is to be normalized exactly of no held-out text.
            MissingInputError, CorruptInputError, EncodingError: the file of a tree or the held-out
                text is not there, or is no tree.
        """
        if not self.settings:
            raise UsageError("there is no setting to compare", hint="add a section [[setting]]")
        if not self.seeds:
            raise UsageError("there is no seed", hint="give seeds = [1]")
        self._check_names()
        if self.normalize_exactly and self.heldout is None:
            raise UsageError(
                "normalize_exactly is of a held-out loss, and there is no held-out text",
                hint="give heldout = 'FILE', or leave it out",
            )
        for number, one in enumerate(self.settings):
            with named(f"setting '{one.name}'"):
                self._check(one, self.settings[:number])
        if self.heldout is not None:
            with named("heldout"):
                expand_sources([self.heldout])

    def _check_names(self) -> None:
        if seeds := _two_alike(self.seeds):
            raise UsageError(f"seed {seeds[0]} stands twice", hint="leave one out")
        tests = [*(one.name for one in self.pairs), *(one.name for one in self.analogies)]
        for what, names in (
            ("settings", [one.name for one in self.settings]),
            ("test sets", [stem(one) for one in tests]),
        ):
            if same := _two_alike(names):
                hint = "give them names of their own"
                raise UsageError(f"two {what} are named '{same[0]}'", hint=hint)
        # There are file systems where A and a are one file.
        if alike := _two_alike(self.settings, lambda one: one.stem.casefold()):
            raise UsageError(
                f"settings '{alike[0].name}' and '{alike[1].name}' differ only in what the name of "
                "a file does not keep",
                hint="give them names that differ in more than capitals, spaces and signs",
            )

    def _check(self, setting: Setting, earlier: Iterable[Setting]) -> None:
        if setting.config.corpus != self.corpus:
            raise UsageError(
                "has settings of the corpus, which is read once for all",
                hint="put them under [corpus]",
            )
        for one in earlier:
            if one.config == setting.config:
                raise UsageError(f"is the same as setting '{one.name}'", hint="leave one out")
        check_training(setting.config.training, heldout=False)

    @property
    def corpus(self) -> CorpusConfig:
        """How the corpus is read."""
        return self.settings[0].config.corpus

    def has_heldout_loss(self, setting: Setting) -> bool:
        """Tell whether a held-out loss is measured with a setting."""
        normalized = is_normalized(setting.config.training.loss)
        return self.heldout is not None and (normalized or self.normalize_exactly)


def stem(name: str) -> str:
    """Return the name of a test set as tables have it: that of its file without extensions."""
    return name.split(".", 1)[0] or name


def read_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Read an experiment from a TOML file; files that it names are sought beside it.

    Raises:
        MissingInputError: the file, or one that it names, cannot be read.
        CorruptInputError, EncodingError: a test set is malformed, or the file of a tree.
        UsageError: the file is not TOML, or the experiment is not one that can be done.
    """
    where = os.fspath(path)
    tables = read_tables(path)
    with named(where):
        return _experiment(tables, where)


def _experiment(tables: Mapping[str, Any], where: str) -> Experiment:
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
    base = from_tables(common)
    if "seed" in common.get("training", {}):
        raise _seed_elsewhere()
    heldout = own.get("heldout")
    return Experiment(
        name=_text("name", own.get("name", Path(where).stem)),
        settings=tuple(_settings(tables.get("setting", []), base, where)),
        common={name: value for values in common.values() for name, value in values.items()},
        seeds=tuple(_seeds(own.get("seeds", [1]))),
        pairs=tuple(_test_sets("pairs", read_pairs, own, where)),
        analogies=tuple(_test_sets("analogies", read_analogies, own, where)),
        heldout=None if heldout is None else _beside(where, _text("heldout", heldout)),
        normalize_exactly=_truth("normalize_exactly", own.get("normalize_exactly", False)),
    )


def _settings(tables: Any, base: Config, where: str) -> Iterable[Setting]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise UsageError("'setting' is not a list of sections", hint="write [[setting]]")
    for number, table in enumerate(tables, 1):
        values = dict(table)
        if "name" not in values:
            raise UsageError(f"setting {number} has no name", hint="give each a name = '...'")
        name = _text("name", values.pop("name"))
        if "seed" in values:
            raise _seed_elsewhere()
        with named(f"setting '{name}'"):
            config = base.replace(**values)
        training = config.training
        if training.tree not in TREES:
            config = config.replace(tree=_beside(where, training.tree))
        yield Setting(name, config.resolved(), values)


def _seed_elsewhere() -> UsageError:
    return UsageError(
        "every setting is trained with every seed", hint="list them: seeds = [1, 2] in [experiment]"
    )


def _seeds(value: Any) -> Iterable[int]:
    if not isinstance(value, list):
        raise UsageError(f"seeds is {value!r}", hint="it must be a list of whole numbers")
    return (Config().replace(seed=one).training.seed for one in value)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{name} is {value!r}", hint="it must be a string")
    if not value.strip():
        raise UsageError(f"{name} is empty", hint="it must say something")
    return value


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}", hint="it must be true or false")
    return value


def _test_sets(
    name: str, read: Callable[[str], TestSet], own: Mapping[str, Any], where: str
) -> Iterable[TestSet]:
    value = own.get(name, [])
    if not isinstance(value, list):
        raise UsageError(f"{name} is {value!r}", hint="it must be a list of files")
    for one in value:
        path = _beside(where, _text(f"an item of {name}", one))
        with named(name):
            yield read(path)


def _beside(where: str, name: str) -> str:
    """Return a path that a file names, as seen from here."""
    return name if is_address(name) else os.path.join(os.path.dirname(where), name)


def _two_alike(items: Iterable[Item], by: Callable[[Item], Any] = str) -> tuple[Item, Item] | None:
    """Return the first two items that are the same in this respect, if there are any."""
    seen: dict[Any, Item] = {}
    for one in items:
        if (same := by(one)) in seen:
            return seen[same], one
        seen[same] = one
    return None
