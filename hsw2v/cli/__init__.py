"""The command line: thin, and the only place that prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from hsw2v.cli.garbage import search_rarely

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program with these arguments (default: the command line's) and exit."""
    search_rarely()
    _open_closed_streams()
    try:
        from hsw2v.cli.completion import VARIABLE, complete
        from hsw2v.cli.outcome import exit_code_of
        from hsw2v.cli.program import program
    except KeyboardInterrupt:
        print("hsw2v: interrupted", file=sys.stderr)
        os._exit(130)

    given = list(sys.argv[1:] if arguments is None else arguments)

    def command() -> None:
        if VARIABLE in os.environ:
            complete(program, os.environ[VARIABLE])
            return
        # Not program.main(): it would turn a broken pipe into an exit code of its own.
        with program.make_context("hsw2v", given) as context:
            program.invoke(context)

    code = exit_code_of(command)
    sys.stderr.flush()
    # Nothing is left to be done. The interpreter would take a tenth of a second to free what ends
    # with the process anyway, and wait for a thread that still compiles.
    os._exit(code)


def _open_closed_streams() -> None:
    """Put the null device where the caller closed a standard stream (`<&-`, `>&-`)."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115
