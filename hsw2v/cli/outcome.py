"""How a command ends: its exit code, and one sentence for everything a user can cause."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import ClassVar

import click

from hsw2v.cli.output import Terminal
from hsw2v.config import RENAMED
from hsw2v.display import shown
from hsw2v.errors import (
    INTERRUPTED_EXIT_CODE,
    Hsw2vError,
    ResourceError,
    UsageError,
    without_credentials,
)
from hsw2v.files import explain_write_error

TERMINATED_EXIT_CODE = 128 + int(signal.SIGTERM)
READER_GONE_EXIT_CODE = 128 + int(signal.SIGPIPE)
ENDINGS = {
    READER_GONE_EXIT_CODE: "the reader of the output went away, as `head` does",
    TERMINATED_EXIT_CODE: "terminated (SIGTERM, or SIGHUP of a closed session)",
}
"""Exit codes of the program, beside those of `hsw2v.errors`."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a closed session: clean up as after Ctrl-C."""

    came: ClassVar[bool] = False
    """Whether one was raised: Ray makes a plain KeyboardInterrupt of it."""


def exit_code_of(command: Callable[[], None]) -> int:
    """Run a command and return its exit code; if it fails, print why on standard error."""
    try:
        return _exit_code_of(command)
    finally:
        _close_standard_output()


def _exit_code_of(command: Callable[[], None]) -> int:
    try:
        _prepare_process()
        command()
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as ending:
        return ending.exit_code
    except Hsw2vError as error:
        if _was_interrupted(error):
            return _interrupted()
        return _fail(str(error), error.exit_code)
    except click.ClickException as error:
        return _fail(_sentence(error), UsageError.exit_code)
    except (KeyboardInterrupt, click.Abort) as ending:
        return _interrupted(*map(str, ending.args))
    except BrokenPipeError:
        return READER_GONE_EXIT_CODE
    except MemoryError as error:
        detail = f" ({error})" if str(error) else ""
        return _fail(
            f"not enough memory{detail}; {_free()}use fewer dimensions, --max-vocab or --max-types "
            "where a model is trained, or a model of its first words (hsw2v export --top)",
            ResourceError.exit_code,
        )
    except OSError as error:
        where = os.fsdecode(error.filename) if error.filename else "standard output"
        explained = explain_write_error(error, where)
        return _fail(str(explained), explained.exit_code)
    except Exception:
        print(without_credentials(traceback.format_exc()), end="", file=sys.stderr)
        return _fail(
            "this is a bug in hsw2v; please report it with the lines above",
            Hsw2vError.exit_code,
        )


def _was_interrupted(error: BaseException) -> bool:
    """Tell whether an error came of Ctrl-C, of which a package that is loaded makes its own."""
    cause = error.__cause__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _was_interrupted(cause))


def _interrupted(*told: str) -> int:
    what, code = "interrupted", INTERRUPTED_EXIT_CODE
    if Terminated.came:
        what, code = "terminated", TERMINATED_EXIT_CODE
    return _fail("; ".join([what, *told]), code)


def _free() -> str:
    from hsw2v.arrays import available_memory

    free = available_memory()
    return "" if free is None else f"{free / 1e9:,.1f} GB are free; "


def _prepare_process() -> None:
    """Read and write UTF-8, keep the bytes of paths, and clean up when terminated."""

    def end(number: int, frame: object) -> None:
        Terminated.came = True
        raise Terminated

    Terminated.came = False
    signal.signal(signal.SIGTERM, end)
    # nohup lets it be ignored.
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, end)
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "surrogateescape")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.isatty():
        sys.stdout = Terminal(sys.stdout.detach(), "utf-8", "surrogateescape", line_buffering=True)


def _fail(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):
        print(f"hsw2v: {shown(without_credentials(sentence))}", file=sys.stderr, flush=True)
    return code


def _sentence(error: click.ClickException) -> str:
    """Return an error of click in the form of ours: `what; hint`."""
    what = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        # The old name of a setting.
        name = error.option_name.lstrip("-").replace("-", "_")
        if name in RENAMED:
            new = RENAMED[name].replace("_", "-")
            return f"no such option: {error.option_name}; it is called --{new} now"
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "hsw2v"
    if context and isinstance(error, click.MissingParameter):
        pieces = context.command.collect_usage_pieces(context)
        pieces = [one for one in pieces if one != "[OPTIONS]"]
        if isinstance(error.param, click.Option):
            pieces += [error.param.opts[0], error.param.metavar or "VALUE"]
        what += f"; give {path} {' '.join(pieces)}"
    return f"{what[:1].lower()}{what[1:]}; see {path} --help"


def _close_standard_output() -> None:
    """Keep the interpreter from complaining about a closed pipe or a full disk at its end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
