"""The reference pages say what the program does."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hsw2v import config, errors, events
from hsw2v.cli.outcome import ENDINGS
from hsw2v.cli.program import COMMANDS

ROOT = Path(__file__).parent.parent


def test_the_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_docs", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: str(one.name))
def test_every_command_and_option_is_documented(command: click.Command) -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    section = page.split(f"\n## hsw2v {command.name}\n")[1].split("\n## ")[0]
    for one in command.params:
        if isinstance(one, click.Option):
            assert one.help
            for name in [*one.opts, *one.secondary_opts]:
                assert f"`{name}`" in section


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: str(one.name))
def test_every_command_shows_an_example_of_itself(command: click.Command) -> None:
    assert f"\n  hsw2v {command.name}" in inspect.cleandoc(command.help or "")


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for code, meaning in {**errors.exit_codes(), **ENDINGS}.items():
        assert f"| {code} | {meaning} |" in page


def test_every_kind_of_error_has_its_own_exit_code() -> None:
    def family(one: type[errors.Hsw2vError]) -> list[type[errors.Hsw2vError]]:
        return [one, *(each for sub in one.__subclasses__() for each in family(sub))]

    codes = [one.exit_code for one in family(errors.Hsw2vError)]
    assert len(codes) == len(set(codes))
    assert not set(codes) & {0, errors.INTERRUPTED_EXIT_CODE, *ENDINGS}


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for section, settings in config.sections().items():
        assert f"## [{section}]" in page
        for one in settings:
            assert f"| `{one.name}` |" in page


def test_no_name_stands_twice_in_the_python_page() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    named = re.findall(r"^(?:#+ .*|[-|] `\w+`)", page, flags=re.MULTILINE)
    assert len(named) > 20
    assert len(named) == len(set(named))


def test_every_event_of_training_is_named_in_the_guide() -> None:
    elsewhere = {
        *("ScoringProgress", "DiagnosisProgress", "LabelsProgress", "MapProgress"),
        *("Preparing", "RunBegin", "RunEnd"),
    }
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    of_the_log = guide.split("`--log-json FILE` keeps all", 1)[1].split("###", 1)[0]
    named = set(re.findall(r"`([A-Z]\w+)`", of_the_log)) - {
        "Settings",
        "Summary",
        "Error",
        "Interrupted",
    }
    assert named == {one.__name__ for one in events.Event.__subclasses__()} - elsewhere
