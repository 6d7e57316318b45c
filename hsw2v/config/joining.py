"""What joins words to phrases: thresholds by the kind of score, and delimiters."""

from __future__ import annotations

from hsw2v.errors import UsageError

ENGLISH = "english"
"""The name of connector words that are known."""
SCORINGS = ("default", "npmi")
DEFAULT_THRESHOLD = {"default": 10.0, "npmi": 0.5}


def threshold_of(scoring: str, given: float | None) -> float:
    """Return the score that a pair must exceed to be a phrase.

    Raises:
        UsageError: no pair could, or all would.
    """
    threshold = DEFAULT_THRESHOLD[scoring] if given is None else given
    if scoring == "npmi" and not -1.0 <= threshold <= 1.0:
        raise UsageError(
            f"phrase_threshold is {threshold:g}",
            hint="with phrase_scoring npmi it must be at least -1 and at most 1",
        )
    if scoring == "default" and threshold <= 0.0:
        raise UsageError(f"phrase_threshold is {threshold:g}", hint="it must be above 0")
    return threshold


def checked_delimiter(delimiter: str) -> str:
    """Return a delimiter that makes one token of several.

    Raises:
        UsageError: it is empty, or holds white space.
    """
    if not delimiter or len(f"a{delimiter}b".split()) != 1:
        raise UsageError(
            f"phrase_delimiter is {delimiter[:100]!r}",
            hint="it must be one or more characters without white space",
        )
    return delimiter
