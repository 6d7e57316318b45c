"""`hsw2v completion`: what shells complete commands by, and what they ask for it."""

from __future__ import annotations

import contextlib
import textwrap
from typing import TYPE_CHECKING, Any

import click

from hsw2v.config import TREES
from hsw2v.config.joining import ENGLISH
from hsw2v.config.places import MEMORY

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem, ShellComplete

VARIABLE = "_HSW2V_COMPLETE"
"""By this a shell asks the program for completions."""
SHELLS = ("bash", "zsh", "fish")
_LONGEST_HELP = 60
_NAMES = {"tree": TREES, "connector_words": (ENGLISH,), "tables": (MEMORY,)}
"""The names that some options take beside files."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which SHELL completes commands, options, choices, files and words.

    \b
    Examples:
      hsw2v completion bash > ~/.local/share/bash-completion/completions/hsw2v
      hsw2v completion zsh > ~/.zfunc/_hsw2v
      hsw2v completion fish > ~/.config/fish/completions/hsw2v.fish
    """
    complete(context.find_root().command, f"{shell}_source")


def complete(program: click.Command, instruction: str) -> None:
    """Print what a shell asks for: as by click, `bash_source` its script, `bash_complete` answers.

    Nothing is printed if something is wrong, as it may be in the middle of a command.
    """
    shell, _, what = instruction.partition("_")
    if shell not in SHELLS or what not in ("source", "complete"):
        return
    completer = _completer(program, shell)
    if what == "source":
        # Not by its own method, which starts bash to see its version.
        click.echo(completer.source_template % completer.source_vars())
        return
    with contextlib.suppress(Exception):
        click.echo(completer.complete())


def with_files(command: click.Command) -> click.Command:
    """Have a shell complete file names where a command takes any text."""
    for one in command.params:
        if type(one.type) is click.types.StringParamType:
            one.type = _FileName()
    return command


class _FileName(click.types.StringParamType):
    """A text that may be the name of a file."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[Any]]:
        """Return names that a setting has; else the shell is to complete files."""
        from click.shell_completion import CompletionItem

        names = [one for one in _NAMES.get(param.name or "", ()) if one.startswith(incomplete)]
        return [*map(CompletionItem, names)] or [CompletionItem(incomplete, type="file")]


def _completer(program: click.Command, shell: str) -> ShellComplete:
    from click.shell_completion import get_completion_class

    base = get_completion_class(shell)
    assert base is not None

    class Completer(base):  # type: ignore[valid-type,misc]
        """The one of click, with short descriptions."""

        def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[Any]]:
            # bash has the = of --model=cbow apart; others have it in the word that is replaced.
            given = [one for one in args if one != "="]
            found: list[CompletionItem[Any]] = super().get_completions(given, incomplete)
            if incomplete.startswith("--") and "=" in incomplete:
                found = [one for one in found if one.type == "plain"]
                for one in found:
                    one.value = incomplete.split("=")[0] + f"={one.value}"
            for one in found:
                one.help = one.help and textwrap.shorten(one.help, _LONGEST_HELP, placeholder=" …")
            return found

    return Completer(program, {}, "hsw2v", VARIABLE)
