"""What `import hsw2v` gives, and what it costs."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

import hsw2v
from hsw2v import errors


def test_every_error_can_be_caught_at_the_top_level() -> None:
    families = [errors.Hsw2vError]
    while families:
        family = families.pop()
        assert getattr(hsw2v, family.__name__) is family
        families += family.__subclasses__()
    with pytest.raises(hsw2v.MissingInputError):
        hsw2v.load("no such file")


def test_every_name_is_there() -> None:
    assert sorted(hsw2v.__all__) == sorted(set(hsw2v.__all__))
    for name in hsw2v.__all__:
        assert getattr(hsw2v, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hsw2v.nothing  # noqa: B018


def test_the_version_is_that_of_the_package() -> None:
    assert hsw2v.__version__ == importlib.metadata.version("hsw2v")


def test_importing_it_imports_nothing_else_of_it_and_nothing_heavy() -> None:
    code = """
import sys
before = set(sys.modules)
import hsw2v
new = set(sys.modules) - before
assert [one for one in new if one.startswith("hsw2v")] == ["hsw2v"], new
assert not new & {"numpy", "numba", "importlib.metadata"}, new
hsw2v.errors.UsageError, hsw2v.events.Event, hsw2v.Hsw2vError
assert "numpy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
