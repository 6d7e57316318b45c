"""The one family of errors: what happened, where, what to do.

Everything that a user can cause ends in an `Hsw2vError`. The command line prints its one
sentence and exits with its `exit_code`; the table in `docs/cli.md` is tested against
`exit_codes()`.
"""

from __future__ import annotations

from typing import ClassVar


class Hsw2vError(Exception):
    """An error for a person: `where: what; hint`."""

    exit_code: ClassVar[int] = 1
    meaning: ClassVar[str] = "an error in hsw2v itself"

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__((f"{where}: " if where else "") + what + (f"; {hint}" if hint else ""))


class UsageError(Hsw2vError, ValueError):
    """An option, setting or argument has a value that cannot be used."""

    exit_code = 2
    meaning = "an option, setting or argument that cannot be used"


class MissingInputError(Hsw2vError, FileNotFoundError):
    """A file, folder, pattern or address that is to be read is not there or not readable."""

    exit_code = 3
    meaning = "an input that is missing or may not be read"


class CorruptInputError(Hsw2vError, ValueError):
    """An input is not what it should be: truncated, binary, or malformed."""

    exit_code = 4
    meaning = "an input that is truncated, binary or malformed"


class EncodingError(CorruptInputError):
    """An input is not valid UTF-8."""

    exit_code = 5
    meaning = "a text that is not valid UTF-8"


class EmptyCorpusError(Hsw2vError, ValueError):
    """A corpus holds nothing to train on."""

    exit_code = 6
    meaning = "a corpus with nothing to train on"


class OutputExistsError(Hsw2vError, FileExistsError):
    """An output is already there and may not be replaced without being asked."""

    exit_code = 7
    meaning = "an output that exists already (see `--force`)"


class OutputError(Hsw2vError, OSError):
    """An output cannot be written."""

    exit_code = 8
    meaning = "an output that cannot be written"


class DiskFullError(OutputError):
    """The disk is full."""

    exit_code = 9
    meaning = "a disk that is full"


class ModelFileError(CorruptInputError):
    """A model file is truncated, altered, or not a model."""

    exit_code = 10
    meaning = "a model file that is truncated, altered or not a model"


class UnknownWordError(Hsw2vError, KeyError):
    """A word is not in the vocabulary."""

    exit_code = 11
    meaning = "a word that is not in the vocabulary"

    def __str__(self) -> str:
        """Return the sentence itself (`KeyError` would return its repr)."""
        return str(self.args[0])


class DivergedError(Hsw2vError, ArithmeticError):
    """Training ran away: a loss is not finite."""

    exit_code = 12
    meaning = "training that diverged"


class ResourceError(Hsw2vError, MemoryError):
    """The machine does not have the memory that was asked for."""

    exit_code = 13
    meaning = "not enough memory"


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
