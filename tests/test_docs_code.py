"""Every code block of the documentation runs, on small files of the same names."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tomllib
import traceback
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import click
import numpy
import pytest
from commandline import run_here
from some_docs import PAGES, ROOT, Block, Command, blocks_of, commands_of, python_of
from some_stand_ins import StandIns

import hsw2v
from hsw2v.cli.program import COMMANDS
from hsw2v.config import read_config
from hsw2v.errors import Hsw2vError
from hsw2v.experiments.experiment import read_experiment

NOT_RUN = {
    r"^(git|pip|pipx|source|\.venv/\S+) ": "sets up a machine",
    r"^scripts/": "measures for minutes or hours, or runs these tests; tests of its own try it",
    r"s3://": "needs a network",
    r"^export RAY|^ray |--engine ray|^cmp ": "needs a cluster; tests/test_cluster.py has one",
    r"^word2vec |peer\.py ": "is another program",
    r"^python$": "is a session of another program",
    r"^python -m hsw2v train CORPUS -o OUTPUT ": "is a case of a benchmark, with all its options",
    r"^zstdcat ": "needs the program zstd",
    r"^hsw2v explore ": "answers until Ctrl-C; tests/test_explore_page.py opens it",
    r"^hsw2v .* --open": "opens a browser",
    r"<TAB>": "is a key at a prompt; tests/test_cli_completion.py presses it",
    r"^import (spacy|torch|fasttext)$|^from sentence_transformers|^accuracy = |^search = ": (
        "needs packages of its own, or the model of the demo; scripts/recipes runs it"
    ),
    r"^hsw2v demo": "trains for half a minute; tests/test_cli_train.py shortens it",
}
"""Patterns of commands, and of blocks of Python, that are not run, and why."""
PLACES = {
    "MODEL": ["model.safetensors"],
    "OLD": ["model.safetensors"],
    "NEW": ["other.safetensors"],
    "CORPUS": ["corpus.txt"],
    "FILE": ["sentences.txt"],
    "EXPERIMENT.toml": ["experiment.toml"],
    "FOLDER": ["results"],
    "WORD": ["king"],
    "WORD...": ["king", "queen", "man"],
    "A": ["man"],
    "B": ["king"],
    "C": ["woman"],
}
"""What stands for a place that a page leaves open."""
OUTPUTS = (
    "-o",
    "--output",
    "--plot",
    "--save-component",
    "--log-json",
    "--tables",
    "--cache-dir",
    ">",
)
"""What is followed by a file that is written, and not read."""
WRITERS = ("save", "export", "plot", "output")
"""What the name of such a file is given to in Python."""
ENDINGS = "txt|gz|zst|jsonl|arrow|csv|tsv|toml|bin|vec|npy|model|safetensors"
FILE = re.compile(rf"[^\s'\"=]+\.(?:{ENDINGS})\S*|\S+/")
SHORT = {
    "train": ["--threads", "1"],
    "diagnose": ["--windows", "100"],
    "resume": ["-o", "resumed.safetensors"],
}
"""Options with which a command is as quick as it can be, and says the same."""


def commands() -> Iterator[Command]:
    """Yield all commands of all pages."""
    for page in PAGES:
        for block in blocks_of(page):
            if block.language == "shell":
                yield from commands_of(block)


def pythons() -> Iterator[str]:
    """Yield all blocks of Python of all pages."""
    for page in PAGES:
        yield from (python_of(one) for one in blocks_of(page) if one.language == "python")


def is_run(text: str) -> bool:
    """Tell whether a command, or a block of Python, is run."""
    return not any(re.search(pattern, text, re.MULTILINE) for pattern in NOT_RUN)


def words_of_pages() -> set[str]:
    """Return the words that pages ask models for: those in commands that succeed, and in Python."""
    found = set(re.findall(r"\w+", "king queen man woman the of a to and in is"))
    for one in commands():
        if "hsw2v" in one.text and not one.fails:
            found |= set(re.findall(r"[^\W\d]+", one.text))
    for code in pythons():
        found |= set(re.findall(r"[^\W\d]+", " ".join(re.findall(r"\".*?\"", code))))
    failed = {word for one in commands() if one.fails for word in one.text.split()}
    return found - failed


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> StandIns:
    return StandIns(tmp_path_factory.mktemp("stand_ins"), words_of_pages())


class PageRunner:
    """Runs the blocks of a page one after the other, in a folder and a namespace of its own."""

    def __init__(self, folder: Path, stand_ins: StandIns) -> None:
        self._folder, self._stand_ins = folder, stand_ins
        self._names: dict[str, Any] = {}
        self._ran: set[str] = set()

    def run(self, block: Block) -> Iterator[str]:
        """Run a block, and yield what is wrong with it."""
        run = getattr(self, f"_{block.language}", None)
        try:
            if run is not None:
                yield from run(block)
        except (Hsw2vError, ValueError, AssertionError, OSError) as error:
            yield f"{block.where}: {error}"

    def _shell(self, block: Block) -> Iterator[str]:
        for command in commands_of(block):
            if is_run(command.text) and command.text not in self._ran:
                self._ran.add(command.text)
                if problem := self._command(command):
                    yield f"{command.where}: {command.text}\n    {problem}"

    def _command(self, command: Command) -> str | None:
        """Run a pipeline; return what is wrong with how it ends."""
        sent, code, told = b"", 0, ""
        for stage in re.split(r"\s\|\s", command.text):
            try:
                code, sent, told = self._stage(stage, sent)
            except (AssertionError, pytest.fail.Exception) as error:
                return str(error)
            if code:
                break
        if command.fails and not code:
            return "the page shows an error, and there is none"
        if code and not command.fails:
            return f"ends with {code}: {told.strip()[-400:]}"
        return None

    def _stage(self, stage: str, sent: bytes) -> tuple[int, bytes, str]:
        if not stage.startswith("hsw2v "):
            self._put(stage.split()[1:])
            bash = shutil.which("bash")
            assert bash is not None
            ran = subprocess.run(
                [bash, "-c", stage], input=sent, capture_output=True, cwd=self._folder, check=False
            )
            # grep ends with 1 where nothing is found: the text is another one.
            code = ran.returncode if ran.returncode != 1 else 0
            return code, ran.stdout, ran.stderr.decode()
        arguments = self._arguments(shlex.split(stage)[1:])
        into = _taken(arguments, ">")
        if source := _taken(arguments, "<"):
            self._put([source])
            sent = (self._folder / source).read_bytes()
        self._put(arguments)
        done = run_here(arguments, sent, self._folder)
        if into:
            target = self._folder / into
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(done.stdout, encoding="utf-8")
        return done.returncode, done.stdout.encode(), done.stderr

    def _arguments(self, given: list[str]) -> list[str]:
        """Return arguments with places filled in, choices made, and outputs replaced."""
        filled = [part for one in given for part in PLACES.get(one, [one])]
        filled = [one.split("|")[0] for one in filled if one != "..."]
        if "--number" in filled:
            filled = [one.replace("model.", "two-trees.") for one in filled] + ["king"]
        name = filled[0]
        (found,) = [one for one in COMMANDS if one.name == name] or [click.Command("")]
        options = {flag for one in found.params for flag in one.opts}
        force = ["--force"] if "--force" in options and "--force" not in filled else []
        return filled + force + SHORT.get(name, [])

    def _put(self, arguments: list[str]) -> None:
        """Put the files that are read into the folder."""
        for before, one in zip(["", *arguments], arguments, strict=False):
            is_output = before in OUTPUTS or (arguments[0] == "export" and one == arguments[2])
            if FILE.fullmatch(one) and not is_output:
                self._stand_ins.put(one.replace("*", "1").rstrip("/"), self._folder)

    def _python(self, block: Block) -> Iterator[str]:
        code = python_of(block)
        if not is_run(code):
            return
        found = re.findall(r"(\w*)[([{, =]*\"([^\"\s]+)\"", code)
        written = {name for before, name in found if before in WRITERS}
        for _, name in found:
            if name in written:
                (self._folder / name).unlink(missing_ok=True)
            elif FILE.fullmatch(name):
                self._stand_ins.put(name, self._folder)
        self._names.setdefault("hsw2v", hsw2v)
        self._names.setdefault("numpy", numpy)
        if "model" not in self._names:
            self._names["model"] = hsw2v.load(self._stand_ins.path("model.safetensors"))
        with chdir(self._folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            try:
                # Lines keep their numbers in the page.
                exec(compile("\n" * (block.line - 1) + code, block.page.name, "exec"), self._names)
            except Exception as error:
                frames = traceback.extract_tb(error.__traceback__)
                lines = [one.lineno for one in frames if one.filename == block.page.name]
                line = lines[-1] if lines else getattr(error, "lineno", block.line)
                shown = block.page.read_text(encoding="utf-8").splitlines()[line - 1].strip()
                where = f"{block.page.relative_to(ROOT)}:{line}"
                yield f"{where}: {shown}\n    {type(error).__name__}: {error}"

    def _toml(self, block: Block) -> Iterator[str]:
        path = self._folder / f"block-{block.line}.toml"
        path.write_text(block.code, encoding="utf-8")
        is_experiment = "setting" in tomllib.loads(block.code)
        self._put(re.findall(r"\"(.*?)\"", block.code))
        with chdir(self._folder):
            (read_experiment if is_experiment else read_config)(path)
        return iter(())

    def _json(self, block: Block) -> Iterator[str]:
        import json

        json.loads(block.code)
        return iter(())


def _taken(arguments: list[str], sign: str) -> str | None:
    """Take a redirection out of arguments."""
    if sign not in arguments:
        return None
    at = arguments.index(sign)
    _, path = arguments[at : at + 2]
    del arguments[at : at + 2]
    return path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_of_a_page_runs(page: Path, tmp_path: Path, stand_ins: StandIns) -> None:
    runner = PageRunner(tmp_path, stand_ins)
    problems = [problem for block in blocks_of(page) for problem in runner.run(block)]
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("pattern", NOT_RUN)
def test_what_is_not_run_is_in_the_docs(pattern: str) -> None:
    found = [*(one.text for one in commands()), *pythons()]
    assert any(re.search(pattern, text, re.MULTILINE) for text in found)


def test_blocks_are_found_and_told_apart() -> None:
    found = [block.language for page in PAGES for block in blocks_of(page)]
    for language, least in {"shell": 60, "python": 6, "toml": 1}.items():
        assert found.count(language) >= least, language
    assert sum(is_run(one.text) for one in commands()) >= 80
