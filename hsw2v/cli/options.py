"""Options that several commands share; those of a training run are made from the settings."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hsw2v.config import FORM, Config, bounds, read_config, sections, type_of

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


class Word(click.types.StringParamType):
    """A word in valid UTF-8; a shell completes it to one of the MODEL before it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word, or complain that it is not valid UTF-8."""
        text = str(super().convert(value, param, ctx))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise click.BadParameter(f"{text!r} is not valid UTF-8.") from error
        return text

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[Any]]:
        """Return the most frequent words that begin so, if MODEL is a model file."""
        from click.shell_completion import CompletionItem

        from hsw2v.cli.model_words import words_beginning

        found = words_beginning(os.path.expanduser(ctx.params["model"]), incomplete, _COMPLETED)
        return [CompletionItem(one) for one in found if not _SPECIAL.search(one)]


word = Word()
_COMPLETED = 50
_SPECIAL = re.compile(r"[^\w.,+@%/-]|^-")
"""In a word that a shell would not take as it is."""


def number_option(
    *names: str,
    help: str,
    least: int = 1,
    most: int | None = None,
    default: int | None = None,
) -> Callable[[F], F]:
    """Return the decorator for an option with a whole number."""
    return click.option(
        *names,
        type=click.IntRange(least, most),
        default=default,
        show_default=default is not None,
        metavar="NUMBER",
        help=help,
    )


force_option = click.option("--force", is_flag=True, help="Replace the output if it exists.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="Print no progress and no notes.")
count_option = number_option("-k", default=10, help="Number of words to print.")
model_argument = click.argument("model")
corpus_argument = click.argument("corpus", nargs=-1, required=True)
training_corpus_argument = click.argument("corpus", nargs=-1)
graph_option = click.option(
    "--graph",
    metavar="FILE",
    help="In place of CORPUS: random walks over this graph. The defaults are those of "
    "configs/graph-walks.toml.",
)
words_argument = click.argument("words", nargs=-1, required=True, type=word)
among_option = click.option(
    "--among", metavar="FILE", help="Answer only words of this file, one a line."
)
exclude_option = click.option(
    "--exclude", metavar="FILE", help="Answer no word of this file, one a line."
)
normalize_option = click.option(
    "--normalize-exactly",
    is_flag=True,
    help="For models trained with loss ns or sampled: normalise their scores by the softmax over "
    "the whole vocabulary, which is slow.",
)


def checkpoint_option(default: float | None, otherwise: str) -> Callable[[F], F]:
    """Return the option of how often to write checkpoints."""
    return click.option(
        "--checkpoint-every",
        type=click.FloatRange(0.0),
        default=default,
        metavar="MINUTES",
        help="Keep the training in the folder OUTPUT.checkpoint, for hsw2v resume; 0 never does "
        f"(default: {otherwise}).",
    )


log_option = click.option(
    "--log-json", metavar="FILE", help="Log settings and progress as JSON lines."
)
config_option = click.option(
    "--config",
    metavar="FILE.toml",
    help="Read settings from a TOML file (see configs/); options given here override it.",
)


def settings_options(*names: str, leave_out: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Return a decorator that gives a command an option for every setting of these sections."""
    return _options(one for name in names for one in sections()[name] if one.name not in leave_out)


def format_options(function: F) -> F:
    """Give a command the options that say what form a text has."""
    return _options(one for one in sections()["corpus"] if one.name in FORM)(function)


def _options(settings: Iterable[dataclasses.Field[Any]]) -> Callable[[F], F]:
    chosen = list(settings)

    def decorate(function: F) -> F:
        for one in reversed(chosen):
            function = _setting_option(one)(function)
        return function

    return decorate


def _setting_option(one: dataclasses.Field[Any]) -> Callable[[F], F]:
    flag = "--" + one.name.replace("_", "-")
    text, default, notes = one.metadata["help"], one.default, []
    is_flag = type_of(one) is bool
    if default not in (None, ""):
        notes.append(f"default: {('on' if default else 'off') if is_flag else default}")
    if bounds(one):
        notes.append(bounds(one))
    help = f"{text[0].upper()}{text[1:]}." + (f"  [{'; '.join(notes)}]" if notes else "")
    # No default: an option that is not given must not override the TOML file.
    if is_flag:
        return click.option(f"{flag}/--no-{flag[2:]}", one.name, default=None, help=help)
    choices = one.metadata["choices"]
    kind = click.Choice(choices) if choices else type_of(one)
    return click.option(flag, one.name, type=kind, default=None, help=help)


def given_only(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def resolve(file: str | None, given: dict[str, Any], base: Config | None = None) -> Config:
    """Return the settings: `base` (default: the defaults) < TOML file < options given."""
    base = read_config(file, base) if file else base or Config()
    return base.replace(**given_only(given))
