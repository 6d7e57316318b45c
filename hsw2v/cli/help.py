"""What --help and --help-all print, and what the program says if it is called alone."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator

import click

from hsw2v.cli.groups import (
    COMMANDS,
    OTHERS,
    common_options,
    grouped,
    option_groups,
    own_options,
)
from hsw2v.cli.output import Terminal

NARROWEST, WIDEST = 20, 100
"""Columns of a help text, between which it is as wide as the terminal."""
Rows = list[tuple[str, str]]
_STEPS = (
    ("train", "train corpus.txt", "makes corpus.safetensors"),
    ("demo", "demo", "the same, where no text is at hand"),
    ("similar", "similar corpus.safetensors king", "the nearest words"),
    ("map", "map corpus.safetensors", "a map of the words"),
)


def with_help(command: click.Command) -> click.Command:
    """Give a command --help, and --help-all: all options, where --help has the common ones."""
    command.add_help_option = False
    everything = f"Show all {len(own_options(command))} options, in groups."
    command.params += [
        _help_option(["-h", "--help"], "Show this message and exit."),
        _help_option(["--help-all"], everything, hidden=not common_options(command)),
    ]
    return command


def _help_option(names: list[str], help: str, *, hidden: bool = False) -> click.Option:
    return click.Option(
        names,
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        hidden=hidden,
        help=help,
    )


def _show_help(context: click.Context, option: click.Parameter, given: bool) -> None:
    if given and not context.resilient_parsing:
        show(help_text(context, everything="--help-all" in option.opts, styled=is_styled()))
        context.exit()


def show(text: str) -> None:
    """Print a text of ours, whose escapes for colours a terminal obeys."""
    out = sys.stdout
    if isinstance(out, Terminal):
        # Not by its own method, which has them as text.
        io.TextIOWrapper.write(out, text)
    else:
        out.write(text)


def is_styled() -> bool:
    """Tell whether help has colours: on a terminal, if nobody minds (https://no-color.org)."""
    minded = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return isinstance(sys.stdout, Terminal) and not minded


def help_text(context: click.Context, *, everything: bool = False, styled: bool = False) -> str:
    """Return the help of a command: usage, what it does, and options under headings."""
    import cloup

    command = context.command
    theme = cloup.HelpTheme(
        invoked_command=cloup.Style(bold=True),
        heading=cloup.Style(fg="yellow", bold=True),
        col1=cloup.Style(fg="cyan"),
    )
    columns = shutil.get_terminal_size().columns - 1
    formatter = cloup.HelpFormatter(
        width=min(max(columns, NARROWEST), WIDEST), theme=theme if styled else cloup.HelpTheme()
    )
    formatter.write_usage(context.command_path, " ".join(command.collect_usage_pieces(context)))
    formatter.write_command_help_text(command)
    sections = [cloup.HelpSection(*one) for one in _sections(context, everything)]
    formatter.write_many_sections(sections)
    return formatter.getvalue()


def _sections(context: click.Context, everything: bool) -> Iterator[tuple[str, Rows]]:
    """Yield headings, and the names and meanings below them."""
    command = context.command
    if isinstance(command, click.Group):
        commands = grouped(command.commands.items(), COMMANDS, f"{OTHERS} commands")
        for heading, some in commands.items():
            yield heading, [(one.name or "", one.get_short_help_str(WIDEST)) for one in some]
    common = [] if everything else common_options(command)
    groups = {"Common options": common} if common else option_groups(command)
    if len(groups) != 1:
        groups["Help" if groups else "Options"] = []
    *_, last = groups
    options = [one for one in command.params if isinstance(one, click.Option)]
    groups[last] += [one for one in options if not one.expose_value]
    for heading, some_options in groups.items():
        records = [one.get_help_record(context) for one in some_options]
        yield heading, [one for one in records if one is not None]


def first_steps(program: click.Group) -> str:
    """Return what to do first, in a few lines."""
    steps = [(line, what) for name, line, what in _STEPS if name in program.commands]
    width = max(len(line) for line, _ in steps)
    lines = "".join(f"  hsw2v {line.ljust(width)}   {what}\n" for line, what in steps)
    return f"Word vectors with hierarchical softmax.\n\n{lines}\nAll commands: hsw2v --help\n"
