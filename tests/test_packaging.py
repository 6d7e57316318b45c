"""What is said of the package in several places is the same."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from some_docs import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def cited(key: str) -> str:
    """Return a value of CITATION.cff."""
    (found,) = re.findall(rf"^(?:  - )?{key}: (.*)$", CITATION, flags=re.MULTILINE)
    return str(found)


def test_the_citation_is_of_this_package() -> None:
    assert cited("version") == PROJECT["version"]
    assert cited("license") == PROJECT["license"]
    assert [{"name": cited("name")}] == PROJECT["authors"]


def test_versions_of_python_are_named_alike() -> None:
    named = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert PROJECT["requires-python"] == f">={named[0]}"
    tried = (ROOT / "scripts" / "test-pythons").read_text(encoding="utf-8")
    assert f"${{@:-{' '.join(named)}}}" in tried
    shown = f"{', '.join(named[:-1])} and {named[-1]}"
    assert shown in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_files_that_contributing_names_exist() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:hsw2v|tests|scripts|docs|configs)/[\w./-]*)`", page)
    assert len(named) > 15
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing


def test_names_of_contributing_are_those_of_the_code() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = r"((?:`\w+`(?: and )?)+)[\s,]+(?:in|of)\s+\[(hsw2v/[\w./\\]+)\]"
    places = re.findall(named, page)
    assert len(places) >= 6
    for names, file in places:
        code = (ROOT / file.replace("\\", "")).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names.replace(" and ", " ")):
            assert re.search(rf"^(def |class )?{name}\b", code, flags=re.MULTILINE), (file, name)


def test_the_smoke_test_works_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "scripts" / "smoke", "--losses", "hs"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if "No module named 'hsw2v'" in done.stderr:
        pytest.skip("hsw2v is not installed")
    assert done.returncode == 0, done.stderr
    assert "output layers hs;" in done.stdout
