"""Help: in groups, the common options first, in any terminal and in none."""

from __future__ import annotations

import os
from collections.abc import Callable

import click
import pytest
from commandline import on_terminal, run
from test_architecture import imported_by

from hsw2v.cli import groups, help
from hsw2v.cli.groups import COMMON, common_options, grouped, option_groups, own_options
from hsw2v.cli.help import first_steps, help_text, with_help
from hsw2v.cli.program import COMMANDS, program
from hsw2v.config import sections

LONG = [one for one in COMMANDS if common_options(one)]
ESCAPE = "\x1b["


def headings(text: str) -> list[str]:
    return [
        line.removesuffix(":") for line in text.splitlines() if line[:1].strip() and ":" in line
    ]


def context_of(command: click.Command) -> click.Context:
    return click.Context(command, info_name=f"hsw2v {command.name}")


def some_options(count: int) -> Callable[..., None]:
    def function(**given: object) -> None:
        raise NotImplementedError

    for number in range(count):
        function = click.option(f"--one-{number}", help=f"Number {number}.")(function)
    return function


def test_alone_the_program_says_what_to_do_first() -> None:
    lines = run().stdout.splitlines()
    assert len(lines) < 10
    steps = [line.split()[1] for line in lines if line.startswith("  hsw2v ")]
    assert steps[:3] == ["train", "demo", "similar"]
    assert set(steps) <= set(program.commands)
    assert lines[-1] == "All commands: hsw2v --help"


def test_a_step_is_left_out_until_its_command_exists() -> None:
    some = click.Group("hsw2v", commands={"train": click.Command("train")})
    assert "train corpus.txt" in first_steps(some)
    assert "map" not in first_steps(some)
    some.add_command(click.Command("map"))
    assert "hsw2v map corpus.safetensors" in first_steps(some)


def test_help_has_every_command_once_under_headings() -> None:
    text = run("--help").stdout
    assert headings(text)[1:5] == ["Train", "Ask", "Look", "Texts and files"]
    named = [line.split()[0] for line in text.split("Train:")[1].splitlines() if line[2:3].strip()]
    for command in COMMANDS:
        assert named.count(command.name or "") == 1


def test_no_command_is_without_a_group() -> None:
    assert "Other commands" not in run("--help").stdout


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: str(one.name))
def test_examples_fit_into_eighty_columns(
    command: click.Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for line in run(command.name, "--help").stdout.splitlines():
        assert len(line) <= 80


def test_a_command_of_no_group_comes_last() -> None:
    some = with_help(click.Group("hsw2v"))
    assert isinstance(some, click.Group)
    for name in ("later", "train"):
        some.add_command(click.Command(name, help=f"Do {name}."))
    text = help_text(context_of(some))
    assert headings(text) == [
        "Usage: hsw2v hsw2v [OPTIONS] COMMAND [ARGS]...",
        "Train",
        "Other commands",
        "Options",
    ]
    assert "later  " in text.split("Other commands:")[1]


def test_the_tables_name_what_there_is() -> None:
    names = [name for some in groups.COMMANDS.values() for name in some]
    assert len(names) == len(set(names))
    options = {name for command in COMMANDS for name, _ in own_options(command)}
    listed = [name for some in groups.OPTIONS.values() for name in some]
    assert len(listed) == len(set(listed))
    assert set(listed) <= options
    for name, common in COMMON.items():
        assert len(common_options(program.commands[name])) == len(common)


@pytest.mark.parametrize("command", LONG, ids=lambda one: str(one.name))
def test_help_of_many_options_shows_the_common_ones_and_how_to_see_all(
    command: click.Command,
) -> None:
    short, whole = (run(command.name, option).stdout for option in ("--help", "--help-all"))
    assert headings(short)[-1] == "Common options"
    everything = f"--help-all  Show all {len(own_options(command))} options, in groups."
    assert everything in " ".join(short.split()).replace("--help-all ", "--help-all  ")
    assert len(short.splitlines()) < len(whole.splitlines()) * 2 / 3
    for _, one in own_options(command):
        assert f"{one.opts[-1]} " in whole + " "
    assert len(headings(whole)) > 4


def test_about_ten_options_of_training_are_common() -> None:
    assert len(COMMON["train"]) == 10


def test_a_short_command_has_one_list_and_takes_help_all_too() -> None:
    text = run("similar", "--help").stdout
    assert headings(text)[-1] == "Options"
    assert "--help-all" not in text
    assert run("similar", "--help-all").stdout == text
    assert run("similar", "-h").stdout == text


def test_options_of_no_group_come_last() -> None:
    few = click.command("few")(some_options(3))
    assert [*option_groups(few)] == ["Options"]
    many = click.command("many")(some_options(20))
    many.params.append(click.Option(["--dim"]))
    found = option_groups(many)
    assert [*found] == ["Model", "Other options"]
    assert len(found["Other options"]) == 20


def test_each_thing_is_in_one_group() -> None:
    found = grouped(
        [("b", 1), ("a", 2), ("x", 3)], {"First": ("a", "gone"), "Second": ("b",)}, "Rest"
    )
    assert found == {"First": [2], "Second": [1], "Rest": [3]}


def test_every_setting_of_a_group_has_neighbours_of_its_section() -> None:
    section_of = {one.name: name for name, some in sections().items() for one in some}
    for heading, names in groups.OPTIONS.items():
        found = {section_of[name] for name in names if name in section_of}
        assert len(found) <= 1, heading


@pytest.mark.parametrize("columns", [1, 20, 40, 60, 200])
def test_help_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for command in COMMANDS:
        text = help_text(context_of(command), everything=True)
        examples = text.split("Example", 1)[1].split("\n\n")[0]
        rest = text.replace(examples, "")
        # A usage line, a name or a list of choices cannot be broken.
        words = [
            line
            for line in rest.splitlines()
            if len(line) > min(max(columns - 1, help.NARROWEST), help.WIDEST)
        ]
        assert all(len(line.split()) <= 3 for line in words), words


@pytest.fixture
def in_the_c_locale() -> dict[str, str]:
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    environment.pop("PYTHONIOENCODING", None)
    return environment


@pytest.mark.parametrize("encoding", [None, "ascii"])
def test_help_needs_no_locale(encoding: str | None, in_the_c_locale: dict[str, str]) -> None:
    environment = in_the_c_locale | ({"PYTHONIOENCODING": encoding} if encoding else {})
    assert run("train", "--help-all", env=environment).stdout == run("train", "--help-all").stdout


def test_piped_help_has_no_colours() -> None:
    assert ESCAPE not in run("--help").stdout + run("train", "--help").stdout + run().stdout


def on_a_terminal(*arguments: str, **environment: str) -> str:
    clean = {name: one for name, one in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    return on_terminal(*arguments, env={**clean, "TERM": "xterm", **environment})


@pytest.mark.parametrize(
    ("environment", "has_colours"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_a_terminal_gets_colours_unless_told_otherwise(
    environment: dict[str, str], has_colours: bool
) -> None:
    shown = on_a_terminal("similar", "--help", **environment)
    assert (ESCAPE in shown) == has_colours
    # Not as text, as words of a model would be shown.
    assert "\\x1b" not in shown
    assert "Usage:" in shown


def test_only_help_imports_its_layout() -> None:
    code = "from hsw2v.cli.program import program\nprogram.main({}, standalone_mode=False)"
    assert "cloup" not in imported_by(code.format("[]"))
    loaded = imported_by(code.format("['--help']"))
    assert "cloup" in loaded
    assert loaded.isdisjoint({"numba", "numpy", "rich", "safetensors", "orjson", "tqdm"})
