"""Options that several commands share; those of a training run are made from the settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar

import click

from hsw2v.config import Config, bounds, read_config, sections, type_of

F = TypeVar("F", bound=Callable[..., Any])


def word(value: str) -> str:
    """Return a word given on the command line, or complain that it is not text."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise click.BadParameter(f"{value!r} is not valid UTF-8.") from error
    return value


force_option = click.option("--force", is_flag=True, help="Replace the output if it exists.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
model_argument = click.argument("model")
words_argument = click.argument("words", nargs=-1, required=True, type=word)
normalize_option = click.option(
    "--normalize-exactly",
    is_flag=True,
    help="For models of negative sampling, whose scores are no probabilities, and of sampled "
    "softmax, which only estimates them: take the softmax over all words, which takes long.",
)
config_option = click.option(
    "--config",
    metavar="FILE.toml",
    help="Take settings from a TOML file (see configs/); options given here go before it.",
)


def count_option(default: int = 10) -> Callable[[F], F]:
    """Return the decorator for `-k`, the number of answers."""
    return click.option(
        "-k",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="NUMBER",
        help="How many words to answer with.",
    )


def settings_options(*names: str, leave_out: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Return a decorator that gives a command an option for every setting of these sections."""
    chosen = [one for name in names for one in sections()[name] if one.name not in leave_out]

    def decorate(function: F) -> F:
        for one in reversed(chosen):
            function = _option(one)(function)
        return function

    return decorate


def resolve(file: str | None, given: dict[str, Any]) -> Config:
    """Return the settings: defaults < TOML file < options given."""
    base = read_config(file) if file else Config()
    return base.replace(**{name: value for name, value in given.items() if value is not None})


def _option(one: dataclasses.Field[Any]) -> Callable[[F], F]:
    # No default: an option that is not given must not hide what the TOML file says.
    flag = "--" + one.name.replace("_", "-")
    help = setting_help(one)
    if type_of(one) is bool:
        return click.option(f"{flag}/--no-{flag[2:]}", one.name, default=None, help=help)
    choices = one.metadata["choices"]
    kind = click.Choice(choices) if choices else type_of(one)
    return click.option(flag, one.name, type=kind, default=None, help=help)


def setting_help(one: dataclasses.Field[Any]) -> str:
    """Return what a setting means, its default and its bounds, in one line."""
    text = one.metadata["help"]
    notes = []
    if one.default is not None:
        notes.append(f"default: {setting_default(one)}")
    if bounds(one):
        notes.append(bounds(one))
    return f"{text[0].upper()}{text[1:]}." + (f"  [{'; '.join(notes)}]" if notes else "")


def setting_default(one: dataclasses.Field[Any]) -> str:
    """Return the default of a setting as a user would write it; '' where it depends."""
    if one.default is None:
        return ""
    if isinstance(one.default, bool):
        return "on" if one.default else "off"
    return str(one.default)
