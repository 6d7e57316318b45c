"""Settings and fixtures of all tests."""

from __future__ import annotations

import hypothesis
from some_browser import browser, visit

__all__ = ["browser", "visit"]

# The first example may compile: no test is too slow for that.
hypothesis.settings.register_profile("compiled", deadline=None)
hypothesis.settings.load_profile("compiled")
