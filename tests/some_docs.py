"""The pages of the documentation, their code blocks, and the commands in these."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
PROGRAMS = (
    *("hsw2v", "pip ", "pipx ", "python ", "scripts/", ".venv/", "export ", "ray ", "cmp "),
    *("word2vec ", "cat ", "zcat ", "zstdcat ", "echo ", "printf ", "sort ", "grep ", "source "),
    *("git ", "PYTHON=", "VENV="),
)
"""What a line begins with that is a command, where no `$` says so."""
_USAGE = re.compile(r"\[OPTIONS\]")


@dataclass(frozen=True)
class Block:
    """A code block, fenced or indented."""

    page: Path
    line: int
    """Of its first line of code, from 1."""
    language: str
    """python, shell, toml, json or text."""
    code: str

    @property
    def where(self) -> str:
        """Page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line for a shell."""

    where: str
    text: str
    fails: bool
    """Whether the page shows that it ends with an error."""


@cache
def tokens_of(page: Path) -> list[Token]:
    """Return the page as tokens of CommonMark, with tables."""
    return MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the code blocks of a page, in order."""
    for token in tokens_of(page):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            line = token.map[0] + (2 if token.type == "fence" else 1)
            language = token.info.split()[0] if token.info.strip() else _language(token.content)
            language = {"bash": "shell", "sh": "shell", "console": "shell"}.get(language, language)
            yield Block(page, line, language, token.content)


def _language(code: str) -> str:
    """Tell in what language a block is that does not say so."""
    first = code.lstrip().splitlines()[0]
    if re.search(r"^\$ ", code, re.M) or first.startswith(PROGRAMS):
        return "shell"
    if re.match(r"\[{1,2}[\w.]+\]{1,2}\s*(#|$)", first):
        return "toml"
    if re.match(r"[\[{]\s*(\"|$|\{)", first):
        return "json"
    if re.match(r"(import|from) \w|>>> |(\w+ = )?(hsw2v|model|found|graph)[.\[]", first):
        return "python"
    return "text" if not _is_python(code) else "python"


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return bool(re.search(r"\b(hsw2v|model)\.\w+\(", code))


def commands_of(block: Block) -> Iterator[Command]:
    """Yield the commands of a block for a shell: lines after `$`, or else all of its lines."""
    lines = block.code.splitlines()
    prompts = any(line.startswith("$ ") for line in lines)
    for number, line in enumerate(lines):
        if not line.strip() or line.startswith("#") or _USAGE.search(line):
            continue
        if prompts and not line.startswith("$ "):
            continue
        if not prompts and not line.startswith(PROGRAMS):
            continue
        told = _told(lines[number + 1 :]) if prompts else []
        where = f"{block.page.relative_to(ROOT)}:{block.line + number}"
        yield Command(where, _without_comment(line.removeprefix("$ ")), _has_error(told))


def _told(lines: list[str]) -> list[str]:
    """Return the lines up to the next command."""
    ends = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    return lines[: ends[0]] if ends else lines


def _has_error(told: list[str]) -> bool:
    errors = [line for line in told if line.startswith("hsw2v: ")]
    return any("composed of n-grams" not in line for line in errors)


def _without_comment(line: str) -> str:
    """Return a command without what is said of it behind some spaces, or after a #."""
    quoted = r"""'[^']*'|"[^"]*"|\$'[^']*'"""
    found = re.match(rf"(?:{quoted}|(?!\s\s|\s#).)*", line)
    assert found is not None
    return found[0].strip()


def python_of(block: Block) -> str:
    """Return the code of a block, without the prompts and answers of a Python session."""
    if not block.code.lstrip().startswith(">>> "):
        return block.code
    lines = block.code.splitlines()
    # Answers become empty lines, so that numbers of lines stay.
    return "\n".join(line[4:] if line.startswith((">>> ", "... ")) else "" for line in lines)
