"""Every setting of a training run, once: its default, its meaning, its bounds.

The command line's options, the TOML files and the Python keywords are all made from these
dataclasses. Defaults < TOML file < options given.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_type_hints

from hsw2v.errors import MissingInputError, UsageError

LARGEST = 2**63 - 1
"""The largest whole number that compiled code and TOML hold."""
LOSSES = ("hs", "class", "ns", "sampled", "softmax")
NORMALIZED = ("hs", "class", "softmax")
"""The output layers whose probabilities sum to 1."""
CLASSES = ("frequency", "kmeans", "exchange")
OPTIMIZERS = ("sgd", "adagrad", "rmsprop", "adam")


def setting(
    default: Any,
    help: str,
    *,
    choices: tuple[str, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
) -> Any:
    """Declare one setting; bounds are inclusive but for `above`."""
    return field(
        default=default,
        metadata={
            "help": help,
            "choices": choices,
            "minimum": minimum,
            "maximum": maximum,
            "above": above,
        },
    )


@dataclass(frozen=True, kw_only=True)
class CorpusConfig:
    """How bytes become tokens."""

    tokens: str = setting(
        "space",
        "what a token is: 'space' splits at Unicode white space, 'words' keeps runs of letters, "
        "digits and marks of raw text and drops punctuation",
        choices=("space", "words"),
    )
    lowercase: bool = setting(False, "lower-case every token (by Unicode's rules)")
    encoding_errors: str = setting(
        "strict",
        "what to do with invalid UTF-8: stop, put U+FFFD in its place, or leave it out",
        choices=("strict", "replace", "ignore"),
    )
    max_types: int = setting(
        0,
        "drop the rarest types whenever the table holds this many; 0 for no bound",
        minimum=0,
        maximum=LARGEST,
    )
    cache_dir: str | None = setting(
        None, "folder for the encoded corpus while training (default: the system's temporary one)"
    )


@dataclass(frozen=True, kw_only=True)
class VocabularyConfig:
    """Which types become words, and how often they are used."""

    min_count: int = setting(5, "leave out types that occur less often", minimum=1, maximum=LARGEST)
    max_vocab: int = setting(
        0, "keep only the most frequent words; 0 for no bound", minimum=0, maximum=LARGEST
    )
    sample: float = setting(
        1e-4,
        "threshold of subsampling: words more frequent than this share of the tokens are "
        "skipped at random; 0 switches it off",
        minimum=0.0,
        maximum=1.0,
    )


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The model and its training."""

    model: str = setting(
        "skipgram",
        "predict from each context word (skipgram) or from their mean (cbow)",
        choices=("skipgram", "cbow"),
    )
    dim: int = setting(100, "dimensions of a vector", minimum=1, maximum=65_536)
    window: int = setting(
        5, "largest distance of a context word from its target", minimum=1, maximum=1_000
    )
    fixed_window: bool = setting(
        False, "always use the whole window instead of shrinking it at random"
    )
    loss: str = setting(
        "hs",
        "output layer: hierarchical softmax (hs), classes of words (class), negative sampling "
        "(ns), sampled softmax (sampled) or the softmax over all words (softmax)",
        choices=LOSSES,
    )
    tree: str = setting(
        "semantic",
        "tree of hierarchical softmax: semantic (grown from the vectors during training), huffman, "
        "balanced, random, brown (from classes of neighbouring words), or a file of words and "
        "bit strings as 'hsw2v tree --codes' prints it",
    )
    retree_at: float | None = setting(
        None,
        "epochs after which the semantic tree is grown, 0.5 for half of one (default: 1 for "
        "skipgram, 2 for cbow, and half of all epochs at most)",
        above=0.0,
        maximum=LARGEST,
    )
    retree_every: float | None = setting(
        None,
        "epochs after which it is grown anew, again and again while two are left; 0 for never "
        "(default: 0 for skipgram, 3 for cbow)",
        minimum=0.0,
        maximum=LARGEST,
    )
    retree_from: str = setting(
        "hs",
        "how the vectors that the semantic tree is grown from are trained: on the Huffman tree "
        "(hs), or by negative sampling (ns)",
        choices=("hs", "ns"),
    )
    classes: str = setting(
        "frequency",
        "classes of words of loss class: of words equally frequent (frequency), of like vectors, "
        "made anew during training as the semantic tree is (kmeans), or of words with like "
        "neighbours (exchange)",
        choices=CLASSES,
    )
    num_classes: int | None = setting(
        None,
        "classes of words of loss class (default: the square root of the number of words)",
        minimum=1,
        maximum=LARGEST,
    )
    negative: int = setting(
        5, "words drawn for a window by negative sampling", minimum=1, maximum=1_000
    )
    samples: int = setting(
        64,
        "words drawn for 64 windows together by sampled softmax",
        minimum=1,
        maximum=65_536,
    )
    ns_exponent: float = setting(
        0.75,
        "power of the counts that words are drawn by, in negative sampling and sampled softmax",
        minimum=-10.0,
        maximum=10.0,
    )
    optimizer: str = setting(
        "sgd",
        "how a row moves by its gradient: plain steps (sgd), or steps made even by what it has "
        "seen (adagrad, rmsprop, adam)",
        choices=OPTIMIZERS,
    )
    l2: float = setting(
        0.0,
        "decay of the rows that a step touches: this share of them, times the learning rate",
        minimum=0.0,
        maximum=1_000.0,
    )
    batch_norm: bool = setting(
        False, "normalise hidden vectors over batches of at least 256 windows"
    )
    epochs: int = setting(5, "passes over the corpus", minimum=1, maximum=LARGEST)
    lr: float | None = setting(
        None,
        "learning rate at the start, falling linearly to 1e-4 of it "
        "(default: 0.025 for skipgram, 0.05 for cbow)",
        above=0.0,
        maximum=10.0,
    )
    threads: int | None = setting(None, "threads (default: all cores)", minimum=1, maximum=1_024)
    seed: int = setting(1, "seed of every random choice", minimum=0, maximum=LARGEST)
    record_gradients: int = setting(
        0,
        "measure errors and gradients at the windows of a block before every so many blocks, for "
        "the log; 0 for never",
        minimum=0,
        maximum=LARGEST,
    )


TREES = ("semantic", "huffman", "balanced", "random", "brown")
"""The trees that hsw2v grows; any other name is that of a file."""

DEFAULT_LR = {"skipgram": 0.025, "cbow": 0.05}
DEFAULT_RETREE_AT = {"skipgram": 1.0, "cbow": 2.0}
DEFAULT_RETREE_EVERY = {"skipgram": 0.0, "cbow": 3.0}


_USED_BY = {
    "hs": ("tree", "retree_at", "retree_every", "retree_from"),
    "class": ("classes", "num_classes", "retree_at", "retree_every"),
    "ns": ("negative", "ns_exponent"),
    "sampled": ("samples", "ns_exponent"),
    "softmax": (),
}
"""Settings that only some output layers have a use for."""


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
            checked = {
                one.name: _checked(one, getattr(part, one.name), types[one.name])
                for one in dataclasses.fields(part)
            }
            object.__setattr__(self, section.name, dataclasses.replace(part, **checked))

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

    def resolved(self) -> Config:
        """Return a copy in which every default that depends on something is a number."""
        training = self.training
        return self.replace(
            lr=DEFAULT_LR[training.model] if training.lr is None else training.lr,
            threads=_cores() if training.threads is None else training.threads,
            retree_at=min(DEFAULT_RETREE_AT[training.model], training.epochs / 2)
            if training.retree_at is None
            else training.retree_at,
            retree_every=DEFAULT_RETREE_EVERY[training.model]
            if training.retree_every is None
            else training.retree_every,
        )

    def idle(self) -> list[str]:
        """Return the names of settings that are not at their default, but have no effect here."""
        training = self.training
        used = _USED_BY[training.loss]
        if training.retree_from == "ns" and training.loss == "hs":
            used = (*used, *_USED_BY["ns"])
        grows = (
            training.tree == "semantic" if training.loss == "hs" else training.classes == "kmeans"
        )
        if not grows:
            used = tuple(name for name in used if not name.startswith("retree_"))
        some = {name for names in _USED_BY.values() for name in names}
        return [
            one.name
            for one in dataclasses.fields(training)
            if one.name in some - set(used) and getattr(training, one.name) != one.default
        ]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return the settings as section -> name -> value, as in a TOML file."""
        return dataclasses.asdict(self)


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
    """Name the place in complaints about settings, before what they name themselves."""
    try:
        yield
    except UsageError as error:
        place = f"{where}, {error.where}" if error.where else where
        raise UsageError(error.what, where=place, hint=error.hint) from error


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


def _section_of(name: str) -> str:
    known = sections()
    for section, settings in known.items():
        if any(one.name == name for one in settings):
            return section
    every = [one.name for settings in known.values() for one in settings]
    raise UsageError(f"unknown setting '{name}'", hint=nearest(name, every))


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the hint to a name that is none of these: the one that it is most like, or all."""
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else "known are " + ", ".join(names)


def _types(owner: type) -> dict[str, Any]:
    return get_type_hints(owner)


def _checked(one: dataclasses.Field[Any], given: Any, hint: Any) -> Any:
    """Return a value as its plain type, once it is known to fit its setting."""
    allowed = get_args(hint) or (hint,)
    if given is None and type(None) in allowed:
        return None
    kind = next(t for t in allowed if t is not type(None))
    value = _plain(given, kind)
    rules = one.metadata
    if value is None:
        raise UsageError(f"{one.name} is {given!r}", hint=f"it must be {_described(kind)}")
    if rules["choices"] and value not in rules["choices"]:
        raise UsageError(
            f"{one.name} is {value!r}", hint="it must be one of " + ", ".join(rules["choices"])
        )
    if (
        (rules["minimum"] is not None and value < rules["minimum"])
        or (rules["maximum"] is not None and value > rules["maximum"])
        or (rules["above"] is not None and value <= rules["above"])
    ):
        raise UsageError(f"{one.name} is {value!r}", hint=f"it must be {bounds(one)}")
    return value


def _plain(value: Any, kind: type) -> Any:
    """Return a value, perhaps NumPy's or a path, as this plain type; None if it is none of it."""
    if kind is str and isinstance(value, os.PathLike):
        value = os.fspath(value)
    if kind is bool:
        return value if isinstance(value, bool) else None
    if kind is str:
        return value if isinstance(value, str) and _is_text(value) else None
    family = numbers.Integral if kind is int else numbers.Real
    if isinstance(value, bool) or not isinstance(value, family):
        return None
    try:
        plain = kind(value)
    except OverflowError:
        return None
    return plain if math.isfinite(plain) else None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _described(kind: type) -> str:
    return {
        int: "a whole number",
        float: "a number",
        str: "a string of valid Unicode",
        bool: "true or false",
    }[kind]


def bounds(one: dataclasses.Field[Any]) -> str:
    """Return the bounds of a setting in words, as 'above 0 and at most 10'; '' if none."""
    rules = one.metadata
    parts = []
    if rules["minimum"] is not None:
        parts.append(f"at least {_written(rules['minimum'])}")
    if rules["above"] is not None:
        parts.append(f"above {_written(rules['above'])}")
    if rules["maximum"] is not None:
        parts.append(f"at most {_written(rules['maximum'])}")
    return " and ".join(parts)


def _written(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
