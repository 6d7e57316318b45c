"""Every setting of a training run, once: its default, its meaning, its bounds.

The command line's options, the TOML files and the Python keywords are all made from these
dataclasses. Defaults < TOML file < options given.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hsw2v.config.settings import (
    ALWAYS_TRAINED,
    CLASS_NODE_SAMPLE,
    CLASSES,
    DEFAULT_LR,
    DEFAULT_REBUILD_AT,
    DEFAULT_REBUILD_EVERY,
    FEWEST_EPOCHS,
    LARGEST,
    LEAST_NODE_SAMPLE,
    LOSSES,
    MOST_EPOCHS,
    OPTIMIZERS,
    PASSED_TOKENS,
    RENAMED,
    TREES,
    CorpusConfig,
    TrainingConfig,
    VocabularyConfig,
)
from hsw2v.config.values import bounds, checked
from hsw2v.errors import Hsw2vError, MissingInputError, UsageError

__all__ = [
    "CLASSES",
    "LARGEST",
    "LOSSES",
    "MOST_EPOCHS",
    "OPTIMIZERS",
    "RENAMED",
    "TREES",
    "Config",
    "CorpusConfig",
    "TrainingConfig",
    "VocabularyConfig",
    "as_keys",
    "bounds",
    "default_epochs",
    "default_node_sample",
    "from_tables",
    "known_settings",
    "named",
    "nearest",
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

    def __post_init__(self) -> None:
        """Check every value, and keep numbers as Python's own.

        Raises:
            UsageError: a value is of the wrong type or out of its bounds.
        """
        for section in dataclasses.fields(self):
            part = getattr(self, section.name)
            types = _types(type(part))
            sound = {
                one.name: checked(one, getattr(part, one.name), types[one.name])
                for one in dataclasses.fields(part)
            }
            object.__setattr__(self, section.name, dataclasses.replace(part, **sound))

    def replace(self, **settings: Any) -> Config:
        """Return a copy with some settings changed, named without their section.

        Raises:
            UsageError: no setting has that name, or a value is out of bounds.
        """
        changed: dict[str, dict[str, Any]] = {}
        for name, value in settings.items():
            changed.setdefault(_section_of(name), {})[name] = value
        return Config(
            **{
                section.name: dataclasses.replace(
                    getattr(self, section.name), **changed.get(section.name, {})
                )
                for section in dataclasses.fields(self)
            }
        )

    def resolved(self, tokens: int | None = None) -> Config:
        """Return a copy in which every default that depends on something is a number.

        `tokens` is the length of the corpus. As long as that is not known, what depends on it is
        left open: `epochs`, `rebuild_at` and `node_sample`.
        """
        training = self.training
        epochs = training.epochs
        if epochs is None and tokens is not None:
            epochs = default_epochs(tokens)
        node_sample = training.node_sample
        if node_sample is None and training.loss == "class":
            node_sample = CLASS_NODE_SAMPLE
        elif node_sample is None and epochs is not None and tokens is not None:
            node_sample = default_node_sample(tokens * epochs, training.dim)
        rebuild_at = training.rebuild_at
        if rebuild_at is None and epochs is not None:
            at = DEFAULT_REBUILD_AT[training.model]
            rebuild_at = min(at, epochs / 2) if epochs > 1 else 0.0
        return self.replace(
            epochs=epochs,
            rebuild_at=rebuild_at,
            lr=DEFAULT_LR[training.optimizer][training.model]
            if training.lr is None
            else training.lr,
            threads=_cores() if training.threads is None else training.threads,
            node_sample=node_sample,
            rebuild_every=DEFAULT_REBUILD_EVERY[training.model]
            if training.rebuild_every is None
            else training.rebuild_every,
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the settings as section -> name -> value, as in a TOML file."""
        return dataclasses.asdict(self)


def default_epochs(tokens: int) -> int:
    """Return the passes over a corpus of so many tokens that are made by default.

    A small text has to be passed more often; more passes than this bring little.
    """
    return min(max(-(-PASSED_TOKENS // max(tokens, 1)), FEWEST_EPOCHS), MOST_EPOCHS)


def default_node_sample(passed: int, dim: int) -> float:
    """Return the threshold of subsampling decisions if all epochs pass so many tokens.

    The less a node is trained, and the more numbers it has to learn, the less can be spared.
    """
    return min(max(ALWAYS_TRAINED * dim / max(passed, 1), LEAST_NODE_SAMPLE), 1.0)


def sections() -> dict[str, tuple[dataclasses.Field[Any], ...]]:
    """Return the settings by section, in order: what the command line and the docs are made of."""
    return {
        section.name: dataclasses.fields(get_type_hints(Config)[section.name])
        for section in dataclasses.fields(Config)
    }


def type_of(one: dataclasses.Field[Any]) -> type:
    """Return the plain type of a setting, without its None."""
    owner = get_type_hints(Config)[_section_of(one.name)]
    hint = _types(owner)[one.name]
    plain: type = next((t for t in get_args(hint) if t is not type(None)), hint)
    return plain


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
        return tomllib.loads(Path(path).read_bytes().decode())
    except OSError as error:
        raise MissingInputError(
            f"cannot be read ({error.strerror})", where=where, hint="check the path"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"is not TOML ({error})", where=where, hint="see configs/") from error


@contextmanager
def named(where: str) -> Iterator[None]:
    """Name the place in complaints about what a file says, before what they name themselves."""
    try:
        yield
    except Hsw2vError as error:
        place = f"{where}, {error.where}" if error.where else where
        raise type(error)(error.what, where=place, hint=as_keys(error.hint)) from error


def as_keys(hint: str) -> str:
    """Return a hint with the keys of a file in the place of options of the command line."""
    return _OPTION.sub(lambda option: option[1].replace("-", "_"), hint)


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
                else f"the key '{section}' stands outside a section",
                hint="the sections are " + ", ".join(f"[{name}]" for name in known),
            )
        names = [one.name for one in known[section]]
        for name, value in values.items():
            if name not in names:
                raise UsageError(f"unknown key '{name}' in [{section}]", hint=nearest(name, names))
            settings[name] = value
    return (base or Config()).replace(**settings)


def known_settings(
    tables: Mapping[str, Mapping[str, Any]], names: Iterable[str] | None = None
) -> Config:
    """Return the settings that a model was trained with, or those of some names; others by default.

    `tables` may lack some, and hold others: it may be of another version. Without `node_sample`,
    every decision was trained.
    """
    wanted = None if names is None else set(names)
    known: dict[str, Any] = {}
    for section, fields in sections().items():
        given = {RENAMED.get(name, name): one for name, one in tables.get(section, {}).items()}
        known |= {
            one.name: given[one.name]
            for one in fields
            if one.name in given and (wanted is None or one.name in wanted)
        }
    if wanted is None or "node_sample" in wanted:
        known["node_sample"] = known.get("node_sample") or 0.0
    return Config().replace(**known)


def _section_of(name: str) -> str:
    known = sections()
    for section, settings in known.items():
        if any(one.name == name for one in settings):
            return section
    every = [one.name for settings in known.values() for one in settings]
    raise UsageError(f"unknown setting '{name}'", hint=nearest(name, every))


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the hint to a name that is none of these: the one that it is most like, or all."""
    if name in RENAMED:
        return f"it is called '{RENAMED[name]}' now"
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else "known are " + ", ".join(names)


def _types(owner: type) -> dict[str, Any]:
    return get_type_hints(owner)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
