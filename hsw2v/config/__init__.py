"""Every setting of a training run: its default, meaning and bounds.

Command line options, TOML files and Python keywords are made from these dataclasses. Options go
before the TOML file, the file before the defaults.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hsw2v.config.given import GivenWords
from hsw2v.config.settings import (
    FORM,
    LISTS,
    PHRASE_SETTINGS,
    RENAMED,
    CorpusConfig,
    GraphConfig,
    VocabularyConfig,
)
from hsw2v.config.synonyms import SYNONYMS
from hsw2v.config.training import (
    ALWAYS_TRAINED,
    BESIDE_SAMPLING,
    CLASS_NODE_SAMPLE,
    CLASSES,
    DEFAULT_LR,
    DEFAULT_REBUILD_AT,
    DEFAULT_REBUILD_EVERY,
    FEWEST_EPOCHS,
    LEAST_NODE_SAMPLE,
    LOSSES,
    MOST_EPOCHS,
    OPTIMIZERS,
    PASSED_TOKENS,
    SEVERAL_TREES,
    SUBWORD_LR,
    TREE_LOSSES,
    TREES,
    TrainingConfig,
)
from hsw2v.config.values import bounds, checked, type_of
from hsw2v.errors import Hsw2vError, MissingInputError, UsageError, without_credentials

__all__ = [
    "CLASSES",
    "FORM",
    "LISTS",
    "LOSSES",
    "MOST_EPOCHS",
    "OPTIMIZERS",
    "PHRASE_SETTINGS",
    "RENAMED",
    "TREES",
    "TREE_LOSSES",
    "Config",
    "CorpusConfig",
    "GivenWords",
    "GraphConfig",
    "TrainingConfig",
    "VocabularyConfig",
    "as_keys",
    "bounds",
    "check_plain",
    "cores",
    "from_tables",
    "known_settings",
    "named",
    "nearest",
    "no_effect",
    "read_config",
    "read_tables",
    "sections",
    "type_of",
]


@dataclass(frozen=True, kw_only=True)
class Config:
    """All settings of a run."""

    corpus: CorpusConfig = field(default_factory=CorpusConfig)
    vocabulary: VocabularyConfig = field(default_factory=VocabularyConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    graph: GraphConfig | None = None
    """Of a run on walks over a graph; None for a text."""

    def __post_init__(self) -> None:
        """Check every value, and keep numbers as Python's own.

        Raises:
            UsageError: a value is of the wrong type, out of its bounds, or not written well.
        """
        for section in dataclasses.fields(self):
            part = getattr(self, section.name)
            if part is None:
                continue
            sound = {
                one.name: checked(one, getattr(part, one.name)) for one in dataclasses.fields(part)
            }
            if sound.get("min_count") == 0:
                sound["min_count"] = 1
            object.__setattr__(self, section.name, dataclasses.replace(part, **sound))
        # As it is written, which is found out when it is taken apart.
        training, corpus = self.training, self.corpus
        _ = training.phases, training.tables_folder, training.ngram_lengths
        _ = corpus.score_threshold, corpus.delimiter

    def replace(self, **settings: Any) -> Config:
        """Return a copy with some settings changed, named without their section.

        Raises:
            UsageError: no setting has that name, or a value is out of bounds.
        """
        known = {one.name: section for section, some in sections().items() for one in some}
        changed: dict[str, dict[str, Any]] = {section: {} for section in sections()}
        for name, value in settings.items():
            if name not in known:
                raise UsageError(f"unknown setting '{name}'", hint=nearest(name, known))
            changed[known[name]][name] = value
        parts: dict[str, Any] = {
            section: dataclasses.replace(getattr(self, section) or GraphConfig(), **values)
            for section, values in changed.items()
        }
        found = Config(**parts)
        if self.graph is None and found.graph == GraphConfig():
            return dataclasses.replace(found, graph=None)
        return found

    def resolved(self, tokens: int | None = None) -> Config:
        """Return a copy with the defaults that depend on something filled in.

        `tokens` is the length of the corpus. Without it `epochs`, `rebuild_at` and `node_sample`
        may stay None.
        """
        training = self.training
        epochs = training.epochs
        if epochs is None and tokens is not None:
            epochs = _default_epochs(tokens)
        defaults: dict[str, Any] = {
            "epochs": epochs,
            "lr": _default_lr(training),
            "threads": cores(),
            "rebuild_every": DEFAULT_REBUILD_EVERY[training.model],
        }
        if epochs is not None:
            at = DEFAULT_REBUILD_AT[training.model]
            defaults["rebuild_at"] = min(at, epochs / 2) if epochs > 1 else 0.0
        if training.loss == "class":
            defaults["node_sample"] = CLASS_NODE_SAMPLE
        elif epochs is not None and tokens is not None:
            rebuild_at = training.rebuild_at
            at = defaults["rebuild_at"] if rebuild_at is None else rebuild_at
            rebuilt = at > 0.0 or len(training.phases) > 1
            node_sample = _default_node_sample(tokens * epochs, training.dim)
            if "hs+ns" in training.losses:
                # Negative sampling does what the frequent nodes would.
                node_sample *= BESIDE_SAMPLING
            elif training.num_trees > 1 and training.tree == "semantic" and rebuilt:
                # And so do those of the other trees.
                node_sample *= SEVERAL_TREES
            defaults["node_sample"] = node_sample
        unset = {name: one for name, one in defaults.items() if getattr(training, name) is None}
        # Threads of one worker on the same tables are Hogwild.
        alone = training.engine == "ray" and training.worker_threads == 1
        deterministic = training.deterministic or training.engine == "local" or alone
        return self.replace(**unset, deterministic=deterministic)

    @property
    def files(self) -> dict[str, str]:
        """The files that are read besides texts, by the names of their settings."""
        named = {one: getattr(self.vocabulary, one) for one in LISTS}
        named |= {"tree": self.training.tree_file, "init": self.training.init}
        named["connector_words"] = self.corpus.connector_file
        return {name: file for name, file in named.items() if isinstance(file, str)}

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the settings as section -> name -> value, as in a TOML file; see `shown`."""
        parts = dataclasses.asdict(self).items()
        return {name: shown(values) for name, values in parts if values is not None}


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by name as they may be shown and kept: addresses have no credentials."""
    return {
        name: without_credentials(str(one)) if isinstance(one, str | GivenWords) else one
        for name, one in settings.items()
    }


def _default_lr(training: TrainingConfig) -> float:
    if training.subwords and training.optimizer == "sgd":
        return SUBWORD_LR
    return DEFAULT_LR[training.optimizer][training.model]


def _default_epochs(tokens: int) -> int:
    # A small corpus needs more epochs; more than these bring little.
    return min(max(-(-PASSED_TOKENS // max(tokens, 1)), FEWEST_EPOCHS), MOST_EPOCHS)


def _default_node_sample(passed: int, dim: int) -> float:
    # The fewer tokens all epochs pass, and the more dimensions, the fewer decisions can be skipped.
    return min(max(ALWAYS_TRAINED * dim / max(passed, 1), LEAST_NODE_SAMPLE), 1.0)


def sections() -> dict[str, tuple[dataclasses.Field[Any], ...]]:
    """Return the settings by section, in order, as command line and docs show them."""
    default = Config(graph=GraphConfig())
    return {
        section.name: dataclasses.fields(getattr(default, section.name))
        for section in dataclasses.fields(default)
    }


def read_config(path: str | os.PathLike[str], base: Config | None = None) -> Config:
    """Read a TOML file of settings over `base` (default: the defaults).

    Raises:
        MissingInputError: the file cannot be read.
        UsageError: it is not TOML, or has an unknown section or key, or a value out of bounds.
    """
    tables = read_tables(path)
    with named(os.fspath(path)):
        return from_tables(tables, base)


def read_tables(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a TOML file as it is.

    Raises:
        MissingInputError: the file cannot be read.
        UsageError: it is not TOML.
    """
    where = os.fspath(path)
    try:
        text = Path(path).read_bytes().decode()
        # For a key of n parts, a.b.c, tomllib takes memory of n².
        if _LONG_KEY.search(_NO_KEYS.sub("", text)):
            raise RecursionError
        tables = tomllib.loads(text)
        _check_values(tables)
        return tables
    except OSError as error:
        raise MissingInputError(
            f"cannot be read ({error.strerror})", where=where, hint="check the path"
        ) from error
    except RecursionError as error:
        raise UsageError("is nested too deep", where=where, hint="see configs/") from error
    except ValueError as error:
        # Not TOML, not UTF-8, or a number of thousands of digits.
        raise UsageError(f"is not TOML ({error})", where=where, hint="see configs/") from error


def _check_values(tables: dict[str, Any]) -> None:
    """Check that every value can be shown in an error.

    Raises:
        ValueError: a whole number has thousands of digits, as only hexadecimal ones can.
        RecursionError: tables or lists are nested more than `_DEEPEST` levels.
    """
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        if any(isinstance(one, int) and one.bit_length() > _MOST_BITS for one in level):
            raise ValueError(f"a whole number has more than {_MOST_BITS} bits")
        nested = [one for one in level if isinstance(one, dict | list)]
        level = [
            one for some in nested for one in (some.values() if isinstance(some, dict) else some)
        ]
        if not level:
            return
    raise RecursionError


@contextmanager
def named(where: str) -> Iterator[None]:
    """Put the name of a file before the `where` of errors about its content."""
    try:
        yield
    except Hsw2vError as error:
        place = f"{where}, {error.where}" if error.where else where
        raise type(error)(error.what, where=place, hint=as_keys(error.hint)) from error


def as_keys(hint: str) -> str:
    """Return a hint with options of the command line written as keys of a file."""
    return _OPTION.sub(lambda option: option[1].replace("-", "_"), hint)


_DEEPEST = 50
_NO_KEYS = re.compile(r"""#[^\n]*+|'[^'\n]*+'?|"(?:[^"\\\n]|\\.)*+"?""")
"""Comments and strings."""
_LONG_KEY = re.compile(rf"(?:\.[ \t\w-]*+){{{_DEEPEST}}}")
_MOST_BITS = 10_000
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def from_tables(tables: Mapping[str, Any], base: Config | None = None) -> Config:
    """Return settings given as section -> name -> value, over `base` (default: the defaults).

    Raises:
        UsageError: a section or a name is unknown, or a value is out of bounds.
    """
    known = sections()
    settings: dict[str, Any] = {}
    for section, values in tables.items():
        if section not in known or not isinstance(values, dict):
            raise UsageError(
                f"unknown section [{section}]"
                if isinstance(values, dict)
                else f"the key '{section}' is outside a section",
                hint="the sections are " + ", ".join(f"[{name}]" for name in known),
            )
        names = [one.name for one in known[section]]
        for name, value in values.items():
            if name not in names:
                raise UsageError(f"unknown key '{name}' in [{section}]", hint=nearest(name, names))
            settings[name] = value
    check_plain(settings)
    return (base or Config()).replace(**settings)


def check_plain(settings: Mapping[str, Any]) -> None:
    """Make sure that settings of a file name files of words: words themselves are Python's.

    Raises:
        UsageError: one does not.
    """
    for name in (*LISTS, "connector_words"):
        if isinstance(value := settings.get(name), list | dict):
            raise UsageError(f"{name} is {value}", hint="it must be a string, the name of a file")


def known_settings(
    tables: Mapping[str, Mapping[str, Any]], names: Collection[str] | None = None
) -> Config:
    """Return the settings that a model was trained with, or some of them by name; else defaults.

    `tables` may be of another version: missing settings keep their default and unknown ones are
    ignored. Without `node_sample`, every decision was trained.
    """
    known: dict[str, Any] = {}
    for section, settings in sections().items():
        given = {RENAMED.get(name, name): one for name, one in tables.get(section, {}).items()}
        known |= {one.name: given[one.name] for one in settings if one.name in given}
    known["node_sample"] = known.get("node_sample") or 0.0
    return Config().replace(
        **{name: one for name, one in known.items() if names is None or name in names}
    )


def no_effect(unused: Collection[str]) -> str:
    """Return the beginning of the sentence that settings have no effect."""
    return " and ".join(unused) + (" have" if len(unused) > 1 else " has") + " no effect"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the hint for an unknown name: its name now or here, the most similar one, or all."""
    if name in RENAMED:
        return f"it is called '{RENAMED[name]}' now"
    names = list(names)
    if SYNONYMS.get(name) in names:
        return f"did you mean '{SYNONYMS[name]}'?"
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else "known are " + ", ".join(names)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
