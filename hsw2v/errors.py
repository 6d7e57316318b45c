"""Errors: what happened, where, what to do; and addresses as they may be shown.

Every error that a user can cause is an `Hsw2vError`. The command line prints it as one sentence and
exits with its `exit_code`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

_ADDRESS = re.compile(
    r"\b(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+://)"
    # A password may hold anything, as the secret keys of S3 do; what follows a host is a port.
    r"(?:(?P<user>[^\s/?#]*|[^\s/?#:@]+:(?!\d*(?:[/?#\s]|$))\S*)@)?"
    r"(?P<path>[^\s?#]*)(?P<query>\S*)"
)
_STDIN = re.compile(r"^-(?=$|, )")
_ARGUMENT = re.compile(
    r"(?P<name>[?&;](?![^&;#=]*=)|[?&;#][^&;#=]*=)(?P<value>(?:[^&;#,]|,(?!$))+)"
)


def without_credentials(text: str) -> str:
    """Return a text with the addresses in it as they may be shown.

    User information is left out, and … stands for the values of a query.
    """
    return _ADDRESS.sub(
        lambda one: one["scheme"] + one["path"] + _ARGUMENT.sub(r"\g<name>…", one["query"]), text
    )


def credentials(address: str) -> Iterator[str]:
    """Yield what `without_credentials` leaves out of an address, and the parts of that."""
    for one in _ADDRESS.finditer(address):
        if user := one["user"]:
            yield from (user, *user.split(":", 1))
        yield from (argument["value"] for argument in _ARGUMENT.finditer(one["query"]))


class Hsw2vError(Exception):
    """An error for a person: `where: what; hint`, without credentials."""

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "an error in hsw2v itself"
    """Of the exit code, for people; of a subclass it is the docstring."""

    def __init_subclass__(cls) -> None:
        text = (cls.__doc__ or "").removesuffix(".")
        cls.meaning = text[:1].lower() + text[1:]

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        where = _STDIN.sub("standard input", where)
        self.what, self.where, self.hint = map(without_credentials, (what, where, hint))
        place = f"{self.where}: " if where else ""
        super().__init__(place + self.what + (f"; {self.hint}" if hint else ""))


class UsageError(Hsw2vError, ValueError):
    """An option, setting or argument that cannot be used."""

    exit_code = 2


class MissingInputError(Hsw2vError, FileNotFoundError):
    """An input that is missing or may not be read."""

    exit_code = 3


class CorruptInputError(Hsw2vError, ValueError):
    """An input that is truncated, binary or malformed."""

    exit_code = 4


class EncodingError(CorruptInputError):
    """A text that is not valid UTF-8."""

    exit_code = 5


class EmptyCorpusError(Hsw2vError, ValueError):
    """A corpus with nothing to train on."""

    exit_code = 6


class OutputExistsError(Hsw2vError, FileExistsError):
    """An output that exists already (see `--force`)."""

    exit_code = 7


class OutputError(Hsw2vError, OSError):
    """An output that cannot be written."""

    exit_code = 8


class DiskFullError(OutputError):
    """A disk that is full."""

    exit_code = 9


class ModelFileError(CorruptInputError):
    """A model file that is truncated, altered or not a model."""

    exit_code = 10


class UnknownWordError(Hsw2vError, KeyError):
    """A word that is not in the vocabulary."""

    exit_code = 11

    def __str__(self) -> str:
        # That of `KeyError` is a repr.
        return str(self.args[0])


class DivergedError(Hsw2vError, ArithmeticError):
    """Training that diverged."""

    exit_code = 12


class ResourceError(Hsw2vError, MemoryError):
    """Not enough memory."""

    exit_code = 13


def missing_extra(
    what: str, extra: str, error: ImportError | None = None, *, where: str = ""
) -> UsageError:
    """Return the error that a package of an extra of hsw2v is not there, or cannot be imported.

    `what` is who needs which package, such as "figures need matplotlib".
    """
    why = "is not installed"
    if error is not None and not isinstance(error, ModuleNotFoundError):
        why = "cannot be imported ({})".format(str(error).split("\n", 1)[0])
    hint = f"pip install 'hsw2v[{extra}]'"
    return UsageError(f"{what}, which {why}", where=where, hint=hint)


INTERRUPTED_EXIT_CODE = 130


def exit_codes() -> dict[int, str]:
    """Return every exit code with its meaning, in rising order."""
    found: dict[int, str] = {0: "success", INTERRUPTED_EXIT_CODE: "interrupted by Ctrl-C"}
    families: list[type[Hsw2vError]] = [Hsw2vError]
    while families:
        family = families.pop()
        found[family.exit_code] = family.meaning
        families.extend(family.__subclasses__())
    return dict(sorted(found.items()))
